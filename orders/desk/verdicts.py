"""From facts to consequences: stock is asked last, the verdict is frozen in the log, a short order is held."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from backoffice import bulk
from inventory import reservations
from inventory.models import Sku
from inventory.reservations import Shortage, Want
from orders.desk import consequences
from orders.desk.checks import Finding
from orders.desk.facts import Facts, LineFacts, frozen
from orders.desk.ruleset import Ruleset
from orders.models import Order, ReviewLog
from orders.models.order import line_reference, order_reference

Judged = tuple[Facts, Sequence[Finding]]
Reserved = Mapping[str, Sequence[tuple[int, int, Decimal]]]  # by line: (SKU id, warehouse id, pieces)
_REVIEW = (
    "order_id",
    "version_id",
    "at",
    "rules_version",
    "facts",
    "verdict",
    "findings",
    "person_verdict",
    "person",
    "person_reason",
)


def wants_of(facts: Facts, *, whole: bool = True, waiting: bool = False) -> list[Want]:
    """Return what an order wants of the stock: its stocked, matched lines, bundles by their frozen parts.

    A planned line asks the warehouses in the order of its plan, any other in that of its shop. With `waiting` also
    what it may only book, not reserve yet: lines sold in presale, in a group of their own, and goods that nobody finds.
    """
    group = order_reference(facts.order_id)
    return [
        Want(
            reference=line_reference(line.line_id),
            sku_id=line.sku_id,
            quantity=Decimal(line.wanted).scaleb(-3),
            warehouses=facts.warehouses if line.route is None or (waiting and not line.route) else line.route,
            parts=line.parts if line.bundle else None,
            whole=whole and not line.spread,
            group=group if line.waits is None else waiting_group(facts.order_id),
        )
        for line in facts.lines
        if line.bookable and line.sku_id is not None and facts.warehouses and (waiting or line.waits is None)
    ]


def waiting_group(order_id: int) -> str:
    """Return the group of an order's lines that may not be reserved yet."""
    return f"{order_reference(order_id)}:waiting"


def reserve(page: Sequence[Facts], wants: Sequence[Want], actor: str) -> tuple[set[int], Reserved]:
    """Reserve whole orders; returns the ids of those that are short, and what each line holds now.

    All that is missing is written into the facts of the short ones.
    """
    if not wants:
        return set(), {}
    result = reservations.reserve(wants=wants, actor=actor)
    return note_shortages(page, result.shortages), result.reserved


def note_shortages(page: Sequence[Facts], shortages: Sequence[Shortage]) -> set[int]:
    """Write shortages into the facts of their orders; returns the orders' ids."""
    if not shortages:
        return set()
    owners = {line_reference(line.line_id): (facts, line) for facts in page for line in facts.lines}
    codes = _codes({one.sku_id for one in shortages})
    short = set()
    for one in shortages:
        facts, line = owners[one.reference]
        facts.shortages.append(_shortage(one, line, codes))
        short.add(facts.order_id)
    return short


def shortage_list(facts: Facts) -> str:
    """Return all that is missing in one line: `MUG-01 1 / 3, CUP 0 / 2`."""
    return ", ".join(f"{one['sku'] or one['label']} {one['available']} / {one['wanted']}" for one in facts.shortages)


def _shortage(one: Shortage, line: LineFacts, codes: dict[int, str]) -> dict[str, Any]:
    return {
        "line": line.line_id,
        "label": line.label,
        "sku": codes.get(one.sku_id, ""),
        "wanted": f"{one.wanted.normalize():f}",
        "available": f"{one.available.normalize():f}",
    }


def _codes(sku_ids: Collection[int]) -> dict[int, str]:
    return dict(Sku.objects.filter(pk__in=sku_ids).values_list("pk", "code"))


def write(judged: Sequence[Judged], rules: Ruleset, now: dt.datetime) -> None:
    """Freeze the facts, the findings and the verdict of each order."""
    rows = [_review_row(facts, findings, rules.version, now) for facts, findings in judged]
    if rows:
        bulk.insert_rows(ReviewLog, _REVIEW, rows, prepared=True)


def _review_row(facts: Facts, findings: Sequence[Finding], version: str, now: dt.datetime) -> tuple[Any, ...]:
    verdict = ReviewLog.Verdict.HELD if findings else ReviewLog.Verdict.APPROVED
    return (
        facts.order_id,
        facts.version_id,
        now,
        version,
        bulk.json_text(frozen(facts, {**_kept(findings), **_ruled(facts)})),
        verdict.value,
        bulk.json_text([one.to_json() for one in findings]) if findings else "[]",
        "",
        "",
        "",
    )


def _kept(findings: Sequence[Finding]) -> dict[str, Any]:
    """The verdicts on personal data that must outlive the data: which words, which part of the address, the phone."""
    if not findings:
        return {}
    words = sorted({word for one in findings if one.code == "keyword" for word in one.data["words"]})
    fields = sorted({f"{one.data['field']}:{one.data['reason']}" for one in findings if one.code == "address"})
    return {
        "keywords": words,
        "address_problems": fields,
        "phone_problem": any(one.code == "phone" for one in findings),
    }


def _ruled(facts: Facts) -> dict[str, Any]:
    """What the rules said, and the figures they were told that nobody could find out again."""
    outcome = facts.outcome
    if outcome is None or facts.values is None:
        return {}
    said = {"matched": outcome.matched, "tried": outcome.tried_out, "passed_by": outcome.passed_by}
    return {"rules": {**said, "over": outcome.over, "told": facts.values.frozen(outcome.told)}}


def hold(judged: Sequence[Judged], now: dt.datetime, since: Mapping[int, dt.datetime | None] | None = None) -> None:
    """Hold orders for the first of their findings (one statement); `since` keeps the age of those held already."""
    before = since or {}
    rows = [
        (facts.order_id, Order.State.HELD.value, findings[0].code, note_of(findings[0]), findings[0].department)
        + (before.get(facts.order_id) or now, None, now, consequences.hold_until(facts, findings[0]))
        for facts, findings in judged
        if findings
    ]
    if rows:
        columns = ("state", "hold_code", "hold_note", "hold_department", "held_since", "approved_at", "updated_at")
        bulk.update_rows(Order, ["id"], (*columns, "hold_until"), rows, prepared=True)


def note_of(finding: Finding) -> str:
    """Return what stands beside the reason: the name of the rule that holds it."""
    return str(finding.data.get("name", ""))[:300] if finding.code.startswith("rule:") else ""


def mark(judged: Sequence[Judged], now: dt.datetime) -> None:
    """Put a reason to look at it on orders without stopping them (one statement)."""
    rows = [(facts.order_id, findings[0].code, findings[0].department, now) for facts, findings in judged]
    if rows:
        bulk.update_rows(Order, ["id"], ("hold_code", "hold_department", "held_since"), rows, prepared=True)
