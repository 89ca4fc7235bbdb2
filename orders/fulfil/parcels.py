"""The writing of parcels, whoever sent them: goods out of stock, rows, the sale for the books, the news.

`orders.fulfil.shipping` decides what the warehouse may send, `orders.intake.events` takes over what a platform says
was sent; both hold the order's lock and come here.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from backoffice import clock, outbox
from finance import currencies, posting
from finance.facts import SaleFacts, SaleLine
from inventory import reservations
from inventory.models import Bucket, Reservation
from inventory.reservations import Consumed
from orders.fulfil.picking import Holdings, Pick
from orders.fulfil.planned import Kept
from orders.fulfil.revenue import (
    NOTHING,
    PLACES,
    Booked,
    Charges,
    LineMoney,
    OrderMoney,
    PricedLine,
    WarehouseGoods,
    beside,
    sale_lines,
    share,
    taken_apart,
)
from orders.models import (
    Order,
    OrderEvent,
    OrderEventDelivery,
    OrderLine,
    OrderLinePart,
    Shipment,
    ShipmentGoods,
    ShipmentLine,
)
from orders.models.order import line_reference

ZERO = Decimal(0)
Parts = dict[int, tuple[tuple[int, Decimal], ...]]


@dataclasses.dataclass(slots=True)
class Hand:
    """A locked order with its lines, the frozen parts of bundles and what each line holds reserved."""

    order: Order
    lines: list[OrderLine]
    parts: Parts
    held: dict[int, Holdings]
    sent: int  # parcels recorded before, taken back or not
    booked: Booked  # what the books hold of it already
    promised: dict[int, Decimal] = dataclasses.field(default_factory=dict)  # units chosen for parcels of this call
    kept: Kept = dataclasses.field(default_factory=lambda: Kept({}))  # what is planned for a later day


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One parcel to record."""

    picks: Sequence[Pick]
    key: str
    source: str
    shipped_at: dt.datetime
    carrier: str = ""
    tracking: str = ""
    tracking_url: str = ""
    external_id: str = ""


def open_order(order: Order) -> Hand:
    """Read what is needed to send parcels of a locked order."""
    lines = list(OrderLine.objects.filter(order=order).select_related("sku").order_by("position", "pk"))
    parcels = Shipment.objects.filter(order=order).count()
    return Hand(
        order=order,
        lines=lines,
        parts=parts_of([line.pk for line in lines]),
        held=holdings(line.pk for line in lines),
        sent=parcels,
        booked=_booked(order, lines) if parcels else Booked(),
    )


def parts_of(line_ids: Sequence[int]) -> Parts:
    """Return the frozen parts of the bundles among the lines: (SKU id, pieces per bundle)."""
    found: dict[int, list[tuple[int, Decimal]]] = defaultdict(list)
    rows = OrderLinePart.objects.filter(line_id__in=line_ids).order_by("sku_id")
    for line_id, sku_id, quantity in rows.values_list("line_id", "sku_id", "quantity"):
        found[line_id].append((sku_id, quantity))
    return {line_id: tuple(parts) for line_id, parts in found.items()}


def holdings(line_ids: Iterable[int]) -> dict[int, Holdings]:
    """Return what lines hold reserved: (sku id, warehouse id) → pieces, oldest first."""
    ids = {line_reference(pk): pk for pk in line_ids}
    rows = Reservation.objects.filter(reference__in=list(ids), bucket=Bucket.RESERVED, quantity__gt=0).order_by("id")
    found: dict[int, Holdings] = defaultdict(dict)
    for reference, sku_id, warehouse_id, quantity in rows.values_list(
        "reference", "sku_id", "warehouse_id", "quantity"
    ):
        found[ids[reference]][sku_id, warehouse_id] = quantity
    return dict(found)


