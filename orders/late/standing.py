"""Where late orders stand: who has each, what probably keeps it, how much its buyer matters; six questions a page."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from inventory.access import Sight
from inventory.models import Bucket, Reservation
from orders.desk import sentences
from orders.late import sources
from orders.models import Order, OrderLine, PlayOrder
from orders.models.order import Department, line_reference

State = Order.State
HELD, SHORT, PARTLY, PACKED, UNPICKED = "held", "short", "partly", "packed", "unpicked"
STAGES: dict[str, Any] = {
    SHORT: _("Goods are missing"),
    HELD: pgettext_lazy("stage", "Held"),
    UNPICKED: _("Not packed yet"),
    PACKED: _("Packed, not gone"),
    PARTLY: _("A part has gone"),
}
SHORT_CODE = "short_stock"
LOYAL, YEAR = 3, dt.timedelta(days=365)


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """Where one order stands."""

    stage: str
    department: str
    reason: str
    warehouses: tuple[str, ...] = ()
    bought: int = 0  # orders of this buyer in the last year
    spent: Decimal | None = None
    play_id: int | None = None

    @property
    def loyal(self) -> bool:
        """Whether the buyer has come back often."""
        return self.bought >= LOYAL


def of(orders: Sequence[Order], seen: Sight) -> dict[int, Standing]:
    """Return where each order stands; warehouses the reader may not see are not named."""
    pks = [one.pk for one in orders]
    places, packed = _places(pks, seen), sources.packed(pks)
    buyers, plays = _buyers(orders), _plays(pks)
    found = {}
    for one in orders:
        stage = stage_of(one, one.pk in packed)
        bought, spent = buyers.get(one.buyer_key, (0, None))
        found[one.pk] = Standing(
            stage, department_of(one), reason_of(one, stage), places.get(one.pk, ()), bought, spent, plays.get(one.pk)
        )
    return found


def stage_of(order: Order, packed: bool = False) -> str:
    """Return how far an open order has come."""
    if order.hold_code == SHORT_CODE:
        return SHORT
    if order.state == State.HELD:
        return HELD
    if order.state == State.PARTLY_SHIPPED:
        return PARTLY
    return PACKED if packed else UNPICKED


def department_of(order: Order) -> str:
    """Return who has it: the department it is held for, else the warehouse."""
    if order.hold_code and order.hold_department:
        return order.hold_department
    return Department.WAREHOUSE.value


def reason_of(order: Order, stage: str) -> str:
    """Return what probably keeps it, in a few words."""
    if stage in (SHORT, HELD) and order.hold_code:
        return str(sentences.hold_title(order.hold_code, order.hold_note))
    return str(STAGES[stage])


def stage_condition(stage: str) -> Q:
    """Return the condition for orders at a stage; packed ones count among those that are not gone."""
    conditions = {
        SHORT: Q(hold_code=SHORT_CODE),
        HELD: Q(state=State.HELD) & ~Q(hold_code=SHORT_CODE),
        PARTLY: Q(state=State.PARTLY_SHIPPED) & ~Q(hold_code=SHORT_CODE),
        UNPICKED: Q(state=State.APPROVED) & ~Q(hold_code=SHORT_CODE),
    }
    return conditions.get(stage, Q())


def department_condition(department: str) -> Q:
    """Return the condition for orders a department has."""
    own = ~Q(hold_code="") & Q(hold_department=department)
    return own | Q(hold_code="", state__in=[State.APPROVED, State.PARTLY_SHIPPED]) if department == "warehouse" else own


def _places(order_ids: Sequence[int], seen: Sight) -> dict[int, tuple[str, ...]]:
    lines = dict(OrderLine.objects.filter(order_id__in=order_ids).values_list("pk", "order_id"))
    references = {line_reference(pk): order_id for pk, order_id in lines.items()}
    rows = Reservation.objects.filter(reference__in=list(references), quantity__gt=0)
    if seen.warehouses is not None:
        rows = rows.filter(warehouse__in=seen.warehouses)
    names: dict[int, dict[str, None]] = defaultdict(dict)
    for reference, bucket, name in rows.order_by("-bucket").values_list("reference", "bucket", "warehouse__name"):
        there = names[references[reference]]
        if bucket == Bucket.RESERVED or not there:
            there[name] = None
    return {order_id: tuple(found) for order_id, found in names.items()}


def _buyers(orders: Sequence[Order]) -> dict[str, tuple[int, Decimal | None]]:
    keys = {one.buyer_key for one in orders if one.buyer_key}
    if not keys:
        return {}
    rows = Order.objects.filter(buyer_key__in=keys, placed_at__gte=clock.now() - YEAR).exclude(state=State.CANCELLED)
    told = rows.values("buyer_key").annotate(many=Count("pk"), spent=Sum("base_total")).order_by()
    return {row["buyer_key"]: (row["many"], row["spent"]) for row in told}


def _plays(order_ids: Sequence[int]) -> dict[int, int]:
    rows = PlayOrder.objects.filter(order_id__in=order_ids, play__state="open").order_by("play_id")
    return dict(rows.values_list("order_id", "play_id"))
