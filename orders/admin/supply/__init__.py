"""The pages of purchasing: suppliers, purchase orders, receipts, suggestions, settings."""

from orders.admin.supply import costs, order_list, replenish, settings, suppliers

__all__ = ["costs", "order_list", "replenish", "settings", "suppliers"]
