"""What the ground itself brings to the sidebar and to the roles."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar


def register() -> None:
    """Register the pages of the ground; called once by AppConfig.ready()."""
    register_role_permissions(
        "backoffice",
        {
            "owner": [
                "view_user", "add_user", "change_user",
                "view_apikey", "add_apikey", "change_apikey",
                "view_auditentry", "view_heartbeat", "view_lease", "view_taskattempt",
            ],
            "ops_admin": ["view_auditentry", "view_heartbeat", "view_lease", "view_taskattempt"],
            "auditor": ["view_user", "view_apikey", "view_auditentry", "view_heartbeat", "view_taskattempt"],
        },
    )  # fmt: skip
    register_role_permissions("auth", {"owner": ["view_group", "add_group", "change_group"], "auditor": ["view_group"]})
    register_role_permissions("axes", {"owner": ["view_accessattempt", "delete_accessattempt"]})
    lines = [
        (_("Users"), "admin:backoffice_user_changelist", "group", "backoffice.view_user"),
        (_("Roles"), "admin:auth_group_changelist", "badge", "auth.view_group"),
        (_("API keys"), "admin:backoffice_apikey_changelist", "key", "backoffice.view_apikey"),
        (_("Audit trail"), "admin:backoffice_auditentry_changelist", "history", "backoffice.view_auditentry"),
        (_("Failed log-ins"), "admin:axes_accessattempt_changelist", "gpp_maybe", "axes.view_accessattempt"),
        (_("Processes"), "admin:backoffice_heartbeat_changelist", "ecg_heart", "backoffice.view_heartbeat"),
        (
            _("Background work"),
            "admin:backoffice_taskattempt_changelist",
            "work_history",
            "backoffice.view_taskattempt",
        ),
    ]
    for place, (title, url, icon, permission) in enumerate(lines):
        register_sidebar("settings", title, url, icon=icon, permission=permission, order=500 + place)
