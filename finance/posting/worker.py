"""The worker: claims requests that are due and writes one balanced voucher for each, never two.

A claim counts the attempt and raises the fence before any work, so a worker that is killed leaves a trace and one that
comes back to life is refused. The vouchers of a page are written in one transaction together with the new state of
their requests; the unique reference on the voucher stands behind it. When a page fails, its requests are tried one by
one, so that only the guilty one waits.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

import structlog
from django.core.exceptions import ValidationError
from django.db import Error, transaction
from django.db.models import F, Q, QuerySet

from backoffice import audit
from backoffice.clock import now
from backoffice.errors import YikuError
from backoffice.locks import locked_rows
from backoffice.outbox import backoff
from backoffice.waking import wake
from finance import rates
from finance.errors import BooksError
from finance.models import PostingRequest
from finance.models.books import VoucherKind
from finance.posting.requesting import WAKE
from finance.posting.writing import Desk, Written, write_vouchers

State = PostingRequest.State
PAGE = 100
LEASE = dt.timedelta(minutes=2)
MOST_ATTEMPTS = 8
log = structlog.get_logger(__name__)


@dataclasses.dataclass(slots=True)
class PostResult:
    """What one round did: requests posted, with nothing to post, put off or given to a person."""

    posted: int = 0
    empty: int = 0
    failed: int = 0

    def add(self, written: Written) -> None:
        """Count a page."""
        self.posted += written.posted
        self.empty += written.empty


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A request that is ours until the lease ends or somebody holds a higher fence."""

    pk: int
    fence: int


def post_due(limit: int = 1000) -> PostResult:
    """Post up to `limit` due requests, page by page. Safe to run many at once and to kill at any moment."""
    result = PostResult()
    if not has_work():  # asked every few seconds: an idle round writes nothing and locks nothing
        return result
    with audit.acting_as("task:posting"):
        release_waiting()
        park_lost()
        left = limit
        while left > 0:
            claims = claim_page(min(PAGE, left))
            if not claims:
                break
            left -= len(claims)
            post_claims(claims, result)
    return result


def has_work() -> bool:
    """Say whether a round would find anything to do."""
    return _due().exists() or bool(_arrived_rates())


def release_waiting() -> int:
    """Let requests whose rate has arrived go on; returns how many."""
    released = 0
    for (currency, day), rate in sorted(_arrived_rates().items()):
        released += _go_on(_waiting().filter(currency=currency, occurred_on=day), rate)
    for reversal in PostingRequest.objects.filter(state=State.WAITING_RATE, kind=VoucherKind.REVERSAL):
        sale = PostingRequest.objects.filter(reference=reversal.frozen["of"]).exclude(rate=None).first()
        if sale and sale.rate:  # a reversal takes its sale's rate, whatever its own day's is
            released += _go_on(PostingRequest.objects.filter(pk=reversal.pk, state=State.WAITING_RATE), sale.rate)
    return released


def _go_on(rows: QuerySet[PostingRequest], rate: Decimal) -> int:
    return rows.update(state=State.DUE, rate=rate, error_code="", error_detail="", attempts=0)


def _waiting() -> QuerySet[PostingRequest]:
    return PostingRequest.objects.filter(state=State.WAITING_RATE).exclude(kind=VoucherKind.REVERSAL)


def _arrived_rates() -> dict[rates.Pair, Decimal]:
    return rates.rates_for(set(_waiting().values_list("currency", "occurred_on").distinct().order_by()))


def park_lost() -> int:
    """Give requests to a person that were started too often and never finished: they kill their worker."""
    lost = PostingRequest.objects.filter(state=State.DUE, attempts__gte=MOST_ATTEMPTS).filter(_unclaimed())
    return lost.update(state=State.FAILED, error_code="lost", fence=F("fence") + 1)


