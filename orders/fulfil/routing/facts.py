"""What the routing looks at and what it says: frozen, without a database behind it. Quantities in thousandths."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal

Point = tuple[float, float]  # latitude, longitude in degrees
Pair = tuple[int, int]  # (SKU id, warehouse id)
ONE = 1_000  # thousandths in a piece or a bundle


@dataclasses.dataclass(frozen=True, slots=True)
class Destination:
    """Where a parcel goes. `region` is a key of geography.region_key, the postcode without blanks, upper case."""

    country: str = ""
    region: str = ""
    postcode: str = ""
    point: Point | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """A warehouse goods can be sent from."""

    id: int
    country: str = ""
    region: str = ""
    point: Point | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class RouteLine:
    """What is still to be reserved for one line: `goods` per unit, a bundle being one unit of all its parts."""

    id: int
    units: int  # thousandths of the SKU wanted; whole thousands for a bundle
    goods: tuple[tuple[int, int], ...]  # (SKU id, thousandths in one unit)
    bundle: bool = False
    weight_g: int = 0  # of one unit


@dataclasses.dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that counts. Figures within the same `step` (kilometres, money) are alike; 0 compares exactly."""

    by: str
    step: Decimal = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True)
class PlaceRule:
    """A country, a region of it, or postcodes of it by how they begin; `*` is anywhere."""

    country: str
    region: str = ""
    postcode: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class SendList:
    """Where a warehouse (None: every warehouse) sends only, or never. Nothing goes past it."""

    site: int | None
    only: bool
    places: tuple[PlaceRule, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """What counts, in this order; what never may be; whether one line may come from several warehouses."""

    id: int | None = None
    version: int | None = None
    criteria: tuple[Criterion, ...] = (Criterion("complete"), Criterion("priority"))
    priority: tuple[int, ...] = ()
    lists: tuple[SendList, ...] = ()
    split_lines: bool = False
    unknown_weight_g: int = 500


@dataclasses.dataclass(frozen=True, slots=True)
class RouteOrder:
    """One order as the routing sees it. `sites` are those its shop sells from, in the shop's own order.

    `own` is what the order holds reserved and would give back to be planned anew. `barred` are pairs nobody finds the
    goods of. `wish` goes before all criteria, never past a list. `exact`: the sites are a person's choice, asked in
    their order whatever the criteria say.
    """

    id: int
    to: Destination
    lines: tuple[RouteLine, ...]
    sites: tuple[int, ...]
    policy: Policy
    wish: int | None = None
    own: Mapping[Pair, int] = dataclasses.field(default_factory=dict)
    barred: frozenset[Pair] = frozenset()
    exact: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class RateStep:
    """Up to a weight: the base, and so much for each further kilogram. `up_to_g` 0 has no end."""

    up_to_g: int
    base: Decimal
    first_g: int = 0
    per_kg: Decimal = Decimal(0)
    step_g: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Tariff:
    """A carrier's prices. `rate` turns them into base currency, None while none is known."""

    id: int
    sites: frozenset[int]  # empty: from every warehouse
    rate: Decimal | None
    zones: tuple[tuple[PlaceRule, tuple[RateStep, ...]], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Parcel:
    """What one warehouse sends of an order: (line id, thousandths of its units) each."""

    site: int
    items: tuple[tuple[int, int], ...]
    weight_g: int
    km: int
    cost: Decimal | None
    tariff: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Alternative:
    """Another way, and why it was not chosen: a code with its two figures, or what it lacks."""

    sites: tuple[int, ...]
    code: str  # a criterion that it loses by, "lacks", "not_allowed", "not_wished" or "alike"
    mine: str = ""
    chosen: str = ""
    cost: Decimal | None = None
    km: int = 0
    missing: tuple[tuple[int, int], ...] = ()  # (line id, thousandths of units)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """From where an order is sent. `ranked` are all warehouses it may come from, the best first."""

    order_id: int
    policy: Policy
    parcels: tuple[Parcel, ...]
    missing: tuple[tuple[int, int], ...]
    ranked: tuple[int, ...]
    alternatives: tuple[Alternative, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything the order wants is planned."""
        return not self.missing

    @property
    def cost(self) -> Decimal | None:
        """What its parcels cost together, in base currency; None when one is not known."""
        return total_cost(self.parcels)

    @property
    def sites(self) -> tuple[int, ...]:
        """The warehouses of its parcels."""
        return tuple(parcel.site for parcel in self.parcels)


def total_cost(parcels: tuple[Parcel, ...]) -> Decimal | None:
    """Return what parcels cost together; None without parcels or when one cost is not known."""
    costs = [parcel.cost for parcel in parcels]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(costs) else None
