"""Why the rules took an order or not, for its page: recomputed from what was frozen at its newest review."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest

from orders.desk.rules import then, words
from orders.desk.rules.book import book_of
from orders.desk.rules.conditions import Row
from orders.desk.rules.why import Asked, Why, why
from orders.models import Order, ReviewLog, RuleVersion

# What a person may not read here is told only as a yes or a no.
PERSONAL = {"buyer", "phone", "email", "street", "city", "postcode", "region", "buyer_note", "seller_note"}
VERSION = re.compile(r"-r(\d+)$")


def of(request: HttpRequest, order: Order, review: ReviewLog | None) -> dict[str, Any] | None:
    """Return the rules of the version that judged the order, each matched or not and why; None without any."""
    number = VERSION.search(review.rules_version) if review else None
    if review is None or number is None or not request.user.has_perm("orders.view_rule"):
        return None
    version = RuleVersion.objects.filter(pk=int(number[1])).first()
    if version is None:
        return None
    book = book_of(version.content)
    seen = then.of([order], {order.pk: review}, book)
    values = seen[0].facts.values if seen else None
    if values is None:
        return None
    lists = words.choices(request.user)
    rows = [_shown(why(rule, values, review.at), lists) for rule in book.rules]
    said = review.facts.get("rules", {})
    return {"version": version, "rules": rows, "matched": sum(one["matched"] for one in rows), "over": said.get("over")}


def _shown(told: Why, lists: words.Choices) -> dict[str, Any]:
    return {
        "id": told.rule.id,
        "name": told.rule.name,
        "dry": told.rule.dry,
        "matched": told.matched,
        "out_of_scope": told.out_of_scope,
        "out_of_time": told.out_of_time,
        "groups": [
            {"of": str(words.OF_LABELS[of]), "holds": holds, "rows": [_row(one, lists) for one in asked]}
            for of, holds, asked in told.groups
        ],
    }


def _row(asked: Asked, lists: words.Choices) -> dict[str, Any]:
    row: Row = asked.row
    saved = {"field": row.field.code, "op": row.op, "value": row.value, "days": row.days}
    found = "" if row.field.code in PERSONAL else asked.found
    names = dict(lists.get(row.field.choices, ())) if row.field.choices else {}
    return {"text": words.condition(saved, lists), "holds": asked.holds, "found": names.get(found, found)}
