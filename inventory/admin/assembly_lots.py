"""The lots of an assembly before it is posted: what would leave, what would come, every line to be changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _now

from inventory import readable
from inventory.lots import saying
from inventory.lots.building import ONE, Building, Used, Words, suggested
from inventory.lots.errors import LotRefused
from inventory.lots.saying import UNKNOWN_SIGN
from inventory.lots.tracing import paired
from inventory.models import UNKNOWN, Assembly, AssemblyLine, Lot, LotMovement, Reason, Sku, Tracking

LOT, SHOWN, DATE = "lot_", "shown_", "expires_on"
LONGEST = 20_000


@dataclasses.dataclass(slots=True)
class Row:
    """One tracked SKU on the page: its lots as proposed or typed, and what there is to know."""

    sku: Sku
    out: bool
    quantity: Decimal
    text: str
    notes: list[str] = dataclasses.field(default_factory=list)
    dated: bool = False
    error: str = ""

    @property
    def serial(self) -> bool:
        """One number for each piece."""
        return self.sku.tracking == Tracking.SERIAL

    @property
    def lines(self) -> int:
        """How high the field is."""
        return min(max(self.text.count("\n") + 1, 2), 8)


def words(data: QueryDict) -> Words:
    """Read what was typed."""
    typed = {int(name.removeprefix(LOT)): _tidy(data.get(name, "")) for name in data if _named(name)}
    return Words(typed, data.get(DATE, "").replace("\0", "").strip()[:20])


def _named(name: str) -> bool:
    number = name.removeprefix(LOT)
    return name.startswith(LOT) and number.isdecimal() and len(number) < 18


def _tidy(text: str) -> str:
    """A browser ends lines in its own way."""
    return "\n".join(line.strip() for line in text.replace("\0", "")[:LONGEST].splitlines()).strip()


def moved(data: QueryDict, building: Building) -> bool:
    """True when other lots leave than the page proposed for: what it said of the rest may be wrong now."""
    return any(
        f"{SHOWN}{pk}" in data and _tidy(data.get(f"{LOT}{pk}", "")) != _tidy(data.get(f"{SHOWN}{pk}", ""))
        for pk in building.leaving
    )


def untouched(data: QueryDict, said: Words, building: Building | None = None) -> Words:
    """Forget what nobody typed of the goods that come: it is proposed anew."""
    kept = {
        pk: text for pk, text in said.lots.items()
        if (building is not None and pk in building.leaving) or text != _tidy(data.get(f"{SHOWN}{pk}", ""))
    }  # fmt: skip
    return Words(kept, said.expires_on)


def rows(building: Building, said: Words, error: tuple[str, str] = ("", "")) -> list[Row]:
    """Return the lines of the page; what was typed stands as it was typed. `error` is (field, sentence)."""
    known = {} if building.build else building.known()
    found = []
    for pk, quantity in (*building.leaving.items(), *building.coming.items()):
        sku = building.skus.get(pk)
        if sku is None or not sku.tracking:
            continue
        out = pk in building.leaving
        used = building.out[pk] if out else known.get(pk, [])
        row = Row(sku, out, quantity, said.of(pk) or _text(sku, used, quantity))
        if out:
            row.notes += _short(sku, used, quantity)
        elif building.build:
            _made(building, row, bool(said.of(pk)))
        else:
            _back(building, row, bool(used))
        row.error = error[1] if error[0].startswith(f"lots[{pk}]") else ""
        found.append(row)
    return found


def _text(sku: Sku, used: Iterable[Used], quantity: Decimal) -> str:
    rows = list(used)
    if sum((one.quantity for one in rows), Decimal(0)) != quantity:
        return ""
    if sku.tracking == Tracking.SERIAL or len(rows) == 1:
        text = "\n".join(one.number or UNKNOWN_SIGN for one in rows)
    else:
        text = "\n".join(f"{one.number or UNKNOWN_SIGN} × {one.quantity.normalize():f}" for one in rows)
    try:
        said = saying.said(sku, quantity, text, dated=False)
    except LotRefused:
        return ""
    meant = [(one.number, one.quantity) for one in rows]
    return text if [(one.number, one.quantity) for one in said] == meant else ""  # a number may look like an amount


def _short(sku: Sku, used: list[Used], quantity: Decimal) -> list[str]:
    there = sum((one.quantity for one in used), Decimal(0))
    notes = [_now("expires on %(day)s: %(lot)s") % {"day": one.expires_on, "lot": one.number}
             for one in used if one.expires_on][:6]  # fmt: skip
    if there < quantity:
        said = {"there": readable.pieces(there), "wanted": readable.pieces(quantity)}
        notes.append(
            _now("Only %(there)s of %(wanted)s may leave by themselves: the rest is blocked or expired.") % said
        )
    elif not _text(sku, used, quantity):
        lots = ", ".join(f"{one.number or UNKNOWN} × {readable.pieces(one.quantity)}" for one in used[:20])
        notes.append(_now("Left empty, these leave: %(lots)s") % {"lots": lots})
    return notes


def _made(building: Building, row: Row, typed: bool) -> None:
    """The lot of what is built: a new number, the date of the part that expires first."""
    if row.serial:
        row.notes.append(
            _now("One serial number for each piece. The first serials of the parts are in the first piece.")
        )
    elif not typed:
        row.text = suggested(row.sku)
    row.dated = row.sku.tracking == Tracking.EXPIRY
    if row.dated and building.earliest:
        row.notes.append(
            _now("Without a date: %(day)s, when the first of the parts expires.") % {"day": building.earliest}
        )


def _back(building: Building, row: Row, known: bool) -> None:
    """Where a part goes: the lots it was built from, or a question."""
    row.dated = row.sku.tracking == Tracking.EXPIRY and not known
    may = building.possible.get(row.sku.pk, [])
    if len(may) > 1:
        row.notes.append(
            _now("It may be any of these, see what stands on it: %(lots)s") % {"lots": ", ".join(may[:20])}
        )
    elif not known:
        row.notes.append(_now("The books do not know what it was built from: say which lot it is."))


def by_side(found: Iterable[Row]) -> Mapping[str, list[Row]]:
    """The lines that leave and those that come."""
    there = list(found)
    return {"leaving": [one for one in there if one.out], "coming": [one for one in there if not one.out]}


def moved_by(made: Assembly) -> dict[str, Any]:
    """The lines of an assembly with the lots they moved, and which serial is in which: two queries."""
    lines = list(made.lines.select_related("part").order_by("pk"))
    moves = LotMovement.objects.filter(reference=made.reference, reason=Reason.ASSEMBLY).select_related("lot")
    by_sku: dict[int, list[LotMovement]] = {}
    for one in moves.order_by("id"):
        by_sku.setdefault(one.sku_id, []).append(one)
    for line in lines:
        line.moved = _pieces(by_sku.get(line.part_id, []))  # type: ignore[attr-defined]
    mine = by_sku.get(made.sku_id, [])
    return {"lines": lines, "moved": _pieces(mine), "pairs": _pairs(mine, lines, by_sku)}


def _pieces(moves: Iterable[LotMovement]) -> list[tuple[Lot, Decimal]]:
    return [(one.lot, abs(one.quantity)) for one in moves]


def _pairs(
    mine: list[LotMovement], lines: Iterable[AssemblyLine], by_sku: Mapping[int, list[LotMovement]]
) -> list[tuple[Lot, list[Lot]]]:
    """Of serials: the first serials of the parts are in the first piece."""
    if len(mine) < 2 or any(abs(one.quantity) != 1 for one in mine):
        return []
    inside: dict[int, list[Lot]] = {one.lot_id: [] for one in mine}
    for line in lines:
        moves = by_sku.get(line.part_id, [])
        if not all(abs(one.quantity) == 1 and one.lot.number for one in moves):
            continue
        lots = {one.lot_id: one.lot for one in moves}
        for lot_id, shares in paired([(one.lot_id, ONE) for one in mine], [(one, ONE) for one in lots]).items():
            inside[lot_id] += [lots[one] for one, _quantity in shares]
    return [(one.lot, inside[one.lot_id]) for one in mine if inside[one.lot_id]]
