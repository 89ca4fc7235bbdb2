"""Find lots by SKU and number, and make those that nobody has seen before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from django.db.models import Q

from backoffice import bulk, clock
from inventory import codes
from inventory.lots.errors import refused
from inventory.lots.shelf import Line, sellable, today
from inventory.models import Lot, LotSetting
from inventory.models.lots import LONGEST

if TYPE_CHECKING:
    from inventory.ledger import Move

Name = tuple[int, str]  # (sku id, number for matching)
_COLUMNS = (
    "sku_id", "number", "number_key", "supplier_reference", "state", "blocked_reason", "first_received_at", "note",
)  # fmt: skip


def checked(number: str) -> str:
    """Return a number as it is kept. Raises LotRefused for one that nobody could read or type."""
    shown = codes.display(number)
    if shown == "?":  # the unknown lot, where a lot has to be named
        return ""
    if not shown or len(shown) > LONGEST or len(codes.normalise(number)) > codes.LONGEST:
        raise refused("bad_number", lot=number[:80])
    return shown


def kept(number: str) -> str:
    """Return a number of a document's line as it is kept; an empty one is the unknown lot."""
    return checked(number) if number else ""


def make(names: Iterable[tuple[int, str]]) -> None:
    """Make the lots of these SKUs that are not there, in one order, so that two callers never lock crosswise."""
    now = clock.now()
    wanted = sorted({(sku_id, codes.normalise(number)): number for sku_id, number in names}.items())
    rows = [(key[0], number, key[1], "", Lot.State.OPEN.value, "", now, "") for key, number in wanted]
    if rows:
        bulk.insert_rows(Lot, _COLUMNS, rows, ignore_conflicts=True, conflict_target=("sku", "number_key"))


class Book:
    """The lots that some movements may touch, by id and by name."""

    def __init__(self, names: Collection[tuple[int, str]], ids: Collection[int]) -> None:
        self.by_id: dict[int, Line] = {}
        self.by_name: dict[Name, Line] = {}
        self.codes: dict[int, str] = {}
        self._read(names, ids)

    @classmethod
    def of(cls, moves: Sequence[Move], ids: Collection[int]) -> Book:
        """Read (and make, where goods come in) everything the movements name."""
        from inventory.lots.sharing import said

        names: set[tuple[int, str]] = {
            (move.sku_id, kept(number)) for move in moves for number, _quantity in said(move)
        }
        unknown = {(move.sku_id, "") for move in moves if move.quantity > 0 and not said(move)}
        book = cls(names | unknown, ids)
        coming = {(move.sku_id, kept(number)) for move in moves if move.quantity > 0
                  for number, _quantity in said(move)} | unknown  # fmt: skip
        new = [one for one in coming if (one[0], codes.normalise(one[1])) not in book.by_name]
        if new:
            make(new)
            book._read(new, ())
        return book

    def _read(self, names: Collection[tuple[int, str]], ids: Collection[int]) -> None:
        if not names and not ids:
            return
        condition = Q(pk__in=ids)
        if names:
            skus, keys = {one[0] for one in names}, {codes.normalise(one[1]) for one in names}
            condition |= Q(sku_id__in=skus, number_key__in=keys)
        house, day = house_days(), today()
        for lot in Lot.objects.filter(condition).select_related("sku").order_by("pk"):
            days = house if lot.sku.ship_days is None else lot.sku.ship_days
            may_go = sellable(lot.state, lot.expires_on, days, day)
            line = Line(lot.pk, lot.number, 0, lot.expires_on, lot.first_received_at, may_go)
            self.by_id[lot.pk] = self.by_name[lot.sku_id, lot.number_key] = line
            self.codes[lot.sku_id] = lot.sku.code

    def line(self, lot_id: int) -> Line:
        """The lot, with nothing on the shelf yet."""
        return _empty(self.by_id[lot_id])

    def named(self, sku_id: int, number: str) -> Line:
        """The lot of a number. Raises LotRefused when there is none (goods cannot leave from it)."""
        found = self.by_name.get((sku_id, "" if number == "?" else codes.normalise(number)))
        if found is None:
            raise refused("unknown_lot", lot=number, sku=self.code(sku_id))
        return _empty(found)

    def unknown(self, sku_id: int) -> Line:
        """The lot of goods of which nobody said which they are."""
        if (sku_id, "") not in self.by_name:
            make([(sku_id, "")])
            self._read([(sku_id, "")], ())
        return _empty(self.by_name[sku_id, ""])

    def code(self, sku_id: int) -> str:
        """The SKU's code, for a sentence."""
        return self.codes.get(sku_id, str(sku_id))


def _empty(line: Line) -> Line:
    return Line(line.lot_id, line.number, 0, line.expires_on, line.first_received_at, line.sellable)


def house_days() -> int:
    """How many days a lot must still be good when it is shipped, where its SKU says nothing."""
    return LotSetting.objects.filter(pk=1).values_list("ship_days", flat=True).first() or 0
