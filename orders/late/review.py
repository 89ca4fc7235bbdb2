"""The month in review: how many orders were late or oversold, by cause, shop and product, what it cost, what changed.

Plain figures; the page, the workbook and the printed sheet show the same ones.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from backoffice import clock
from backoffice.models import Incident, IncidentCause
from inventory.models import Shop, Sku
from orders.late import compare, due
from orders.models import Compensation, Order, OrderLine, PenaltyEntry, PlayOrder, Refund

ZERO = Decimal(0)
MOST_PRODUCTS = 50
STEPS = 12  # six parts of two months
BACK = ("refund", "shipping")  # compensations that come back as refunds of the platform
Shops = frozenset[int] | None
State = Order.State


@dataclasses.dataclass(slots=True)
class Line:
    """One row of the review; money is in base currency."""

    name: str
    orders: int = 0
    late: int = 0
    oversold: int = 0
    compensations: Decimal = ZERO
    refunds: Decimal = ZERO
    penalties: Decimal = ZERO
    late_before: int = 0
    cost_before: Decimal = ZERO
    key: int | None = None

    @property
    def cost(self) -> Decimal:
        """All that lateness cost here."""
        return self.compensations + self.refunds + self.penalties

    @property
    def share(self) -> float | None:
        """Late orders of all, in percent."""
        return round(100 * self.late / self.orders, 1) if self.orders else None

    @property
    def more(self) -> int:
        """How many more were late than the month before."""
        return self.late - self.late_before

    @property
    def dearer(self) -> Decimal:
        """How much more it cost than the month before."""
        return self.cost - self.cost_before

    @property
    def empty(self) -> bool:
        """Whether nothing stands in it."""
        return not (self.late or self.oversold or self.cost or self.late_before or self.cost_before)


@dataclasses.dataclass(frozen=True, slots=True)
class Review:
    """A month beside the month before it. `complete` is False while it still runs."""

    first: dt.date
    total: Line
    before: Line
    causes: list[Line]
    shops: list[Line]
    products: list[Line]
    complete: bool

    @property
    def changes(self) -> list[Line]:
        """What changed most, by cause and shop."""
        moved = [one for one in (*self.causes, *self.shops) if one.more or one.dearer]
        return sorted(moved, key=lambda one: (-abs(one.more), -abs(one.dearer)))[:8]


def size(first: dt.date, *, shops: Shops = None) -> int:
    """Return how many orders a review of that month has to look at."""
    return counted(shops, _span(_before(first))[0], _span(first)[1]).count()


def of(first: dt.date, *, shops: Shops = None, step: Callable[[], None] = lambda: None) -> Review:
    """Return the review of the month that begins on `first`, for some shops (None: all); tells each of its STEPS."""
    now, earlier = _month(first, shops, step), _month(_before(first), shops, step)
    total, before = now.total(), earlier.total()
    total.late_before, total.cost_before = before.late, before.cost
    return Review(
        first=first,
        total=total,
        before=before,
        causes=_beside(now.causes, earlier.causes),
        shops=_beside(now.shops, earlier.shops),
        products=_beside(now.products, earlier.products)[:MOST_PRODUCTS],
        complete=clock.now() >= _span(first)[1],
    )


def _beside(now: Mapping[Any, Line], before: Mapping[Any, Line]) -> list[Line]:
    """Put each row of the month before beside its row now; what is gone stands with zeros."""
    for key, line in before.items():
        row = now.get(key) or Line(line.name, key=line.key)
        row.late_before, row.cost_before = line.late, line.cost
        now = {**now, key: row}
    rows = [one for one in now.values() if not one.empty]
    return sorted(rows, key=lambda one: (-one.late, -one.cost, -one.oversold, not one.name, one.name))


def _before(first: dt.date) -> dt.date:
    return (first - dt.timedelta(days=1)).replace(day=1)


def following(first: dt.date) -> dt.date:
    """Return the first day of the next month."""
    return (first.replace(day=28) + dt.timedelta(days=4)).replace(day=1)


def _span(first: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """The month from midnight to midnight in the reader's zone."""
    zone = timezone.get_current_timezone()
    begins, ends = (dt.datetime.combine(day, dt.time(0), zone) for day in (first, following(first)))
    return begins, ends


