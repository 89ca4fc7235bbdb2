"""The inventory app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InventoryConfig(AppConfig):
    """Register what inventory brings to the house."""

    name = "inventory"
    verbose_name = _("Stock")
