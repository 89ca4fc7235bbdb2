"""A delivery comes for a purchase order: accepted pieces go on the shelf, damaged ones apart, refused ones back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal

from django.db import transaction

from backoffice import clock
from inventory import arrivals, balances, ledger
from inventory.ledger import EntryDraft
from inventory.lots import lines as lot_lines
from inventory.lots.errors import refused as lot_refused
from inventory.lots.errors import refused_at
from inventory.models import ExpectedArrival, Reason
from orders.models import PurchaseLine, PurchaseOrder, PurchaseReceipt, PurchaseReceiptLine
from orders.models.purchase import AWAITED
from orders.returns.places import quarantine_of
from orders.supply import lead_times, locking
from orders.supply.errors import SupplyError
from orders.supply.locking import plain

State = PurchaseOrder.State
ZERO = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What of a line was in a delivery, as it was inspected."""

    accepted: Decimal = ZERO
    damaged: Decimal = ZERO
    refused: Decimal = ZERO
    lot: str = ""  # which lots the accepted pieces are (inventory.lots.saying); damaged ones are of it when it is one
    expires_on: str = ""

    @property
    def figures(self) -> tuple[Decimal, Decimal, Decimal]:
        """The three of them."""
        return self.accepted, self.damaged, self.refused


@transaction.atomic
def receive(
    *, order_id: int, counts: Mapping[int, Counted], actor: str, key: str, slip: str = "", note: str = "",
    seen: Mapping[int, Decimal] | None = None, warehouses: frozenset[int] | None = None, lots_demanded: bool = False,
) -> PurchaseReceipt:  # fmt: skip
    """Take a delivery in (line → pieces); the same key or delivery note again counts nothing.

    `seen` is what had come of each line on the page: when somebody received meanwhile, that is said instead of
    counting the same goods twice. With `lots_demanded` whoever receives tracked goods says which lots they are.
    Raises SupplyError: not_found, place, state, slip_twice, moved, nothing_counted, quantity, over; and LotRefused.
    Then nothing has happened.
    """
    order = locking.locked(order_id)
    known = PurchaseReceipt.objects.filter(key=key).first()
    if known is not None:
        return known
    if warehouses is not None and order.warehouse_id not in warehouses:
        raise SupplyError("place")
    locking.must_be(order, *AWAITED)
    slip_key = _news(order, slip)
    lines = {line.pk: line for line in order.lines.select_related("sku").order_by("row")}
    if any(pk in lines and lines[pk].came != came for pk, came in (seen or {}).items()):
        raise SupplyError("moved", number=order.number, **locking.last(order.updated_by, order.updated_at))
    counted = [(lines[pk], one) for pk, one in counts.items() if pk in lines and any(one.figures)]
    _check(counted)
    if lots_demanded:
        _demand_lots(counted)
    receipt = PurchaseReceipt.objects.create(
        order=order, slip=locking.clean(slip, 60), slip_key=slip_key, note=locking.clean(note, 300), at=clock.now(),
        by=actor[:150], key=key[:100],
    )  # fmt: skip
    _put_away(order, receipt, counted, actor)
    order.state = State.PARTLY if any(line.left for line in lines.values()) else State.RECEIVED
    if not any(line.came for line in lines.values()):
        order.state = State.ORDERED  # all of it was refused
    told = {line.sku.code: " / ".join(plain(figure) for figure in one.figures) for line, one in counted}
    locking.moved(order, actor, "purchase.receive", "state", summary=receipt.slip, counted=told)
    lead_times.measure(order.supplier_id)
    return receipt


def _news(order: PurchaseOrder, slip: str) -> str:
    """Return the delivery note as it is compared; one that was received already is told."""
    key = "".join(locking.clean(slip, 60).casefold().split())
    before = order.receipts.filter(slip_key=key).first() if key else None
    if before is not None:
        raise SupplyError("slip_twice", field="slip", slip=before.slip, **locking.last(before.by, before.at))
    return key


def most_of(line: PurchaseLine, tolerance: Decimal) -> Decimal:
    """Return how many pieces may be in the house of a line at most."""
    return (line.quantity * (1 + tolerance)).quantize(Decimal("0.001"), rounding=ROUND_FLOOR)