@dataclasses.dataclass(slots=True)
class _Month:
    """What is counted of one month, by shop, cause (None: nobody recorded one) and product."""

    shops: dict[int, Line]
    causes: dict[int | None, Line]
    products: dict[int, Line]

    def total(self) -> Line:
        """All shops together."""
        found = Line("")
        for name in ("orders", "late", "oversold", "compensations", "refunds", "penalties"):
            setattr(
                found, name, sum((getattr(one, name) for one in self.shops.values()), type(getattr(found, name))(0))
            )
        return found


def late_condition(now: dt.datetime) -> Q:
    """Return the condition for orders that left too late, or still stand there although their time is over."""
    gone = Q(shipped_at__gt=F("due_at"), state__in=[State.SHIPPED, State.PARTLY_SHIPPED])
    return Q(due_at__isnull=False) & (gone | Q(due_at__lt=now, state__in=due.CLOCKED))


def counted(shops: Shops, since: dt.datetime, until: dt.datetime) -> QuerySet[Order]:
    """Return the orders of a time that count: placed then, neither cancelled nor older than the house."""
    rows = Order.objects.filter(placed_at__gte=since, placed_at__lt=until)
    rows = rows.exclude(state__in=[State.HISTORY, State.CANCELLED])
    return rows if shops is None else rows.filter(shop__in=shops)


def _month(first: dt.date, shops: Shops, step: Callable[[], None]) -> _Month:
    since, until = _span(first)
    orders = counted(shops, since, until)
    late = orders.filter(late_condition(clock.now()))
    month = _Month(_by_shop(orders), {}, {})
    step()
    parts: tuple[Callable[[], None], ...] = (
        lambda: _causes(month, late),
        lambda: _products(month, late, orders),
        lambda: _compensations(month, shops, since, until),
        lambda: _refunds(month, late),
        lambda: _penalties(month, shops, first),
    )
    for part in parts:
        part()
        step()
    return month


def _by_shop(orders: QuerySet[Order]) -> dict[int, Line]:
    short = Exists(compare.short_reviews().filter(order=OuterRef("pk")))
    rows = (
        orders.order_by()
        .values("shop")
        .annotate(
            many=Count("pk"),
            late=Count("pk", filter=late_condition(clock.now())),
            oversold=Count("pk", filter=Q(short)),
        )
    )
    names = dict(Shop.objects.values_list("pk", "name"))
    return {
        row["shop"]: Line(names[row["shop"]], row["many"], row["late"], row["oversold"], key=row["shop"])
        for row in rows
    }


def _shop(month: _Month, shop_id: int) -> Line:
    if shop_id not in month.shops:
        month.shops[shop_id] = Line(Shop.objects.get(pk=shop_id).name, key=shop_id)
    return month.shops[shop_id]


def _cause(month: _Month, cause_id: int | None) -> Line:
    if cause_id not in month.causes:
        cause = IncidentCause.objects.filter(pk=cause_id).first() if cause_id is not None else None
        month.causes[cause_id] = Line(str(cause) if cause else "", key=cause_id)
    return month.causes[cause_id]


def _causes(month: _Month, late: QuerySet[Order]) -> None:
    """A play's cause for its orders, else what the incident desk found; the rest has none."""
    ids = set(late.values_list("pk", flat=True))
    known = causes_of(ids)
    counts = Counter(known.get(pk) for pk in ids)
    for cause_id, many in counts.items():
        _cause(month, cause_id).late = many


def causes_of(order_ids: set[int]) -> dict[int, int]:
    """Return the recorded cause of each late order that has one."""
    incidents = Incident.objects.filter(kind="late", cause__isnull=False, key__startswith="order:").order_by(
        "closed_at"
    )
    found = {
        pk: cause_id
        for key, cause_id in incidents.values_list("key", "cause_id")
        if (pk := _number(key)) in order_ids and cause_id is not None
    }
    told = PlayOrder.objects.annotate(why=Coalesce("cause_id", "play__cause_id")).filter(why__isnull=False)
    rows = told.order_by("pk").values_list("order_id", "why")
    found |= {order_id: why for order_id, why in rows if order_id in order_ids}
    return found


def _number(key: str) -> int:
    text = key.partition(":")[2]
    return int(text) if text.isdecimal() else 0