@transaction.atomic
def claim_page(limit: int) -> list[Claim]:
    """Take the oldest due requests that were never tried; else one that was, alone, as it may sink a page."""
    due = _due().order_by("id")
    for rows, count in ((due.filter(attempts=0), limit), (due.filter(attempts__gt=0), 1)):
        keys = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True)[:count])
        if keys:
            taken = PostingRequest.objects.filter(_unclaimed(), pk__in=keys, state=State.DUE)
            taken.update(fence=F("fence") + 1, attempts=F("attempts") + 1, claimed_until=now() + LEASE)
            return [Claim(*row) for row in PostingRequest.objects.filter(pk__in=keys).values_list("pk", "fence")]
    return []


def _due() -> QuerySet[PostingRequest]:
    ready = Q(not_before=None) | Q(not_before__lte=now())
    return PostingRequest.objects.filter(_unclaimed(), ready, state=State.DUE)


def _unclaimed() -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lte=now())


def post_claims(claims: Sequence[Claim], result: PostResult) -> None:
    """Post a page; when the database refuses it, post its requests one by one."""
    try:
        result.add(_post_together(claims))
    except (YikuError, ValidationError, ArithmeticError, Error) as error:
        if len(claims) == 1:
            result.failed += _put_off(claims[0], error)
            return
        log.warning("posting_page_failed", requests=len(claims), error=type(error).__name__)
        for claim in claims:
            post_claims([claim], result)


@transaction.atomic
def _post_together(claims: Sequence[Claim]) -> Written:
    """Write the vouchers of all requests that are still ours, and their new state, in one transaction."""
    fences = {claim.pk: claim.fence for claim in claims}
    rows = locked_rows(PostingRequest.objects.filter(pk__in=list(fences), state=State.DUE))
    return write_vouchers([row for row in rows if row.fence == fences[row.pk]], Desk.open())


def _put_off(claim: Claim, error: Exception) -> int:
    """Keep what went wrong on the request: to be tried again later, or for a person. Returns 1 if it was still ours."""
    row = PostingRequest.objects.filter(pk=claim.pk).first()
    if row is None:
        return 0
    code, detail, passing = _told(error)
    done = row.attempts >= MOST_ATTEMPTS or not passing
    ours = PostingRequest.objects.filter(pk=claim.pk, fence=claim.fence, state=State.DUE)
    log.warning("posting_failed", reference=row.reference, code=code, error=type(error).__name__)
    return ours.update(
        state=State.FAILED if done else State.DUE,
        error_code=code,
        error_detail=detail[:300],
        claimed_until=None,
        not_before=now() + dt.timedelta(seconds=backoff(row.attempts)),
    )


def _told(error: Exception) -> tuple[str, str, bool]:
    """Return code, detail and whether trying again can help. The text of a database error may hold data: not kept."""
    if isinstance(error, BooksError):
        return error.code, error.detail, error.retryable
    if isinstance(error, ValidationError | ArithmeticError):
        return "amount_range", "", False
    return "database", type(error).__name__, True


def retry(*, request_ids: Iterable[int]) -> int:
    """Let requests that wait for a person be tried again from the start; returns how many. Posted ones stay posted."""
    failed = PostingRequest.objects.filter(pk__in=list(request_ids), state=State.FAILED)
    with transaction.atomic():
        rows = locked_rows(failed)
        entries = [audit.Entry("books.retry", row, {"error": row.error_code}) for row in rows]
        _restart(rows)
        audit.record_many(entries)
        wake(WAKE)
    return len(rows)


def _restart(rows: Sequence[PostingRequest]) -> None:
    known = rates.rates_for({(row.currency, row.occurred_on) for row in rows if row.rate is None})
    for row in rows:
        if row.rate is None and row.kind != VoucherKind.REVERSAL:
            row.rate = known.get((row.currency, row.occurred_on))
        row.state = State.DUE if row.rate is not None else State.WAITING_RATE
        row.error_code = "" if row.rate is not None else "missing_rate"
        row.error_detail, row.attempts, row.not_before, row.claimed_until = "", 0, None, None
    PostingRequest.objects.bulk_update(
        rows, ["rate", "state", "error_code", "error_detail", "attempts", "not_before", "claimed_until"], 200
    )
