"""Lines that waited for their goods to be known: matched again, booked, and their orders judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Q

from backoffice import clock, locks
from inventory import reservations
from orders.desk import review, verdicts
from orders.desk.facts import Facts
from orders.intake import goods as goods_of
from orders.intake.goods import Goods
from orders.match import CodeMatcher, Matcher
from orders.models import Order, OrderLine, OrderLinePart
from orders.models.order import OPEN_STATES, line_reference

State = Order.State
PAGE = 500
ACTOR = "rematch"


def rematch(
    *, shop_id: int, listing_ids: Iterable[str] = (), sku_codes: Iterable[str] = (), match: Matcher | None = None
) -> list[int]:
    """Match the waiting lines of these listings or codes again and review their orders; returns the order ids.

    Only open orders of the shop with lines that have no SKU yet. Page by page, each in its own transaction.
    """
    listings, codes = [one for one in listing_ids if one], [one for one in sku_codes if one]
    waiting = OrderLine.objects.filter(
        Q(listing_id__in=listings) | Q(sku_code__in=codes), sku__isnull=True, stocked=True
    )
    waiting = waiting.filter(order__shop_id=shop_id, order__state__in=OPEN_STATES)
    ids = sorted(set(waiting.values_list("order_id", flat=True))) if listings or codes else []
    done: list[int] = []
    for start in range(0, len(ids), PAGE):
        done += _page(shop_id, ids[start : start + PAGE], match or CodeMatcher())
    return done


@transaction.atomic
def _page(shop_id: int, order_ids: Sequence[int], matcher: Matcher) -> list[int]:
    orders = [one for one in locks.locked_rows(Order.objects.filter(pk__in=order_ids)) if one.open]
    lines = list(OrderLine.objects.filter(order__in=orders, sku__isnull=True, stocked=True).order_by("pk"))
    goods = goods_of.find({_key(line) for line in lines}, matcher)
    found = [(line, goods[_key(line)]) for line in lines if goods[_key(line)].sku_id is not None]
    if not found:
        return []
    _store(found)
    touched = {line.order_id for line, _goods in found}
    changed = [order for order in orders if order.pk in touched]
    now = clock.now()
    Order.objects.filter(pk__in=touched).update(updated_at=now)  # readers of the feed of changes see the goods
    page = review.facts_of(changed, now)
    _book(page, changed, {line.pk for line, _goods in found})
    review.judge([one for one in changed if _may_go_on(one)], actor=ACTOR)
    return [order.pk for order in changed]


def _key(line: OrderLine) -> goods_of.LineKey:
    return line.listing_id, line.sku_code, line.barcode


def _store(found: Sequence[tuple[OrderLine, Goods]]) -> None:
    parts = []
    for line, goods in found:
        line.sku_id, line.match_code = goods.sku_id, ""
        line.pack = goods.pack_pieces
        line.stocked = goods.kind != "virtual"
        parts += [OrderLinePart(line=line, sku_id=part_id, quantity=quantity) for part_id, quantity in goods.parts]
    OrderLine.objects.bulk_update([line for line, _goods in found], ["sku", "match_code", "pack", "stocked"])
    OrderLinePart.objects.bulk_create(parts, ignore_conflicts=True)


def _book(page: Sequence[Facts], orders: Sequence[Order], line_ids: set[int]) -> None:
    expires = {order.pk: order.demand_expires_at for order in orders}
    new = {line_reference(pk) for pk in line_ids}
    wants = [
        (facts, want) for facts in page for want in verdicts.wants_of(facts, waiting=True) if want.reference in new
    ]
    if wants:
        reservations.book_demand(
            wants=[want for _facts, want in wants],
            expires_at={want.reference: expires[facts.order_id] for facts, want in wants},
            actor=ACTOR,
        )


def _may_go_on(order: Order) -> bool:
    return order.state == State.HELD and order.pending_version_id is None and order.hold_code not in review.BY_PERSON
