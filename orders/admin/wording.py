"""How quantities and ages read on the order desk."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.utils.translation import gettext as _


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
