"""One order in several parcels: planned from what is in stock, where it lies, what kind of goods it is, or by hand.

A plan moves no goods. It says what leaves together and when; what the platform cuts from a line is cut from its last
parcels, and what is added to the order stands in no parcel until somebody plans it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import Max

from backoffice import audit, clock, locks
from inventory.models import Warehouse
from orders.desk import actions
from orders.desk.table import RowOutcome, Table
from orders.errors import OrderError
from orders.fulfil import parcels, planned, shipping
from orders.fulfil.parcels import Hand
from orders.fulfil.picking import available_units, pieces_per_unit
from orders.fulfil.planned import Units, sent
from orders.models import MergeMember, Order, OrderLine, OrderPart, OrderPartLine, Shipment

State, By = Order.State, OrderPart.By
OPEN = (State.HELD, State.APPROVED, State.PARTLY_SHIPPED)
ZERO = Decimal(0)
Draft = tuple[str, int | None, bool, Units]  # (name, warehouse id, waits for stock, units)


@transaction.atomic
def split(
    *,
    order_ids: Sequence[int],
    by: str | Mapping[int, Decimal] = "stock",
    actor: str,
    ship_after: dt.datetime | None = None,
    ship_by: dt.datetime | None = None,
) -> list[RowOutcome]:
    """Plan orders as several parcels: "stock", "warehouse", "line_class", or chosen lines (line id → units).

    By stock, a held order is approved as far as it can be reserved (`actions.split_by_stock`). The dates are those of
    the chosen lines, or of the parcel that waits for stock. Raises OrderError part_dates.
    """
    if ship_after is not None and ship_by is not None and ship_by < ship_after:
        raise OrderError("part_dates")
    before: dict[int, RowOutcome] = {}
    if by == By.STOCK:
        locks.locked_rows(Order.objects.filter(pk__in=order_ids))  # all at once: approving locks only the held ones
        held = Order.objects.filter(pk__in=order_ids, state=State.HELD).values_list("pk", flat=True)
        before = {one.order_id: one for one in actions.split_by_stock(order_ids=sorted(held), actor=actor)}
    table = Table(order_ids, actor)
    merged = set(MergeMember.objects.filter(order__in=order_ids, state="in").values_list("order_id", flat=True))
    split_before = set(
        OrderPart.objects.filter(planned.WAITING, order__in=order_ids).values_list("order_id", flat=True)
    )
    for order in table.orders:
        if order.pk in before and not before[order.pk].ok:
            continue
        reason = _unfit(order, merged, split_before)
        if reason == "state":
            table.refuse_state(order)
        elif reason is not None:
            table.refuse(order, reason, group="")
        else:
            _plan(table, order, by, (ship_after, ship_by), reserved=order.pk in before)
    return [one if (one := before.get(pk)) is not None and not one.ok else _of(table, pk) for pk in table.asked]


def _of(table: Table, pk: int) -> RowOutcome:
    return next(one for one in table.outcomes() if one.order_id == pk)


def _unfit(order: Order, merged: set[int], split_before: set[int]) -> str | None:
    if order.state not in OPEN:
        return "state"
    if order.pending_version_id is not None:
        return "edit_waiting"
    if order.pk in merged:
        return "merge_there"
    return "split_already" if order.pk in split_before else None


def _plan(
    table: Table,
    order: Order,
    by: str | Mapping[int, Decimal],
    dates: tuple[dt.datetime | None, dt.datetime | None],
    *,
    reserved: bool,
) -> None:
    hand = parcels.open_order(order)
    how = by if isinstance(by, str) else By.LINES.value
    drafts = _drafts(hand, by)
    if drafts is None:
        table.refuse(order, "split_lines")
        return
    if len(drafts) < 2:
        if reserved:  # all of it is in stock: it is approved, and there is nothing to plan
            table.succeed(order, "approved")
        else:
            table.refuse(order, "one_parcel")
        return
    _write(table, order, how, drafts, dates)
    table.done([order], "split", "order.split", {"by": how, "parcels": len(drafts)})


def _left(hand: Hand) -> Units:
    left = {line.pk: line.quantity - line.shipped_quantity for line in hand.lines if not line.platform_fulfilled}
    return {pk: units for pk, units in left.items() if units > 0}


def _drafts(hand: Hand, by: str | Mapping[int, Decimal]) -> list[Draft] | None:
    """Return the parcels in the order they leave; None when the chosen lines make no sense."""
    left = _left(hand)
    if not isinstance(by, str):
        return _chosen(hand, left, by)
    if by == By.STOCK:
        return _by_stock(hand, left)
    if by == By.WAREHOUSE:
        return _by_warehouse(hand, left)
    return _by_class(hand, left)


def _chosen(hand: Hand, left: Units, chosen: Mapping[int, Decimal]) -> list[Draft] | None:
    picked = {pk: units for pk, units in chosen.items() if not units.is_finite() or units}
    if any(not _sensible(hand, pk, units, left) for pk, units in picked.items()):
        return None
    rest = {pk: units - picked.get(pk, ZERO) for pk, units in left.items() if units > picked.get(pk, ZERO)}
    if not picked or not rest:
        return None
    return [("", None, False, rest), ("", None, False, picked)]


def _sensible(hand: Hand, line_id: int, units: Decimal, left: Units) -> bool:
    if line_id not in left or not units.is_finite() or not 0 < units <= left[line_id]:
        return False
    return units * 1000 % 1 == 0 and (line_id not in hand.parts or units % 1 == 0)


def _by_stock(hand: Hand, left: Units) -> list[Draft]:
    here: Units = {}
    for line in hand.lines:
        if line.pk in left:
            held = hand.held.get(line.pk, {})
            units = available_units(pieces_per_unit(line, hand.parts.get(line.pk, ())), held) if line.stocked else None
            here[line.pk] = left[line.pk] if units is None else min(_whole(hand, line, units), left[line.pk])
    return _with_rest(left, [("", None, False, _some(here))])


def _by_warehouse(hand: Hand, left: Units) -> list[Draft]:
    places = sorted({place for held in hand.held.values() for _sku, place in held})
    names = dict(Warehouse.objects.filter(pk__in=places).values_list("pk", "name"))
    rest, drafts = dict(left), []
    for nth, place in enumerate(places):
        units: Units = {}
        for line in (one for one in hand.lines if one.pk in rest):
            per_unit = pieces_per_unit(line, hand.parts.get(line.pk, ()))
            held = hand.held.get(line.pk, {})
            there = available_units(per_unit, held, frozenset((place,)))
            if not line.stocked:  # goes with the first parcel
                there = ZERO if nth else left[line.pk]
            units[line.pk] = min(_whole(hand, line, there), rest[line.pk])
            rest[line.pk] -= units[line.pk]
        if any(units.values()):
            drafts.append((names[place], place, False, _some(units)))
    return _with_rest(left, drafts)


def _by_class(hand: Hand, left: Units) -> list[Draft]:
    """By the category of the goods; what has none, and what takes no stock, stands by itself."""
    rows = OrderLine.objects.filter(pk__in=left).values_list("pk", "sku__product__category")
    classes: dict[str, Units] = defaultdict(dict)
    for pk, category in rows.order_by("position"):
        classes[category or ""][pk] = left[pk]
    return [(name[:100], None, False, units) for name, units in classes.items()]


def _with_rest(left: Units, drafts: Sequence[Draft]) -> list[Draft]:
    found = [one for one in drafts if one[3]]
    taken: Units = defaultdict(lambda: ZERO)
    for draft in found:
        for pk, units in draft[3].items():
            taken[pk] += units
    rest = {pk: units - taken[pk] for pk, units in left.items() if units > taken[pk]}
    return [*found, ("", None, True, rest)] if rest else found


def _whole(hand: Hand, line: OrderLine, units: Decimal) -> Decimal:
    return units.to_integral_value(rounding="ROUND_DOWN") if line.pk in hand.parts else units


def _some(units: Units) -> Units:
    return {pk: one for pk, one in units.items() if one > 0}


def _write(
    table: Table,
    order: Order,
    how: str,
    drafts: Sequence[Draft],
    dates: tuple[dt.datetime | None, dt.datetime | None],
) -> None:
    last = len(drafts)
    before = order.plan.aggregate(last=Max("number"))["last"] or 0
    for number, (name, place, waiting, units) in enumerate(drafts, 1):
        after, until = dates if number == last and (waiting or how == By.LINES) else (None, None)
        part = OrderPart.objects.create(
            order=order,
            number=before + number,
            by=how,
            name=name,
            waiting=waiting,
            warehouse_id=place,
            ship_after=after,
            ship_by=until,
            created_at=table.now,
            created_by=table.actor[:150],
        )
        OrderPartLine.objects.bulk_create(OrderPartLine(part=part, line_id=pk, quantity=q) for pk, q in units.items())


# --- changing --------------------------------------------------------------------------------------------------------


@transaction.atomic
def undo(*, order_id: int, actor: str) -> None:
    """Take a plan back: what has not left goes as one parcel again. Raises OrderError: not_found, no_plan."""
    order = _locked(order_id)
    waiting = order.plan.filter(planned.WAITING)
    if not waiting.exists():
        raise OrderError("no_plan", number=order.number)
    waiting.delete()
    _touched(order)
    audit.record(action="order.split_undo", target=order, actor=actor, summary=order.number)


@transaction.atomic
def set_dates(
    *, order_id: int, part_id: int, ship_after: dt.datetime | None, ship_by: dt.datetime | None, actor: str
) -> None:
    """Say when a planned parcel may leave and when it has to.

    Raises OrderError: not_found, no_such_part, part_sent, part_dates.
    """
    order = _locked(order_id)
    part = _part(order, part_id)
    if sent(part):
        raise OrderError("part_sent")
    if ship_after is not None and ship_by is not None and ship_by < ship_after:
        raise OrderError("part_dates")
    part.ship_after, part.ship_by = ship_after, ship_by
    part.save(update_fields=["ship_after", "ship_by"])
    _touched(order)
    after = {"parcel": part.number, "not_before": str(ship_after or ""), "ship_by": str(ship_by or "")}
    audit.record(action="order.split_dates", target=order, actor=actor, after=after, summary=order.number)


@transaction.atomic
def ship_part(
    *,
    order_id: int,
    part_id: int,
    carrier: str,
    tracking: str,
    actor: str,
    idempotency_key: str,
    warehouses: frozenset[int] | None = None,
) -> Shipment:
    """Send one planned parcel. The same key again returns the parcel of the first call.

    Raises OrderError: not_found, no_such_part, part_sent, part_too_early, part_empty and what `shipping.ship` refuses.
    """
    order = _locked(order_id)
    part = _part(order, part_id)
    known = Shipment.objects.filter(idempotency_key=idempotency_key, order=order).first()
    if known is not None:
        return known
    if sent(part):
        raise OrderError("part_sent")
    if part.ship_after is not None and part.ship_after > clock.now():
        raise OrderError("part_too_early", when=planned.day(part.ship_after))
    units = {line.pk: left for one, lines in planned.plan_of(order) if one == part for line, left in lines}
    if not units:
        raise OrderError("part_empty")
    parcel = shipping.Parcel(
        lines=units, carrier=carrier, tracking=tracking, warehouse_id=part.warehouse_id, warehouses=warehouses
    )
    (shipment,) = shipping.ship(order_id=order.pk, parcels=[parcel], actor=actor, idempotency_key=idempotency_key)
    part.shipment = shipment
    part.save(update_fields=["shipment"])
    return shipment


def _locked(order_id: int) -> Order:
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise OrderError("not_found")
    return order


def _part(order: Order, part_id: int) -> OrderPart:
    part = order.plan.filter(pk=part_id).select_related("shipment").first()
    if part is None:
        raise OrderError("no_such_part")
    return part


def _touched(order: Order) -> None:
    order.updated_at, order.revision = clock.now(), order.revision + 1
    order.save(update_fields=["updated_at", "revision"])
