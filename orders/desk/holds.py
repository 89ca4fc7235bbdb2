"""Reasons to look at an order that no check finds: set by people, by edits and by what platforms do on their own."""

from __future__ import annotations

import datetime as dt

from orders.models import Order
from orders.models.order import Department

MANUAL = "manual"  # a person holds it: only a person lets it go
EDITED = "edited"  # the platform changed it after review
PAYMENT_LOST = "payment_lost"  # the money went back or the authorisation ended
CLOSED = "closed"  # finished over there with goods left to send
CANCELLED_LATE = "cancelled_late"  # cancelled over there after something had left
SHIPPED_MORE = "shipped_more"  # more has left than is wanted now
WITHOUT_STOCK = "without_stock"  # sent over there, but our books had no such goods
GONE = "gone"  # the platform does not know it any more
PRESALE = "presale"  # its goods are not sold from stock yet; lets go by itself
UNDONE = "undone"  # an approval was taken back
NOT_FOUND = "not_found"  # reserved goods are not on their shelf, and no other warehouse has them
OWNERS = {
    MANUAL: Department.DESK,
    EDITED: Department.DESK,
    PAYMENT_LOST: Department.SERVICE,
    CLOSED: Department.SERVICE,
    CANCELLED_LATE: Department.SERVICE,
    SHIPPED_MORE: Department.SERVICE,
    WITHOUT_STOCK: Department.WAREHOUSE,
    GONE: Department.SERVICE,
    UNDONE: Department.DESK,
    NOT_FOUND: Department.WAREHOUSE,
    PRESALE: Department.BUYING,
}


def put(order: Order, code: str, now: dt.datetime, *, note: str = "", department: str = "") -> None:
    """Give a locked order a reason to be looked at; its age counts from the first reason. Saves nothing."""
    order.hold_code, order.hold_note = code, note[:300]
    order.hold_department = department or OWNERS[code]
    order.held_since, order.hold_until = order.held_since or now, None


def clear(order: Order) -> None:
    """Take the reason away. Saves nothing."""
    order.hold_code, order.hold_note, order.hold_department = "", "", ""
    order.held_since, order.hold_until = None, None
