"""Ways to send an order compared by the criteria of its policy; parcels are made only of the way that is chosen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from orders.fulfil.routing.facts import Alternative, Parcel, Policy, RouteOrder
from orders.fulfil.routing.filling import Taken
from orders.fulfil.routing.tariffs import Price, PricesTo

DECIDED_BY_ONE = ("complete", "fewest")  # when one warehouse has all, no way with more parcels can win by these
Key = tuple[Any, ...]


class Reach:
    """What a policy and a destination make of the warehouses of a shop: the same for every order that has both."""

    __slots__ = ("allowed", "denied", "figures", "km", "known", "names", "place", "policy", "prices", "ranks")

    def __init__(
        self,
        policy: Policy,
        allowed: tuple[int, ...],
        known: int,
        km: Mapping[int, int],
        prices: PricesTo,
        denied: list[Alternative],
    ) -> None:
        self.policy, self.allowed, self.known = policy, allowed, known
        self.km, self.prices, self.denied = km, prices, denied
        preferred = [one for one in policy.priority if one in allowed]
        row = [*preferred, *(one for one in allowed if one not in preferred)]
        self.place = {one: number for number, one in enumerate(row)}
        self.names = [one.by for one in policy.criteria]
        self.ranks: dict[tuple[int, int, int], Key] = {}
        self.figures = [(one.by in DECIDED_BY_ONE, FIGURES[one.by], one.step) for one in policy.criteria]


@dataclasses.dataclass(slots=True)
class Way:
    """A way to send an order: what each of its warehouses sends, and how it compares."""

    items: dict[int, list[tuple[int, int]]]  # warehouse → (line id, thousandths of its units)
    weights: dict[int, int]
    km: int
    cost: Decimal | None
    places: tuple[int, ...]  # where its warehouses stand in the policy's row, the last first
    key: Key = ()
    reach: Reach | None = None

    def parcels(self) -> tuple[Parcel, ...]:
        """Return what each warehouse sends."""
        return tuple([self._parcel(site, items) for site, items in self.items.items()])

    def _parcel(self, site: int, items: Sequence[tuple[int, int]]) -> Parcel:
        assert self.reach is not None
        weight = self.weights[site]
        cost, tariff = self.reach.prices.of(site, weight) or (None, None)
        return Parcel(site, tuple(items), weight, self.reach.km[site], cost, tariff)


class Judge:
    """Turns what is taken into ways with a key by which they are compared."""

    def __init__(self, reach: Reach, order: RouteOrder) -> None:
        self.reach, self.order = reach, order
        self.weight = sum([line.weight_g * line.units // 1000 for line in order.lines])

    def way(self, taken: Taken) -> Way:
        """Return a way with its key: the wish, the criteria in order, then what makes it always the same choice."""
        reach, wish, lines = self.reach, self.order.wish, self.order.lines
        items: dict[int, list[tuple[int, int]]] = {}
        weights: dict[int, int] = {}
        for place, site, units in taken:
            line = lines[place]
            if site not in items:
                items[site], weights[site] = [], 0
            items[site].append((line.id, units))
            weights[site] += line.weight_g * units // 1000
        cost = _together([reach.prices.of(site, weight) for site, weight in weights.items()])
        places = tuple(sorted([reach.place[site] for site in items], reverse=True))
        made = Way(items, weights, sum([reach.km[site] for site in items]), cost, places, reach=reach)
        wished = 0 if wish is None or all(site == wish for site in items) else 1
        figures = [figure(len(items), made.km, cost, places, step) for _by_one, figure, step in reach.figures]
        made.key = (wished, *figures, len(items), places, tuple(items))
        return made

    def rank(self, site: int, lacking: int) -> Key:
        """Where a warehouse stands in the row of all, by the same criteria."""
        at = (site, self.weight, lacking)
        found = self.reach.ranks.get(at)
        if found is None:
            found = self.reach.ranks[at] = self._rank(*at)
        wish = self.order.wish
        return found if wish is None else (site != wish, *found)

    def _rank(self, site: int, weight: int, lacking: int) -> Key:
        reach = self.reach
        price, km, place = reach.prices.of(site, weight), reach.km[site], reach.place[site]
        cost = price and price[0]
        figures = [
            lacking if by_one else figure(1, km, cost, (place,), step) for by_one, figure, step in reach.figures
        ]  # fmt: skip
        return (*figures, place)


def _together(prices: Sequence[Price | None]) -> Decimal | None:
    """Return what parcels cost together; None without parcels or when one cost is not known."""
    if len(prices) == 1:
        return prices[0] and prices[0][0]
    known = [price[0] for price in prices if price is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(prices) else None


def _stepped(figure: Decimal | int, step: Decimal) -> Any:
    return figure // step if step else figure


# What a way comes to by a criterion, from its parcels, kilometres, cost, the places of its warehouses, and the step.
Figure = Callable[[int, int, Decimal | None, tuple[int, ...], Decimal], Any]
FIGURES: dict[str, Figure] = {
    "complete": lambda parcels, _km, _cost, _places, _step: 0 if parcels == 1 else 1,
    "fewest": lambda parcels, _km, _cost, _places, _step: parcels,
    "nearest": lambda _parcels, km, _cost, _places, step: _stepped(km, step),
    "cheapest": lambda _parcels, _km, cost, _places, step: (1, 0) if cost is None else (0, _stepped(cost, step)),
    "priority": lambda _parcels, _km, _cost, places, _step: places,
}
CRITERIA = tuple(FIGURES)


# --- why not ---------------------------------------------------------------------------------------------------------


def beaten(reach: Reach, best: Way, one: Way) -> Alternative:
    """Name the first criterion by which a way loses to the chosen one."""
    at = next(place for place, (mine, theirs) in enumerate(zip(one.key, best.key, strict=False)) if mine != theirs)
    code = ("not_wished", *reach.names, "fewest")[at] if at < len(reach.names) + 2 else "alike"
    return Alternative(tuple(one.items), code, _told(code, one), _told(code, best), one.cost, one.km)


def _told(code: str, way: Way) -> str:
    """Return the figure a criterion compared."""
    if code == "nearest":
        return str(way.km)
    if code == "cheapest":
        return "" if way.cost is None else f"{way.cost:f}"
    return str(len(way.items)) if code in DECIDED_BY_ONE else ""
