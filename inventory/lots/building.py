"""Which lots an assembly takes off the shelf and which it puts on it: as somebody says, in turn, or as is known.

Worked out under the locks of the balances and handed to the ledger as said lots, so that what is shown before is what
is posted when nobody moved goods meanwhile.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from inventory import codes
from inventory.balances import Locked
from inventory.errors import NegativeStock, Short
from inventory.lots import keeping, saying, tracing
from inventory.lots.errors import LotShort, refused, refused_at
from inventory.lots.shelf import Line, pieces, today
from inventory.models import Assembly, Bucket, Lot, Sku, Tracking
from inventory.sets import Pair

ONE = 1_000
Pairs = tuple[tuple[str, Decimal], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Used:
    """Pieces of a lot, as the ledger takes them."""

    lot_id: int
    number: str
    quantity: Decimal
    expires_on: dt.date | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Words:
    """What somebody says of the lots: by SKU in the words of `saying`, and when the built goods expire."""

    lots: Mapping[int, str] = dataclasses.field(default_factory=dict)
    expires_on: str = ""

    def of(self, sku_id: int) -> str:
        """What was said of a SKU."""
        return self.lots.get(sku_id, "").strip()


def suggested(sku: Sku) -> str:
    """Return a number for a lot that is built today and that no lot of the SKU has."""
    day = f"{today():%Y%m%d}"
    taken = set(sku.lots.filter(number_key__startswith=day).values_list("number_key", flat=True))
    return next(one for one in (day, *(f"{day}-{nth}" for nth in range(2, len(taken) + 3))) if one not in taken)


class Building:
    """The lots of one assembly, under the locks of its balances; nothing is asked for goods that are not tracked."""

    def __init__(
        self, made: Assembly, parts: Mapping[int, Decimal], locked: Mapping[Pair, Locked], words: Words
    ) -> None:
        self.made, self.words, self.locked = made, words, locked
        whole = {made.sku_id: made.quantity}
        self.build = made.kind == Assembly.Kind.BUILD
        self.leaving: Mapping[int, Decimal] = parts if self.build else whole
        self.coming: Mapping[int, Decimal] = whole if self.build else parts
        goods = (made.sku_id, *parts)
        tracked = {pk for pk in goods if self._balance(pk).tracking}
        asked = tracked | {pk for pk in goods if words.of(pk)}
        self.skus = Sku.objects.in_bulk(sorted(asked)) if asked else {}
        for pk, sku in self.skus.items():
            sku.tracking = self._balance(pk).tracking  # as it is under the lock
        self.out: dict[int, list[Used]] = {}
        self.held = False  # something is built in that may not be sold any more
        self.possible: dict[int, list[str]] = {}  # the lots of a part that what is taken apart may hold

    def _balance(self, sku_id: int) -> Locked:
        return self.locked[sku_id, self.made.warehouse_id]

    def lots(self) -> dict[int, Pairs]:
        """Return the lots of each SKU, new ones made. Raises LotRefused (naming `lots[SKU id].lot`) and LotShort."""
        if not self.skus:
            return {}
        self.enough()
        found: dict[int, Pairs] = {}
        self.take()
        for pk, used in self.out.items():
            found[pk] = tuple((one.number, one.quantity) for one in used)
        self._unreserved()
        known = {} if self.build else self.known()
        said: dict[int, tuple[saying.Said, ...]] = {}
        for pk in self.coming:
            if pk in self.skus:
                with refused_at(f"lots[{pk}]"):
                    said[pk] = self._built(pk) if self.build else self._back(pk, known.get(pk, ()))
        found |= {pk: saying.pairs(lots) for pk, lots in self._dated(said).items()}
        return found

    def _dated(self, coming: Mapping[int, Sequence[saying.Said]]) -> Mapping[int, Sequence[saying.Said]]:
        """Say when each lot expires, and make the lots that are new: a few statements for any number."""
        dated = [pk for pk in coming if self.skus[pk].tracking == Tracking.EXPIRY]
        stands: dict[int, dict[str, dt.date | None]] = {pk: {} for pk in dated}
        keys = {codes.normalise(one.number) for pk in dated for one in coming[pk]}
        rows = Lot.objects.filter(sku_id__in=dated, number_key__in=keys) if keys else Lot.objects.none()
        for sku_id, key, expires_on in rows.values_list("sku_id", "number_key", "expires_on"):
            stands[sku_id][key] = expires_on
        until, found = saying.day(self.words.expires_on) if self.build else None, {}
        for pk, said in coming.items():
            with refused_at(f"lots[{pk}]"):
                found[pk] = saying.with_dates(
                    self.skus[pk], said, until, self.earliest if self.build else None, stands.get(pk, {})
                )
                if self.build:
                    self._no_better(pk, coming[pk], found[pk])
        keeping.announce_all({pk: (self.skus[pk].code, said) for pk, said in found.items()})
        return found

    # --- what leaves -------------------------------------------------------------------------------------------------

    def enough(self) -> None:
        """Raise NegativeStock for all that is not there at once, before any lot is asked for."""
        shorts = []
        for pk, quantity in self.leaving.items():
            balance = self._balance(pk)
            free = balance.on_hand - balance.reserved
            if quantity * ONE > free:
                shorts.append(self._short(pk, quantity, free))
        if shorts:
            raise NegativeStock(shorts)

    def take(self, *, strict: bool = True) -> None:
        """Say which lots leave. Not `strict`, what may not leave by itself is left out instead of refused."""
        for pk in self.leaving:
            if pk in self.skus:
                with refused_at(f"lots[{pk}]"):
                    self.out[pk] = self._leaving(pk) if strict or self.words.of(pk) else self.in_turn(pk)

    def _short(self, sku_id: int, wanted: Decimal, available: int) -> Short:
        return Short(sku_id=sku_id, warehouse_id=self.made.warehouse_id, bucket=Bucket.ON_HAND.value, wanted=wanted,
                     available=pieces(max(available, 0)))  # fmt: skip

    def _leaving(self, sku_id: int) -> list[Used]:
        sku, quantity = self.skus[sku_id], self.leaving[sku_id]
        text = self.words.of(sku_id)
        _whole(sku, quantity)
        if text:
            return self._named(sku, saying.said(sku, quantity, text, dated=False))
        found = self.in_turn(sku_id)
        there = sum((one.quantity for one in found), Decimal(0))
        if there < quantity and sku.tracking:
            raise LotShort([(self._short(sku_id, quantity, int(there * ONE)), "")])
        return found

    def in_turn(self, sku_id: int) -> list[Used]:
        """Return lots first expired first, never a blocked or expired one; fewer pieces than wanted if need be."""
        shelf, left, found = self._balance(sku_id).shelf, int(self.leaving[sku_id] * ONE), []
        for line in shelf.in_turn() if shelf else ():
            part = min(line.quantity, left) if line.sellable else 0
            left -= part
            if part:
                found.append(_used(line, part))
        return found

    def _named(self, sku: Sku, said: Sequence[saying.Said]) -> list[Used]:
        shelf = self._balance(sku.pk).shelf
        there = {codes.normalise(line.number): line for line in shelf.lines.values()} if shelf else {}
        found = []
        for one in said:
            line = there.get(codes.normalise(one.number))
            if line is None or line.quantity < one.quantity * ONE:
                has = line.quantity if line else 0
                raise LotShort([(self._short(sku.pk, one.quantity, has), one.number)])
            if self.build and not line.sellable:
                self._may_be_built_in(sku, line)
            found.append(_used(line, int(one.quantity * ONE)))
        return found

    def _may_be_built_in(self, sku: Sku, line: Line) -> None:
        """A blocked lot never; one past its days only where the built goods carry its date on."""
        lot = Lot.objects.get(pk=line.lot_id)
        if lot.state == Lot.State.BLOCKED:
            raise refused("part_blocked", lot=lot, sku=sku.code, reason=lot.blocked_reason)
        if self._balance(self.made.sku_id).tracking != Tracking.EXPIRY:
            raise refused("part_expired", lot=lot, sku=sku.code, day=lot.expires_on)
        self.held = True

    def _unreserved(self) -> None:
        """Orders hold goods that may be sold, whichever lot they will be: leave them as many."""
        shorts = []
        for pk, used in self.out.items():
            balance = self._balance(pk)
            lines = balance.shelf.lines if balance.shelf else {}
            good = sum(int(one.quantity * ONE) for one in used if lines[one.lot_id].sellable)
            if good > max(balance.free, 0):
                shorts.append((self._short(pk, pieces(good), balance.free), ""))
        if shorts:
            raise LotShort(shorts)

    # --- what comes --------------------------------------------------------------------------------------------------

    @property
    def earliest(self) -> dt.date | None:
        """When the first of the parts expires."""
        days = [one.expires_on for used in self.out.values() for one in used if one.expires_on]
        return min(days, default=None)

    def _built(self, sku_id: int) -> tuple[saying.Said, ...]:
        sku, quantity = self.skus[sku_id], self.coming[sku_id]
        _whole(sku, quantity)
        text = self.words.of(sku_id) or (suggested(sku) if sku.tracking in (Tracking.LOT, Tracking.EXPIRY) else "")
        return saying.said(sku, quantity, text, dated=False)

    def _no_better(self, sku_id: int, said: Sequence[saying.Said], dated: Sequence[saying.Said]) -> None:
        """Built goods are not good longer than their parts, but where somebody says so of parts that may be sold."""
        sku, earliest = self.skus[sku_id], self.earliest
        for before, one in zip(said, dated, strict=True):
            if self.held and not one.number:
                raise refused("lot_missing", sku=sku.code, field="lot")
            if not one.number or one.expires_on is None or earliest is None or one.expires_on <= earliest:
                continue
            if self.held:
                raise refused("good_too_long", lot=one.number, day=earliest, field="expires_on")
            if not before.expires_on and not self.words.expires_on:  # the lot stands, with a later date
                raise refused("expiry_differs", lot=one.number, sku=sku.code, stands=one.expires_on, said=earliest,
                              field="expires_on")  # fmt: skip

    def _back(self, sku_id: int, known: Sequence[Used]) -> tuple[saying.Said, ...]:
        """The lots of a part of what was taken apart: said, else those it was built from, else asked for."""
        sku, quantity, text = self.skus[sku_id], self.coming[sku_id], self.words.of(sku_id)
        _whole(sku, quantity)
        if not text and known:
            return tuple(saying.Said(one.number, one.quantity, one.expires_on) for one in known)
        return saying.said(sku, quantity, text, dated=False)

    def known(self) -> dict[int, list[Used]]:
        """Return the lots that the pieces taken apart were built from, for each part of which all are known."""
        wanted = {pk: int(quantity * ONE) for pk, quantity in self.coming.items() if self._balance(pk).tracking}
        if not wanted:
            return {}
        if self._balance(self.made.sku_id).tracking:
            found, may = self._held(wanted)
        else:
            may = {pk: sorted(lots) for pk, lots in tracing.ever(self.made.sku_id).items()}
            found = {pk: [(may[pk][0], need)] for pk, need in wanted.items() if len(may.get(pk, ())) == 1}
        rows = Lot.objects.in_bulk({lot for lots in may.values() for lot in lots}) if may else {}
        self.possible = {pk: [str(rows[lot]) for lot in lots] for pk, lots in may.items()}
        named = {pk: shares for pk, shares in found.items() if all(rows[lot].number for lot, _need in shares)}
        return {
            pk: [Used(lot, rows[lot].number, pieces(need), rows[lot].expires_on) for lot, need in shares]
            for pk, shares in named.items()
        }

    def _held(self, wanted: Mapping[int, int]) -> tuple[dict[int, list[tuple[int, int]]], dict[int, list[int]]]:
        """What is known for sure to be enough, and every lot that it may be."""
        used = [(one.lot_id, int(one.quantity * ONE)) for one in self.out.get(self.made.sku_id, ()) if one.number]
        if sum(quantity for _lot, quantity in used) != int(self.made.quantity * ONE):
            return {}, {}
        there = tracing.holds([lot for lot, _quantity in used], self.made.sku_id)
        found: dict[int, list[tuple[int, int]]] = {}
        may: dict[int, list[int]] = {}
        for pk, need in wanted.items():
            mine = {lot: there.get(lot, {}).get(pk, {}) for lot, _quantity in used}
            may[pk] = list(dict.fromkeys(one for lots in mine.values() for one, left in lots.items() if left))
            shares = _merged(
                row for lot, cut in tracing.paired(used, [(0, need)]).items()
                for row in _front(mine[lot], sum(one[1] for one in cut))
            )  # fmt: skip
            if sum(quantity for _lot, quantity in shares) == need:
                found[pk] = shares
        return found, may


def _front(there: Mapping[int, int], wanted: int) -> list[tuple[int, int]]:
    found = []
    for lot, quantity in there.items():
        part = min(quantity, wanted)
        wanted -= part
        if part:
            found.append((lot, part))
    return found


def _merged(rows: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """A lot is named once."""
    found: dict[int, int] = {}
    for lot, quantity in rows:
        found[lot] = found.get(lot, 0) + quantity
    return list(found.items())


def _used(line: Line, quantity: int) -> Used:
    return Used(line.lot_id, line.number, pieces(quantity), line.expires_on)


def _whole(sku: Sku, quantity: Decimal) -> None:
    """A serial is one piece."""
    if sku.tracking == Tracking.SERIAL and quantity % 1:
        raise refused("serial_pieces", lot=sku.code, quantity=f"{quantity.normalize():f}", field="lot")
