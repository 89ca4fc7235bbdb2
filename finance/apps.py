"""The finance app."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class FinanceConfig(AppConfig):
    """Register what finance brings to the house."""

    name = "finance"
    verbose_name = _("Books")

    def ready(self) -> None:
        """Guard vouchers and rates in the database and keep the starting data in place after every migrate."""
        from backoffice import triggers
        from finance import checks, guards, own_pages
        from finance.models import ExchangeRate, Voucher, VoucherLine

        triggers.append_only(Voucher)
        triggers.append_only(VoucherLine)
        triggers.append_only(ExchangeRate, allow_update_columns=("recorded_by_id",))  # its user may be deleted
        own_pages.register()
        register(checks.check_base_currency)
        post_migrate.connect(seed_after_migrate, sender=self, dispatch_uid="finance.seed")
        post_migrate.connect(guards.install_after_migrate, sender=self, dispatch_uid="finance.guards")


def seed_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Add currencies and chart where they are missing (also after a test's flush)."""
    from django.db import connections

    from finance import chart, currencies

    if using == "default" and "finance_ledgeraccount" in connections[using].introspection.table_names():
        currencies.seed_currencies()
        chart.seed_chart()
