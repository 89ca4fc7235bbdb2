"""Did the same buyer order the same goods a short while ago, or does the order stand in another shop too?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection

from backoffice.search import search_form
from inventory import sets
from orders.desk.checks import duplicate_window
from orders.desk.facts import Facts
from orders.desk.ruleset import Ruleset
from orders.models import Order

SAME_NUMBER_WITHIN = timedelta(days=30)
MOST_CHARACTERS = 200
NOT_THERE = (Order.State.CANCELLED, Order.State.HISTORY)
Seen = tuple[datetime, int, str]  # (ordered, order id, number)


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


def find_elsewhere(page: Sequence[Facts], rules: Ruleset) -> None:
    """Note orders that came through another shop before, with the same number and the same buyer.

    A number alone says nothing: every Shopify shop has its #1001.
    """
    if "same_number" not in rules.params:
        return
    numbered = {_number(facts): facts for facts in page if facts.number and any(facts.keys)}
    since = min(facts.placed_at for facts in page) - SAME_NUMBER_WITHIN
    rows = Order.objects.filter(number_key__in=numbered, placed_at__gte=since).exclude(state__in=NOT_THERE)
    found = rows.values_list("number_key", "pk", "shop_id", "shop__name", "buyer_key", "phone_key", "address_key")
    for number, pk, shop_id, shop, *keys in found:
        facts = numbered[number]
        alike = any(mine and mine == theirs for mine, theirs in zip(facts.keys, keys, strict=True))
        if alike and shop_id != facts.shop_id and pk < facts.order_id:
            facts.known.setdefault("same_number", []).append({"order": pk, "shop": shop})


def _number(facts: Facts) -> str:
    """Return its number as orders keep it to be found by (orders.intake.drafts.number_key)."""
    return search_form(facts.number).lstrip("#")[:MOST_CHARACTERS]


def _stored(page: Sequence[Facts], window: timedelta) -> dict[str, list[Seen]]:
    since = min(facts.placed_at for facts in page) - window
    condition, parameters = sets.among("duplicate_key", sorted({facts.duplicate_key for facts in page}))
    sql = (
        "SELECT duplicate_key, placed_at, id, number FROM orders_order "  # noqa: S608 — no input
        f"WHERE {condition} AND duplicate_key <> '' AND placed_at >= %s AND state NOT IN ('cancelled', 'history')"
    )
    found: dict[str, list[Seen]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, connection.ops.adapt_datetimefield_value(since)])
        for key, placed_at, pk, number in cursor.fetchall():
            found[key].append((_aware(placed_at), pk, number))
    return found


def _aware(value: datetime | str) -> datetime:
    """SQLite hands out text without a zone, which is UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _earlier(facts: Facts, alike: Sequence[Seen], window: timedelta) -> tuple[int, str] | None:
    own, same = (facts.placed_at, facts.order_id), (facts.order_id, facts.origin_id)
    before = [one for one in alike if one[:2] < own and facts.placed_at - one[0] <= window and one[1] not in same]
    if not before:
        return None
    _at, order_id, number = max(before)
    return order_id, number
