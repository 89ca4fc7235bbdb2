"""What the planning needs of the house: warehouses, stock, weights, rates. A fixed number of queries for any page."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q

from finance import currencies, rates
from inventory import sets
from inventory.models import Bucket, Warehouse
from orders.contracts import Address
from orders.desk.facts import LineFacts
from orders.fulfil.routing import geography
from orders.fulfil.routing.facts import (
    ONE,
    Destination,
    Pair,
    PlaceRule,
    RateStep,
    RouteLine,
    Site,
    Tariff,
)
from orders.fulfil.routing.tariffs import Prices, ladder
from orders.models import GoodsGone, RateRow, RateTable
from orders.models.order import line_reference

Zones = tuple[tuple[PlaceRule, tuple[RateStep, ...]], ...]
Held = dict[int, dict[Pair, int]]  # line id → (SKU id, warehouse id) → thousandths reserved
_zones: dict[tuple[int, dt.datetime], Zones] = {}  # a table's rows as they were when it was last changed
MOST_KEPT = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Ground:
    """What the orders of one page are planned on."""

    sites: Mapping[int, Site]
    stock: Mapping[Pair, int]
    weights: Mapping[int, int | None]  # grams of a piece, by SKU
    prices: Prices
    gone: frozenset[Pair]  # where somebody looked in vain: the figures there are not believed


def ground(sku_ids: Collection[int], site_ids: Collection[int], today: dt.date) -> Ground:
    """Read what is needed to plan these goods from these warehouses."""
    return Ground(
        sites=sites_of(site_ids),
        stock=free_stock(sku_ids, site_ids),
        weights=_weights(sku_ids),
        prices=prices_of(today),
        gone=gone(sku_ids, site_ids),
    )


def sites_of(site_ids: Collection[int]) -> dict[int, Site]:
    """Return where warehouses lie."""
    rows = Warehouse.objects.filter(pk__in=site_ids).values_list("pk", "country", "region", "latitude", "longitude")
    return {row[0]: geography.site(*row) for row in rows}


def free_stock(sku_ids: Collection[int], site_ids: Collection[int]) -> dict[Pair, int]:
    """Return what may still be reserved, in thousandths; pairs with nothing are left out."""
    of_skus, skus = sets.among("sku_id", sorted(sku_ids))
    of_sites, sites = sets.among("warehouse_id", sorted(site_ids))
    sql = (
        "SELECT sku_id, warehouse_id, on_hand - unsellable - reserved FROM inventory_balance "  # noqa: S608 — no input
        f"WHERE {of_skus} AND {of_sites} AND on_hand > reserved + unsellable"
    )
    return {(sku, site): free for sku, site, free in _rows(sql, [*skus, *sites])}


def _weights(sku_ids: Collection[int]) -> dict[int, int | None]:
    of_skus, skus = sets.among("id", sorted(sku_ids))
    return dict(_rows(f"SELECT id, weight_g FROM inventory_sku WHERE {of_skus}", skus))  # noqa: S608 — no input


def gone(sku_ids: Collection[int], site_ids: Collection[int]) -> frozenset[Pair]:
    """Return the pairs that somebody looked for in vain, and nobody has looked into yet."""
    rows = GoodsGone.objects.filter(closed_at=None, warehouse_id__in=site_ids).values_list("sku_id", "warehouse_id")
    return frozenset([pair for pair in rows if pair[0] in sku_ids])  # few are open: not asked SKU by SKU


def held_by(line_ids: Iterable[int]) -> Held:
    """Return what lines hold reserved, in thousandths."""
    ids = {line_reference(pk): pk for pk in line_ids}
    of_lines, references = sets.among("reference", list(ids))
    sql = (
        "SELECT reference, sku_id, warehouse_id, quantity FROM inventory_reservation "  # noqa: S608 — no input
        f"WHERE {of_lines} AND bucket = %s AND quantity > 0"
    )
    found: Held = defaultdict(dict)
    for reference, sku, site, quantity in _rows(sql, [*references, Bucket.RESERVED.value]):
        found[ids[reference]][sku, site] = quantity
    return dict(found)


def held_of(rows: Iterable[tuple[int, int, int, Decimal]]) -> Held:
    """Return the same of rows that were read already: (line, SKU, warehouse, pieces)."""
    found: Held = defaultdict(dict)
    for line, sku, site, quantity in rows:
        found[line][sku, site] = int(quantity * ONE)
    return dict(found)


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Rows as they stand: quantities in thousandths. One parameter for a whole set, where the ORM takes one each."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


# --- orders ----------------------------------------------------------------------------------------------------------


def destination_of(address: Address | None) -> Destination:
    """Return where an order goes."""
    return geography.destination(address.country, address.region, address.postcode) if address else Destination()


def route_lines(
    lines: Sequence[LineFacts], weights: Mapping[int, int | None], unknown_g: int, held: Held | None = None
) -> tuple[RouteLine, ...]:
    """Return what is still to be reserved of lines; what they hold already is off."""
    found = []
    for line in lines:
        if line.bookable and line.sku_id is not None:
            goods = tuple((sku, int(each * ONE)) for sku, each in line.parts) if line.bundle else ((line.sku_id, ONE),)
            units = _left(line, goods, (held or {}).get(line.line_id, {}))
            if units:
                weight = sum((weights.get(sku) or unknown_g) * each for sku, each in goods) // ONE
                found.append(RouteLine(line.line_id, units, goods, line.bundle, weight))
    return tuple(found)


def _left(line: LineFacts, goods: Sequence[tuple[int, int]], held: Mapping[Pair, int]) -> int:
    """Return the units nothing is reserved for; bundles come whole."""
    if not held:
        return line.wanted
    rest = 0
    for sku, per in goods:
        have = sum(quantity for (of, _site), quantity in held.items() if of == sku)
        units = -(-max(line.wanted * per // ONE - have, 0) * ONE // per)
        rest = max(rest, -(-units // ONE) * ONE if line.bundle else units)
    return rest


# --- rate tables -----------------------------------------------------------------------------------------------------


def prices_of(today: dt.date) -> Prices:
    """Return the rate tables in force: three or four queries, fewer once their rows have been read."""
    asked = Q(valid_from=None) | Q(valid_from__lte=today)
    asked &= Q(valid_to=None) | Q(valid_to__gte=today)
    rows = RateTable.objects.filter(asked, active=True).order_by("pk")
    tables = list(rows.values_list("pk", "updated_at", "currency", "warehouses"))
    if not tables:
        return Prices(())
    zones = _zones_of([(pk, changed) for pk, changed, _currency, _sites in tables])
    known = rates.rates_for({(currency, today) for _pk, _changed, currency, _sites in tables})
    tariffs = [
        Tariff(pk, frozenset(sites), known.get((currency, today)), zones[pk])
        for pk, _changed, currency, sites in tables
    ]
    return Prices(tariffs, currencies.places(currencies.base_code()))


def _zones_of(tables: Sequence[tuple[int, dt.datetime]]) -> dict[int, Zones]:
    """Return the zones of tables; what has not changed since it was read is not read again."""
    found = {pk: zones for pk, changed in tables if (zones := _zones.get((pk, changed))) is not None}
    fresh = _read_zones([pk for pk, _changed in tables if pk not in found])
    if len(_zones) > MOST_KEPT:
        _zones.clear()
    _zones.update({(pk, changed): fresh[pk] for pk, changed in tables if pk in fresh})
    return {**found, **fresh}


def _read_zones(table_ids: Sequence[int]) -> dict[int, Zones]:
    if not table_ids:
        return {}
    steps: dict[int, dict[PlaceRule, list[RateStep]]] = {pk: defaultdict(list) for pk in table_ids}
    names = ("country", "region", "postcode", "up_to_g", "base", "first_g", "per_kg", "step_g")
    rows = RateRow.objects.filter(table__in=table_ids).order_by("pk").values_list("table_id", *names)
    for pk, country, region, postcode, *step in rows:
        rule = PlaceRule(country, geography.region_key(country, region), geography.postcode_key(postcode))
        steps[pk][rule].append(_step(*step))
    return {pk: tuple((rule, ladder(found)) for rule, found in zones.items()) for pk, zones in steps.items()}


def _step(up_to_g: int, base: Decimal, first_g: int, per_kg: Decimal, step_g: int) -> RateStep:
    return RateStep(up_to_g, base, first_g, per_kg, step_g)
