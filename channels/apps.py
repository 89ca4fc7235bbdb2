"""The channels app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChannelsConfig(AppConfig):
    """Register what channels brings to the house."""

    name = "channels"
    verbose_name = _("Shops")

    def ready(self) -> None:
        """Listen to the stock's and the orders' news, and say who may see what."""
        from backoffice import outbox
        from backoffice.chores import register_chore
        from backoffice.imports.kinds import register_kind
        from channels import alarms, erasing, own_pages, stock_alerts, tracking, visibility
        from channels.importing import ListingKind
        from channels.push import consumer

        outbox.register_consumer("inventory.StockChangeDelivery", consumer.NAME, consumer.handle)
        outbox.register_consumer("orders.OrderEventDelivery", tracking.NAME, tracking.handle)
        visibility.register()
        own_pages.register()
        register_kind(ListingKind)
        erasing.register()
        alarms.register_kinds()
        stock_alerts.register()
        register_chore("shop_incidents", 60.0, alarms.look_at_errors)
