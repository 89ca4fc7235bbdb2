"""Lots as people say them in one field: `A12`, or one a line `A12 × 6 @ 2027-03-31`; serials as a list.

The same words on every page, in every file: the pieces stand behind `×`, `*` or `=`, the expiry date behind `@`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from inventory import codes
from inventory.lots.errors import refused
from inventory.lots.registry import checked
from inventory.lots.shelf import today
from inventory.models import Sku, Tracking

UNKNOWN_SIGN = "?"  # how the unknown lot is named where a lot has to be
_LINES = re.compile(r"[\n\r;；]+")
_SERIALS = re.compile(r"[\n\r;；,，、\t ]+")
_PIECES = re.compile(r"\s*[×*＊=＝]\s*([0-9０-９.]+)\s*$")
_DAY = re.compile(r"^(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?$|^(\d{4})(\d{2})(\d{2})$")


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """One lot somebody named: its pieces, and when it expires where that was said."""

    number: str
    quantity: Decimal
    expires_on: dt.date | None = None


def day(text: str, *, field: str = "expires_on") -> dt.date | None:
    """Read a date as people write it; empty is none. Raises LotRefused."""
    text = codes.display(text)
    if not text:
        return None
    found = _DAY.match(text)
    parts = [int(one) for one in found.groups() if one] if found else []
    try:
        return dt.date(*parts)
    except (TypeError, ValueError):
        raise refused("bad_date", text=text[:40], field=field) from None


def suggested(sku: Sku) -> dt.date | None:
    """The expiry date of goods received today, from the shelf life of their SKU."""
    if sku.tracking != Tracking.EXPIRY or sku.shelf_life_days is None:
        return None
    return today() + dt.timedelta(days=sku.shelf_life_days)


def said(
    sku: Sku, quantity: Decimal, text: str, expires: str | dt.date | None = None, *, demanded: bool = True,
    dated: bool = True, otherwise: dt.date | None = None,
) -> tuple[Said, ...]:  # fmt: skip
    """Read the lots of a line of goods coming in (`dated`), or going out. An SKU that is not tracked has none.

    A lot of which nobody says when it expires, and that has no date yet, gets the one of `otherwise`.

    Raises LotRefused naming the field (`lot`, `expires_on`): no lot where one is demanded, pieces that do not add up,
    a missing expiry date, a serial that is not one piece.
    """
    text, until = text.strip(), expires if isinstance(expires, dt.date) else day(expires or "")
    if sku.tracking == Tracking.NONE:
        if text:
            raise refused("not_tracked", sku=sku.code, field="lot")
        return ()
    if not text:
        if demanded:
            raise refused("lot_missing", sku=sku.code, field="lot")
        return ()
    found = _serials(text) if sku.tracking == Tracking.SERIAL else _lots(text, quantity)
    _judge(sku, quantity, found)
    return with_dates(sku, found, until, otherwise) if dated else tuple(found)


def with_dates(
    sku: Sku, found: Sequence[Said], until: dt.date | None, otherwise: dt.date | None = None,
    stands: Mapping[str, dt.date | None] | None = None,
) -> tuple[Said, ...]:  # fmt: skip
    """Say when each lot expires, where the SKU has dates; `stands` are dates kept already, by the number for matching.

    Raises LotRefused (expiry_missing).
    """
    if sku.tracking != Tracking.EXPIRY:
        return tuple(found)
    return tuple(_dated(sku, one, until, otherwise, stands) for one in found)


def _serials(text: str) -> list[Said]:
    return [Said(checked(one), Decimal(1)) for one in _SERIALS.split(text) if one.strip()]


def _lots(text: str, quantity: Decimal) -> list[Said]:
    rows = [row for row in _LINES.split(text) if row.strip()]
    return [_lot(row, quantity if len(rows) == 1 else None) for row in rows]


def _lot(row: str, whole: Decimal | None) -> Said:
    name, _at, when = row.partition("@")
    expires_on = day(when)
    pieces = _PIECES.search(name)
    if pieces is None:
        if whole is None:
            raise refused("bad_quantity", text=row.strip()[:40], field="lot")
        return Said(checked(name), whole, expires_on)
    return Said(checked(name[: pieces.start()]), _pieces(pieces.group(1)), expires_on)


def _pieces(text: str) -> Decimal:
    try:
        number = Decimal(codes.normalise(text))
    except InvalidOperation:
        raise refused("bad_quantity", text=text[:40], field="lot") from None
    if number <= 0 or number != round(number, 3):
        raise refused("bad_quantity", text=text[:40], field="lot")
    return number


def _judge(sku: Sku, quantity: Decimal, found: Sequence[Said]) -> None:
    keys = [codes.normalise(one.number) for one in found]
    twice = next((one.number for place, one in enumerate(found) if keys[place] in keys[:place]), None)
    if twice is not None:
        raise refused("lot_twice", lot=twice, field="lot")
    total = sum((one.quantity for one in found), Decimal(0))
    if total != quantity:
        raise refused(
            "split_sum", said=f"{total.normalize():f}", wanted=f"{quantity.normalize():f}", field="lot"
        )  # fmt: skip


def _dated(
    sku: Sku, one: Said, until: dt.date | None, otherwise: dt.date | None = None,
    stands: Mapping[str, dt.date | None] | None = None,
) -> Said:  # fmt: skip
    if not one.number:  # of the unknown lot nobody knows
        return dataclasses.replace(one, expires_on=None)
    expires_on = one.expires_on or until
    if expires_on is None:
        kept = _stands(sku, one.number) if stands is None else stands.get(codes.normalise(one.number))
        expires_on = kept or otherwise or suggested(sku)
    if expires_on is None:
        raise refused("expiry_missing", lot=one.number, sku=sku.code, field="expires_on")
    return dataclasses.replace(one, expires_on=expires_on)


def _stands(sku: Sku, number: str) -> dt.date | None:
    """A lot that came before has its date already."""
    return sku.lots.filter(number_key=codes.normalise(number)).values_list("expires_on", flat=True).first()


def present(sku: Sku, on_hand: Decimal, text: str) -> tuple[Said, ...]:
    """Read the lots of goods that lie there already: they may be fewer than there are, the rest is unknown."""
    if sku.tracking == Tracking.SERIAL:
        found = _serials(text)
    else:
        found = _lots(text, on_hand)
    total = sum((one.quantity for one in found), Decimal(0))
    _judge(sku, min(total, on_hand), found)
    return tuple(_dated(sku, one, None) for one in found) if sku.tracking == Tracking.EXPIRY else tuple(found)


def pairs(found: Sequence[Said]) -> tuple[tuple[str, Decimal], ...]:
    """The lots as the ledger takes them."""
    return tuple((one.number, one.quantity) for one in found)


def as_json(found: Sequence[Said]) -> list[list[str]] | None:
    """The lots as a document's line keeps them."""
    return [[one.number, f"{one.quantity:f}"] for one in found] or None


def kept(value: Any) -> tuple[tuple[str, int], ...]:
    """What a line keeps, as the ledger's moves take it; a raw cursor hands JSON out as text."""
    rows = json.loads(value) if isinstance(value, str) else value
    return tuple((str(number), int(Decimal(pieces) * 1000)) for number, pieces in rows or ())
