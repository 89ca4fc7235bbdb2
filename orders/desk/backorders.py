"""Orders that wait for goods: what each lacks, who is served first, and giving out what has come.

The queue is worked out from what stands in the stock now, not from what a check once said: orders that could leave
now are `ready`, and what the others lack is counted from what is left after those.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from django.db import transaction

from backoffice import clock
from inventory.models import Balance, Bucket, Reservation
from orders.desk import presale, promise, review, ruleset, verdicts
from orders.desk.checks import Finding
from orders.desk.facts import LineFacts
from orders.desk.promise import Short
from orders.desk.sentences import hold_title
from orders.desk.table import RowOutcome, Table
from orders.fulfil.routing import attaching
from orders.models import Order, PresaleLine, ReviewLog, RoutingPlan
from orders.models.order import line_reference

SHORT = "short_stock"
OPEN = (Order.State.HELD, Order.State.APPROVED, Order.State.PARTLY_SHIPPED)
MOST = 5_000  # orders in the queue; the first by the rule of the house
PAGE, CHUNK = 200, 10_000
ACTOR = "task:backorders"
Pair = tuple[int, int]  # (SKU id, warehouse id)


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting:
    """An order in the queue."""

    order_id: int
    shop_id: int
    number: str
    placed_at: dt.datetime
    since: dt.datetime | None
    value: Decimal
    priority: int
    promised_on: dt.date | None
    state: str


@dataclasses.dataclass(frozen=True, slots=True)
class Need:
    """One line that is short of one SKU: `missing` pieces of `wanted`."""

    order: Waiting
    line_id: int
    label: str
    sku_id: int
    wanted: Decimal
    missing: Decimal


@dataclasses.dataclass(slots=True)
class Queue:
    """All that waits for goods, in the order in which it is served."""

    rule: str
    orders: list[Waiting] = dataclasses.field(default_factory=list)
    ready: list[int] = dataclasses.field(default_factory=list)  # order ids that could leave now
    needs: list[Need] = dataclasses.field(default_factory=list)
    short: list[Short] = dataclasses.field(default_factory=list)
    skus: dict[int, set[int]] = dataclasses.field(default_factory=dict)  # order id → SKUs it still wants
    more: bool = False  # there are more orders than are looked at


def rule_now() -> str:
    """Return who is served first: `ordered`, `value` or `priority`, as the check “Not enough stock” is set."""
    found = str(ruleset.load().params[SHORT].get("first", promise.ORDERED))
    return found if found in promise.RULES else promise.ORDERED


def automatic() -> bool:
    """Whether goods that come are given out without a click."""
    return bool(ruleset.load().params[SHORT].get("automatic", True))


def read(*, sku_id: int | None = None) -> Queue:
    """Return the queue, with one SKU only its orders: eight queries whatever its length."""
    queue = Queue(rule_now())
    waiting = _orders(queue, sku_id)
    lines = review.lines_of([one.order_id for one in waiting])
    held_back = _presold([line.line_id for found in lines.values() for line in found])
    reserved = _reserved([line.line_id for found in lines.values() for line in found])
    places = review.warehouses_of({one.shop_id for one in waiting}, clock.now())
    wants = {
        one.order_id: [
            _Want(line, reserved, places.get(one.shop_id, ()))
            for line in lines.get(one.order_id, ())
            if line.bookable and line.line_id not in held_back
        ]
        for one in waiting
    }
    queue.skus = {pk: {sku for want in found for sku, _amount in want.parts} for pk, found in wants.items()}
    _walk(queue, wants, _free({sku for found in queue.skus.values() for sku in found}))
    return queue


def short_orders(sku_id: int) -> list[Need]:
    """Return the lines that lack a SKU now, first served first."""
    return [need for need in read(sku_id=sku_id).needs if need.sku_id == sku_id]


# --- reading ---------------------------------------------------------------------------------------------------------


class _Want:
    """What one line still wants of each SKU, in stored thousandths, and where it may come from."""

    def __init__(self, line: LineFacts, reserved: Mapping[tuple[int, int], int], places: Sequence[int]) -> None:
        parts = line.parts if line.bundle else ((line.sku_id or 0, Decimal(1)),)
        amounts = [(sku, int(line.wanted * per) - reserved.get((line.line_id, sku), 0)) for sku, per in parts]
        self.line, self.places = line, places
        self.parts = [(sku, amount) for sku, amount in amounts if amount > 0]

    def place(self, free: Mapping[Pair, int]) -> int | None:
        """Return the first warehouse that has all of it."""
        return next((at for at in self.places if all(free.get((sku, at), 0) >= n for sku, n in self.parts)), None)

    def best(self, free: Mapping[Pair, int]) -> int | None:
        """Return the warehouse that lacks the fewest pieces."""
        return min(self.places, key=lambda at: sum(self.lacks(at, free).values()), default=None)

    def lacks(self, at: int, free: Mapping[Pair, int]) -> dict[int, int]:
        """Return SKU → what is missing in a warehouse."""
        found = {sku: amount - max(free.get((sku, at), 0), 0) for sku, amount in self.parts}
        return {sku: missing for sku, missing in found.items() if missing > 0}


def _orders(queue: Queue, sku_id: int | None) -> list[Waiting]:
    rows = Order.objects.filter(hold_code=SHORT, state__in=OPEN)
    if sku_id is not None:
        rows = rows.filter(pk__in=_wanting(sku_id))
    order = {promise.VALUE: ("-base_total", "placed_at", "pk"), promise.PRIORITY: ("-priority", "placed_at", "pk")}
    columns = ("pk", "shop_id", "number", "placed_at", "held_since", "base_total", "priority", "promised_on", "state")
    found = list(rows.order_by(*order.get(queue.rule, ("placed_at", "pk"))).values_list(*columns)[: MOST + 1])
    queue.more = len(found) > MOST
    waiting = [
        Waiting(pk, shop, number, placed, since, value or Decimal(0), priority, promised, state)
        for pk, shop, number, placed, since, value, priority, promised, state in found[:MOST]
    ]
    queue.orders = sorted(waiting, key=promise.first_of(queue.rule))
    return queue.orders


def _wanting(sku_id: int) -> list[int]:
    """Return the orders that hold demand for a SKU: what they wait for stands in the stock's own rows."""
    rows = Reservation.objects.filter(sku_id=sku_id, bucket=Bucket.DEMAND, quantity__gt=0)
    lines = [text.partition(":")[2] for text in rows.values_list("reference", flat=True)]
    ids = [int(text) for text in lines if text.isdecimal()]
    found: set[int] = set()
    for start in range(0, len(ids), CHUNK):
        found |= set(Order.objects.filter(lines__in=ids[start : start + CHUNK]).values_list("pk", flat=True))
    return sorted(found)[:CHUNK]