def record(hand: Hand, sendings: Sequence[Sending], actor: str) -> list[Shipment]:
    """Write parcels of one order and everything that follows from them, in the caller's transaction."""
    now = clock.now()
    money = money_of(hand.order, hand.lines)
    shipments, sales = [], []
    for sending in sendings:
        shipment = _shipment(hand, sending, actor, now)
        costs = _goods_out(shipment, sending, actor)
        _count(sending.picks)
        sales.append(_sale(hand, shipment, sending, costs, money))
        hand.booked.add(sales[-1])
        shipments.append(shipment)
    _save_lines(sendings)
    posting.request_sales(sales=sales)
    _close(hand, max(one.shipped_at for one in sendings), now)
    kind = OrderEvent.Kind.SHIPPED
    announce(
        [OrderEvent(order=hand.order, kind=kind, shipment=one, created_at=now, data=_news(one)) for one in shipments]
    )
    return shipments


def _shipment(hand: Hand, sending: Sending, actor: str, now: dt.datetime) -> Shipment:
    hand.sent += 1
    return Shipment.objects.create(
        order=hand.order,
        number=hand.sent,
        source=sending.source,
        external_id=sending.external_id,
        carrier=sending.carrier[:100],
        tracking_number=sending.tracking[:200],
        tracking_url=sending.tracking_url[:1000],
        idempotency_key=sending.key,
        shipped_at=sending.shipped_at,
        created_at=now,
        actor=actor[:150],
    )


def _goods_out(shipment: Shipment, sending: Sending, actor: str) -> dict[int, list[Consumed]]:
    """Take the goods out of stock and write the parcel's lines; returns per order line what left at what cost."""
    items = [
        (pick.line.reference, sku_id, warehouse_id, pieces)
        for pick in sending.picks
        for (sku_id, warehouse_id), pieces in pick.goods.items()
    ]
    gone = (
        reservations.consume(items=items, document=shipment.reference, occurred_at=sending.shipped_at, actor=actor)
        if items
        else []
    )
    by_reference: dict[str, list[Consumed]] = defaultdict(list)
    for one in gone:
        by_reference[one.reference].append(one)
    lines = ShipmentLine.objects.bulk_create(
        [ShipmentLine(shipment=shipment, line=pick.line, quantity=pick.units) for pick in sending.picks]
    )
    ShipmentGoods.objects.bulk_create(
        ShipmentGoods(
            shipment_line=line,
            sku_id=one.sku_id,
            warehouse_id=one.warehouse_id,
            quantity=one.quantity,
            cost_value=one.cost_value,
        )
        for line in lines
        for one in by_reference[line_reference(line.line_id)]
    )
    return {pick.line.pk: by_reference[pick.line.reference] for pick in sending.picks}


def _count(picks: Sequence[Pick]) -> None:
    for pick in picks:
        pick.line.shipped_quantity += pick.units
        pick.line.ordered_quantity = max(pick.line.ordered_quantity, pick.line.shipped_quantity)


def _save_lines(sendings: Sequence[Sending]) -> None:
    lines = {pick.line.pk: pick.line for sending in sendings for pick in sending.picks}
    OrderLine.objects.bulk_update(lines.values(), ["shipped_quantity", "ordered_quantity"])


def _complete(hand: Hand) -> bool:
    """Say whether all that is wanted has left."""
    return all(line.shipped_quantity >= line.quantity for line in hand.lines)


def _close(hand: Hand, shipped_at: dt.datetime, now: dt.datetime) -> None:
    """Bring the order's state in line with what has left."""
    order = hand.order
    order.shipped_at, order.updated_at = shipped_at, now
    if _complete(hand):
        order.state = Order.State.SHIPPED
        order.hold_code, order.hold_note, order.hold_department, order.held_since = "", "", "", None
    elif order.state == Order.State.APPROVED:
        order.state = Order.State.PARTLY_SHIPPED
    order.revision += 1
    order.save(
        update_fields=[
            "state", "shipped_at", "updated_at", "hold_code", "hold_note", "hold_department", "held_since", "revision",
        ]
    )  # fmt: skip


# --- money -----------------------------------------------------------------------------------------------------------


def money_of(order: Order, lines: Sequence[OrderLine]) -> OrderMoney:
    """Take an order apart into net amounts and tax."""
    charges = Charges(
        total=order.total,
        shipping=order.shipping_total,
        fees=order.fee_total,
        tax=order.tax_total,
        taxes_included=order.taxes_included,
    )
    priced = [PricedLine(line.pk, line.total, line.discount, line.tax) for line in lines if line.quantity > 0]
    return taken_apart(charges, priced)


