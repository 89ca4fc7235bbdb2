"""The backoffice app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class BackofficeConfig(AppConfig):
    """Register what backoffice brings to the house."""

    name = "backoffice"
    verbose_name = _("Back office")

    def ready(self) -> None:
        """Guard append-only tables and bring the roles up to date after every migrate; fill the settings section."""
        from backoffice import checks, notices, own_pages, roles, triggers  # noqa: F401 — checks register themselves
        from backoffice.chores import register_chore
        from backoffice.incidents import causes, escalation, kinds
        from backoffice.messages import adapters, sending, starters
        from backoffice.models import AuditEntry

        triggers.append_only(AuditEntry)
        post_migrate.connect(triggers.install_after_migrate, dispatch_uid="backoffice.triggers")
        post_migrate.connect(roles.sync_after_migrate, dispatch_uid="backoffice.roles")
        post_migrate.connect(causes.after_migrate, dispatch_uid="backoffice.causes")
        post_migrate.connect(starters.after_migrate, dispatch_uid="backoffice.templates")
        kinds.register_own()
        adapters.register()
        register_chore("escalation", 30.0, escalation.escalate_due)
        register_chore("notices", 15.0, notices.send_due)
        register_chore("messages", 2.0, sending.send_due)
        own_pages.register()
        own_pages.register_incidents()
        own_pages.register_imports()
