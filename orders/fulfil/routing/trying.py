"""A plan for goods and a destination that nobody ordered: nothing is kept, nothing is reserved."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from django.utils import timezone

from backoffice import clock
from inventory.models import BundlePart, Shop, Sku
from inventory.stock_state import valid
from orders.desk import review
from orders.desk.facts import LineFacts
from orders.fulfil.routing import policies, reading
from orders.fulfil.routing.attaching import DEFAULT
from orders.fulfil.routing.facts import Destination, Plan, RouteOrder
from orders.fulfil.routing.planning import plan_page
from orders.models import RoutingPolicy


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """What would be planned, by which policy, and how the goods are called (line id → code)."""

    plan: Plan
    policy: str
    labels: dict[int, str]


def plan(
    *, shop: Shop, to: Destination, goods: Sequence[tuple[Sku, Decimal]], policy: RoutingPolicy | None = None
) -> Trial:
    """Plan goods (SKU, pieces) to a destination, out of today's stock; without a policy named, by the shop's."""
    now = clock.now()
    book = policies.load()
    chosen = _of(policy) if policy is not None else book.of(shop.pk) or DEFAULT
    sites = review.warehouses_of({shop.pk}, now).get(shop.pk, ())
    lines = _lines(goods)
    skus = {sku for line in lines for sku, _each in line.parts or ((line.sku_id or 0, Decimal(1)),)}
    ground = reading.ground(skus, sites, timezone.localtime(now).date())
    asked = RouteOrder(
        id=0,
        to=to,
        lines=reading.route_lines(lines, ground.weights, chosen.unknown_weight_g),
        sites=sites,
        policy=chosen,
        barred=ground.gone,
    )
    made = plan_page([asked], sites=ground.sites, stock=ground.stock, prices=ground.prices)[0]
    name = RoutingPolicy.objects.filter(pk=chosen.id or 0).values_list("name", flat=True).first() or ""
    return Trial(made, name, {number: sku.code for number, (sku, _pieces) in enumerate(goods, 1)})


def _of(row: RoutingPolicy) -> policies.Policy:
    return policies.of(
        row.pk, row.version_id, row.criteria, row.priority, row.lists, row.split_lines, row.unknown_weight_g
    )


def _lines(goods: Sequence[tuple[Sku, Decimal]]) -> list[LineFacts]:
    bundles = [sku.pk for sku, _pieces in goods if sku.kind == Sku.Kind.BUNDLE]
    parts: dict[int, list[tuple[int, Decimal]]] = defaultdict(list)
    rows = BundlePart.objects.filter(valid(clock.now()), bundle__in=bundles).order_by("part_id")
    for bundle, part, quantity in rows.values_list("bundle_id", "part_id", "quantity"):
        parts[bundle].append((part, quantity))
    return [
        LineFacts(
            line_id=number,
            position=number,
            label=sku.code,
            sku_id=sku.pk,
            wanted=int(pieces * 1000),
            stocked=sku.kind != Sku.Kind.VIRTUAL,
            bundle=sku.kind == Sku.Kind.BUNDLE,
            parts=tuple(parts.get(sku.pk, ())),
        )
        for number, (sku, pieces) in enumerate(goods, 1)
    ]