def _presold(line_ids: Sequence[int]) -> set[int]:
    rows = PresaleLine.objects.filter(released_at__isnull=True, ship_after__gt=clock.now())
    return set(rows.values_list("line_id", flat=True)) & set(line_ids)


def _reserved(line_ids: Sequence[int]) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = defaultdict(int)
    names = {line_reference(pk): pk for pk in line_ids}
    references = list(names)
    for start in range(0, len(references), CHUNK):
        rows = Reservation.objects.filter(
            reference__in=references[start : start + CHUNK], bucket=Bucket.RESERVED, quantity__gt=0
        )
        for reference, sku_id, quantity in rows.values_list("reference", "sku_id", "quantity"):
            found[names[reference], sku_id] += int(quantity * 1000)
    return found


def _free(sku_ids: Collection[int]) -> dict[Pair, int]:
    rows = Balance.objects.filter(sku_id__in=sku_ids)
    columns = ("sku_id", "warehouse_id", "on_hand", "unsellable", "reserved")
    return {
        (sku, at): int((on_hand - held - reserved) * 1000)
        for sku, at, on_hand, held, reserved in rows.values_list(*columns)
    }


def _walk(queue: Queue, wants: Mapping[int, Sequence[_Want]], free: dict[Pair, int]) -> None:
    """First who could leave now, as the reservation would decide; then what the others lack of what is left."""
    for one in queue.orders:
        taken: list[tuple[Pair, int]] = []
        for want in wants[one.order_id]:
            at = want.place(free)
            if at is None:
                break
            for sku, amount in want.parts:
                free[sku, at] -= amount
                taken.append(((sku, at), amount))
        else:
            queue.ready.append(one.order_id)
            continue
        for pair, amount in taken:
            free[pair] += amount
    ready = set(queue.ready)
    for one in queue.orders:
        if one.order_id not in ready:
            for want in wants[one.order_id]:
                _lack(queue, one, want, free)


