"""From which warehouses orders are sent: a pure function of the orders, the stock, the policies and the rates.

For each order the ways that send everything are compared by the policy's criteria, in their order: one warehouse, else
two or three that need each other, else as many as it takes. What one order of the page gets is gone for the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any

from orders.fulfil.routing import filling
from orders.fulfil.routing.facts import (
    Alternative,
    Criterion,
    Destination,
    Pair,
    Parcel,
    Plan,
    Policy,
    RouteLine,
    RouteOrder,
    Site,
    total_cost,
)
from orders.fulfil.routing.geography import kilometres, within
from orders.fulfil.routing.tariffs import Prices

MOST_TOGETHER = 3  # warehouses that are tried together before simply as many as it takes are asked
MOST_TRIED = 60  # ways of an order that are compared
MOST_SHOWN = 8  # alternatives that are kept
DECIDED_BY_ONE = ("complete", "fewest")  # when one warehouse has all, no way with more parcels can win by these
Key = tuple[Any, ...]


def plan_page(
    orders: Sequence[RouteOrder],
    *,
    sites: Mapping[int, Site],
    stock: Mapping[Pair, int],
    prices: Prices | None = None,
    partial: bool = False,
) -> list[Plan]:
    """Plan orders one after the other, in the order given, out of the same stock (thousandths per SKU and warehouse).

    An order of which something is missing is not sent at all and takes nothing, unless `partial`: then it takes what
    there is, and of a line that may not be spread all or nothing.
    """
    left = dict(stock)
    page = _Page(sites, prices or Prices(()), left)
    plans = []
    for order in orders:
        plan = page.plan(order)
        if plan.missing and not partial:
            plan = Plan(order.id, order.policy, (), plan.missing, plan.ranked, plan.alternatives)
        _take(order, plan, left)
        plans.append(plan)
    return plans


def _take(order: RouteOrder, plan: Plan, left: dict[Pair, int]) -> None:
    """Lower the stock by what is planned beyond the order's own; what it gives back is nobody else's on this page."""
    goods = {line.id: line for line in order.lines}
    used: dict[Pair, int] = {}
    for parcel in plan.parcels:
        for line_id, units in parcel.items:
            for sku, per in goods[line_id].goods:
                pair = (sku, parcel.site)
                used[pair] = used.get(pair, 0) + filling.amount(units, per)
    for pair, pieces in used.items():
        left[pair] = left.get(pair, 0) - max(pieces - order.own.get(pair, 0), 0)


class _Page:
    def __init__(self, sites: Mapping[int, Site], prices: Prices, left: dict[Pair, int]) -> None:
        self.sites, self.prices, self.left = sites, prices, left
        self._km: dict[Destination, dict[int, int]] = {}

    def plan(self, order: RouteOrder) -> Plan:
        known = [one for one in order.sites if one in self.sites]
        allowed = [one for one in known if permitted(order.policy, one, order)]
        there = self._there(order)
        judge = _Judge(self, order, allowed)
        lacks = {one: _lacks(order.lines, one, there) for one in allowed}
        ranked = tuple(allowed)
        if not order.exact:
            ranked = tuple(sorted(allowed, key=lambda one: judge.rank(one, len(lacks[one]))))
        ways = [] if order.exact else self._ways(order, ranked, lacks, there)
        if not ways:
            taken, missing = filling.fill(order.lines, ranked, there, order.policy.split_lines)
            ways = [taken] if not missing else []
        else:
            taken, missing = [], []
        whole = sorted((judge.way(one) for one in ways), key=lambda one: one[0])
        chosen = whole[0][1] if whole else judge.way(taken)[1]
        others = [_beaten(judge, whole[0], one) for one in whole[1:MOST_SHOWN]] if whole else []
        others += [_lacking(judge, order, one, lacks[one]) for one in ranked if lacks[one]]
        others += [_denied(judge, one) for one in known if one not in allowed]
        left_out = tuple((order.lines[place].id, units) for place, _site, units in missing)
        return Plan(order.id, order.policy, chosen, left_out, ranked, tuple(others[: MOST_SHOWN + len(known)]))

    def _there(self, order: RouteOrder) -> filling.There:
        left = self.left
        if not order.own and not order.barred:
            return lambda pair: left.get(pair, 0)
        own, barred = order.own, order.barred
        return lambda pair: 0 if pair in barred else left.get(pair, 0) + own.get(pair, 0)

    def _ways(
        self, order: RouteOrder, ranked: Sequence[int], lacks: Mapping[int, filling.Taken], there: filling.There
    ) -> list[filling.Taken]:
        """Return the ways that send everything and need every warehouse they use."""
        lines, split = order.lines, order.policy.split_lines
        ways = [filling.fill(lines, (one,), there, split=False)[0] for one in ranked if not lacks[one]]
        first = order.policy.criteria[0].by if order.policy.criteria else "complete"
        if ways and first in DECIDED_BY_ONE and order.wish is None:
            return ways
        without = {one: {place for place, _site, _units in lacks[one]} for one in ranked if lacks[one]}
        for together in _together(list(without)):
            if len(ways) >= MOST_TRIED:
                break
            if not split and set.intersection(*(without[one] for one in together)):
                continue  # a line that none of them has
            if any(_within(way, together) for way in ways):
                continue  # fewer of these warehouses do it already
            taken, missing = filling.fill(lines, together, there, split)
            if not missing:
                ways.append(taken)
        return ways

    def km(self, to: Destination) -> dict[int, int]:
        """How far it is from each warehouse."""
        found = self._km.get(to)
        if found is None:
            found = self._km[to] = {pk: kilometres(site, to) for pk, site in self.sites.items()}
        return found


def _lacks(lines: Sequence[RouteLine], site: int, there: filling.There) -> filling.Taken:
    """Return what one warehouse cannot give of an order."""
    if filling.compete(lines):
        return filling.fill(lines, (site,), there, split=False)[1]
    return [(place, 0, line.units) for place, line in enumerate(lines) if not filling.fits(line, site, there)]


def _together(sites: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for count in range(2, MOST_TOGETHER + 1):
        for number, chosen in enumerate(combinations(sites, count)):
            if number >= MOST_TRIED:
                break
            yield chosen


def _within(way: filling.Taken, sites: Sequence[int]) -> bool:
    return all(site in sites for _place, site, _units in way)


def permitted(policy: Policy, site: int, order: RouteOrder) -> bool:
    """Say whether the lists let a warehouse send to where the order goes. Nothing goes past them."""
    for one in policy.lists:
        if one.site is None or one.site == site:
            listed = any(within(order.to, rule) for rule in one.places)
            if listed != one.only:
                return False
    return True


class _Judge:
    """Turns what is taken into parcels, and parcels into a key by which ways are compared."""

    def __init__(self, page: _Page, order: RouteOrder, allowed: Sequence[int]) -> None:
        self.order, self.policy = order, order.policy
        self.km, self.prices = page.km(order.to), page.prices.to(order.to)
        preferred = [one for one in self.policy.priority if one in allowed]
        row = [*preferred, *(one for one in allowed if one not in preferred)]
        self.place = {one: number for number, one in enumerate(row)}
        self.names = [one.by for one in self.policy.criteria]

    def way(self, taken: filling.Taken) -> tuple[Key, tuple[Parcel, ...]]:
        parcels = self.parcels(taken)
        return self.key(parcels), parcels

    def parcels(self, taken: filling.Taken) -> tuple[Parcel, ...]:
        found: dict[int, list[tuple[int, int]]] = {}
        weights: dict[int, int] = {}
        for place, site, units in taken:
            line = self.order.lines[place]
            found.setdefault(site, []).append((line.id, units))
            weights[site] = weights.get(site, 0) + self._weight(line, units)
        return tuple(self._parcel(site, items, weights[site]) for site, items in found.items())

    def _weight(self, line: RouteLine, units: int) -> int:
        return line.weight_g * units // 1000

    def _parcel(self, site: int, items: Sequence[tuple[int, int]], weight_g: int) -> Parcel:
        price = self.prices.of(site, weight_g)
        cost, tariff = price if price is not None else (None, None)
        return Parcel(site, tuple(items), weight_g, self.km[site], cost, tariff)

    def key(self, parcels: Sequence[Parcel]) -> Key:
        """The wish, the criteria in their order, then what makes it always the same choice."""
        wish = self.order.wish
        wished = 0 if wish is None or all(one.site == wish for one in parcels) else 1
        places = tuple(sorted((self.place[one.site] for one in parcels), reverse=True))
        figures = [FIGURES[one.by](self, parcels, one) for one in self.policy.criteria]
        return (wished, *figures, len(parcels), places, tuple(one.site for one in parcels))

    def rank(self, site: int, lacking: int) -> Key:
        """Where a warehouse stands in the row of all, by the same criteria."""
        weight = sum(self._weight(line, line.units) for line in self.order.lines)
        parcel = (self._parcel(site, (), weight),)
        figures = [
            lacking if one.by in DECIDED_BY_ONE else FIGURES[one.by](self, parcel, one) for one in self.policy.criteria
        ]
        return (self.order.wish is not None and site != self.order.wish, *figures, self.place[site])


def _stepped(figure: Decimal | int, step: Decimal) -> Any:
    return figure // step if step else figure


def _cheapest(judge: _Judge, parcels: Sequence[Parcel], one: Criterion) -> Any:
    cost = total_cost(tuple(parcels))
    return (1, 0) if cost is None else (0, _stepped(cost, one.step))


FIGURES: dict[str, Callable[[_Judge, Sequence[Parcel], Criterion], Any]] = {
    "complete": lambda judge, parcels, one: 0 if len(parcels) == 1 else 1,
    "fewest": lambda judge, parcels, one: len(parcels),
    "nearest": lambda judge, parcels, one: _stepped(sum(parcel.km for parcel in parcels), one.step),
    "cheapest": _cheapest,
    "priority": lambda judge, parcels, one: tuple(sorted((judge.place[x.site] for x in parcels), reverse=True)),
}
CRITERIA = tuple(FIGURES)


# --- why not ---------------------------------------------------------------------------------------------------------


def _beaten(judge: _Judge, best: tuple[Key, tuple[Parcel, ...]], one: tuple[Key, tuple[Parcel, ...]]) -> Alternative:
    """Name the first criterion by which a way loses to the chosen one."""
    at = next(place for place, (mine, theirs) in enumerate(zip(one[0], best[0], strict=False)) if mine != theirs)
    code = ("not_wished", *judge.names, "fewest")[at] if at < len(judge.names) + 2 else "alike"
    mine, chosen = _told(code, one[1]), _told(code, best[1])
    sites = tuple(parcel.site for parcel in one[1])
    return Alternative(sites, code, mine, chosen, total_cost(one[1]), sum(parcel.km for parcel in one[1]))


def _told(code: str, parcels: tuple[Parcel, ...]) -> str:
    """Return the figure a criterion compared."""
    if code == "nearest":
        return str(sum(parcel.km for parcel in parcels))
    if code == "cheapest":
        cost = total_cost(parcels)
        return "" if cost is None else f"{cost:f}"
    return str(len(parcels)) if code in DECIDED_BY_ONE else ""


def _lacking(judge: _Judge, order: RouteOrder, site: int, lacks: filling.Taken) -> Alternative:
    missing = tuple((order.lines[place].id, units) for place, _site, units in lacks)
    return Alternative((site,), "lacks", km=judge.km[site], missing=missing)


def _denied(judge: _Judge, site: int) -> Alternative:
    return Alternative((site,), "not_allowed", km=judge.km[site])
