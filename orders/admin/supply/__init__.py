"""The pages of purchasing: suppliers, purchase orders, receipts, suggestions, settings."""

from orders.admin.supply import order_list, replenish, settings, suppliers

__all__ = ["order_list", "replenish", "settings", "suppliers"]
