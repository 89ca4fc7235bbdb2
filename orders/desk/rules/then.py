"""Orders as they were at their first review: from the version that was judged and the facts that were frozen."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from finance import currencies
from inventory.models import Sku
from orders import contracts
from orders.contracts import IncomingLine, IncomingOrder
from orders.desk.facts import Facts, History, LineFacts, billing_country
from orders.desk.rules import background
from orders.desk.rules.book import Book
from orders.desk.rules.conditions import LINES
from orders.desk.rules.fields import HISTORY
from orders.desk.rules.values import Background, OrderValues
from orders.models import Order, OrderLine, OrderLinePart, OrderVersion, ReviewLog


@dataclasses.dataclass(frozen=True, slots=True)
class Then:
    """One order as it was judged first, and what the log says of that."""

    order: Order
    review: ReviewLog
    facts: Facts


def first_reviews(order_ids: Sequence[int]) -> dict[int, ReviewLog]:
    """Return the first review of each order."""
    found: dict[int, ReviewLog] = {}
    for review in ReviewLog.objects.filter(order_id__in=order_ids).order_by("-pk"):
        found[review.order_id] = review
    return found


def of(orders: Sequence[Order], reviews: Mapping[int, ReviewLog], book: Book) -> list[Then]:
    """Return orders as their reviews saw them, ready to be asked by the rules of a book.

    `orders` come with their shop. A fixed number of queries, whatever the number of orders.
    """
    judged = [order for order in orders if order.pk in reviews]
    versions = _versions([reviews[order.pk].version_id for order in judged])
    lines, parts = _lines([order.pk for order in judged])
    page, places = [], currencies.places_by_code()
    for order in judged:
        review = reviews[order.pk]
        told = versions.get(review.version_id or 0)
        if told is not None:
            facts = _facts(order, review, told, lines[order.pk], parts)
            facts.currency_known = told.currency in places
            page.append(Then(order, review, facts))
    _attach(page, book)
    return page


def _versions(ids: Sequence[int | None]) -> dict[int, IncomingOrder]:
    rows = OrderVersion.objects.filter(pk__in=[one for one in ids if one]).values_list("pk", "content")
    found = {}
    for pk, content in rows:
        try:
            found[pk] = contracts.from_json(content)
        except (ValueError, KeyError, TypeError):  # purged since: it cannot be judged any more
            continue
    return found


Parts = dict[int, list[tuple[int, Decimal]]]


def _lines(order_ids: Sequence[int]) -> tuple[dict[int, list[OrderLine]], Parts]:
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    rows = OrderLine.objects.filter(order_id__in=order_ids).select_related("sku").order_by("order_id", "position")
    for line in rows.only(
        "order_id", "external_id", "position", "pack", "stocked", "match_code", "sku__code", "sku__kind"
    ):
        lines[line.order_id].append(line)
    parts: Parts = defaultdict(list)
    for line_id, sku_id, each in OrderLinePart.objects.filter(line__order_id__in=order_ids).values_list(
        "line_id", "sku_id", "quantity"
    ):
        parts[line_id].append((sku_id, each))
    return lines, parts


def _facts(order: Order, review: ReviewLog, told: IncomingOrder, lines: Sequence[OrderLine], parts: Parts) -> Facts:
    frozen = review.facts
    then = {int(one["line"]): one for one in frozen.get("lines", [])}
    incoming = {line.external_id: line for line in told.lines}
    double = frozen.get("duplicate_of")
    facts = Facts(
        order_id=order.pk,
        version_id=review.version_id,
        shop_id=order.shop_id,
        currency=told.currency,
        currency_known=True,
        total=told.total,
        payment=str(frozen.get("payment", told.payment.value)),
        placed_at=told.placed_at,
        address=told.shipping,
        phone=(told.shipping.phone if told.shipping else "") or told.buyer.phone,
        buyer_note=told.buyer_note,
        seller_note=told.seller_note,
        tags=told.tags,
        test=told.test,
        closed=bool(frozen.get("closed")),
        lines=[
            _line(line, incoming[line.external_id], then.get(line.pk, {}), tuple(parts[line.pk]))
            for line in lines
            if line.external_id in incoming
        ],
        warehouses=(0,),  # whether there was one, the findings of the time say
        number=order.number,
        buyer_hash=str(frozen.get("buyer", "")),
        phone_hash=str(frozen.get("phone", "")),
        address_hash=str(frozen.get("address", "")),
        duplicate_of=(int(double), "") if double else None,
        buyer_name=told.buyer.name,
        email=told.buyer.email,
        risk=told.risk,
        shipping_method=told.shipping_method,
        discount_total=told.discount_total,
        taxes_included=told.taxes_included,
        billing_country=billing_country(told.billing),
        known=dict(frozen.get("known", {})),
        history=History(*frozen["history"]) if frozen.get("history") else None,
        base_rate=order.base_total / order.total if order.base_total is not None and order.total else None,
    )
    facts.kind, facts.origin_id = str(frozen.get("kind", "")), frozen.get("origin")
    facts.shortages = [one for one in review.findings if one.get("code") == "short_stock"]
    return facts


def _line(
    line: OrderLine, told: IncomingLine, then: Mapping[str, Any], parts: tuple[tuple[int, Decimal], ...]
) -> LineFacts:
    sku_id = then.get("sku", line.sku_id)
    total = told.unit_price * told.quantity - told.discount if told.total is None else told.total
    return LineFacts(
        line_id=line.pk,
        position=line.position,
        label=line.sku.code if line.sku and sku_id else told.sku[:100] or told.title[:100],
        sku_id=sku_id,
        wanted=int(then.get("wanted", told.quantity * line.pack * 1000)),
        stocked=bool(then.get("stocked", line.stocked)),
        match_code="" if sku_id else line.match_code or "unmatched",
        bundle=line.sku is not None and line.sku.kind == Sku.Kind.BUNDLE,
        parts=parts,
        quantity=int(told.quantity * 1000),
        title=told.title,
        unit_price=told.unit_price,
        discount=told.discount,
        tax=told.tax,
        total=total,
        pack=line.pack,
    )


def _attach(page: Sequence[Then], book: Book) -> None:
    """Give each order its values: what was frozen goes before what the tables say today."""
    if not page or not book.rules:
        return
    all_facts = [one.facts for one in page]
    skus = background.skus_of(all_facts, book.needs)
    earlier = background.earlier_of(all_facts, book.days, book.known_by) if HISTORY in book.needs else {}
    for one in page:
        seen = Background(one.review.at, one.order.shop.country, skus, {}, earlier)
        one.facts.values = OrderValues(one.facts, seen, _kept(one))


def _kept(one: Then) -> dict[str, Any]:
    """What was frozen; whether goods were there is also known from what was short."""
    told = dict(one.review.facts.get("rules", {}).get("told", {}))
    short = {int(found["line"]) for found in one.facts.shortages}
    lines = told.get(LINES, [])
    told[LINES] = [
        {"in_stock": line.line_id not in short, **(lines[place] if place < len(lines) else {})}
        for place, line in enumerate(one.facts.lines)
    ]
    return told
