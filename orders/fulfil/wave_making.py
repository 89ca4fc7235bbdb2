"""Make waves: from orders a clerk chose, or by a template; each order is told what became of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import zoneinfo
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Case, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format

from backoffice import actors, audit, clock
from inventory.models import Warehouse
from orders.desk.table import RowOutcome, Table
from orders.fulfil import wave_parts, wave_together
from orders.models import Order, OrderLine, PickMode, Wave, WaveGoods, WaveOrder, WaveTemplate
from orders.models.waves import MOST_ORDERS

State = Wave.State
NEW_PAGE = 2_000  # rows in one insert


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """What came of it: the wave (None when no order could go into one), and the outcome of each order."""

    wave: Wave | None
    outcomes: list[RowOutcome]


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """How many orders fit a template now, and those that would go into the next wave, first ones first."""

    fitting: int
    order_ids: list[int]
    late: int


@transaction.atomic
def make(
    *,
    warehouse_id: int,
    order_ids: Sequence[int],
    mode: str = PickMode.CLUSTER,
    actor: str,
    template: WaveTemplate | None = None,
) -> Made:
    """Put the parts of orders that are reserved in a warehouse into a new wave, late ones first, then by priority.

    Orders that are not approved, wait with an edit, may not leave yet, hold nothing there or are in a wave already stay
    out and say why. Orders that go in one parcel go in together or not at all.
    """
    table = Table(wave_together.whole(order_ids), actor)
    lines = wave_parts.lines_of([one.pk for one in table.orders])
    goods = _by_order(lines, wave_parts.reserved(lines, warehouse_id))
    due = wave_together.keep_whole(table, _fitting(table, warehouse_id, goods))
    if not due:
        return Made(None, table.outcomes())
    now = table.now
    wave = Wave.objects.create(
        warehouse_id=warehouse_id, mode=mode, template=template, created_at=now, created_by=actor[:150]
    )
    _fill(wave, due, goods)
    table.done(due, "in_wave", "order.wave", {"wave": wave.code})
    audit.record(action="wave.make", target=wave, actor=actor, after={"orders": len(due), "mode": mode})
    return Made(wave, table.outcomes())


def _by_order(lines: dict[int, int], held: wave_parts.Goods) -> dict[int, wave_parts.Goods]:
    found: dict[int, wave_parts.Goods] = {}
    place = {line_id: number for number, line_id in enumerate(lines)}
    for key in sorted(held, key=lambda one: (place[one[0]], one[1])):
        found.setdefault(lines[key[0]], {})[key] = held[key]
    return found


def _fitting(table: Table, warehouse_id: int, goods: dict[int, Any]) -> list[Order]:
    """The locked orders that go into the wave, in the order they are to be worked; the others are told why not."""
    busy = _busy(table, warehouse_id)
    early = wave_together.early_parts([one.pk for one in table.orders], warehouse_id, table.now)
    name = ""
    due: list[Order] = []
    for order in sorted(table.orders, key=lambda one: _rank(one, table.now)):
        if order.state not in wave_parts.READY:
            table.refuse_state(order)
        elif order.pending_version_id is not None:
            table.refuse(order, "edit_waiting")
        elif order.pk in busy:
            wave_id, who = busy[order.pk]
            table.refuse(order, "in_wave", wave=f"W{wave_id}", who=named(who))
        elif order.pk in early:
            when = date_format(timezone.localtime(early[order.pk]), "DATETIME_FORMAT")
            table.refuse(order, "wave_too_early", when=when)
        elif order.pk not in goods:
            name = name or str(Warehouse.objects.get(pk=warehouse_id))
            table.refuse(order, "nothing_reserved_here", warehouse=name)
        elif len(due) >= MOST_ORDERS:
            table.refuse(order, "wave_is_full", most=MOST_ORDERS)
        else:
            due.append(order)
    return due


def _busy(table: Table, warehouse_id: int) -> dict[int, tuple[int, str]]:
    """Open parts of these orders in this warehouse; the orders are locked, so nobody adds one meanwhile."""
    rows = WaveOrder.objects.filter(order__in=[one.pk for one in table.orders], warehouse_id=warehouse_id, open=True)
    return {pk: (wave, who) for pk, wave, who in rows.values_list("order_id", "wave_id", "wave__created_by")}


def _rank(order: Order, now: dt.datetime) -> tuple[Any, ...]:
    """Late ones first, then by priority, then what is due first."""
    late = order.ship_by is not None and order.ship_by <= now
    due = order.ship_by or dt.datetime.max.replace(tzinfo=dt.UTC)
    return (not late, -order.priority, due, order.placed_at, order.pk)


def _fill(wave: Wave, due: Sequence[Order], goods: dict[int, wave_parts.Goods]) -> None:
    parts = WaveOrder.objects.bulk_create(
        [
            WaveOrder(wave=wave, order=order, warehouse_id=wave.warehouse_id, place=place)
            for place, order in enumerate(due, 1)
        ]
    )
    wave_together.set_leads(parts)
    rows = [
        WaveGoods(wave_order=part, line_id=line_id, sku_id=sku_id, wanted=pieces)
        for part in parts
        for (line_id, sku_id), pieces in goods[part.order_id].items()
    ]
    WaveGoods.objects.bulk_create(rows, batch_size=NEW_PAGE)


def named(actor: str) -> str:
    """`user:7 wang` is `wang` to people."""
    return actors.named(actor)


# --- by a template ---------------------------------------------------------------------------------------------------


def fitting(template: WaveTemplate, orders: QuerySet[Order]) -> QuerySet[Order]:
    """Return the orders that fit a template now, those to be worked first in front."""
    now = clock.now()
    found = wave_parts.waiting(orders, template.warehouse_id)
    found = found.filter(priority__gte=template.least_priority)
    if template.countries:
        found = found.filter(contact__country__in=template.countries)
    words = [word.strip() for word in template.delivery.replace("，", ",").split(",") if word.strip()]
    if words:
        found = found.filter(_any_of(words))
    if template.before is not None:
        found = found.filter(placed_at__lt=_cut_off(template, now))
    late = Case(When(ship_by__lte=now, then=Value(0)), default=Value(1), output_field=IntegerField())
    return _by_lines(found, template).order_by(late, "-priority", F("ship_by").asc(nulls_last=True), "placed_at", "pk")


def _any_of(words: Sequence[str]) -> Q:
    condition = Q()
    for word in words:
        condition |= Q(shipping_method__icontains=word)
    return condition


def _cut_off(template: WaveTemplate, now: dt.datetime) -> dt.datetime:
    """Today's cut-off on the warehouse's clock."""
    try:
        zone: dt.tzinfo = zoneinfo.ZoneInfo(template.warehouse.time_zone)
    except (KeyError, ValueError, OSError):  # a zone nobody knows must not stop the waves of all others
        zone = timezone.get_default_timezone()
    return dt.datetime.combine(now.astimezone(zone).date(), template.before or dt.time.max, zone)


def _by_lines(orders: QuerySet[Order], template: WaveTemplate) -> QuerySet[Order]:
    if template.lines == WaveTemplate.Lines.ANY:
        return orders
    rows = OrderLine.objects.filter(order=OuterRef("pk"), stocked=True, quantity__gt=0, platform_fulfilled=False)
    counted = rows.order_by().values("order").annotate(number=Count("pk")).values("number")
    counted_orders: Any = orders.annotate(wave_lines=Coalesce(Subquery(counted), 0))
    one = template.lines == WaveTemplate.Lines.SINGLE
    return counted_orders.filter(wave_lines=1) if one else counted_orders.filter(wave_lines__gt=1)


def preview(*, template: WaveTemplate, orders: QuerySet[Order]) -> Preview:
    """Say how many orders fit a template, and which would go into its next wave. `orders` are those a person sees."""
    found = fitting(template, orders)
    first = list(found.values_list("pk", flat=True)[: template.most])
    late = found.filter(ship_by__lte=clock.now()).count()
    return Preview(found.count(), first, late)


def make_by_template(*, template: WaveTemplate, orders: QuerySet[Order], actor: str) -> Made:
    """Make the next wave of a template."""
    chosen = list(fitting(template, orders).values_list("pk", flat=True)[: template.most])
    if not chosen:
        return Made(None, [])
    return make(
        warehouse_id=template.warehouse_id, order_ids=chosen, mode=template.mode, actor=actor, template=template
    )


def make_due(now: dt.datetime | None = None) -> list[Wave]:
    """Make the waves of templates whose time is over (a chore). Each template is claimed, so two workers make one."""
    moment = now or clock.now()
    made = []
    for template in WaveTemplate.objects.filter(auto=True).select_related("warehouse").order_by("pk"):
        if template.last_run_at and template.last_run_at > moment - dt.timedelta(minutes=template.every_minutes):
            continue
        claim = WaveTemplate.objects.filter(pk=template.pk, auto=True, last_run_at=template.last_run_at)
        if not claim.update(last_run_at=moment):
            continue
        wave = make_by_template(template=template, orders=Order.objects.all(), actor="task:waves").wave
        if wave is not None:
            made.append(wave)
    return made
