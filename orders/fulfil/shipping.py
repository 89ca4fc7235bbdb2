"""Parcels leave: goods out of stock at cost, the sale to the books, the news to the platform, in one transaction."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db import transaction

from backoffice import audit, clock, outbox
from finance import posting
from inventory import reservations
from inventory.reservations import PutBack
from orders.desk import holds, presale, review, ruleset, verdicts
from orders.errors import OrderError
from orders.fulfil import labels, planned
from orders.fulfil import parcels as writing
from orders.fulfil.parcels import Hand, Sending
from orders.fulfil.picking import Holdings, Pick, Within, available_units, pieces_per_unit, take
from orders.fulfil.routing import attaching
from orders.models import (
    Handover,
    MergeMember,
    Order,
    OrderEventDelivery,
    OrderLine,
    Shipment,
    ShipmentGoods,
    ShipmentLine,
)
from orders.models.order import OPEN_STATES, line_reference

State = Order.State
READY = (State.APPROVED, State.PARTLY_SHIPPED)
SHORT = "short_stock"
ZERO = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A parcel to record. `lines` maps line ids to units; None means all that is left and reserved."""

    lines: Mapping[int, Decimal] | None = None
    carrier: str = ""
    tracking: str = ""
    tracking_url: str = ""
    warehouse_id: int | None = None  # None: from wherever the goods are reserved
    warehouses: frozenset[int] | None = None  # those whoever ships may see; None: all

    @property
    def within(self) -> Within:
        """Where goods of this parcel may be taken from."""
        if self.warehouse_id is None:
            return self.warehouses
        asked = frozenset((self.warehouse_id,))
        return asked if self.warehouses is None else asked & self.warehouses


@transaction.atomic
def ship(
    *,
    order_id: int,
    parcels: Sequence[Parcel],
    actor: str,
    idempotency_key: str,
    shipped_at: dt.datetime | None = None,
    together: bool = False,
) -> list[Shipment]:
    """Ship parcels of one order; the same key again returns the parcels of the first call.

    An order that goes in one parcel with others is shipped with them (orders.desk.merging, `together`).
    Raises OrderError: not_found, not_approved, merged, key_reused, no_parcels, nothing_to_ship, unknown_line,
    bad_quantity, not_positive, too_many, part_too_early, line_too_early, not_reserved, part_of_bundle,
    by_platform. Then nothing has happened.
    """
    if not parcels:
        raise OrderError("no_parcels")
    keys = [idempotency_key if place == 0 else f"{idempotency_key}/{place + 1}" for place in range(len(parcels))]
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise OrderError("not_found")
    known = _known(order, idempotency_key)
    if known:
        return known
    if order.state not in READY:
        raise OrderError("not_approved", number=order.number, state=order.get_state_display())
    if not together:
        _refuse_alone(order)
    hand = writing.open_order(order)
    hand.kept = planned.kept_back(order, clock.now())
    at = shipped_at or clock.now()
    sendings = [_sending(hand, parcel, key, at) for parcel, key in zip(parcels, keys, strict=True)]
    shipments = writing.record(hand, sendings, actor)
    labels.put_on(order, shipments, clock.now())
    _note(order, shipments, actor)
    return shipments


def _refuse_alone(order: Order) -> None:
    """Raises OrderError merged while other orders of its parcel still wait; those that were cancelled do not count."""
    mine = MergeMember.objects.filter(order=order, state=MergeMember.State.IN).values("group_id")
    rows = MergeMember.objects.filter(group__in=mine, state=MergeMember.State.IN, order__state__in=OPEN_STATES)
    others = list(rows.exclude(order=order).order_by("order_id").values_list("order__number", flat=True))
    if others:
        raise OrderError("merged", number=order.number, others=", ".join(others))


def _known(order: Order, key: str) -> list[Shipment]:
    """Return the parcels of an earlier call with this key."""
    first = Shipment.objects.filter(idempotency_key=key).first()
    if first is None:
        return []
    if first.order_id != order.pk:
        raise OrderError("key_reused")
    rest = Shipment.objects.filter(order=order, idempotency_key__startswith=f"{key}/").order_by("number")
    return [first, *rest]


def _sending(hand: Hand, parcel: Parcel, key: str, at: dt.datetime) -> Sending:
    picks = _everything(hand, parcel) if parcel.lines is None else _chosen(hand, parcel, parcel.lines)
    if not picks:
        raise OrderError("nothing_to_ship", number=hand.order.number)
    for pick in picks:  # the next parcel of this call has less left
        hand.promised[pick.line.pk] = hand.promised.get(pick.line.pk, ZERO) + pick.units
    return Sending(
        picks=picks,
        key=key,
        source=Shipment.Source.DESK,
        shipped_at=at,
        carrier=parcel.carrier,
        tracking=parcel.tracking,
        tracking_url=parcel.tracking_url,
    )


def _left(hand: Hand, line: OrderLine) -> Decimal:
    return max(line.quantity - line.shipped_quantity - hand.promised.get(line.pk, ZERO), ZERO)


