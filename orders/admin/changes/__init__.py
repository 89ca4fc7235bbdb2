"""What people make of orders, in the admin: sent together, split, gifts, replaced, entered by hand, quoted."""

from orders.admin.changes import groups, own_orders, quote_list, settings

__all__ = ["groups", "own_orders", "quote_list", "settings"]
