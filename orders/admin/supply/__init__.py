"""The pages of purchasing: suppliers, purchase orders, receipts, suggestions, settings."""

from orders.admin.supply import attached, costs, order_list, replenish, settings, suppliers

__all__ = ["attached", "costs", "order_list", "replenish", "settings", "suppliers"]
