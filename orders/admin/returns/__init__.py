"""The pages of returns: list, one return, arrivals, inspection, what lies apart, unknown parcels, settings, report."""

from orders.admin.returns import return_list, settings, strays

__all__ = ["return_list", "settings", "strays"]
