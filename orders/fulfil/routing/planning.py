"""From which warehouses orders are sent: a pure function of the orders, the stock, the policies and the rates.

For each order the ways that send everything are compared by the policy's criteria, in their order: one warehouse, else
two or three that need each other, else as many as it takes. What one order of the page gets is gone for the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations, islice

from orders.fulfil.routing import filling
from orders.fulfil.routing.facts import Alternative, Destination, Pair, Plan, Policy, RouteLine, RouteOrder, Site
from orders.fulfil.routing.geography import kilometres, within
from orders.fulfil.routing.judging import CRITERIA, DECIDED_BY_ONE, Judge, Reach, beaten
from orders.fulfil.routing.tariffs import Prices

__all__ = ["CRITERIA", "permitted", "plan_page"]

MOST_TOGETHER = 3  # warehouses that are tried together before simply as many as it takes are asked
MOST_TRIED = 60  # ways of an order that are compared
MOST_SHOWN = 8  # alternatives that are kept


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
        self._reaches: dict[tuple[int, Destination, tuple[int, ...]], Reach] = {}

    def plan(self, order: RouteOrder) -> Plan:
        reach = self._reach(order)
        there = self._there(order)
        judge = Judge(reach, order)
        alone = not filling.compete(order.lines)  # no line takes away from another
        lacks = {one: _lacks(order.lines, one, there, alone) for one in reach.allowed}
        ranked = reach.allowed
        if not order.exact and len(ranked) > 1:
            ranked = tuple(sorted(ranked, key=lambda one: judge.rank(one, len(lacks[one]))))
        ways = [] if order.exact else self._ways(order, ranked, lacks, there, alone)
        missing: filling.Taken = []
        if not ways:
            taken, missing = filling.fill(order.lines, ranked, there, order.policy.split_lines)
            best = judge.way(taken)
            whole = [] if missing else [best]
        else:
            whole = sorted((judge.way(one) for one in ways), key=lambda one: one.key)
            best = whole[0]
        others = [beaten(reach, best, one) for one in whole[1:MOST_SHOWN]]
        others += [_lacking(reach, order, one, lacks[one]) for one in ranked if lacks[one]]
        others += reach.denied
        left_out = tuple([(order.lines[place].id, units) for place, _site, units in missing])
        return Plan(order.id, order.policy, best.parcels(), left_out, ranked, tuple(others[: MOST_SHOWN + reach.known]))

    def _reach(self, order: RouteOrder) -> Reach:
        """What is the same for all orders of a policy to one destination; looked up once a page."""
        key = (id(order.policy), order.to, order.sites)  # the orders of the page keep their policies alive
        found = self._reaches.get(key)
        if found is None:
            known = [one for one in order.sites if one in self.sites]
            allowed = tuple(one for one in known if permitted(order.policy, one, order))
            km = self.km(order.to)
            denied = [Alternative((one,), "not_allowed", km=km[one]) for one in known if one not in allowed]
            reach = Reach(order.policy, allowed, len(known), km, self.prices.to(order.to), denied)
            found = self._reaches[key] = reach
        return found

    def _there(self, order: RouteOrder) -> filling.There:
        left = self.left
        if not order.own and not order.barred:
            return lambda pair: left.get(pair, 0)
        own, barred = order.own, order.barred
        return lambda pair: 0 if pair in barred else left.get(pair, 0) + own.get(pair, 0)

    def _ways(
        self,
        order: RouteOrder,
        ranked: Sequence[int],
        lacks: Mapping[int, filling.Taken],
        there: filling.There,
        alone: bool,
    ) -> list[filling.Taken]:
        """Return the ways that send everything and need every warehouse they use."""
        lines, split = order.lines, order.policy.split_lines
        ways = [[(place, one, line.units) for place, line in enumerate(lines)] for one in ranked if not lacks[one]]
        first = order.policy.criteria[0].by if order.policy.criteria else "complete"
        if ways and first in DECIDED_BY_ONE and order.wish is None:
            return ways
        poor = [one for one in ranked if lacks[one]]
        without = [sum([1 << place for place in {lack[0] for lack in lacks[one]}]) for one in poor]
        used: list[int] = []  # by ways of several warehouses, as bits of their numbers in `poor`
        missing: filling.Taken
        for chosen, bits in _together(len(poor)):
            if len(ways) >= MOST_TRIED:
                break
            nobody = without[chosen[0]]
            for number in chosen:
                nobody &= without[number]
            if nobody and not split:
                continue  # a line that none of them has
            if any(before | bits == bits for before in used):
                continue  # fewer of these warehouses do it already
            if alone and not split:
                taken, missing = _first_with(lines, poor, chosen, without), []
            else:
                taken, missing = filling.fill(lines, [poor[number] for number in chosen], there, split)
            if not missing:
                ways.append(taken)
                used.append(sum([1 << poor.index(site) for site in {site for _place, site, _units in taken}]))
        return ways

    def km(self, to: Destination) -> dict[int, int]:
        """How far it is from each warehouse; a postcode makes no difference."""
        place = Destination(to.country, to.region, "", to.point) if to.postcode else to
        found = self._km.get(place)
        if found is None:
            found = self._km[place] = {pk: kilometres(site, place) for pk, site in self.sites.items()}
        return found


def _lacks(lines: Sequence[RouteLine], site: int, there: filling.There, alone: bool) -> filling.Taken:
    """Return what one warehouse cannot give of an order."""
    if not alone:
        return filling.fill(lines, (site,), there, split=False)[1]
    return [(place, 0, line.units) for place, line in enumerate(lines) if not filling.fits(line, site, there)]


def _first_with(
    lines: Sequence[RouteLine], poor: Sequence[int], chosen: Sequence[int], without: Sequence[int]
) -> filling.Taken:
    """Give each line to the first of the chosen that has it; one of them does, and no line takes from another."""
    return [
        (place, poor[next(number for number in chosen if not without[number] >> place & 1)], line.units)
        for place, line in enumerate(lines)
    ]


@cache
def _together(count: int) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Return which of so many warehouses are tried together, and the same as bits."""
    sizes = range(2, MOST_TOGETHER + 1)
    found = [chosen for size in sizes for chosen in islice(combinations(range(count), size), MOST_TRIED)]
    return tuple((chosen, sum(1 << number for number in chosen)) for chosen in found)


def permitted(policy: Policy, site: int, order: RouteOrder) -> bool:
    """Say whether the lists let a warehouse send to where the order goes. Nothing goes past them."""
    for one in policy.lists:
        if one.site is None or one.site == site:
            listed = any(within(order.to, rule) for rule in one.places)
            if listed != one.only:
                return False
    return True


def _lacking(reach: Reach, order: RouteOrder, site: int, lacks: filling.Taken) -> Alternative:
    missing = tuple([(order.lines[place].id, units) for place, _site, units in lacks])
    return Alternative((site,), "lacks", km=reach.km[site], missing=missing)
