"""What the ground itself brings to the sidebar and to the roles."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.home import register_card
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar

WORK = ["view_incident", "add_incident", "work_incident"]
WRITE = ["view_messagetemplate", "view_outgoingmessage", "send_message", "reveal_message"]
SET_UP = [
    *(f"{verb}_{model}" for model in ("incidentrule", "incidentstep") for verb in ("view", "add", "change", "delete")),
    *(f"{verb}_{model}" for model in ("incidentcause", "messagetemplate") for verb in ("view", "add", "change")),
    "view_worktime", "change_worktime",
]  # fmt: skip
LOOK = [
    "view_incident", "view_incidentrule", "view_incidentstep", "view_incidentcause", "view_worktime",
    "view_messagetemplate", "view_outgoingmessage",
]  # fmt: skip
INCIDENT_ROLES = {
    "owner": [*WORK, *WRITE, *SET_UP, "view_robot", "add_robot", "change_robot", "delete_robot"],
    "ops_admin": [*WORK, *WRITE, *SET_UP],
    "order_clerk": [*WORK, *WRITE],
    "customer_service": [*WORK, *WRITE, "add_messagetemplate", "change_messagetemplate"],
    "warehouse_clerk": WORK,
    "bookkeeper": WORK,
    "buyer": WORK,
    "auditor": LOOK,
}


def register_incidents() -> None:
    """Register the incident desk and the messages; called once by AppConfig.ready()."""
    from backoffice.incidents import home, naming
    from backoffice.incidents.admin.views import waiting

    naming.register()
    register_role_permissions("backoffice", INCIDENT_ROLES)
    register_card("incidents", home.card, order=25, permission="backoffice.view_incident")
    lines = (
        ("desk", _("Incident desk"), "incident", "emergency_home", waiting),
        ("desk", _("Messages sent"), "outgoingmessage", "outgoing_mail", None),
        ("desk", _("Message templates"), "messagetemplate", "drafts", None),
        ("order_settings", _("Incident rules"), "incidentrule", "assignment_ind", None),
        ("order_settings", _("Incident causes"), "incidentcause", "category", None),
        ("order_settings", _("Working time and quiet hours"), "worktime", "schedule", None),
        ("order_settings", _("Group robots"), "robot", "smart_toy", None),
    )
    for place, (section, title, model, icon, badge) in enumerate(lines):
        register_sidebar(
            section, title, f"admin:backoffice_{model}_changelist", icon=icon,
            permission=f"backoffice.view_{model}", order=5 + place, badge=badge,
        )  # fmt: skip


def register_imports() -> None:
    """Register the page of imports and exports, and who sweeps lost files; called once by AppConfig.ready()."""
    from backoffice.attachments import keeping as attachments
    from backoffice.chores import register_chore
    from backoffice.guides import register_guide
    from backoffice.imports import tasks
    from backoffice.imports.guide import IMPORTS, may_see_a_list

    register_role_permissions("backoffice", {"owner": ["view_importrun"]})
    register_chore("imports.sweep", 3_600.0, tasks.clean_up)
    register_chore("attachments.sweep", 3_600.0, attachments.sweep)
    register_sidebar(
        "stock", _("Import and export"), "imports", icon="swap_vertical_circle", order=40,
        permission=may_see_a_list,
    )  # fmt: skip
    register_guide(IMPORTS)


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
