"""Somebody has looked at what came: each piece goes back on the shelf, is kept apart, or is scrapped."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from backoffice import clock
from orders.models import Return, ReturnDecision, ReturnLine
from orders.models.return_goods import APART
from orders.returns import deciding, locking, requesting, stocking
from orders.returns.errors import ReturnError
from orders.returns.requesting import plain

State, Verdict = Return.State, ReturnDecision.Verdict
ZERO = Decimal(0)
HERE = (State.RECEIVED, State.INSPECTED, State.SETTLED, State.CLOSED)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What becomes of some units of one line of a return."""

    line_id: int
    verdict: str
    units: Decimal
    reason: str = ""


@transaction.atomic
def decide(
    *,
    return_id: int,
    choices: Sequence[Choice],
    actor: str,
    key: str,
    seen: dict[int, Decimal] | None = None,
    warehouses: frozenset[int] | None = None,
) -> list[ReturnDecision]:
    """Decide about received units, all choices or none; the same key again returns the first decisions.

    `seen` is how many units of each line were still open on the page: when somebody decided meanwhile, that is said
    instead of deciding about the rest. Raises ReturnError: not_found, state, other_warehouse, no_lines, unknown_line,
    bad_quantity, part_of_bundle, not_received, decided_by, say_why, not_sent.
    """
    found = locking.locked(return_id)
    known = list(ReturnDecision.objects.filter(idempotency_key__startswith=f"{key}/").order_by("pk"))
    if known:
        return known
    place = _place(found, warehouses)
    rows = {row.pk: row for row in found.lines.select_related("line__sku").order_by("pk")}
    if not choices:
        raise ReturnError("no_lines")
    _check_seen(found, rows, seen or {})
    made = [_one(found, rows, choice, f"{key}/{n}", place, actor) for n, choice in enumerate(choices)]
    ReturnLine.objects.bulk_update(rows.values(), ["decided_quantity"])
    if not deciding.undecided(found):
        found.state = State.INSPECTED
    summary = ", ".join(f"{plain(one.quantity)} {one.verdict}" for one in made)
    locking.moved(found, actor, "return.inspect", "state", summary=summary)
    deciding.settle_if_done(found, actor)
    return made


def _place(found: Return, warehouses: frozenset[int] | None) -> int:
    locking.must_be(found, State.RECEIVED)
    if found.warehouse_id is None:
        raise ReturnError("no_place")
    if warehouses is not None and found.warehouse_id not in warehouses:
        raise ReturnError("other_warehouse")
    return found.warehouse_id


def _check_seen(found: Return, rows: dict[int, ReturnLine], seen: dict[int, Decimal]) -> None:
    for pk, units in seen.items():
        row = rows.get(pk)
        if row is not None and row.received_quantity - row.decided_quantity < units:
            last = row.decisions.order_by("-pk").first()
            who = locking.last(last.by, last.at) if last else locking.last(found.updated_by, found.updated_at)
            raise ReturnError("decided_by", label=str(row.line), **who)


def _one(
    found: Return, rows: dict[int, ReturnLine], choice: Choice, key: str, place: int, actor: str
) -> ReturnDecision:
    row = rows.get(choice.line_id)
    if row is None or choice.verdict not in Verdict.values:
        raise ReturnError("unknown_line", number=found.order.number)
    _check_units(row, choice, row.received_quantity - row.decided_quantity, "not_received")
    row.decided_quantity += choice.units
    decision = _written(row, choice, key, actor, None)
    stocking.take_in(found.order, decision, place, actor)
    return decision


def _check_units(row: ReturnLine, choice: Choice, left: Decimal, refusal: str) -> None:
    units, label = choice.units, str(row.line)
    if units > left:
        raise ReturnError(refusal, label=label, left=plain(left), wanted=plain(units))
    whole = row.line.parts.exists()
    requesting.check_units(row.line, units, left, whole=whole)
    if choice.verdict != Verdict.RESTOCK and not choice.reason.strip():
        raise ReturnError("say_why")


def _written(row: ReturnLine, choice: Choice, key: str, actor: str, follows: ReturnDecision | None) -> ReturnDecision:
    return ReturnDecision.objects.create(
        return_line=row,
        verdict=choice.verdict,
        quantity=choice.units,
        follows=follows,
        open_quantity=choice.units if choice.verdict in APART else ZERO,
        reason=choice.reason.replace("\0", "").strip()[:300],
        at=clock.now(),
        by=actor[:150],
        idempotency_key=key[:200],
    )


@transaction.atomic
def decide_further(
    *,
    decision_id: int,
    verdict: str,
    units: Decimal,
    actor: str,
    key: str,
    reason: str = "",
    warehouses: frozenset[int] | None = None,
) -> ReturnDecision:
    """Decide again about units that lie apart: repaired and back on the shelf, scrapped, or kept for another reason.

    The same key again returns the first decision. Raises ReturnError: not_found, other_warehouse, unknown_line,
    same_verdict, not_apart, bad_quantity, part_of_bundle, say_why; `inventory.errors.NegativeStock` when the goods are
    not there any more.
    """
    return_id = ReturnDecision.objects.filter(pk=decision_id).values_list("return_line__rma_id", flat=True).first()
    if return_id is None:
        raise ReturnError("not_found")
    found = locking.locked(return_id)
    known = ReturnDecision.objects.filter(idempotency_key=key).first()
    if known is not None:
        return known
    locking.must_be(found, *HERE)
    if warehouses is not None and found.warehouse_id not in warehouses:
        raise ReturnError("other_warehouse")
    before = ReturnDecision.objects.select_related("return_line__line").get(pk=decision_id)
    choice = Choice(line_id=before.return_line_id, verdict=verdict, units=units, reason=reason)
    _check_further(before, choice)
    decision = _written(before.return_line, choice, key, actor, before)
    stocking.move_on(found.order, decision, found.warehouse_id or 0, actor)
    ReturnDecision.objects.filter(pk=before.pk).update(open_quantity=F("open_quantity") - units)
    summary = f"{plain(units)} {decision.verdict}"
    locking.note(found, actor, "return.decide_further", summary=summary)
    return decision


def _check_further(before: ReturnDecision, choice: Choice) -> None:
    if choice.verdict not in Verdict.values:
        raise ReturnError("unknown_line", number=before.return_line.rma.order.number)
    if choice.verdict == before.verdict:
        raise ReturnError("same_verdict")
    _check_units(before.return_line, choice, before.open_quantity, "not_apart")
