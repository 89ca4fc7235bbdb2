"""The finance app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FinanceConfig(AppConfig):
    """Register what finance brings to the house."""

    name = "finance"
    verbose_name = _("Books")
