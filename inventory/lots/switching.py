"""Turn lots and serials of a SKU on and off; what lies there is booked to lots, or out of them, in the same deed."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db import transaction

from backoffice import audit
from inventory import balances
from inventory.balances import Locked
from inventory.lots import keeping, registry, writing
from inventory.lots.errors import refused
from inventory.lots.saying import Said
from inventory.lots.sharing import ONE, Part
from inventory.lots.shelf import Line, Shelf, pieces
from inventory.models import Balance, LotMovement, Reason, Sku, StocktakeLine, Tracking, Warehouse
from inventory.sets import Pair


@dataclasses.dataclass(frozen=True, slots=True)
class Present:
    """A lot of which goods lie in a warehouse when tracking is turned on."""

    warehouse_id: int
    number: str
    quantity: Decimal
    expires_on: dt.date | None = None


@transaction.atomic
def turn(*, sku_id: int, tracking: int, present: Sequence[Present] = (), actor: str = "") -> Sku:
    """Track a SKU in another way, or not any more. What nobody names is booked to the unknown lot.

    Between lots with and without expiry date nothing moves. Raises LotRefused: for a SKU without stock of its own, for
    lots that add up to more than lies there, and for turning off while blocked or expired goods would become sellable.
    """
    sku, locked = _locked(sku_id)
    before = sku.tracking
    _judge(sku, tracking, locked)
    _not_in_a_count(sku)
    anew = Tracking.SERIAL in (before, tracking) or Tracking.NONE in (before, tracking)
    number = LotMovement.objects.filter(sku_id=sku_id, key__startswith=f"{_name(sku)}/").count()
    if anew and before != Tracking.NONE:
        writing.write(_out(sku, locked, number), locked, actor)
    _mark(sku, tracking, locked)
    if anew and tracking != Tracking.NONE:
        writing.write(_in(sku, locked, present, number), locked, actor)
    audit.record(action="sku.tracking", target=sku, before={"tracking": str(Tracking(before).label)},
                 after={"tracking": str(Tracking(tracking).label)}, actor=actor)  # fmt: skip
    keeping.refresh(locked)
    return sku


def _locked(sku_id: int) -> tuple[Sku, dict[Pair, Locked]]:
    """Every balance of the SKU, then the SKU, then the balances that somebody made meanwhile."""
    pairs = Balance.objects.filter(sku_id=sku_id).values_list("sku_id", "warehouse_id")
    balances.lock(pairs.all())
    sku = Sku.objects.select_for_update().get(pk=sku_id)
    return sku, balances.lock(pairs.all())


def _judge(sku: Sku, tracking: int, locked: Mapping[Pair, Locked]) -> None:
    if sku.kind != Sku.Kind.STOCKED:
        raise refused("not_stocked", sku=sku.code)
    if tracking == sku.tracking:
        raise refused("same_tracking", sku=sku.code)
    held = sum(one.unsellable for one in locked.values())
    if held and (tracking == Tracking.NONE or Tracking.SERIAL in (tracking, sku.tracking)):
        raise refused("held_goods", sku=sku.code, quantity=f"{pieces(held).normalize():f}")


def _not_in_a_count(sku: Sku) -> None:
    """A stocktake counts tracked goods by lot and others whole: what it has begun it ends."""
    for whole in (True, False):  # each by its own index
        rows = StocktakeLine.objects.filter(sku=sku, open=True, lot__isnull=whole)
        line = rows.select_related("stocktake").first()
        if line is not None:
            raise refused("being_counted", sku=sku.code, number=line.stocktake)


def _name(sku: Sku) -> str:
    return f"inventory.tracking:{sku.pk}"


def _mark(sku: Sku, tracking: int, locked: Mapping[Pair, Locked]) -> None:
    Balance.objects.filter(sku=sku).update(tracking=tracking, unsellable=0)
    sku.tracking = tracking
    sku.save(update_fields=["tracking"])
    for one in locked.values():
        one.tracking, one.unsellable_kept = tracking, 0
        one.shelf = None if tracking == Tracking.NONE else Shelf(tracking)


def _part(sku: Sku, pair: Pair, line: Line, quantity: int, turn: str) -> Part:
    key = f"{_name(sku)}/{turn}@{pair[1]}"
    return Part(key, line.lot_id, line.number, *pair, quantity, Reason.CORRECTION.value, _name(sku))


def _out(sku: Sku, locked: Mapping[Pair, Locked], number: int) -> list[Part]:
    found = []
    for pair, one in locked.items():
        for line in one.shelf.in_turn() if one.shelf else []:
            found.append(_part(sku, pair, line, -line.quantity, f"{number}-"))
            line.quantity = 0
    return found


def _in(sku: Sku, locked: Mapping[Pair, Locked], present: Sequence[Present], number: int) -> list[Part]:
    said: dict[int, list[Said]] = {}
    for row in present:
        said.setdefault(row.warehouse_id, []).append(Said(registry.checked(row.number), row.quantity, row.expires_on))
    keeping.announce(sku_id=sku.pk, code=sku.code, said=[one for rows in said.values() for one in rows])
    book = registry.Book([(sku.pk, one.number) for rows in said.values() for one in rows], ())
    found = []
    for place in said.keys() - {pair[1] for pair in locked}:
        raise _apart(sku, place, 0, said[place])
    for pair, one in locked.items():
        rows = said.get(pair[1], [])
        found += _lots_of(sku, pair, one.on_hand, rows, book, number)
    return found


def _lots_of(sku: Sku, pair: Pair, on_hand: int, rows: Sequence[Said], book: registry.Book, number: int) -> list[Part]:
    found, left = [], on_hand
    for row in rows:
        quantity = int(row.quantity * ONE)
        if sku.tracking == Tracking.SERIAL and quantity != ONE:
            raise refused("serial_pieces", lot=row.number, quantity=f"{row.quantity.normalize():f}")
        found.append(_part(sku, pair, book.named(sku.pk, row.number), quantity, f"{number}+"))
        left -= quantity
    if left < 0:
        raise _apart(sku, pair[1], on_hand, rows)
    if left:
        found.append(_part(sku, pair, book.unknown(sku.pk), left, f"{number}+"))
    return found


def _apart(sku: Sku, place: int, on_hand: int, rows: Sequence[Said]) -> Exception:
    total = sum((row.quantity for row in rows), Decimal(0))
    return refused(
        "present_sum", warehouse=Warehouse.objects.get(pk=place), sku=sku.code,
        there=f"{pieces(on_hand).normalize():f}", said=f"{total.normalize():f}",
    )  # fmt: skip
