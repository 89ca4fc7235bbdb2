"""What the rules add to an order besides holding it or letting it pass: marks, priority, dates."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from backoffice import bulk
from orders.desk.checks import Finding
from orders.desk.facts import Facts
from orders.models import Order


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """What an order gets from the rules that matched it."""

    marks: Sequence[str] = ()
    priority: int = 0
    ship_by: dt.datetime | None = None


NOTHING = Said()
ROUTE = "route"  # the thing a rule does (orders.desk.rules.routes)


def of(facts: Facts) -> Said:
    """Return what the rules said about an order; nothing when none was asked."""
    outcome = facts.outcome
    if outcome is None or not outcome.matched:
        return NOTHING
    until = None if outcome.hours is None else facts.placed_at + dt.timedelta(hours=outcome.hours)
    return Said(outcome.marks, outcome.priority, until)


def earliest(*moments: dt.datetime | None) -> dt.datetime | None:
    """Return the first of some moments, of which none need be known."""
    return min((one for one in moments if one is not None), default=None)


def route(page: Sequence[Facts]) -> None:
    """Let the first rule that says so choose where orders are sent from; what a person wished before goes first."""
    for facts in page:
        works = facts.outcome.works if facts.outcome is not None else []
        wish = next((one.params for one in works if one.kind == ROUTE), None)
        if wish is not None and facts.routing_warehouse is None and facts.routing_policy is None:
            facts.routing_warehouse, facts.routing_policy = wish.get("warehouse"), wish.get("policy")


def hold_until(facts: Facts, finding: Finding | None) -> dt.datetime | None:
    """Return when a hold lets go by itself: one that a rule gave an end, or presale, when nothing else holds."""
    if finding is not None and finding.code == "presale":
        return max((line.waits for line in facts.lines if line.waits is not None), default=None)
    if finding is None or facts.outcome is None or not finding.data.get("hours"):
        return None
    return facts.placed_at + dt.timedelta(hours=float(finding.data["hours"]))


def keep(orders: Sequence[Order], page: Sequence[Facts]) -> None:
    """Write what the rules said at a later review: marks are added to, the promise only gets earlier."""
    said = {facts.order_id: (of(facts), facts) for facts in page}
    rows = []
    for order in orders:
        now, facts = said[order.pk]
        marks = [*order.marks, *(mark for mark in now.marks if mark not in order.marks)]
        own = earliest(order.own_ship_by, now.ship_by)
        times = (own, earliest(order.ship_by, own), earliest(order.due_at, own))
        wish = (facts.routing_warehouse, facts.routing_policy)
        values = (marks, max(order.priority, now.priority), *times, *facts.keys, *wish)
        before = (order.marks, order.priority, order.own_ship_by, order.ship_by, order.due_at)
        keys = (order.buyer_key, order.phone_key, order.address_key)
        if values != (*before, *keys, order.routing_warehouse_id, order.routing_policy_id):
            rows.append((order.pk, bulk.json_text(marks), *values[1:]))
    columns = (
        "marks", "priority", "own_ship_by", "ship_by", "due_at", "buyer_key", "phone_key", "address_key",
        "routing_warehouse_id", "routing_policy_id",
    )  # fmt: skip
    if rows:
        bulk.update_rows(Order, ["id"], columns, rows, prepared=True)
