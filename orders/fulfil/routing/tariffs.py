"""What a parcel costs: the narrowest zone of each carrier's table, its weight step, the cheapest carrier."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from backoffice.money import convert
from orders.fulfil.routing.facts import Destination, PlaceRule, RateStep, Tariff
from orders.fulfil.routing.geography import within

KILO = Decimal(1000)
Price = tuple[Decimal, int]  # (in base currency, the tariff's id)


class Prices:
    """The tables of one page; zones are looked up once a destination."""

    def __init__(self, tariffs: Sequence[Tariff], places: int = 2) -> None:
        self.places = places
        self.usable = [(one, sorted(one.zones, key=_narrow)) for one in tariffs if one.rate is not None]
        self.by_postcode = any(rule.postcode for _tariff, zones in self.usable for rule, _steps in zones)
        self._to: dict[Destination, PricesTo] = {}

    def to(self, to: Destination) -> PricesTo:
        """Return the prices to one destination."""
        if to.postcode and not self.by_postcode:
            to = Destination(to.country, to.region)  # more places are one and the same
        found = self._to.get(to)
        if found is None:
            found = self._to[to] = PricesTo(self, to)
        return found

    def of(self, site: int, to: Destination, weight_g: int) -> Price | None:
        """Return the cheapest price of a parcel of this weight; None when no table has one."""
        return self.to(to).of(site, weight_g)


class PricesTo:
    """What parcels to one destination cost: looked up once for each warehouse and weight."""

    def __init__(self, prices: Prices, to: Destination) -> None:
        self.prices, self.destination = prices, to
        self._steps: dict[int, list[tuple[Tariff, tuple[RateStep, ...]]]] = {}
        self._known: dict[tuple[int, int], Price | None] = {}

    def of(self, site: int, weight_g: int) -> Price | None:
        """Return the cheapest price of a parcel of this weight; None when no table has one."""
        key = (site, weight_g)
        if key not in self._known:
            self._known[key] = self._cheapest(site, weight_g)
        return self._known[key]

    def _cheapest(self, site: int, weight_g: int) -> Price | None:
        found = []
        for tariff, steps in self._ladders(site):
            step = next((one for one in steps if not one.up_to_g or weight_g <= one.up_to_g), None)
            if step is not None and tariff.rate is not None:
                found.append((convert(price(step, weight_g), tariff.rate, self.prices.places), tariff.id))
        return min(found, default=None)

    def _ladders(self, site: int) -> list[tuple[Tariff, tuple[RateStep, ...]]]:
        if site not in self._steps:
            to = self.destination
            self._steps[site] = [
                (tariff, steps)
                for tariff, zones in self.prices.usable
                if not tariff.sites or site in tariff.sites
                if (steps := next((steps for rule, steps in zones if within(to, rule)), None)) is not None
            ]
        return self._steps[site]


def _narrow(zone: tuple[PlaceRule, tuple[RateStep, ...]]) -> tuple[int, int, int]:
    """The longest postcode first, then a region, then a country, then everywhere else."""
    rule = zone[0]
    return -len(rule.postcode), 0 if rule.region else 1, 1 if rule.country == "*" else 0


def price(step: RateStep, weight_g: int) -> Decimal:
    """Return what a step takes for a weight, in the table's currency."""
    further = max(weight_g - step.first_g, 0)
    if step.step_g:
        further = -(-further // step.step_g) * step.step_g
    return step.base + step.per_kg * further / KILO


def ladder(steps: Sequence[RateStep]) -> tuple[RateStep, ...]:
    """Return the steps of a zone, the lightest first; what has no end comes last."""
    return tuple(sorted(steps, key=lambda one: (one.up_to_g == 0, one.up_to_g)))
