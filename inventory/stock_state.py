"""Stock, links, policies and bundles of some shops and SKUs at one moment, read in a constant number of queries."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum

from backoffice import clock
from backoffice.compiled import Compiled
from inventory import catalogue
from inventory.balances import COLUMNS
from inventory.lots import looking_back
from inventory.models import Balance, ShopWarehouse, Sku, StockEntry, StockPolicy

ZERO = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True)
class Stock:
    """The buckets of one balance in pieces."""

    on_hand: Decimal = ZERO
    demand: Decimal = ZERO
    reserved: Decimal = ZERO
    incoming: Decimal = ZERO
    unsellable: Decimal = ZERO  # of lots that are blocked or expired
    tracking: int = 0

    @property
    def free(self) -> Decimal:
        """What nobody has reserved or ordered and may be sold; negative when more was ordered than is there."""
        return self.on_hand - self.reserved - self.demand - self.unsellable

    @property
    def unclaimed(self) -> Decimal:
        """What nobody has reserved or ordered, whether it may be sold or not."""
        return self.on_hand - self.reserved - self.demand


NONE_THERE = Stock()


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """A warehouse a shop sells from. `counts` is False where goods are shown but never sold from."""

    id: int
    warehouse_id: int
    priority: int
    counts: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """A stock policy as it was; without a row everything is shown."""

    id: int | None = None
    shop_id: int | None = None
    sku_id: int | None = None
    buffer: Decimal = ZERO
    share: Decimal = Decimal(1)
    cap: Decimal | None = None
    stop_below: Decimal = ZERO
    presale: Decimal = ZERO
    paused: bool = False
    reason: str = ""

    @property
    def weight(self) -> int:
        """How specific it is: a SKU says more than a shop."""
        return 2 * (self.sku_id is not None) + (self.shop_id is not None)

    def inputs(self) -> dict[str, Any]:
        """The row as JSON."""
        row = dataclasses.asdict(self)
        return {name: f"{value.normalize():f}" if isinstance(value, Decimal) else value for name, value in row.items()}


EVERYTHING = Policy()


@dataclasses.dataclass(frozen=True, slots=True)
class StockState:
    """What `read` found."""

    at: dt.datetime
    skus: dict[int, Sku]
    parts: dict[int, tuple[tuple[int, Decimal], ...]]
    links: dict[int, list[Link]]
    balances: dict[tuple[int, int], Stock]
    policies: dict[tuple[int | None, int | None], Policy]

    def stock(self, sku_id: int, warehouse_id: int) -> Stock:
        """Return the stock of a SKU in a warehouse; none when nothing was ever there."""
        return self.balances.get((sku_id, warehouse_id), NONE_THERE)

    def policy(self, shop_id: int, sku_id: int, part_ids: Iterable[int]) -> tuple[Policy, list[Policy]]:
        """Return the most specific policy and every pause that holds, one on a part of the bundle included."""
        keys: list[tuple[int | None, int | None]] = [(shop_id, sku_id), (None, sku_id), (shop_id, None), (None, None)]
        matching = [self.policies[key] for key in keys if key in self.policies]
        of_parts = [key for part in part_ids if part != sku_id for key in ((shop_id, part), (None, part))]
        pausing = matching + [self.policies[key] for key in of_parts if key in self.policies]
        return (matching[0] if matching else EVERYTHING), [one for one in pausing if one.paused]


def read(shop_ids: Collection[int], sku_ids: Collection[int], at: dt.datetime | None = None) -> StockState:
    """Read everything the formula needs: five queries, one more for a look-back (and one for its lots, if any)."""
    moment = at or clock.now()
    skus = Sku.objects.in_bulk(list(set(sku_ids)))
    bundles = [sku.pk for sku in skus.values() if sku.kind == Sku.Kind.BUNDLE]
    parts = catalogue.parts_at(bundles, moment) if bundles else {}
    counted = {*skus, *(part for found in parts.values() for part, _per in found)}
    links = _links(shop_ids, moment)
    places = {link.warehouse_id for found in links.values() for link in found}
    balances = _balances(counted, places)
    if at is not None:
        _wind_back(balances, counted, places, at)
    return StockState(moment, skus, parts, links, balances, _policies(shop_ids, counted, moment))


def valid(moment: dt.datetime) -> Q:
    """The condition of an effective-dated row that holds at a moment."""
    return Q(valid_from__lte=moment) & (Q(valid_to__isnull=True) | Q(valid_to__gt=moment))


def _link_rows(shop_ids: list[int], moment: dt.datetime) -> QuerySet[ShopWarehouse, tuple[Any, ...]]:
    rows = ShopWarehouse.objects.filter(valid(moment), shop_id__in=shop_ids).order_by("priority", "warehouse_id")
    return rows.values_list("shop_id", "id", "warehouse_id", "priority", "warehouse__active", "warehouse__read_only")


def _balance_rows(sku_ids: list[int], warehouse_ids: list[int]) -> QuerySet[Balance, tuple[Any, ...]]:
    rows = Balance.objects.filter(sku_id__in=sku_ids, warehouse_id__in=warehouse_ids)
    return rows.values_list(
        "sku_id", "warehouse_id", "on_hand", "demand", "reserved", "incoming", "unsellable",
        "tracking",
    )  # fmt: skip


def _policy_rows(
    shop_ids: list[int], sku_ids: list[int], moment: dt.datetime
) -> QuerySet[StockPolicy, tuple[Any, ...]]:
    ours = (Q(shop_id__isnull=True) | Q(shop_id__in=shop_ids)) & (Q(sku_id__isnull=True) | Q(sku_id__in=sku_ids))
    rows = StockPolicy.objects.filter(valid(moment), ours).order_by("id")
    return rows.values_list(*(field.name for field in dataclasses.fields(Policy)))


_LINKS, _BALANCES, _POLICIES = Compiled(_link_rows), Compiled(_balance_rows), Compiled(_policy_rows)


def _links(shop_ids: Collection[int], moment: dt.datetime) -> dict[int, list[Link]]:
    links: dict[int, list[Link]] = {}
    for shop_id, pk, warehouse_id, priority, active, read_only in _LINKS.rows(sorted(shop_ids), moment):
        links.setdefault(shop_id, []).append(Link(pk, warehouse_id, priority, active and not read_only))
    return links


def _balances(sku_ids: Collection[int], warehouse_ids: Collection[int]) -> dict[tuple[int, int], Stock]:
    return {(row[0], row[1]): Stock(*row[2:]) for row in _BALANCES.rows(sorted(sku_ids), sorted(warehouse_ids))}


def _wind_back(
    balances: dict[tuple[int, int], Stock],
    sku_ids: Collection[int],
    warehouse_ids: Collection[int],
    at: dt.datetime,
) -> None:
    """Take back what was recorded after a moment: a balance is the sum of its entries, so this is what it was."""
    later = StockEntry.objects.filter(sku_id__in=sku_ids, warehouse_id__in=warehouse_ids, recorded_at__gt=at)
    columns = ("sku_id", "warehouse_id", "bucket")
    for sku_id, warehouse_id, bucket, moved in (
        later.order_by().values_list(*columns).annotate(moved=Sum("quantity")).values_list(*columns, "moved")
    ):
        stock, column = balances.get((sku_id, warehouse_id), NONE_THERE), COLUMNS[bucket]
        balances[sku_id, warehouse_id] = dataclasses.replace(stock, **{column: getattr(stock, column) - moved})
    tracked = {pair for pair, stock in balances.items() if stock.tracking}
    held = looking_back.unsellable(tracked, at) if tracked else {}
    for pair in tracked:
        balances[pair] = dataclasses.replace(balances[pair], unsellable=held.get(pair, ZERO))


def _policies(
    shop_ids: Collection[int], sku_ids: Collection[int], moment: dt.datetime
) -> dict[tuple[int | None, int | None], Policy]:
    found = [Policy(*row) for row in _POLICIES.rows(sorted(shop_ids), sorted(sku_ids), moment)]
    return {(one.shop_id, one.sku_id): one for one in found}