def _lack(queue: Queue, one: Waiting, want: _Want, free: dict[Pair, int]) -> None:
    at = want.place(free)
    at = want.best(free) if at is None else at
    missing = want.lacks(at, free) if at is not None else dict(want.parts)
    # Elsewhere only where nothing else of the line is missing: its other parts are not planned for.
    lacking = {place: want.lacks(place, free) for place in want.places}
    lacking = {place: found for place, found in lacking.items() if set(found) <= set(missing)}
    for sku, amount in missing.items():
        places = {place: _pieces(found.get(sku, 0)) for place, found in lacking.items()}
        need = next(n for part, n in want.parts if part == sku)
        queue.needs.append(Need(one, want.line.line_id, want.line.label, sku, _pieces(need), _pieces(amount)))
        queue.short.append(
            Short(
                order_id=one.order_id, line_id=want.line.line_id, sku_id=sku, missing=places,
                placed_at=one.placed_at, value=one.value, priority=one.priority,
            )
        )  # fmt: skip
    if at is not None:  # what is there is counted for this line only
        for sku, amount in want.parts:
            free[sku, at] = max(free.get((sku, at), 0) - amount, 0)


def _pieces(stored: int) -> Decimal:
    return Decimal(stored).scaleb(-3)


# --- giving out ------------------------------------------------------------------------------------------------------


def allocate(
    *, actor: str, sku_ids: Collection[int] | None = None, within: Collection[int] | None = None
) -> list[RowOutcome]:
    """Give what has come to the orders that can leave with it, in the house's order, a page a transaction.

    `sku_ids`: only orders that want one of these; `within`: only these orders (what a person may see).
    """
    queue = read()
    due = [pk for pk in queue.ready if sku_ids is None or queue.skus[pk] & set(sku_ids)]
    due = [pk for pk in due if within is None or pk in within]
    found: list[RowOutcome] = []
    for start in range(0, len(due), PAGE):
        found += go_on(order_ids=due[start : start + PAGE], actor=actor, codes=(SHORT,))
    return found


@transaction.atomic
def go_on(*, order_ids: Sequence[int], actor: str, codes: Collection[str]) -> list[RowOutcome]:
    """Check and reserve waiting orders in the order given; those that do not wait with one of `codes` are refused.

    Decided under the locks of the orders and the stock: what others took meanwhile is not given out twice.
    """
    table = Table(order_ids, actor)
    place = {pk: n for n, pk in enumerate(order_ids)}
    orders = sorted(table.orders, key=lambda one: place[one.pk])
    held = [one for one in orders if one.state == Order.State.HELD and one.hold_code in codes]
    held = [one for one in held if one.pending_version_id is None]
    rest = [one for one in orders if one.state in OPEN[1:] and one.hold_code in codes]
    judged = review.judge(held, actor=actor) if held else {}
    passed = [one for one in held if judged[one.pk] == Order.State.APPROVED]
    passed += _rest(table, rest)
    table.done(passed, "approved", "order.allocate", {"state": Order.State.APPROVED.value})
    titles = _titles([one.pk for one in held if one not in passed])
    for order in orders:
        if order in passed:
            continue
        if order in held:
            table.refuse(order, "still_held", list=titles.get(order.pk, ""))
        elif order not in rest:
            table.refuse(order, "not_short")
    return table.outcomes()


def _rest(table: Table, orders: Sequence[Order]) -> list[Order]:
    """Reserve what is still open of orders of which a part may leave or has left."""
    if not orders:
        return []
    facts = review.facts_of(orders, table.now)
    presale.attach(facts, table.now)
    made = attaching.attach(facts, table.now)
    wants = [want for one in facts if not one.no_route for want in verdicts.wants_of(one)]
    short, reserved = verdicts.reserve(facts, wants, table.actor)
    attaching.keep(made, reserved, RoutingPlan.Why.REVIEW, table.actor, table.now)
    short |= {one.order_id for one in facts if one.no_route}
    done = [one for one in orders if one.pk not in short]
    review.set_approved(done, facts, table.now)
    review.mark_presale([one for one in facts if one.order_id not in short], table.now)
    lacking = [one for one in facts if one.order_id in short]
    if lacking:
        mark = Finding(SHORT, ruleset.load().department(SHORT))
        verdicts.mark([(one, [mark]) for one in lacking], table.now)
    named = {order.pk: order for order in orders}
    for one in lacking:
        table.refuse(named[one.order_id], SHORT, list=verdicts.shortage_list(one))
    return done


def _titles(order_ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    rows = ReviewLog.objects.filter(order__in=order_ids).order_by("pk") if order_ids else []
    for one in rows:
        found[one.order_id] = ", ".join(
            dict.fromkeys(hold_title(str(row["code"]), str(row.get("name", ""))) for row in one.findings)
        )
    return found


def work() -> int:
    """Give out what has come and promise the rest; returns how many orders went on. A chore, harmless to repeat."""
    done = sum(one.ok for one in allocate(actor=ACTOR)) if automatic() else 0
    promise.refresh()
    return done


__all__ = ["Need", "Queue", "Waiting", "allocate", "automatic", "go_on", "read", "rule_now", "short_orders"]
