"""The order desk in the admin: the list, the page of one order, and the logs behind it."""

from orders.admin import (
    changes,
    desk_settings,
    floor,
    late,
    limits,
    order_list,
    papers,
    presales,
    records,
    returns,
    routing,
    rules,
    supply,
)

__all__ = [
    "changes",
    "desk_settings",
    "floor",
    "late",
    "limits",
    "order_list",
    "papers",
    "presales",
    "records",
    "returns",
    "routing",
    "rules",
    "supply",
]
