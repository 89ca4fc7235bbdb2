"""What happened on the platform besides the order itself: parcels sent over there, and refunds.

A parcel that we reported comes back with the platform's id: it is linked, not counted again. A parcel we never heard
of takes its goods out of stock; what our books do not have is pointed out, never taken below zero.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from backoffice import bulk
from inventory import reservations
from inventory.reservations import Want
from orders.contracts import IncomingFulfilment, IncomingOrder
from orders.desk import holds
from orders.fulfil import parcels, refunds
from orders.fulfil.parcels import Hand, Sending
from orders.fulfil.picking import Pick, available_units, pieces_per_unit, take
from orders.intake.page import Page
from orders.models import Order, OrderLine, Refund, Shipment
from orders.models.order import line_reference, order_reference

State = Order.State
ZERO = Decimal(0)
ACTOR = "intake"


def apply(page: Page, pairs: Sequence[tuple[Order, IncomingOrder]]) -> None:
    """Take over the parcels and refunds of locked orders that we do not have yet."""
    told = [(order, one) for order, one in pairs if (one.fulfilments or one.refunds) and order.state != State.HISTORY]
    if not told:
        return
    shipments = _shipments([order.pk for order, _one in told])
    known_refunds = _refunds([order.pk for order, _one in told])
    links: list[tuple[int, str]] = []
    for order, incoming in told:
        mine = shipments[order.pk]
        for fulfilment in incoming.fulfilments:
            if any(one.external_id == fulfilment.external_id for one in mine):
                continue
            twin = _twin(fulfilment, incoming, mine)
            if twin is not None:
                twin.external_id = fulfilment.external_id
                links.append((twin.pk, twin.external_id))
            else:
                mine += _sent_elsewhere(page, order, fulfilment, incoming)
        fresh = [one for one in incoming.refunds if one.external_id not in known_refunds[order.pk]]
        refunds.record(order, sorted(fresh, key=lambda one: one.refunded_at), page.now, ACTOR)
    bulk.update_rows(Shipment, ["id"], ["external_id"], links, prepared=True)


def _shipments(order_ids: Sequence[int]) -> dict[int, list[Shipment]]:
    found: dict[int, list[Shipment]] = defaultdict(list)
    rows = Shipment.objects.filter(order_id__in=order_ids, state=Shipment.State.SENT)
    for row in rows.prefetch_related("lines__line").order_by("pk"):
        found[row.order_id].append(row)
    return found


def _refunds(order_ids: Sequence[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for order_id, external_id in Refund.objects.filter(order_id__in=order_ids).values_list("order_id", "external_id"):
        found[order_id].add(external_id)
    return found


def _twin(fulfilment: IncomingFulfilment, incoming: IncomingOrder, mine: Sequence[Shipment]) -> Shipment | None:
    """Return our own parcel that this is the platform's record of: by tracking number, else by its contents."""
    open_ones = [one for one in mine if not one.external_id]
    for one in open_ones:
        if one.tracking_number and one.tracking_number in fulfilment.tracking_numbers:
            return one
    told = {line: quantity for line, quantity in fulfilment.lines if quantity}
    for one in open_ones:
        if told and {line.line.external_id: line.quantity for line in one.lines.all() if not line.line.own} == told:
            return one
    return None