def _check(counted: list[tuple[PurchaseLine, Counted]]) -> None:
    if not counted:
        raise SupplyError("nothing_counted")
    tolerance = locking.setting().tolerance
    for line, one in counted:
        for figure in one.figures:
            if not figure.is_finite() or figure < 0 or figure != round(figure, 3) or figure >= 10**9:
                raise SupplyError("quantity", field=f"line_{line.pk}", sku=line.sku.code, wanted=str(figure)[:40])
        most = most_of(line, tolerance)
        if line.came + one.accepted + one.damaged > most:
            raise SupplyError(
                "over", field=f"line_{line.pk}", sku=line.sku.code, most=plain(max(most - line.came, ZERO)),
                ordered=plain(line.quantity), here=plain(line.came), wanted=plain(one.accepted + one.damaged),
            )  # fmt: skip


def _demand_lots(counted: list[tuple[PurchaseLine, Counted]]) -> None:
    for line, one in counted:
        if one.accepted and line.sku.tracking and not one.lot.strip():
            raise lot_refused("lot_missing", sku=line.sku.code, field=f"line_{line.pk}.lot")


def _put_away(
    order: PurchaseOrder, receipt: PurchaseReceipt, counted: list[tuple[PurchaseLine, Counted]], actor: str
) -> None:
    apart = quarantine_of(order.warehouse_id) if any(one.damaged for _line, one in counted) else 0
    pairs = [(line.sku_id, order.warehouse_id) for line, _one in counted]
    pairs += [(line.sku_id, apart) for line, one in counted if one.damaged]
    balances.lock(pairs, create=True)
    for line, one in sorted(counted, key=lambda pair: pair[0].arrival_id or 0):
        row = PurchaseReceiptLine.objects.create(
            receipt=receipt, line=line, accepted=one.accepted, damaged=one.damaged, refused=one.refused
        )
        if one.accepted:
            _on_the_shelf(order, line, row, one, actor)
        if one.damaged:
            _apart(order, line, row, one, apart, actor)
        line.accepted += one.accepted
        line.damaged += one.damaged
        line.refused += one.refused
    PurchaseLine.objects.bulk_update([line for line, _one in counted], ["accepted", "damaged", "refused"])


def _on_the_shelf(order: PurchaseOrder, line: PurchaseLine, row: PurchaseReceiptLine, one: Counted, actor: str) -> None:
    arrival = _arrival(line)
    with refused_at(f"line_{line.pk}"):
        lots = lot_lines.incoming(line.sku, one.accepted, one.lot, one.expires_on, demanded=False)
        if arrival.state == ExpectedArrival.State.EXPECTED:
            arrivals.receive(
                arrival_id=arrival.pk, quantity=one.accepted, actor=actor, owner=order.reference, lot=one.lot,
                expires_on=one.expires_on,
            )  # fmt: skip
        else:  # all of it is here: more within the tolerance
            _enter(line, row, one.accepted, order.warehouse_id, arrival.unit_cost, "more", actor, lots)


def _apart(
    order: PurchaseOrder, line: PurchaseLine, row: PurchaseReceiptLine, one: Counted, place: int, actor: str
) -> None:
    arrival = _arrival(line)
    if arrival.state == ExpectedArrival.State.EXPECTED:
        arrivals.divert(arrival_id=arrival.pk, quantity=one.damaged, actor=actor, owner=order.reference)
    lots = lot_lines.one_lot(line.sku, one.damaged, one.lot, one.expires_on)
    _enter(line, row, one.damaged, place, arrival.unit_cost, "damaged", actor, lots)


def _arrival(line: PurchaseLine) -> ExpectedArrival:
    return ExpectedArrival.objects.get(pk=line.arrival_id or 0)


def _enter(
    line: PurchaseLine, row: PurchaseReceiptLine, pieces: Decimal, place: int, cost: Decimal | None, what: str,
    actor: str, lots: tuple[tuple[str, Decimal], ...],
) -> None:  # fmt: skip
    entry = EntryDraft(
        key=f"orders.purchasereceiptline:{row.pk}/{what}", sku_id=line.sku_id, warehouse_id=place, quantity=pieces,
        reason=Reason.RECEIPT, reference=f"orders.purchaseorder:{line.order_id}", unit_cost=cost,
        lots=lots,
    )  # fmt: skip
    ledger.post(entries=[entry], actor=actor)
