"""What a reference wants of the stock, and the arithmetic of bundles in stored integers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from backoffice.fields import QuantityField
from inventory.sets import Pair

ONE = 1_000  # one piece in stored integers
_SCALE = QuantityField()
Parts = tuple[tuple[int, Decimal], ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What a reference needs: `quantity` is absolute, the pieces still to be shipped, not one more step.

    `warehouses` in order of preference. `parts` is the bundle's composition frozen by the caller, per one bundle.
    `whole` takes the quantity from one warehouse, the first that has enough; otherwise it may be spread. Wants of
    one `group` (an order) are reserved together or not at all.
    """

    reference: str
    sku_id: int
    quantity: Decimal
    warehouses: tuple[int, ...]
    parts: Parts | None = None
    whole: bool = True
    group: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """A want in stored integers. `units` counts thousandths of the SKU wanted, a bundle being one SKU."""

    reference: str
    sku_id: int
    units: int
    warehouses: tuple[int, ...]
    parts: tuple[tuple[int, int], ...]  # (sku id, stored quantity per one unit)
    bundle: bool
    whole: bool
    group: str

    def amount(self, units: int, per: int) -> int:
        """Return the stored quantity of a part in so many units."""
        return units * per // ONE

    def units_of(self, amount: int, per: int) -> int:
        """Return how many units it takes to cover an amount of a part; bundles come whole."""
        units = -(-amount * ONE // per)
        return -(-units // ONE) * ONE if self.bundle else units

    def units_at(self, warehouse: int, there: Mapping[Pair, int]) -> int:
        """Return how many units can be put together in a warehouse from what is there."""
        units = min(max(there.get((sku, warehouse), 0), 0) * ONE // per for sku, per in self.parts)
        return units // ONE * ONE if self.bundle else units

    def place_of(self, units: int, there: Mapping[Pair, int]) -> int | None:
        """Return the first warehouse in which so many units can be put together, or None."""
        for warehouse in self.warehouses:
            if all(there.get((sku, warehouse), 0) * ONE >= units * per for sku, per in self.parts):
                return warehouse
        return None

    def pairs(self, warehouses: Sequence[int]) -> list[Pair]:
        """The balances of its parts in these warehouses."""
        return [(sku, warehouse) for sku, _per in self.parts for warehouse in warehouses]


def jobs_of(wants: Sequence[Want]) -> list[Job]:
    """Check the wants and scale them. Raises ValueError on what only a bug of the caller can send."""
    made = [_job(want) for want in wants]
    if len({one.reference for one in made}) != len(made):
        raise ValueError("A reference stands twice in one call.")
    return made


def _job(want: Want) -> Job:
    units = _SCALE.scale(want.quantity)
    if not want.reference or len(want.reference) > 120:
        raise ValueError(f"A reference has 1 to 120 characters, not {want.reference!r}.")
    if units < 0:
        raise ValueError(f"{want.reference} wants less than nothing.")
    return Job(
        want.reference,
        want.sku_id,
        units,
        tuple(dict.fromkeys(want.warehouses)),
        ((want.sku_id, ONE),) if want.parts is None else _parts(want, units),
        want.parts is not None,
        want.whole,
        want.group,
    )


def _parts(want: Want, units: int) -> tuple[tuple[int, int], ...]:
    if units % ONE:
        raise ValueError(f"{want.reference} wants part of a bundle.")
    summed: dict[int, int] = {}
    for sku_id, per in want.parts or ():
        summed[sku_id] = summed.get(sku_id, 0) + _SCALE.scale(per)
    if not summed or min(summed.values()) <= 0:
        raise ValueError(f"{want.reference} wants a bundle without parts.")
    return tuple(summed.items())


def pairs(jobs: Sequence[Job]) -> list[Pair]:
    """Every balance the jobs may use."""
    return [pair for job in jobs for pair in job.pairs(job.warehouses)]


def first_pairs(jobs: Sequence[Job]) -> list[Pair]:
    """The balances demand falls back on; they are made when they are missing."""
    return [pair for job in jobs for pair in job.pairs(job.warehouses[:1])]


def spread(there: Iterable[tuple[int, int]], units: int) -> Iterator[tuple[int, int]]:
    """Share units out over (warehouse, what it has), the first ones down to the last."""
    for warehouse, has in there:
        part = min(has, units)
        units -= part
        yield warehouse, part
