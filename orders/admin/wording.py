"""How quantities and ages read on the order desk."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from orders.models import LinePromise


def pieces(quantity: Decimal) -> str:
    """`3`, `0.5`: no trailing zeros."""
    return f"{quantity.normalize():f}" if quantity else "0"


def short_age(span: dt.timedelta) -> str:
    """`5 min`, `3 h`, `2 d`."""
    minutes = max(int(span.total_seconds() // 60), 0)
    if minutes < 60:
        return _("%d min") % minutes
    if minutes < 48 * 60:
        return _("%d h") % (minutes // 60)
    return _("%d d") % (minutes // (24 * 60))


def delivery(row: LinePromise) -> str:
    """Name an expected delivery and how much of it is promised."""
    day = date_format(row.expected_on, "SHORT_DATE_FORMAT")
    told = _("%(pieces)s from the delivery of %(day)s") % {"pieces": pieces(row.quantity), "day": day}
    return f"{told} ({row.arrival.source})" if row.arrival.source else told
