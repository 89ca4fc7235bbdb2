"""The orders app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    """Register what orders brings to the house."""

    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        """Bring the pages, the roles and the checks."""
        from django.db.models.signals import post_migrate

        from backoffice.chores import register_chore
        from orders import guides, importing, naming, own_pages
        from orders.desk.rules import carriers, own_works, routes, works

        own_pages.register()
        own_works.register_own()
        routes.register_route()
        carriers.register_carrier()
        register_chore("rule_works", 2.0, works.run_due)
        naming.register()
        importing.register()
        guides.register()
        post_migrate.connect(own_pages.checks_after_migrate, sender=self, dispatch_uid="orders.checks")
