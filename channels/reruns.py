"""Fix and re-run: what stands in the error queue is tried again, singly or in bulk, and nobody types an order twice.

An order is read again from its stored text with today's connector, listings and checks. Everything else is made due
again and does its own work; each row says what became of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.errors import YikuError
from channels import accounts, due, error_queue, payloads, pull, tokens, tracking
from channels.connectors.base import ConnectorError, RawOrder
from channels.models import Account, AccountState, ErrorState, PushJob, SyncError
from channels.payloads import Stored
from channels.push import jobs
from channels.registry import connector_for, parser_for
from channels.working import retrying

PAGE = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Rerun:
    """What became of one row: done, started again in the background, or still failing (with the code of now)."""

    error_id: int
    ok: bool
    code: str
    message: Any = ""


def rerun(*, error_ids: Sequence[int], actor: str) -> list[Rerun]:
    """Try the rows again; one outcome a row, in the order asked. Rows that are closed already say so."""
    rows = {
        row.pk: row for row in SyncError.objects.select_related("account", "payload").filter(pk__in=list(error_ids))
    }
    done: dict[int, Rerun] = {}
    open_rows = [row for row in rows.values() if row.state == ErrorState.OPEN]
    orders = [row for row in open_rows if row.kind == error_queue.ORDER]
    for account_id in sorted({row.account_id for row in orders}):
        mine = [row for row in orders if row.account_id == account_id]
        for start in range(0, len(mine), PAGE):
            done |= {one.error_id: one for one in _orders(mine[0].account, mine[start : start + PAGE], actor)}
    for row in open_rows:
        if row.kind != error_queue.ORDER:
            done[row.pk] = _again(row, actor)
    audit.record_many(
        audit.Entry("sync_error.rerun", f"channels.syncerror:{row.pk}", after={"code": done[row.pk].code}, actor=actor)
        for row in open_rows
    )
    return [done.get(pk) or Rerun(pk, pk in rows, "closed", _("Closed already.")) for pk in error_ids]


def run_due(limit: int = 200) -> int:
    """Try again what said it would (passing faults of intake); returns how many."""
    now = clock.now()
    waiting = SyncError.objects.filter(state=ErrorState.OPEN, retry_at__lte=now, account__state=AccountState.ACTIVE)
    ids = list(waiting.order_by("retry_at").values_list("pk", flat=True)[:limit])
    if ids:
        rerun(error_ids=ids, actor="task:rerun")
    return len(ids)


# --- orders ----------------------------------------------------------------------------------------------------------


def _orders(account: Account, rows: Sequence[SyncError], actor: str) -> list[Rerun]:
    raws: dict[int, tuple[RawOrder, int | None]] = {}
    outcomes: list[Rerun] = []
    for row in rows:
        try:
            raws[row.pk] = _raw(account, row)
        except ConnectorError as error:
            outcomes.append(Rerun(row.pk, False, error.code, error.message))
        except YikuError as problem:
            outcomes.append(Rerun(row.pk, False, problem.code, str(problem)))
    parser = parser_for(account)
    parsed = {pk: pull.parse_all(parser, [raw])[0] for pk, (raw, _payload) in raws.items()}
    readable = [row for row in rows if row.pk in parsed and parsed[row.pk].order is not None]
    for row in rows:
        trouble = parsed[row.pk].trouble if row.pk in parsed else None
        if trouble is not None:
            error_queue.record(account.pk, dataclasses.replace(trouble, payload_id=row.payload_id))
            outcomes.append(Rerun(row.pk, False, trouble.code, trouble.message))
    if readable:
        outcomes += retrying(lambda: _take_in(account, readable, parsed, raws, actor))
    return outcomes


def _raw(account: Account, row: SyncError) -> tuple[RawOrder, int | None]:
    """Return the order's stored text, or fetch it again when its time is over."""
    if row.payload is not None and row.payload.body:
        return payloads.raw_of(row.payload), row.payload_id
    raw = connector_for(account).pull_order(row.reference)
    if raw is None:
        raise YikuError("order_gone", _("The platform does not have this order any more."))
    return raw, row.payload_id


