"""Read what a page of orders is seen against: only what some rule asks for, in a fixed number of queries."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection

from backoffice.fields import MoneyField, QuantityField
from inventory import sets
from inventory.models import Balance, Shop, Sku
from orders.desk.facts import KEY, Facts, LineFacts
from orders.desk.rules.book import Book
from orders.desk.rules.fields import COSTS, GOODS, HISTORY, STOCK
from orders.desk.rules.values import Background, Earlier, OrderValues, SkuFacts
from orders.models import Order

KNOWN_BY = ("buyer", "address", "phone")
MOST_EARLIER = 20_000  # rows of one page; a buyer with more orders than that has many
REFUNDED = (Order.Payment.REFUNDED, Order.Payment.PARTIALLY_REFUNDED)


def attach(page: Sequence[Facts], book: Book, now: dt.datetime) -> None:
    """Give each order of one page the values the rules ask."""
    if not page or not book.rules:
        return
    skus = skus_of(page, book.needs)
    free = _free(page) if STOCK in book.needs else {}
    earlier = earlier_of(page, book.days, book.known_by) if HISTORY in book.needs else {}
    countries = _countries(page) if "holiday" in book.asks else {}
    for facts in page:
        country = countries.get(facts.shop_id, "")
        facts.values = OrderValues(facts, Background(now, country, skus, free, earlier))


def _countries(page: Sequence[Facts]) -> dict[int, str]:
    return dict(Shop.objects.filter(pk__in={one.shop_id for one in page}).values_list("pk", "country"))


def skus_on(line: LineFacts) -> list[int]:
    """Return the SKU of a line and those of its parts."""
    own = [line.sku_id] if line.sku_id is not None else []
    return [*own, *(part for part, _each in line.parts)]


def _sku_ids(page: Sequence[Facts]) -> set[int]:
    return {sku_id for facts in page for line in facts.lines for sku_id in skus_on(line)}


def skus_of(page: Sequence[Facts], needs: Collection[str]) -> dict[int, SkuFacts]:
    """Return category, brand, weight and cost of everything on the page."""
    if GOODS not in needs and COSTS not in needs:
        return {}
    ids = _sku_ids(page)
    costs = _costs(ids) if COSTS in needs else {}
    rows = Sku.objects.filter(pk__in=ids).values_list("pk", "product__category", "product__brand", "weight_g")
    return {pk: SkuFacts(category, brand, weight, costs.get(pk)) for pk, category, brand, weight in rows}


def _costs(sku_ids: Collection[int]) -> dict[int, Decimal]:
    """Return the average cost of a piece over all warehouses; of what is out of stock, what it cost last.

    The database adds up: a SKU may lie in hundreds of warehouses.
    """
    of_skus, skus = sets.among("sku_id", sorted(sku_ids))
    sql = (
        "SELECT sku_id, SUM(on_hand), SUM(value) FROM inventory_balance "  # noqa: S608 — no input
        f"WHERE {of_skus} GROUP BY sku_id"
    )
    costs = {
        sku_id: _MONEY.unscale(worth) / _PIECES.unscale(count) for sku_id, count, worth in _rows(sql, skus) if count > 0
    }
    rows = Balance.objects.filter(sku_id__in=set(sku_ids) - costs.keys(), last_cost__isnull=False)
    told = rows.order_by("updated_at").values_list("sku_id", "last_cost")
    return {sku_id: cost for sku_id, cost in told if cost is not None} | costs


_MONEY, _PIECES = MoneyField(), QuantityField()  # as the columns of a balance hold them


def _free(page: Sequence[Facts]) -> dict[tuple[int, int], int]:
    of_skus, skus = sets.among("sku_id", sorted(_sku_ids(page)))
    of_places, places = sets.among("warehouse_id", sorted({place for facts in page for place in facts.warehouses}))
    sql = (
        "SELECT sku_id, warehouse_id, on_hand - unsellable - reserved FROM inventory_balance "  # noqa: S608 — no input
        f"WHERE {of_skus} AND {of_places}"
    )
    return {(sku_id, place): free for sku_id, place, free in _rows(sql, [*skus, *places])}


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def earlier_of(page: Sequence[Facts], days: int, by: Collection[str] = KNOWN_BY) -> dict[str, list[Earlier]]:
    """Return the orders of the same buyers, addresses and phones in the days before, those of the page included.

    `by` names what is asked for: many orders may go to one address, and reading them for nobody is dear.
    """
    since = min(facts.placed_at for facts in page) - dt.timedelta(days=days)
    found: dict[str, dict[int, Earlier]] = defaultdict(dict)
    for column, name in ((f"{one}_key", f"{one}_hash") for one in by):
        keys = {getattr(facts, name)[:KEY] for facts in page} - {""}
        rows = Order.objects.filter(**{f"{column}__in": keys}, placed_at__gte=since)
        rows = rows.exclude(state__in=(Order.State.CANCELLED, Order.State.HISTORY)).order_by("-placed_at")
        for key, pk, placed_at, payment in rows.values_list(column, "pk", "placed_at", "payment")[:MOST_EARLIER]:
            found[key][pk] = Earlier(pk, placed_at, payment in REFUNDED)
        for facts in page:
            key = getattr(facts, name)[:KEY]
            if key:
                found[key].setdefault(facts.order_id, Earlier(facts.order_id, facts.placed_at, False))
    return {key: list(orders.values()) for key, orders in found.items()}