def _everything(hand: Hand, parcel: Parcel) -> list[Pick]:
    """All that is left of each line and may leave, as far as it is reserved where the parcel is packed.

    Raises OrderError part_too_early when all of it is planned for a later day, not_reserved when nothing is reserved
    but some is in warehouses that whoever ships may not see.
    """
    picks, hidden = [], None
    for line in hand.lines:
        left = _left(hand, line) - hand.kept.of(line)
        if left <= 0 or line.platform_fulfilled:
            continue
        per_unit = pieces_per_unit(line, hand.parts.get(line.pk, ()))
        held = _held(hand, line)
        if line.stocked:
            there = available_units(per_unit, held, parcel.within)
            if there < left and parcel.warehouses is not None and hidden is None:
                hidden = (line, left, there) if available_units(per_unit, held) > there else None
            left = min(left, there)
            if line.pk in hand.parts:
                left = left.to_integral_value(rounding="ROUND_DOWN")
        if left > 0:
            picks.append(_pick(line, left, per_unit, held, parcel))
    if hidden is not None and not picks:
        line, left, there = hidden
        raise OrderError("not_reserved", label=str(line), available=_plain(there), wanted=_plain(left))
    if hand.kept.units and not picks:
        raise OrderError("part_too_early", when=hand.kept.day)
    return picks


def _chosen(hand: Hand, parcel: Parcel, wanted: Mapping[int, Decimal]) -> list[Pick]:
    lines = {line.pk: line for line in hand.lines}
    picks = []
    for line_id, units in wanted.items():
        line = lines.get(line_id)
        if line is None:
            raise OrderError("unknown_line", number=hand.order.number)
        per_unit = pieces_per_unit(line, hand.parts.get(line.pk, ()))
        held = _held(hand, line)
        _check(hand, line, units, available_units(per_unit, held, parcel.within))
        picks.append(_pick(line, units, per_unit, held, parcel))
    return picks


def _check(hand: Hand, line: OrderLine, units: Decimal, available: Decimal) -> None:
    left, at_fault = _left(hand, line), {"label": str(line), "line_id": line.pk}
    if not _countable(Decimal(units)):
        raise OrderError("bad_quantity", **at_fault, wanted=str(units)[:40])
    if units <= 0:
        raise OrderError("not_positive", **at_fault)
    if line.platform_fulfilled:
        raise OrderError("by_platform", **at_fault)
    if units > left:
        raise OrderError("too_many", **at_fault, left=_plain(left), wanted=_plain(units))
    if units > left - hand.kept.of(line):
        raise OrderError("line_too_early", **at_fault, units=_plain(hand.kept.of(line)), when=hand.kept.day)
    if line.stocked and line.pk in hand.parts and units % 1:
        raise OrderError("part_of_bundle", **at_fault)
    if line.stocked and units > available:
        raise OrderError("not_reserved", **at_fault, available=_plain(available), wanted=_plain(units))


def _countable(units: Decimal) -> bool:
    """True for a number of whole thousandths that is not beyond all stock; false for NaN and its kin."""
    if not units.is_finite():
        return False
    return not units or (-3 <= units.adjusted() <= 9 and units * 1000 % 1 == 0)


def _held(hand: Hand, line: OrderLine) -> Holdings:
    return hand.held.setdefault(line.pk, {})


def _pick(line: OrderLine, units: Decimal, per_unit: dict[int, Decimal], held: Holdings, parcel: Parcel) -> Pick:
    return Pick(line, units, take(per_unit, units, held, parcel.within) if line.stocked else {})


def _plain(value: Decimal) -> str:
    return format(value.normalize() if value else ZERO, "f")


def _note(order: Order, shipments: Sequence[Shipment], actor: str) -> None:
    audit.record_many(
        audit.Entry(
            "order.ship",
            order,
            after={"parcel": one.number, "carrier": one.carrier, "tracking": one.tracking_number, "state": order.state},
            summary=f"{order.number}-{one.number}",
            actor=actor,
        )
        for one in shipments
    )


# --- taking back -----------------------------------------------------------------------------------------------------


@transaction.atomic
def void(
    *,
    shipment_id: int,
    actor: str,
    reason: str = "",
    warehouses: frozenset[int] | None = None,
    lies_here: bool = False,
) -> Shipment:
    """Take a parcel back before the platform heard of it: goods return at their cost, the sale is reversed.

    The goods are reserved for the order again. `warehouses` are those whoever asks may see; None: all. One that was
    handed to the carrier is taken back only by who says that it `lies_here`. Raises OrderError: not_found,
    already_void, from_platform, goods_returned, other_warehouse, handed_over, already_reported.
    """
    found = Shipment.objects.filter(pk=shipment_id).values_list("order_id", flat=True).first()
    if found is None:
        raise OrderError("not_found")
    order = Order.objects.select_for_update().get(pk=found)
    shipment = Shipment.objects.get(pk=shipment_id)
    _check_void(shipment, warehouses, lies_here)
    _stop_news(shipment)
    now = clock.now()
    goods = list(ShipmentGoods.objects.filter(shipment_line__shipment=shipment).select_related("shipment_line"))
    _goods_back(shipment, goods, actor, now)
    _lines_back(order, shipment)
    _reserve_again(order, shipment, actor, now)
    posting.request_reversal(of=shipment.reference, reference=f"{shipment.reference}/void", occurred_at=now)
    shipment.state, shipment.voided_at, shipment.voided_by = Shipment.State.VOID, now, actor[:150]
    shipment.save(update_fields=["state", "voided_at", "voided_by"])
    labels.take_off(shipment.pk)
    after = {"parcel": shipment.number, "reason": reason, "state": order.state}
    audit.record(action="order.void_parcel", target=order, after=after, summary=str(shipment), actor=actor)
    return shipment