def _take_in(
    account: Account,
    rows: Sequence[SyncError],
    parsed: dict[int, pull.Parsed],
    raws: dict[int, tuple[RawOrder, int | None]],
    actor: str,
) -> list[Rerun]:
    orders = [parsed[row.pk].order for row in rows]
    stored = [Stored(raws[row.pk][0], raws[row.pk][1] or 0) for row in rows]
    outcomes = pull.hand_over(account, [order for order in orders if order is not None], stored)
    results = []
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome.action == "failed":
            error_queue.record(account.pk, dataclasses.replace(pull.refused(outcome), payload_id=row.payload_id))
            fault = outcome.error
            results.append(
                Rerun(row.pk, False, fault.code if fault else "intake_failed", fault.message if fault else "")
            )
        else:
            error_queue.resolve(account.pk, error_queue.ORDER, [row.reference], by=actor)
            results.append(Rerun(row.pk, True, outcome.action))
    return results


# --- everything else -------------------------------------------------------------------------------------------------

STARTED = _("Started again; the row closes by itself when it has worked.")


def _again(row: SyncError, actor: str) -> Rerun:
    SyncError.objects.filter(pk=row.pk).update(attempts=F("attempts") + 1, last_seen_at=clock.now())
    work: dict[str, Callable[[SyncError, str], Rerun]] = {
        error_queue.STOCK: _stock,
        error_queue.TRACKING: _tracking,
        error_queue.HOOK: _hook,
        error_queue.ACCOUNT: _account,
        error_queue.TOKEN: _token,
        error_queue.LISTING: _listing,
    }
    return work[row.kind](row, actor)


def _stock(row: SyncError, actor: str) -> Rerun:
    jobs.requeue(PushJob.objects.filter(pk=row.params.get("job", 0)), cause="person")
    error_queue.resolve(row.account_id, row.kind, [row.reference], by=actor)
    return Rerun(row.pk, True, "requeued", STARTED)


def _tracking(row: SyncError, actor: str) -> Rerun:
    tracking.requeue([row.params.get("notice", 0)])
    return Rerun(row.pk, True, "requeued", STARTED)


def _hook(row: SyncError, actor: str) -> Rerun:
    due.soon(row.account_id, due.HOOKS)
    due.soon(row.account_id, due.ORDERS)
    error_queue.resolve(row.account_id, row.kind, [row.reference], by=actor)
    return Rerun(row.pk, True, "requeued", STARTED)


def _account(row: SyncError, actor: str) -> Rerun:
    if row.reference in {"writes", "brake"}:
        return Rerun(row.pk, False, "needs_decision", _("A person decides this on the account's page."))
    if row.account.state == AccountState.PAUSED:
        return Rerun(row.pk, False, "paused", _("The account is paused."))
    if row.reference == "login":
        return _log_in(row, actor)
    for kind in (due.ORDERS, due.LISTINGS, due.DRIFT, due.HOOKS):
        due.soon(row.account_id, kind)
    error_queue.resolve(row.account_id, row.kind, [row.reference], by=actor)
    return Rerun(row.pk, True, "requeued", STARTED)


def _log_in(row: SyncError, actor: str) -> Rerun:
    try:
        accounts.test_connection(account=row.account, actor=actor)
    except ConnectorError as error:
        return Rerun(row.pk, False, error.code, error.message)
    except YikuError as problem:
        return Rerun(row.pk, False, problem.code, str(problem))
    return Rerun(row.pk, True, "connected")


def _token(row: SyncError, actor: str) -> Rerun:
    good = tokens.recover(row.account_id)
    return Rerun(row.pk, good, "requeued" if good else row.code)


def _listing(row: SyncError, actor: str) -> Rerun:
    due.soon(row.account_id, due.LISTINGS)
    error_queue.resolve(row.account_id, row.kind, [row.reference], by=actor)
    return Rerun(row.pk, True, "requeued", STARTED)
