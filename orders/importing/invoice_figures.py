"""The figures of an invoiced row: unit price or amount, whichever the paper gives, told as a price a piece."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _now

from backoffice.imports.kinds import Line, plain
from backoffice.money import round_money
from orders.supply.invoicing import Asked

PLACES = 6
MOST = Decimal(10) ** 8


def asked(line: Line, each: Decimal, places: int) -> Asked | None:
    """Return what a row asks; `each` are the pieces one of it is. None, with the cell refused, when it is no sense."""
    quantity, price, amount = (line.values[name] for name in ("quantity", "price", "amount"))
    pieces = quantity * each
    if not 0 < pieces < 10**9 or pieces != round(pieces, 3):
        line.refuse("quantity", _now("More than zero, please."))
        return None
    if price is None and amount is None:
        line.refuse("price", _now("Give the unit price or the amount of the line."))
        return None
    if price is not None and amount is not None and not _agree(quantity, price, amount):
        what = _now("%(quantity)s × %(price)s is %(product)s, not %(amount)s")
        line.refuse("amount", what % {"quantity": plain(quantity), "price": plain(price), "amount": plain(amount),
                                      "product": plain(round_money(quantity * price, places))})  # fmt: skip
        return None
    paper = quantity * price if amount is None else amount
    as_said = price is not None and each == 1 and round_money(quantity * price, places) == round_money(paper, places)
    unit = price if as_said else round(paper / pieces, PLACES)
    if unit >= MOST:
        line.refuse("price", _now("is no price"))
        return None
    if round_money(unit * pieces, places) != round_money(paper, places):
        line.refuse("amount", _now("a price of six places does not give it to the coin: split the row"))
        return None
    return Asked(pieces, unit, line.values["tax"])


def _agree(quantity: Decimal, price: Decimal, amount: Decimal) -> bool:
    """True when the price on the paper is the amount a piece, rounded to the places it is written with."""
    written = -int(price.normalize().as_tuple().exponent)
    half = Decimal("0.5").scaleb(-max(2, written))
    return abs(quantity * price - amount) <= quantity * half + Decimal("0.005")


def on_paper(values: dict[str, str | None]) -> tuple[Decimal, Decimal, Decimal]:
    """Return quantity, amount and tax of a stored row as the paper has them."""
    quantity, price, amount, tax = (Decimal(values.get(name) or 0) for name in ("quantity", "price", "amount", "tax"))
    return quantity, amount if values.get("amount") is not None else quantity * price, tax
