"""What a page of orders is judged against: read once, in a fixed number of queries, whatever the page holds."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from backoffice import clock
from backoffice.compiled import Compiled
from backoffice.money import convert
from finance import currencies, rates
from inventory.models import ShopWarehouse
from inventory.stock_state import valid
from orders.desk import ruleset
from orders.desk.ruleset import Ruleset
from orders.fulfil.routing import policies
from orders.late import due
from orders.late.working_time import Handling


@dataclasses.dataclass(slots=True)
class Page:
    """The surroundings of one page of one shop."""

    shop_id: int
    now: dt.datetime
    go_live: dt.datetime | None
    warehouses: tuple[int, ...]  # where the shop's goods are taken from, in order of preference
    rules: Ruleset
    places: dict[str, int]  # decimals of each currency we know
    base: str
    handling: Handling | None = None  # how long the shop may take
    rates: dict[tuple[str, dt.date], Decimal] = dataclasses.field(default_factory=dict)
    routed: bool = False  # the routing is to be asked

    def load_rates(self, wanted: Iterable[tuple[str, dt.date]]) -> None:
        """Read the rates the page needs in one query."""
        self.rates = rates.rates_for({pair for pair in wanted if pair[0] in self.places})

    def base_total(self, total: Decimal, currency: str, day: dt.date) -> int | None:
        """Return the total in the base currency as stored, or None while no rate is known."""
        rate = self.rates.get((currency, day))
        return None if rate is None else int(convert(total, rate, self.places.get(self.base, 2)).scaleb(4))

    def unpaid_until(self) -> dt.datetime:
        """When goods of an unpaid order become free again."""
        return self.now + dt.timedelta(hours=float(self.rules.params["unpaid"]["hours"]))


def page_of(shop_id: int, go_live: dt.datetime | None = None) -> Page:
    """Read the surroundings: warehouses, checks, currencies."""
    now = clock.now()
    warehouses, routed = _sources_of(shop_id, now)
    return Page(
        shop_id=shop_id,
        now=now,
        go_live=go_live,
        warehouses=warehouses,
        routed=routed,
        rules=ruleset.load(),
        places=currencies.places_by_code(),
        base=currencies.base_code(),
        handling=due.handling_of(shop_id),
    )


def _sold_from(shop_id: int, moment: dt.datetime) -> QuerySet[ShopWarehouse, tuple[Any, ...]]:
    rows = ShopWarehouse.objects.filter(
        valid(moment), shop_id=shop_id, warehouse__active=True, warehouse__read_only=False
    )
    return rows.order_by("priority", "warehouse_id").values_list("warehouse_id", policies.asked())


_SOLD_FROM = Compiled(_sold_from)


def _sources_of(shop_id: int, moment: dt.datetime) -> tuple[tuple[int, ...], bool]:
    """Return the warehouses a shop sells from, in order of preference, and whether the routing is to be asked."""
    rows = list(_SOLD_FROM.rows(shop_id, moment))
    return tuple(row[0] for row in rows), any(row[1] for row in rows)