def _products(month: _Month, late: QuerySet[Order], orders: QuerySet[Order]) -> None:
    """Late orders by what was in them; orders count for each of their products."""
    ours = OrderLine.objects.filter(sku__isnull=False, order__in=orders.order_by().values("pk"))
    rows = (
        ours.order_by()
        .values("sku")
        .annotate(
            many=Count("order", distinct=True),
            late=Count("order", distinct=True, filter=Q(order__in=late.order_by().values("pk"))),
        )
    )
    found = {row["sku"]: row for row in rows}
    codes = dict(Sku.objects.filter(pk__in=found).values_list("pk", "code"))
    short = _short_codes(orders)
    for pk, row in found.items():
        line = Line(codes[pk], row["many"], row["late"], short.get(codes[pk], 0), key=pk)
        month.products[pk] = line


def _short_codes(orders: QuerySet[Order]) -> Counter[str]:
    rows = compare.short_reviews().filter(order__in=orders.order_by().values("pk"))
    pairs = {
        (order_id, str(one.get("sku", "")))
        for order_id, findings in rows.values_list("order_id", "findings")
        for one in findings
        if one.get("code") == compare.SHORT_CODE
    }
    return Counter(code for _order, code in pairs)


def _compensations(month: _Month, shops: Shops, since: dt.datetime, until: dt.datetime) -> None:
    """What was given in the month: to a shop's buyers, for a cause, for the SKU of a play."""
    rows = Compensation.objects.filter(state="given", created_at__gte=since, created_at__lt=until)
    if shops is not None:
        rows = rows.filter(order__shop__in=shops)
    why = Coalesce("cause_id", "play__cause_id")
    told = rows.annotate(why=why).order_by().values("order__shop", "why", "play__sku").annotate(cost=Sum("cost"))
    for row in told:
        _shop(month, row["order__shop"]).compensations += row["cost"]
        _cause(month, row["why"]).compensations += row["cost"]
        if row["play__sku"] is not None:
            _product(month, row["play__sku"]).compensations += row["cost"]


def _product(month: _Month, sku_id: int) -> Line:
    if sku_id not in month.products:
        month.products[sku_id] = Line(Sku.objects.get(pk=sku_id).code, key=sku_id)
    return month.products[sku_id]


def _refunds(month: _Month, late: QuerySet[Order]) -> None:
    """Money that went back to buyers of late orders, but for what was offered as a compensation: that stands there."""
    offered = Compensation.objects.filter(order=OuterRef("order"), state="given", kind__in=BACK)
    rows = Refund.objects.filter(order__in=late.order_by().values("pk"), amount__gt=0).exclude(Exists(offered))
    columns = ("order_id", "order__shop", "amount", "order__total", "order__base_total")
    found = list(rows.values_list(*columns))
    known = causes_of({row[0] for row in found})
    for order_id, shop_id, amount, total, base in found:
        value = amount * base / total if base is not None and total else ZERO
        _shop(month, shop_id).refunds += value
        _cause(month, known.get(order_id)).refunds += value


def _penalties(month: _Month, shops: Shops, first: dt.date) -> None:
    rows = PenaltyEntry.objects.filter(happened_on__gte=first, happened_on__lt=following(first))
    if shops is not None:
        rows = rows.filter(shop__in=shops)
    for row in rows.order_by().values("shop", "cause").annotate(cost=Sum("amount")):
        _shop(month, row["shop"]).penalties += row["cost"]
        _cause(month, row["cause"]).penalties += row["cost"]


def months(now: dt.datetime | None = None, many: int = 12) -> list[dt.date]:
    """Return the first days of the last months, this one first."""
    first = timezone.localtime(now or clock.now()).date().replace(day=1)
    found = [first]
    while len(found) < many:
        found.append(_before(found[-1]))
    return found


def table(review: Review, labels: Mapping[str, str]) -> Iterable[Sequence[Any]]:
    """Return the rows of the workbook: part, name and figures."""
    parts = [("total", [review.total]), ("cause", review.causes), ("shop", review.shops), ("product", review.products)]
    for part, lines in parts:
        for one in lines:
            yield (
                labels[part], one.name or labels["total" if part == "total" else "none"], one.orders or None, one.late,
                None if one.share is None else Decimal(str(one.share)), one.oversold, one.compensations, one.refunds,
                one.penalties, one.cost, one.late_before, one.cost_before,
            )  # fmt: skip
