"""The inventory app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InventoryConfig(AppConfig):
    """Register what inventory brings to the house."""

    name = "inventory"
    verbose_name = _("Stock")

    def ready(self) -> None:
        """Bring the pages, the cards and the rights of the roles."""
        from inventory import guides, importing, incident_sight, naming, own_pages

        own_pages.register()
        naming.register()
        importing.register()
        guides.register()
        incident_sight.register()
