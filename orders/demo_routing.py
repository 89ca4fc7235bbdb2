"""The demo seller's routing: policies, what carriers take by weight and zone, where returns go, by which rules.

Added once the stories are told: they were packed as they were, what comes from now on is routed by these.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction

from backoffice import clock
from backoffice.models import User
from inventory.models import Shop, Warehouse
from orders.fulfil.routing import policies
from orders.models import RateRow, RateTable, ReturnPolicy, ReturnRule, RoutingPolicy

EUROPE = "DE, AT, FR, NL, BE, LU, IT, ES, PL, DK, SE, CZ"
POLICIES: tuple[dict[str, Any], ...] = (
    {
        "name": "欧洲：齐货、近、便宜 Europe: complete, near, cheap", "shops": ["shopify-eu"],
        "priority": ["HAM", "YW"],
        "criteria": [{"by": "complete"}, {"by": "nearest", "step": "500"}, {"by": "cheapest", "step": "5"}],
        "lists": [{"warehouse": "HAM", "mode": "only", "places": EUROPE}],
    },
    {
        "name": "官网：总仓优先 Web shop: main warehouse first", "shops": ["woo-cn"], "priority": ["YW", "HAM"],
        "criteria": [{"by": "complete"}, {"by": "priority"}], "lists": [],
    },
    {
        "name": "草稿：包裹最少 Draft: fewest parcels", "shops": [], "priority": [], "active": False,
        "criteria": [{"by": "fewest"}, {"by": "cheapest", "step": "2"}], "lists": [], "split_lines": True,
    },
)  # fmt: skip
TABLES: tuple[tuple[str, str, Sequence[str], Sequence[tuple[str, str, int, str, int, str, int]]], ...] = (
    ("国内标准快递 Standard in China", "CNY", ("YW", "SH"), (  # country, region, up to g, base, first g, per kg, step
        ("CN", "", 1_000, "4.50", 1_000, "0", 0), ("CN", "", 0, "5.50", 1_000, "1.80", 1_000),
        ("CN", "西藏自治区", 0, "18.00", 1_000, "12.00", 1_000),
        ("CN", "新疆维吾尔自治区", 0, "15.00", 1_000, "10.00", 1_000),
    )),
    ("汉堡仓欧洲包裹 Parcels from Hamburg", "EUR", ("HAM",), (
        ("DE", "", 2_000, "3.90", 2_000, "0", 0), ("DE", "", 0, "4.90", 5_000, "0.40", 1_000),
        ("FR", "", 0, "8.50", 2_000, "0.90", 1_000), ("*", "", 0, "11.90", 2_000, "1.60", 1_000),
    )),
    ("义乌直邮 Direct mail from Yiwu", "CNY", ("YW",), (
        ("*", "", 500, "68.00", 500, "0", 0), ("*", "", 2_000, "88.00", 500, "56.00", 100),
    )),
)  # fmt: skip
RETURNS = (("shopify-eu", "DE", "HAM"), ("shopify-eu", "", "HAM"), ("store-sh", "", "SH"), ("", "CN", "YW"))
TAKE_BACK = (("shopify-eu", True, 21), ("taobao", True, 10), ("store-sh", False, 7))  # shop, inspected, days


@transaction.atomic
def finish() -> None:
    """Write them once."""
    if RoutingPolicy.objects.exists() or RateTable.objects.exists():
        return
    owner = User.objects.filter(username="owner").first()
    actor = f"user:{owner.pk} owner" if owner else "demo"
    places = {place.code: place for place in Warehouse.objects.filter(read_only=False)}
    shops = {shop.code: shop for shop in Shop.objects.all()}
    for told in POLICIES:
        _policy(told, places, shops, actor)
    for name, currency, codes, rows in TABLES:
        _table(name, currency, [places[code].pk for code in codes if code in places], rows, actor)
    now = clock.now()
    for code, country, place in RETURNS:
        if place in places and (not code or code in shops):
            ReturnRule.objects.create(
                shop=shops.get(code), country=country, warehouse=places[place], updated_at=now, updated_by=actor
            )
    for code, inspect, days in TAKE_BACK:
        if code in shops:
            ReturnPolicy.objects.get_or_create(shop=shops[code], defaults={"inspect": inspect, "days": days})


def _policy(told: dict[str, Any], places: dict[str, Warehouse], shops: dict[str, Shop], actor: str) -> None:
    ids = {place.pk for place in places.values()}
    lists = [
        {**one, "warehouse": places[one["warehouse"]].pk} for one in told["lists"] if one["warehouse"] in places
    ]  # fmt: skip
    policies.save(
        policy=RoutingPolicy(
            name=told["name"], active=told.get("active", True), split_lines=told.get("split_lines", False),
            criteria=policies.checked_criteria(told["criteria"]), lists=policies.checked_lists(lists, ids),
            priority=[places[code].pk for code in told["priority"] if code in places],
        ),
        shops=[shops[code] for code in told["shops"] if code in shops], actor=actor,
    )  # fmt: skip


def _table(
    name: str, currency: str, warehouses: list[int], rows: Sequence[tuple[str, str, int, str, int, str, int]],
    actor: str,
) -> None:  # fmt: skip
    now = clock.now()
    table = RateTable.objects.create(
        name=name, currency=currency, warehouses=warehouses, valid_from=now.date() - dt.timedelta(days=60),
        updated_at=now, updated_by=actor,
    )  # fmt: skip
    RateRow.objects.bulk_create(
        RateRow(
            table=table, country=country, region=region, up_to_g=up_to, base=Decimal(base), first_g=first,
            per_kg=Decimal(per_kg), step_g=step,
        )
        for country, region, up_to, base, first, per_kg, step in rows
    )  # fmt: skip
