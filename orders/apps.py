"""The orders app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    """Register what orders brings to the house."""

    name = "orders"
    verbose_name = _("Orders")
