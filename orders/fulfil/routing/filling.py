"""Which warehouse gives which line, for a given row of warehouses: pure arithmetic, never more than is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orders.fulfil.routing.facts import ONE, Pair, RouteLine

There = Callable[[Pair], int]  # what a warehouse has of a SKU for this order
Taken = list[tuple[int, int, int]]  # (line's place, warehouse, thousandths of units)
MOST_TRIALS = 2_000  # of lines that compete for the same goods; then the first fit counts


def amount(units: int, per: int) -> int:
    """Return the pieces of a part in so many units, as the reservation counts them."""
    return units * per // ONE


def units_at(line: RouteLine, site: int, there: Callable[[Pair], int]) -> int:
    """Return how many units of a line a warehouse could give; bundles come whole."""
    units = min(max(there((sku, site)), 0) * ONE // per for sku, per in line.goods)
    return units // ONE * ONE if line.bundle else units


def fits(line: RouteLine, site: int, there: There) -> bool:
    """Say whether a warehouse has the whole line."""
    units = line.units
    if len(line.goods) == 1:  # nearly always, and asked more often than anything else
        sku, per = line.goods[0]
        return there((sku, site)) * ONE >= units * per
    return all(there((sku, site)) * ONE >= units * per for sku, per in line.goods)


def fill(lines: Sequence[RouteLine], sites: Sequence[int], there: There, split: bool) -> tuple[Taken, Taken]:
    """Give each line to the first warehouse that has all of it, or spread it; returns what is taken and missing.

    Lines of the same goods are tried in other ways when the first leaves one out that need not be.
    """
    taken, missing = _first_fit(lines, sites, there, split)
    if missing and len(sites) > 1 and not split and compete(lines):
        better = _search(lines, sites, there)
        if better is not None:
            return better, []
    return taken, missing


def _first_fit(lines: Sequence[RouteLine], sites: Sequence[int], there: There, split: bool) -> tuple[Taken, Taken]:
    used: dict[Pair, int] = {}

    def left(pair: Pair) -> int:
        return there(pair) - used.get(pair, 0)

    taken: Taken = []
    missing: Taken = []
    for place, line in enumerate(lines):
        parts: list[tuple[int, int]] = []
        for site in sites:
            if fits(line, site, left):
                parts = [(site, line.units)]
                break
        if split and not parts:
            parts = _spread(line, sites, left)
        for where, units in parts:
            _use(line, where, units, used)
            taken.append((place, where, units))
        rest = line.units - sum(units for _where, units in parts)
        if rest:
            missing.append((place, 0, rest))
    return taken, missing


def _spread(line: RouteLine, sites: Sequence[int], left: There) -> list[tuple[int, int]]:
    """Share a line out, the first warehouses down to the last."""
    parts, rest = [], line.units
    for site in sites:
        units = min(units_at(line, site, left), rest)
        if units:
            parts.append((site, units))
            rest -= units
    return parts


def _use(line: RouteLine, site: int, units: int, used: dict[Pair, int]) -> None:
    for sku, per in line.goods:
        used[sku, site] = used.get((sku, site), 0) + amount(units, per)


def compete(lines: Sequence[RouteLine]) -> bool:
    """Say whether two lines want the same goods."""
    if len(lines) == 1:
        return False
    skus = [sku for line in lines for sku, _per in line.goods]
    return len(set(skus)) < len(skus)


def _search(lines: Sequence[RouteLine], sites: Sequence[int], there: There) -> Taken | None:
    """Look for a way that leaves nothing out, line by line with steps back; None when there is none (or too many)."""
    used: dict[Pair, int] = {}
    chosen: list[int] = []
    trials = 0

    def left(pair: Pair) -> int:
        return there(pair) - used.get(pair, 0)

    def go(place: int) -> bool:
        nonlocal trials
        if place == len(lines):
            return True
        line = lines[place]
        for site in sites:
            trials += 1
            if trials > MOST_TRIALS or not fits(line, site, left):
                continue
            _use(line, site, line.units, used)
            chosen.append(site)
            if go(place + 1):
                return True
            chosen.pop()
            _use(line, site, -line.units, used)
        return False

    if len(lines) > 200 or not go(0):
        return None
    return [(place, site, lines[place].units) for place, site in enumerate(chosen)]
