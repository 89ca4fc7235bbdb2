"""The demo seller's review rules: a rush, a gift, a dry run; published before the first order comes."""

from __future__ import annotations

from typing import Any

from backoffice import clock
from backoffice.models import User
from orders.desk.rules import publishing
from orders.models import Rule


def _note(words: list[str]) -> dict[str, Any]:
    row = {"field": "buyer_note", "op": "has_word", "value": words}
    return {"join": "all", "groups": [{"of": "order", "join": "all", "rows": [row]}]}


def _order(field: str, op: str, value: Any, **more: Any) -> dict[str, Any]:
    row = {"field": field, "op": op, "value": value, **more}
    return {"join": "all", "groups": [{"of": "order", "join": "all", "rows": [row]}]}


RULES: tuple[dict[str, Any], ...] = (
    {
        "name": "加急 Rush",
        "place": 10,
        "conditions": _note(["加急", "急用", "尽快", "urgent", "asap", "rush"]),
        "deeds": [{"do": "tag", "marks": ["加急"]}, {"do": "priority", "priority": 8}, {"do": "ship_by", "hours": 24}],
    },
    {
        "name": "礼品 Gifts",
        "place": 20,
        "conditions": _note(["礼品包装", "礼物包装", "生日", "贺卡", "gift wrap", "gift"]),
        "deeds": [{"do": "tag", "marks": ["礼品"]}],
    },
    {
        "name": "大单 Large orders",
        "place": 30,
        "dry": True,
        "conditions": _order("total", "at_least", 2000),
        "deeds": [
            {"do": "hold", "department": "finance", "reason": "金额较大，先核对收款。Large amount: check the payment."}
        ],
    },
)


def load() -> None:
    """Put the rules on the desk and in force, in the owner's name."""
    now, owner = clock.now(), User.objects.filter(username="owner").first()
    if owner is None or Rule.objects.exists():
        return
    for one in RULES:
        Rule.objects.create(**one, created_at=now, updated_at=now, updated_by=owner.username)
    publishing.publish(user=owner, note="开店规则 First rules")
