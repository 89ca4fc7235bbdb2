"""Routing within review and approval: orders are planned page by page, asked of the stock as planned, and written down.

Only shops with a policy, and orders with a wish of their own, are planned. For all others nothing is read or changed,
except that no goods are taken from where they were reported as not found.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

from django.utils import timezone

from inventory.reserving import Taken
from orders.desk.facts import Facts, LineFacts
from orders.fulfil.routing import plans, policies, reading
from orders.fulfil.routing.facts import Pair, Plan, Policy, RouteOrder
from orders.fulfil.routing.planning import plan_page
from orders.models.order import line_reference

DEFAULT = Policy()
Plans = dict[int, Plan]


def attach(page: Sequence[Facts], now: dt.datetime, *, partial: bool = False, fresh: bool = False) -> Plans:
    """Plan the orders of a page that have a policy or a wish, and give their lines the warehouses to ask.

    An order that no warehouse may send to gets `no_route`. `fresh` orders hold nothing reserved yet; with `partial`
    orders take what is there, lines spread over warehouses. At most a dozen queries, whatever the page holds.
    """
    asked = [facts for facts in page if _asks(facts)]
    if not asked:
        return {}
    book = policies.load()
    found = {facts.order_id: policy for facts in asked if (policy := _policy_of(facts, book)) is not None}
    due = [facts for facts in asked if facts.order_id in found]
    _pass_by([facts for facts in asked if facts.order_id not in found], partial=partial)
    if not due:
        return {}
    ground = reading.ground(_skus(due), {site for facts in due for site in facts.warehouses}, _today(now))
    held = {} if fresh else reading.held_by(line.line_id for facts in due for line in facts.lines)
    orders = [order_of(facts, found[facts.order_id], ground, held, split=partial) for facts in due]
    orders = [one for one in orders if one.lines]  # what needs nothing more from stock stays as it was planned
    made = plan_page(orders, sites=ground.sites, stock=ground.stock, prices=ground.prices, partial=partial)
    page_of = {facts.order_id: facts for facts in due}
    for plan in made:
        _give(page_of[plan.order_id], plan, ground.gone, partial=partial)
    return {plan.order_id: plan for plan in made}


def _asks(facts: Facts) -> bool:
    wishes = facts.routing_policy is not None or facts.routing_warehouse is not None
    return (facts.routed or wishes) and bool(facts.warehouses)


def _policy_of(facts: Facts, book: policies.Book) -> Policy | None:
    policy = book.of(facts.shop_id, facts.routing_policy)
    return DEFAULT if policy is None and facts.routing_warehouse is not None else policy


def _skus(page: Sequence[Facts]) -> set[int]:
    found = set()
    for facts in page:
        for line in facts.lines:
            if line.bookable and line.sku_id is not None:
                found |= {sku for sku, _each in line.parts} if line.bundle else {line.sku_id}
    return found


def _today(now: dt.datetime) -> dt.date:
    return timezone.localtime(now).date()


def order_of(
    facts: Facts, policy: Policy, ground: reading.Ground, held: reading.Held | None = None, *, split: bool = False
) -> RouteOrder:
    """Return an order as the planning sees it; what it holds reserved already stays where it is."""
    return RouteOrder(
        id=facts.order_id,
        to=reading.destination_of(facts.address),
        lines=reading.route_lines(facts.lines, ground.weights, policy.unknown_weight_g, held),
        sites=facts.warehouses,
        policy=dataclasses.replace(policy, split_lines=True) if split else policy,
        wish=facts.routing_warehouse,
        barred=ground.gone,
    )


def _give(facts: Facts, plan: Plan, gone: frozenset[Pair], *, partial: bool) -> None:
    """Let the reservation ask the planned warehouses first, then the others that may send it.

    A whole order with goods that were looked for in vain in every one of them has no route until somebody has counted.
    """
    if not plan.ranked:
        facts.no_route = True
        return
    planned: dict[int, list[int]] = {}
    missing = {line_id for line_id, _units in plan.missing}
    for parcel in plan.parcels:
        for line_id, _units in parcel.items:
            planned.setdefault(line_id, []).append(parcel.site)
    for line in facts.lines:
        first = planned.get(line.line_id, [])
        others = [site for site in plan.ranked if site not in first]
        line.route = tuple(site for site in (*first, *others) if not _gone_there(line, site, gone))
        line.spread = len(first) > 1 or (not first and plan.policy.split_lines)
        facts.no_route = facts.no_route or (not partial and not line.route and line.line_id in missing)


def _pass_by(page: Sequence[Facts], *, partial: bool) -> None:
    """Let orders without a plan ask their shop's warehouses except those where their goods were looked for in vain."""
    gone = reading.gone(_skus(page), {site for facts in page for site in facts.warehouses}) if page else frozenset()
    if not gone:
        return
    nowhere: list[tuple[Facts, LineFacts]] = []
    for facts in page:
        for line in (one for one in facts.lines if one.bookable):
            left = tuple(site for site in facts.warehouses if not _gone_there(line, site, gone))
            line.route = None if left == facts.warehouses else left
            if not left and line.waits is None:
                nowhere.append((facts, line))
    if nowhere and not partial:
        held = reading.held_by(line.line_id for _facts, line in nowhere)
        for facts, line in nowhere:
            facts.no_route = facts.no_route or bool(reading.route_lines([line], {}, 0, held))


def _gone_there(line: LineFacts, site: int, gone: frozenset[Pair]) -> bool:
    if not gone:
        return False
    skus = [sku for sku, _each in line.parts] if line.bundle else [line.sku_id]
    return any((sku, site) in gone for sku in skus)


def keep(
    made: Mapping[int, Plan], reserved: Mapping[str, Sequence[Taken]], why: str, actor: str, now: dt.datetime
) -> None:
    """Write the plans down (one statement), each with the warehouses that really gave the goods."""
    plans.write([(plan, _sites(plan, reserved)) for plan in made.values() if plan.ranked], why, actor, now)


def _sites(plan: Plan, reserved: Mapping[str, Sequence[Taken]]) -> tuple[int, ...]:
    """Return from where it was reserved: another order may have been quicker at the planned place."""
    lines = [line_id for parcel in plan.parcels for line_id, _units in parcel.items]
    got = {site for line_id in lines for _sku, site, _pieces in reserved.get(line_reference(line_id), ())}
    return tuple(site for site in plan.sites if site in got) + tuple(sorted(got - set(plan.sites)))
