"""Plans as they are kept: written for a page at once, read again for the page of an order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from backoffice import bulk
from orders.fulfil.routing.facts import Alternative, Parcel, Plan
from orders.models import RoutingPlan

COLUMNS = ("order_id", "at", "actor", "why", "policy_id", "version_id", "complete", "warehouses", "cost", "content")


def write(made: Sequence[tuple[Plan, tuple[int, ...]]], why: str, actor: str, now: dt.datetime) -> None:
    """Insert plans, each with the warehouses that gave the goods (none: what was planned stands)."""
    rows = [_row(plan, sites, why, actor, now) for plan, sites in made]
    if rows:
        bulk.insert_rows(RoutingPlan, COLUMNS, rows, prepared=True)


def _row(plan: Plan, sites: tuple[int, ...], why: str, actor: str, now: dt.datetime) -> tuple[Any, ...]:
    cost = plan.cost
    moved = bool(sites) and set(sites) != set(plan.sites)
    return (
        plan.order_id, now, actor[:150], str(why), plan.policy.id, plan.policy.version, plan.complete,
        bulk.json_text(list(sites or plan.sites)),
        None if cost is None or moved else int(cost.scaleb(4)),
        bulk.json_text(content(plan, moved=moved)),
    )  # fmt: skip


def content(plan: Plan, *, moved: bool = False) -> dict[str, Any]:
    """Return a plan as plain values. `moved`: another order was quicker, the goods came from elsewhere."""
    said: dict[str, Any] = {
        "parcels": [_parcel(one) for one in plan.parcels],
        "missing": [list(one) for one in plan.missing],
        "alternatives": [_alternative(one) for one in plan.alternatives],
    }
    return {**said, "moved": True} if moved else said


def _parcel(one: Parcel) -> dict[str, Any]:
    said: dict[str, Any] = {"site": one.site, "items": [list(item) for item in one.items], "g": one.weight_g}
    return {**said, "km": one.km, "cost": _text(one.cost), "table": one.tariff}


def _alternative(one: Alternative) -> dict[str, Any]:
    said: dict[str, Any] = {"sites": list(one.sites), "code": one.code, "km": one.km, "cost": _text(one.cost)}
    if one.mine or one.chosen:
        said |= {"mine": one.mine, "chosen": one.chosen}
    if one.missing:
        said["missing"] = [list(part) for part in one.missing]
    return said


def _text(cost: Decimal | None) -> str | None:
    return None if cost is None else f"{cost:f}"