def _booked(order: Order, lines: Sequence[OrderLine]) -> Booked:
    """Read what the books hold of the order, parcels taken back off again."""
    found = Booked()
    for sale in posting.booked_sales(shop_id=order.shop_id, external_id=order.external_id, currency=order.currency):
        found.add(sale)
    for line in lines:
        found.rename(sku_text(line), line.reference)
    return found


def _sale(
    hand: Hand, shipment: Shipment, sending: Sending, costs: dict[int, list[Consumed]], money: OrderMoney
) -> SaleFacts:
    """Return the sale of a parcel that is counted already: what its order should have sold by now less what is booked.

    The last parcel takes all the order's money that no parcel has.
    """
    order, booked, last = hand.order, hand.booked, _complete(hand)
    places = _places(hand, last=last)
    rows = []
    for pick in sending.picks:
        part = _part(pick.line, pick.units, money, booked, None if last else places)
        goods = _by_warehouse(costs[pick.line.pk])
        rows += sale_lines(sku_text(pick.line), pick.units, part, goods, pick.line.reference)
    if last:
        rows += _left_over(hand, sending, money)
    return SaleFacts(
        reference=shipment.reference,
        shop_id=order.shop_id,
        external_id=order.external_id,
        number=order.number,
        occurred_at=sending.shipped_at,
        currency=order.currency,
        lines=tuple(rows),
        shipping_net=beside(money.shipping_net, booked.shipping_net, places, last=last),
        shipping_tax=beside(money.shipping_tax, booked.shipping_tax, places, last=last),
        rounding=beside(money.rounding, booked.rounding, places, last=last),
    )


def _places(hand: Hand, *, last: bool) -> int:
    """Return the places of the order's currency; one parcel with everything in it needs no rounding and no query."""
    if last and not hand.booked.lines:
        return PLACES
    return currencies.places_by_code().get(hand.order.currency, PLACES)


def _part(line: OrderLine, units: Decimal, money: OrderMoney, booked: Booked, places: int | None) -> LineMoney:
    """Return what units of a line sell. Those beyond what is wanted sell nothing, and cost what they cost."""
    if line.pk not in money.lines or line.shipped_quantity - units >= line.quantity:
        return NOTHING
    return share(money.lines[line.pk], line.quantity, line.shipped_quantity, booked.line(line.reference), places)


def _left_over(hand: Hand, sending: Sending, money: OrderMoney) -> list[SaleLine]:
    """Return what lines that left in earlier parcels still have to sell: parts of a coin, or a price that changed.

    Not of lines of which fewer are wanted than left: refunds tell of those.
    """
    here = {pick.line.pk for pick in sending.picks}
    rows = []
    for line in hand.lines:
        if line.pk in money.lines and line.pk not in here and line.shipped_quantity == line.quantity:
            booked = hand.booked.line(line.reference)
            rest = share(money.lines[line.pk], line.quantity, line.quantity, booked, None)
            if rest != NOTHING:
                rows += sale_lines(sku_text(line), ZERO, rest, (), line.reference)
    return rows


def sku_text(line: OrderLine) -> str:
    """Return how the books name the goods of a line."""
    return line.sku.code if line.sku else line.sku_code or line.title[:100]


def _by_warehouse(gone: Sequence[Consumed]) -> list[WarehouseGoods]:
    found: dict[int, WarehouseGoods] = {}
    for one in gone:
        known = found.get(one.warehouse_id, WarehouseGoods(one.warehouse_id, ZERO, ZERO))
        pieces, cost = known.pieces + one.quantity, known.cost + one.cost_value
        found[one.warehouse_id] = WarehouseGoods(one.warehouse_id, pieces, cost)
    return list(found.values())


# --- news ------------------------------------------------------------------------------------------------------------


def announce(events: Sequence[OrderEvent]) -> None:
    """Write events with a delivery for each consumer."""
    made = OrderEvent.objects.bulk_create(events)
    outbox.deliver(OrderEventDelivery, [event.pk for event in made])


def _news(shipment: Shipment) -> dict[str, str]:
    return {"source": shipment.source, "carrier": shipment.carrier, "tracking": shipment.tracking_number}