def _check_void(shipment: Shipment, warehouses: frozenset[int] | None, lies_here: bool) -> None:
    if shipment.state == Shipment.State.VOID:
        raise OrderError("already_void")
    if shipment.source == Shipment.Source.PLATFORM:
        raise OrderError("from_platform")
    goods = ShipmentGoods.objects.filter(shipment_line__shipment=shipment)
    if goods.filter(returned_quantity__gt=0).exists():
        raise OrderError("goods_returned")
    if warehouses is not None and goods.exclude(warehouse_id__in=warehouses).exists():
        raise OrderError("other_warehouse")
    if not lies_here and Handover.objects.filter(shipment=shipment).exists():
        raise OrderError("handed_over")


def _stop_news(shipment: Shipment) -> None:
    """Close the deliveries nobody has begun; one that was begun may have reached the platform already."""
    news = OrderEventDelivery.objects.filter(event__shipment=shipment)
    news.filter(state=outbox.State.DUE, attempts=0).update(state=outbox.State.DONE, code="void", done_at=clock.now())
    if shipment.external_id or news.exclude(state=outbox.State.DONE, code="void").exists():
        raise OrderError("already_reported")


def _goods_back(shipment: Shipment, goods: Sequence[ShipmentGoods], actor: str, now: dt.datetime) -> None:
    items = [
        PutBack(
            reference=line_reference(one.shipment_line.line_id),
            sku_id=one.sku_id,
            warehouse_id=one.warehouse_id,
            quantity=one.quantity,
            value=one.cost_value,
            source=reservations.out_key(
                shipment.reference, (line_reference(one.shipment_line.line_id), one.sku_id, one.warehouse_id)
            ),
        )
        for one in goods
    ]
    if items:
        reservations.put_back(items=items, document=f"{shipment.reference}/void", occurred_at=now, actor=actor)


def _lines_back(order: Order, shipment: Shipment) -> None:
    lines = {one.line_id: one.quantity for one in ShipmentLine.objects.filter(shipment=shipment)}
    rows = list(OrderLine.objects.filter(pk__in=lines))
    for row in rows:
        row.shipped_quantity -= lines[row.pk]
    OrderLine.objects.bulk_update(rows, ["shipped_quantity"])


def _reserve_again(order: Order, shipment: Shipment, actor: str, now: dt.datetime) -> None:
    """Book what came back for the order that it was taken from, under the locks that hold it.

    An order that was cancelled meanwhile wants nothing back; without another parcel it is cancelled at last.
    """
    cancelled = order.cancelled_at is not None
    trouble = "" if cancelled else _book_again(order, actor, now)
    left = Shipment.objects.filter(order=order, state=Shipment.State.SENT).exclude(pk=shipment.pk)
    latest = left.order_by("-shipped_at").values_list("shipped_at", flat=True).first()
    if cancelled and not latest:
        order.state = State.CANCELLED
        holds.clear(order)
    elif order.state in (State.SHIPPED, State.PARTLY_SHIPPED) and not cancelled:
        order.state = State.PARTLY_SHIPPED if latest else State.APPROVED
        _point_out(order, trouble, now)
    order.shipped_at, order.updated_at, order.revision = latest, now, order.revision + 1
    order.save(
        update_fields=[
            "state", "shipped_at", "updated_at", "revision", "hold_code", "hold_note", "hold_department", "held_since",
            "hold_until",
        ]
    )  # fmt: skip


def _book_again(order: Order, actor: str, now: dt.datetime) -> str:
    """Book and reserve what an order wants again; returns what keeps it from leaving, as the checks call it."""
    facts = review.facts_of([order], now)[0]
    presale.attach([facts], now)
    attaching.attach([facts], now, partial=True)
    reservations.change_demand(wants=verdicts.wants_of(facts, whole=False, waiting=True), actor=actor)
    if facts.no_route or not facts.warehouses:
        return "no_route" if facts.warehouses else "no_warehouse"
    result = reservations.reserve(wants=verdicts.wants_of(facts, whole=False), partial=True, actor=actor)
    if not result.shortages:
        return ""
    gone = {line_reference(line.line_id) for line in facts.lines if line.route == ()}
    return "no_route" if any(one.reference in gone for one in result.shortages) else SHORT


def _point_out(order: Order, trouble: str, now: dt.datetime) -> None:
    """Nobody would hear of goods that cannot be reserved: what lacks stock is marked and waits for it, the rest is
    held for a person.
    """
    if not trouble:
        return
    holds.put(order, trouble, now, department=ruleset.load().department(trouble))
    if trouble != SHORT:
        order.state = State.HELD
