"""By when an order has to leave: the earliest of the platform's promise, our rules and the shop's handling time.

It stands on the order (`due_at`), because lists of a million orders are read by it. Intake writes it; when a handling
time or the holidays change, open orders are worked out again in the background (`orders.late.recount`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet, Subquery

from backoffice.compiled import Compiled
from inventory.models import Shop
from orders.late.working_time import FIRST, LAST, Calendar, Handling, deadline
from orders.models import Order, ShipPolicy

State = Order.State
CLOCKED = (State.HELD, State.APPROVED, State.PARTLY_SHIPPED)  # the others wait for the buyer, or have left
_COLUMNS = (
    "shop_id", "amount", "unit", "cut_off", "opens", "closes", "work_days", "country", "region", "keeps_holidays",
    "closed_days", "time_zone", "soon_hours",
)  # fmt: skip


def _policy_rows(shop_id: int) -> QuerySet[ShipPolicy, tuple[Any, ...]]:
    shop = Shop.objects.filter(pk=shop_id)
    rows = ShipPolicy.objects.filter(Q(shop_id=shop_id) | Q(shop__isnull=True), active=True)
    return rows.annotate(
        shop_zone=Subquery(shop.values("time_zone")[:1]), shop_country=Subquery(shop.values("country")[:1])
    ).values_list(*_COLUMNS, "shop_zone", "shop_country")


_POLICIES = Compiled(_policy_rows)


def handling_of(shop_id: int) -> Handling | None:
    """Return how long a shop may take, in one query; None when nobody has said."""
    found = {row[0]: row for row in _POLICIES.rows(shop_id)}
    row = found.get(shop_id) or found.get(None)
    return None if row is None else _handling(row)


def handlings() -> dict[int, Handling]:
    """Return how long each shop may take; shops of which nobody has said are left out."""
    by_shop = {row[0]: row for row in ShipPolicy.objects.filter(active=True).values_list(*_COLUMNS)}
    shops = Shop.objects.values_list("pk", "time_zone", "country")
    rows = {pk: (by_shop.get(pk) or by_shop.get(None), zone, country) for pk, zone, country in shops}
    return {pk: _handling((*row, zone, country)) for pk, (row, zone, country) in rows.items() if row is not None}


def _handling(row: tuple[Any, ...]) -> Handling:
    (_shop, amount, unit, cut_off, opens, closes, work_days, country, region, keeps, closed, zone, _soon, shop_zone,
     shop_country) = row  # fmt: skip
    calendar = Calendar(
        zone=zone or shop_zone or "UTC",
        work_days=frozenset(work_days),
        opens=opens,
        closes=closes,
        country=(country or shop_country or "") if keeps else "",
        region=region,
        closed=frozenset(dt.date.fromisoformat(day) for day in closed),
    )
    return Handling(amount, unit, cut_off, calendar)


def due(
    *, state: str, ship_by: dt.datetime | None, placed_at: dt.datetime, paid_at: dt.datetime | None,
    handling: Handling | None,
) -> dt.datetime | None:  # fmt: skip
    """Return by when an order has to leave; None while it is not paid, and for one that never will.

    What the shop allows itself never counts for more than what was promised: the earlier of both holds.
    """
    if state not in CLOCKED:
        return None
    promised = ship_by if ship_by is not None and FIRST <= ship_by < LAST else None
    own = deadline(paid_at or placed_at, handling) if handling is not None else None
    return min((one for one in (promised, own) if one is not None), default=None)


def of(order: Order, handling: Handling | None) -> dt.datetime | None:
    """Return by when a stored order has to leave; what has left keeps the time it had."""
    if order.state == State.SHIPPED:
        return order.due_at
    return due(
        state=order.state, ship_by=order.ship_by, placed_at=order.placed_at, paid_at=order.paid_at, handling=handling
    )


def soon_hours() -> dict[int | None, int]:
    """Return how many hours before its time an order of a shop counts as soon late; None is for all the others."""
    return dict(ShipPolicy.objects.filter(active=True).values_list("shop_id", "soon_hours"))


def shown(moment: dt.datetime | None) -> dt.datetime | None:
    """Return a time that can be shown in any zone: the end of time is none."""
    return moment if moment is not None and FIRST <= moment < LAST else None


def wrong(orders: Iterable[Order], rules: dict[int, Handling]) -> list[tuple[int, dt.datetime | None]]:
    """Return (order id, time) of the orders that stand with another time than they should."""
    found = ((one, of(one, rules.get(one.shop_id))) for one in orders)
    return [(one.pk, moment) for one, moment in found if moment != one.due_at]
