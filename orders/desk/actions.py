"""What a clerk does with orders, one or many: every action tells for each order what became of it.

Orders are locked in the order of their keys and looked at again under the lock: of two clerks (or two clicks) one wins
and the other is told who was first. Each action is one transaction and writes an audit row for each order it changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from inventory import reservations
from inventory.reservations import Shortage
from orders.desk import holds, presale, review, ruleset, verdicts
from orders.desk.checks import CHECKS, Finding
from orders.desk.facts import Facts
from orders.desk.table import RowOutcome, Table
from orders.fulfil import parcels
from orders.fulfil.routing import attaching
from orders.fulfil.routing.attaching import Plans
from orders.intake import edits
from orders.models import Order, OrderEvent, OrderLine, OrderVersion, ReviewLog, RoutingPlan
from orders.models.order import Department, line_reference

__all__ = [
    "RowOutcome",
    "accept_edit",
    "approve",
    "cancel",
    "hold",
    "reject_edit",
    "release_hold",
    "split_by_stock",
    "undo_approve",
]
State = Order.State
Person = ReviewLog.PersonVerdict
# What no approval can cover: there would be nothing to send, or nowhere to send it from.
BLOCKING = ("unmatched", "bundle_without_parts", "no_goods", "no_warehouse", "no_route")
WHOLE_ONLY = "fraction"
WAITS = ("short_stock", holds.PRESALE)  # an approved order with one of these has goods that still wait


@transaction.atomic
def approve(*, order_ids: Sequence[int], actor: str, reason: str = "") -> list[RowOutcome]:
    """Approve held orders over their findings; reserves whole orders, names every shortage of the rest.

    When there is not enough for all, the orders placed first get it. An approved order of which a part still waits
    for stock (after a split) is reserved as far as it is whole now.
    """
    table = Table(order_ids, actor)
    due = [one for one in table.orders if _approvable(table, one)]
    page = _page_of(due, table)
    due.sort(key=lambda one: (one.placed_at, one.pk))
    made = attaching.attach([page[one.pk] for one in due], table.now)
    due = [one for one in due if _sendable(table, one, page[one.pk])]
    due = _without_presale(table, due, page, reason)
    facts = [page[one.pk] for one in due]
    wants = [want for one in facts for want in verdicts.wants_of(one)]
    short, reserved = verdicts.reserve(facts, wants, actor)
    attaching.keep(_of(made, due), reserved, RoutingPlan.Why.APPROVED, actor, table.now)
    for order in due:
        if order.pk in short:
            table.refuse(order, "short_stock", list=verdicts.shortage_list(page[order.pk]))
    done = [one for one in due if one.pk not in short]
    review.set_approved(done, [page[one.pk] for one in done], table.now)
    review.mark_presale([page[one.pk] for one in done], table.now)
    table.decided(done, Person.APPROVED, reason)
    table.done(done, "approved", "order.approve", {"state": State.APPROVED.value, "reason": reason})
    return table.outcomes()


def _of(made: Plans, orders: Sequence[Order]) -> Plans:
    """The plans of these orders."""
    return {one.pk: made[one.pk] for one in orders if one.pk in made}


def _page_of(orders: Sequence[Order], table: Table) -> dict[int, Facts]:
    page = review.facts_of(orders, table.now)
    presale.attach(page, table.now)
    return {facts.order_id: facts for facts in page}


def _without_presale(table: Table, orders: list[Order], page: dict[int, Facts], reason: str) -> list[Order]:
    """Whoever approves an order that waits for presale goods lets all else pass; it still leaves not before its day."""
    params = ruleset.load().params[holds.PRESALE] if any(one.waits for f in page.values() for one in f.lines) else {}
    found = [one for one in orders if next(iter(CHECKS[holds.PRESALE].judge(page[one.pk], params)), None)]
    waiting = [one for one in found if one.state == State.HELD]
    for order in found:
        until = presale.waits_until(page[order.pk])
        if order not in waiting and until is not None:  # what could leave has left; nothing is decided now
            when = date_format(timezone.localtime(until), "SHORT_DATE_FORMAT")
            table.refuse(order, holds.PRESALE, when=when)
    for order in waiting:
        order.state = State.HELD
        holds.put(order, holds.PRESALE, table.now)
        order.hold_until = presale.waits_until(page[order.pk])
    if waiting:
        table.save(waiting)
        presale.promise(waiting, list(page.values()), {one.pk for one in waiting})
        table.decided(waiting, Person.APPROVED, reason)
        table.done(waiting, "waits", "order.approve", {"state": State.HELD.value, "reason": reason})
    return [one for one in orders if one not in found]


def _approvable(table: Table, order: Order) -> bool:
    waits_for_stock = order.state in (State.APPROVED, State.PARTLY_SHIPPED) and order.hold_code in WAITS
    if order.state == State.UNPAID:
        table.refuse(order, "unpaid")
    elif order.state != State.HELD and not waits_for_stock:
        table.refuse_state(order, State.APPROVED)
    elif order.pending_version_id is not None:
        table.refuse(order, "edit_waiting")
    else:
        return True
    return False


def _sendable(table: Table, order: Order, facts: Facts) -> bool:
    for code in BLOCKING:
        found = next(iter(CHECKS[code].judge(facts, {})), None)
        if found is not None:
            table.refuse(order, code, label=str(found.get("label", "")))
            return False
    broken = next((line for line in facts.lines if line.stocked and line.wanted and not line.bookable), None)
    if broken is not None:
        table.refuse(order, WHOLE_ONLY, label=broken.label)
    return broken is None


@transaction.atomic
def undo_approve(*, order_ids: Sequence[int], actor: str, reason: str = "") -> list[RowOutcome]:
    """Take approved orders of which nothing has left back to held; their goods go back to demand."""
    table = Table(order_ids, actor)
    due = []
    for order in table.orders:
        if order.state == State.PARTLY_SHIPPED or (order.state == State.APPROVED and order.shipped_at is not None):
            table.refuse(order, "partly_shipped")
        elif order.state != State.APPROVED:
            table.refuse_state(order)
        else:
            due.append(order)
    review.unreserve([one.pk for one in due], actor)
    for order in due:
        order.state, order.approved_at = State.HELD, None
        holds.put(order, holds.UNDONE, table.now, note=reason)
    table.save(due)
    table.decided(due, Person.HELD, reason)
    table.done(due, "held", "order.undo_approve", {"state": State.HELD.value, "reason": reason})
    return table.outcomes()


@transaction.atomic
def hold(
    *, order_ids: Sequence[int], actor: str, reason: str, department: str = Department.DESK.value
) -> list[RowOutcome]:
    """Hold approved orders (their reservation stays) or note another reason on held ones; a person lets them go."""
    table = Table(order_ids, actor)
    due = []
    for order in table.orders:
        if not reason.strip():
            table.refuse(order, "no_reason")
        elif order.state in (State.APPROVED, State.PARTLY_SHIPPED, State.HELD):
            due.append(order)
        else:
            table.refuse_state(order)
    for order in due:
        order.state = State.HELD
        holds.put(order, holds.MANUAL, table.now, note=reason, department=department)
    table.save(due)
    table.decided(due, Person.HELD, reason)
    after = {"state": State.HELD.value, "reason": reason, "department": department}
    table.done(due, "held", "order.hold", after)
    return table.outcomes()


@transaction.atomic
def release_hold(*, order_ids: Sequence[int], actor: str, reason: str = "") -> list[RowOutcome]:
    """Send held orders through review again: approved if all checks pass now."""
    table = Table(order_ids, actor)
    due = []
    for order in table.orders:
        if order.state != State.HELD:
            table.refuse_state(order, State.APPROVED)
        elif order.pending_version_id is not None:
            table.refuse(order, "edit_waiting")
        else:
            due.append(order)
    table.decided(due, Person.REVIEW, reason)
    _judge_again(table, due, "order.review", reason)
    return table.outcomes()


def _judge_again(table: Table, due: Sequence[Order], action: str, reason: str) -> None:
    """Review locked orders and report for each what the checks say now."""
    found = review.judge(due, actor=table.actor)
    passed = [one for one in due if found[one.pk] == State.APPROVED]
    stay = [one for one in due if found[one.pk] != State.APPROVED]
    table.done(passed, "approved", action, {"state": State.APPROVED.value, "reason": reason})
    table.note(stay, action, {"state": State.HELD.value, "reason": reason})
    titles = _why(stay)
    for order in stay:
        table.refuse(order, "still_held", list=titles.get(order.pk, ""))


def _why(orders: Sequence[Order]) -> dict[int, str]:
    """Return in a few words why each order is held, from its newest review."""
    from orders.desk.sentences import hold_title

    found: dict[int, str] = {}
    rows = ReviewLog.objects.filter(order__in=[one.pk for one in orders]).order_by("pk")
    for order_id, findings in rows.values_list("order_id", "findings"):
        titles = dict.fromkeys(hold_title(one["code"], str(one.get("name", ""))) for one in findings)
        found[order_id] = ", ".join(titles)
    return found


@transaction.atomic
def cancel(*, order_ids: Sequence[int], actor: str, reason: str) -> list[RowOutcome]:
    """Cancel orders of which nothing has left; demand and reservations go back at once.

    The platform is told by the event; later versions from there do not bring the order back.
    """
    table = Table(order_ids, actor)
    due = []
    for order in table.orders:
        if order.state in (State.HELD, State.APPROVED, State.UNPAID) and order.shipped_at is None:
            due.append(order)
        elif order.shipped_at is not None and order.state != State.SHIPPED:
            table.refuse(order, "partly_shipped")
        else:
            table.refuse_state(order, State.CANCELLED)
    lines = OrderLine.objects.filter(order__in=[one.pk for one in due]).values_list("pk", flat=True)
    references = [line_reference(pk) for pk in lines]
    if references:
        reservations.release(references=references, actor=actor)
    for order in due:
        order.state, order.cancelled_here, order.cancelled_at = State.CANCELLED, True, table.now
        order.cancel_reason, order.demand_expires_at, order.pending_version_id = reason[:200], None, None
        holds.clear(order)
    waiting = OrderVersion.objects.filter(order__in=[one.pk for one in due], outcome=OrderVersion.Outcome.WAITING)
    waiting.update(outcome=OrderVersion.Outcome.SUPERSEDED)
    table.save(due)
    table.decided(due, Person.CANCELLED, reason)
    table.done(due, "cancelled", "order.cancel", {"state": State.CANCELLED.value, "reason": reason})
    _tell_cancelled(table, due, reason)
    return table.outcomes()


def _tell_cancelled(table: Table, orders: Sequence[Order], reason: str) -> None:
    kind, news = OrderEvent.Kind.CANCELLED, {"source": "desk", "reason": reason[:200]}
    if orders:
        parcels.announce([OrderEvent(order=one, kind=kind, created_at=table.now, data=news) for one in orders])


@transaction.atomic
def split_by_stock(*, order_ids: Sequence[int], actor: str) -> list[RowOutcome]:
    """Reserve and approve what is in stock; the rest stays booked as demand and waits on the same order.

    The order goes to the warehouse marked as short, so that it stays on the buyers' list; `approve` takes the rest.
    """
    table = Table(order_ids, actor)
    due = [one for one in table.orders if _approvable(table, one)]
    page = _page_of(due, table)
    made = attaching.attach([page[one.pk] for one in due], table.now, partial=True)
    due = [one for one in due if _sendable(table, one, page[one.pk])]
    wants = [want for one in due for want in verdicts.wants_of(page[one.pk], whole=False)]
    result = reservations.reserve(wants=wants, partial=True, actor=actor) if wants else None
    attaching.keep(_of(made, due), result.reserved if result else {}, RoutingPlan.Why.APPROVED, actor, table.now)
    missing = list(result.shortages) if result else []
    verdicts.note_shortages(list(page.values()), missing)
    taken = {reference for reference, found in result.reserved.items() if found} if result else set()
    done = [one for one in due if _got_something(page[one.pk], taken, missing)]
    for order in due:
        if order not in done:
            table.refuse(order, "nothing_in_stock", list=verdicts.shortage_list(page[order.pk]))
    review.set_approved(done, [page[one.pk] for one in done], table.now)
    review.mark_presale([page[one.pk] for one in done], table.now)
    _mark_short(table, [page[one.pk] for one in done if page[one.pk].shortages])
    table.decided(done, Person.APPROVED, "split by stock")
    table.done(done, "approved", "order.split_by_stock", {"state": State.APPROVED.value})
    return table.outcomes()


def _got_something(facts: Facts, taken: set[str], missing: Sequence[Shortage]) -> bool:
    """True when goods are reserved for it, or when nothing it wants comes from stock."""
    references = {line_reference(line.line_id) for line in facts.lines if line.bookable and line.waits is None}
    if not references and presale.waits_until(facts) is not None:
        return False
    return bool(references & taken) or not references & {one.reference for one in missing}


def _mark_short(table: Table, page: Sequence[Facts]) -> None:
    short = Finding("short_stock", ruleset.load().department("short_stock"))
    verdicts.mark([(facts, [short]) for facts in page], table.now)


@transaction.atomic
def accept_edit(*, order_ids: Sequence[int], actor: str, reason: str = "") -> list[RowOutcome]:
    """Take over the edit from the platform that waits on each order, and review again."""
    table = Table(order_ids, actor)
    due = _with_edit(table)
    judged = edits.accept([one.pk for one in due])
    table.reload()
    table.decided(due, Person.FIXED, reason)
    table.note([one for one in due if one.pk not in judged], "order.accept_edit", {"reason": reason})
    for order in due:
        if order.pk not in judged:
            table.succeed(order, "accepted")
    _judge_again(table, [one for one in table.orders if one.pk in judged], "order.accept_edit", reason)
    return table.outcomes(accepted={one.pk for one in due})


@transaction.atomic
def reject_edit(*, order_ids: Sequence[int], actor: str, reason: str = "") -> list[RowOutcome]:
    """Keep the accepted version; the edit stays in the history as rejected. The order goes on as it was."""
    table = Table(order_ids, actor)
    due = _with_edit(table)
    versions = [one.pending_version_id for one in due if one.pending_version_id is not None]
    OrderVersion.objects.filter(pk__in=versions).update(outcome=OrderVersion.Outcome.REJECTED)
    for order in due:
        order.pending_version_id = None
        if order.state != State.HELD and order.hold_code == holds.EDITED:
            holds.clear(order)
    table.save(due)
    table.decided(due, Person.FIXED, reason)
    judged = [one for one in due if one.state == State.HELD and one.hold_code == holds.EDITED]
    rest = [one for one in due if one not in judged]
    table.done(rest, "rejected", "order.reject_edit", {"reason": reason})
    _judge_again(table, judged, "order.reject_edit", reason)
    return table.outcomes(accepted={one.pk for one in due})


def _with_edit(table: Table) -> list[Order]:
    for order in table.orders:
        if order.pending_version_id is None:
            table.refuse(order, "no_edit")
    return [one for one in table.orders if one.pending_version_id is not None]
