"""Goods go back to the supplier: out of the shelf or from where damaged ones lie, at what they cost, on a document."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction

from backoffice import clock
from inventory import balances, ledger
from inventory.ledger import EntryDraft
from inventory.lots import saying
from inventory.lots.errors import refused_at
from inventory.models import LotBalance, LotMovement, Reason
from orders.models import PurchaseLine, PurchaseOrder, SupplierReturn, SupplierReturnLine
from orders.returns.places import quarantine_of
from orders.supply import locking
from orders.supply.errors import SupplyError
from orders.supply.locking import plain

State = PurchaseOrder.State
HERE = (State.PARTLY, State.RECEIVED, State.CLOSED)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """Pieces of a line to send back, from the shelf or of the damaged ones; `lot` names the lots of tracked goods."""

    line_id: int
    quantity: Decimal
    damaged: bool = False
    lot: str = ""


@transaction.atomic
def send_back(
    *, order_id: int, goods: Sequence[Back], reason: str, actor: str, key: str,
    warehouses: frozenset[int] | None = None,
) -> SupplierReturn:  # fmt: skip
    """Send received pieces back; the same key again changes nothing.

    Raises SupplyError: not_found, place, state, say_why, nothing_counted, quantity, not_here; NegativeStock when the
    pieces are not on the shelf any more, or reserved; LotRefused naming the line. Then nothing has happened.
    Where nobody said a lot, those that came with this order go, else the first to expire.
    """
    order = locking.locked(order_id)
    known = SupplierReturn.objects.filter(key=key).first()
    if known is not None:
        return known
    if warehouses is not None and order.warehouse_id not in warehouses:
        raise SupplyError("place")
    locking.must_be(order, *HERE)
    why = locking.clean(reason, 300)
    if not why:
        raise SupplyError("say_why", field="reason")
    lines = {line.pk: line for line in order.lines.select_related("sku")}
    wanted = [(lines[one.line_id], one) for one in goods if one.line_id in lines and one.quantity]
    _check(wanted)
    made = SupplierReturn.objects.create(
        order=order, number=f"{order.number}-R{order.sent_back.count() + 1}", reason=why, at=clock.now(),
        by=actor[:150], key=key[:100],
    )  # fmt: skip
    _goods_out(order, made, wanted, actor)
    told = {line.sku.code: plain(one.quantity) for line, one in wanted}
    locking.moved(order, actor, "purchase.return", summary=f"{made.number}: {why}", sent=told)
    return made


def _check(wanted: list[tuple[PurchaseLine, Back]]) -> None:
    if not wanted:
        raise SupplyError("nothing_counted")
    for line, one in wanted:
        number = one.quantity
        if not number.is_finite() or number <= 0 or number != round(number, 3):
            raise SupplyError("quantity", sku=line.sku.code, wanted=str(number)[:40])
        left = line.damaged - line.damaged_returned if one.damaged else line.accepted - line.returned
        if number > left:
            raise SupplyError("not_here", sku=line.sku.code, left=plain(left), wanted=plain(number))
        if one.damaged:
            line.damaged_returned += number
        else:
            line.returned += number


def _lots(order: PurchaseOrder, line: PurchaseLine, one: Back, place: int) -> tuple[tuple[str, Decimal], ...]:
    """The lots that go: as they were said, else those of this order if they are all there still."""
    if one.lot.strip() or not line.sku.tracking:
        with refused_at(f"lot_{line.pk}"):
            return saying.pairs(saying.said(line.sku, one.quantity, one.lot, demanded=False, dated=False))
    documents = (order.reference, f"inventory.arrival:{line.arrival_id}")
    here = LotMovement.objects.filter(reference__in=documents, sku=line.sku_id, warehouse=place, quantity__gt=0)
    came = here.values("lot")
    there = LotBalance.objects.filter(lot__in=came, warehouse=place, on_hand__gt=0).select_related("lot")
    found, left = [], one.quantity
    for row in there.order_by("lot__expires_on", "lot_id"):
        pieces = min(row.on_hand, left)
        if pieces:
            found.append((row.lot.number or saying.UNKNOWN_SIGN, pieces))
        left -= pieces
    return () if left else tuple(found)


def _goods_out(order: PurchaseOrder, made: SupplierReturn, wanted: list[tuple[PurchaseLine, Back]], actor: str) -> None:
    apart = quarantine_of(order.warehouse_id) if any(one.damaged for _line, one in wanted) else 0
    places = [apart if one.damaged else order.warehouse_id for _line, one in wanted]
    balances.lock({(line.sku_id, place) for (line, _one), place in zip(wanted, places, strict=True)})
    entries = [
        EntryDraft(
            key=f"{made.reference}/{row}", sku_id=line.sku_id, warehouse_id=place, quantity=-one.quantity,
            reason=Reason.TO_SUPPLIER, reference=made.reference, lots=_lots(order, line, one, place),
        )
        for row, ((line, one), place) in enumerate(zip(wanted, places, strict=True), 1)
    ]  # fmt: skip
    posted = {one.key: one for one in ledger.post(entries=entries, actor=actor).posted}
    SupplierReturnLine.objects.bulk_create(
        SupplierReturnLine(
            sent=made, line=line, quantity=one.quantity, damaged=one.damaged, cost_value=-posted[entry.key].value
        )
        for (line, one), entry in zip(wanted, entries, strict=True)
    )
    PurchaseLine.objects.bulk_update([line for line, _one in wanted], ["returned", "damaged_returned"])
