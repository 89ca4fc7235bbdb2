"""Rules for the tests, as the desk saves them."""

from __future__ import annotations

from backoffice import clock
from backoffice.models import User
from orders.desk.rules import publishing
from orders.models import Rule

HOLD = {"do": "hold", "department": "service", "reason": "Call the buyer."}


def row(field: str, op: str, value=None, **more) -> dict:
    """One condition."""
    return {"field": field, "op": op, "value": value, **more}


def group(*rows: dict, of: str = "order", join: str = "all") -> dict:
    """Conditions that are asked together."""
    return {"of": of, "join": join, "rows": list(rows)}


def rule(name: str, *groups: dict, deeds=(HOLD,), join: str = "all", **fields) -> Rule:
    """A rule on the desk."""
    now = clock.now()
    return Rule.objects.create(
        name=name, conditions={"join": join, "groups": list(groups)}, deeds=list(deeds), created_at=now, updated_at=now,
        **fields,
    )  # fmt: skip


def publish(**options):
    """Put the rules of the desk in force."""
    user, _made = User.objects.get_or_create(username="publisher")
    return publishing.publish(user=user, **options)
