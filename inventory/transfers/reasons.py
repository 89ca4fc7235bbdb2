"""Why a line was proposed: kept as figures, told in the language of whoever reads."""

from __future__ import annotations

import json
from decimal import Decimal

from django.utils.translation import gettext as _

from inventory.models import TransferLine
from inventory.readable import pieces


def kept(*, orders: Decimal, low: Decimal, free: Decimal) -> str:
    """Return what a line keeps: pieces that orders wait for, that fill the shelf, and that are free at the origin."""
    return json.dumps({"orders": str(orders), "low": str(low), "free": str(free)})


def told(why: str, *, origin: str, destination: str) -> str:
    """Return the sentence of what a line keeps, with the codes of the warehouses; another text as it is."""
    try:
        found = json.loads(why)
        figures = {name: Decimal(found[name]) for name in ("orders", "low", "free")}
    except (ValueError, TypeError, KeyError, ArithmeticError):
        return why
    params = {"to": destination, "from": origin, **{name: pieces(value) for name, value in figures.items()}}
    if not figures["low"]:
        return _("Orders wait for %(orders)s in %(to)s; %(free)s are free in %(from)s.") % params
    if figures["orders"]:
        text = _("Orders wait for %(orders)s in %(to)s, and %(low)s fill the shelf; %(free)s are free in %(from)s.")
        return text % params
    return _("%(to)s is %(low)s below its low-stock mark; %(free)s are free in %(from)s.") % params


def of_line(line: TransferLine) -> str:
    """Return why a line was proposed; "" for one that a person wrote."""
    transfer = line.transfer
    return told(line.why, origin=transfer.origin.code, destination=transfer.destination.code) if line.why else ""