def _sent_elsewhere(
    page: Page, order: Order, fulfilment: IncomingFulfilment, incoming: IncomingOrder
) -> list[Shipment]:
    """Record a parcel that somebody sent on the platform; nothing when all of it had left already.

    Goods that left although they are wanted no more (sent and cut in one delivery) leave our stock as well, and a
    person gets to know.
    """
    if order.state == State.CANCELLED:
        holds.put(order, holds.CANCELLED_LATE, page.now)
        order.save(update_fields=["hold_code", "hold_note", "hold_department", "held_since"])
        return []
    hand = parcels.open_order(order)
    wanted = _units(hand, fulfilment, incoming)
    more = any(wanted.get(line.pk, ZERO) > max(line.quantity - line.shipped_quantity, ZERO) for line in hand.lines)
    if not wanted:
        return []
    _make_sure_of_goods(page, hand, wanted)
    picks, short = _picks(hand, wanted)
    sending = Sending(
        picks=picks,
        key=_key(order, fulfilment),
        source=Shipment.Source.PLATFORM,
        shipped_at=fulfilment.shipped_at or page.now,
        carrier=fulfilment.carrier,
        tracking=", ".join(fulfilment.tracking_numbers),
        external_id=fulfilment.external_id,
    )
    made = parcels.record(hand, [sending], ACTOR)
    if short:
        _give_up_demand(page, hand, short)
    if short or more:
        holds.put(order, holds.WITHOUT_STOCK if short else holds.SHIPPED_MORE, page.now)
        order.save(update_fields=["hold_code", "hold_note", "hold_department", "held_since"])
    return made


def _units(hand: Hand, fulfilment: IncomingFulfilment, incoming: IncomingOrder) -> dict[int, Decimal]:
    """Return the units of each line that are news; a parcel without lines holds all that was left.

    What the platform's parcels hold altogether beyond all that has left here is news too, wanted or not: never more
    than was ordered.
    """
    told = dict(fulfilment.lines)
    altogether: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for name, quantity in (row for one in incoming.fulfilments for row in one.lines):
        altogether[name] += quantity
    found = {}
    for line in hand.lines:
        if line.own:  # nobody over there has seen the gift
            continue
        left = max(line.quantity - line.shipped_quantity, ZERO)
        beyond = min(altogether[line.external_id], line.ordered_quantity) - line.shipped_quantity
        units = min(told.get(line.external_id, ZERO), max(left, beyond)) if told else left
        if units > 0:
            found[line.pk] = units
    return found


def _make_sure_of_goods(page: Page, hand: Hand, wanted: dict[int, Decimal]) -> None:
    """Reserve what has left, wherever it is: an order that was not approved here may hold nothing yet."""
    wants = [want for line in hand.lines if line.pk in wanted and (want := _want(page, hand, line, wanted[line.pk]))]
    if wants:
        reservations.reserve(wants=wants, partial=True, actor=ACTOR)
        hand.held = parcels.holdings(line.pk for line in hand.lines)


def _want(page: Page, hand: Hand, line: OrderLine, units: Decimal) -> Want | None:
    parts = hand.parts.get(line.pk)
    quantity = units * line.pack
    if not line.stocked or line.sku_id is None or not page.warehouses or (parts and quantity % 1):
        return None
    return Want(
        reference=line_reference(line.pk),
        sku_id=line.sku_id,
        quantity=quantity,
        warehouses=page.warehouses,
        parts=parts,
        whole=False,
        group=order_reference(line.order_id),
    )


def _picks(hand: Hand, wanted: dict[int, Decimal]) -> tuple[list[Pick], list[OrderLine]]:
    """Return the picks, and the lines of which our stock had less than has left."""
    picks, short = [], []
    for line in hand.lines:
        units = wanted.get(line.pk)
        if units is None:
            continue
        if not line.stocked:
            picks.append(Pick(line, units))
            continue
        per_unit = pieces_per_unit(line, hand.parts.get(line.pk, ()))
        held = hand.held.setdefault(line.pk, {})
        there = min(units, available_units(per_unit, held)) if per_unit else ZERO
        picks.append(Pick(line, units, take(per_unit, there, held) if there > 0 else {}))
        if there < units:
            short.append(line)
    return picks, short


def _give_up_demand(page: Page, hand: Hand, short: Sequence[OrderLine]) -> None:
    """What has left without stock is not wanted any more."""
    wants = []
    for line in short:
        left = _want(page, hand, line, max(line.quantity - line.shipped_quantity, ZERO))
        if left is not None:
            wants.append(left)
    if wants:
        reservations.change_demand(wants=wants, actor=ACTOR)


def _key(order: Order, fulfilment: IncomingFulfilment) -> str:
    digest = hashlib.sha256(fulfilment.external_id.encode()).hexdigest()[:32]
    return f"platform:{order.pk}:{digest}"
