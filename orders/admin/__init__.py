"""The order desk in the admin: the list, the page of one order, and the logs behind it."""

from orders.admin import desk_settings, limits, order_list, papers, records, rules

__all__ = ["desk_settings", "limits", "order_list", "papers", "records", "rules"]
