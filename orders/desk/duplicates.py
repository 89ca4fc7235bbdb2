"""Did the same buyer order the same goods a short while ago? One query for a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from orders.desk.checks import duplicate_window
from orders.desk.facts import Facts
from orders.desk.ruleset import Ruleset
from orders.models import Order

Seen = tuple[datetime, int, str]  # (ordered, order id, number)
NOT_COUNTED = (Order.State.CANCELLED, Order.State.HISTORY)


def find(page: Sequence[Facts], rules: Ruleset) -> None:
    """Fill in `duplicate_of`: of two alike the later one points to the earlier one."""
    params = rules.params.get("duplicate")
    keyed = [facts for facts in page if facts.duplicate_key]
    if params is None or not keyed:
        return
    window = duplicate_window(params)
    seen = _stored(keyed, window)
    for facts in keyed:
        seen[facts.duplicate_key].append((facts.placed_at, facts.order_id, facts.number))
    for facts in keyed:
        facts.duplicate_of = _earlier(facts, seen[facts.duplicate_key], window)


def _stored(page: Sequence[Facts], window: timedelta) -> dict[str, list[Seen]]:
    since = min(facts.placed_at for facts in page) - window
    rows = Order.objects.filter(duplicate_key__in={facts.duplicate_key for facts in page}, placed_at__gte=since)
    rows = rows.exclude(state__in=NOT_COUNTED).order_by()
    found: dict[str, list[Seen]] = defaultdict(list)
    for key, placed_at, pk, number in rows.values_list("duplicate_key", "placed_at", "pk", "number"):
        found[key].append((placed_at, pk, number))
    return found


def _earlier(facts: Facts, alike: Sequence[Seen], window: timedelta) -> tuple[int, str] | None:
    own = (facts.placed_at, facts.order_id)
    before = [one for one in alike if one[:2] < own and facts.placed_at - one[0] <= window and one[1] != own[1]]
    if not before:
        return None
    _at, order_id, number = max(before)
    return order_id, number
