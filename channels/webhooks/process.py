"""Work off what arrived: fetch the orders that calls named, as one page per account; look again at moved figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db.models import F, Q, QuerySet

from backoffice import clock, locks
from backoffice.outbox import backoff
from backoffice.waking import wake
from channels import accounts, budget, due, error_queue, pull
from channels.connectors.base import Capability, ConnectorError
from channels.error_queue import Trouble
from channels.models import Account, AccountState, ArrivalState, Listing, PushJob, WebhookArrival
from channels.push.jobs import WAKE as PUSH
from channels.registry import connector_for
from channels.working import stopping, worker_name

LEASE_SECONDS = 60.0
PAGE = 25  # orders fetched before they are taken in together: more would let the first one wait for the last
MOST_ATTEMPTS = 6
CAREFUL_AFTER = 3  # starts; from then on a call is worked off alone, after the others: maybe it kills its worker
ECHO = dt.timedelta(seconds=15)  # a stock call this soon after our own write is its echo


def due_accounts() -> list[int]:
    """Return the active accounts with calls waiting."""
    waiting = WebhookArrival.objects.filter(
        state=ArrivalState.WAITING, not_before__lte=clock.now(), account__state=AccountState.ACTIVE
    )
    return sorted(set(waiting.values_list("account_id", flat=True).distinct()))


def run(account_id: int) -> int:
    """Work off an account's waiting calls; returns how many. Two workers never fetch for the same call."""
    account = accounts.working(account_id, Capability.WEBHOOKS)
    if account is None or budget.closed_until(account_id):
        return 0
    with locks.lease(f"hooks:account:{account_id}", worker_name(), LEASE_SECONDS) as held:
        if held is None:
            return 0
        total = 0
        try:
            while not stopping() and (page := _start(account)):
                total += len(page)
                _work(account, page)
                locks.renew(held, LEASE_SECONDS)
        except ConnectorError as error:
            accounts.note_fault(account, error, reference="hooks")
            _put_off(account_id, page, error)
        except locks.LeaseLost:
            pass
        except accounts.UNUSABLE as error:
            accounts.note_unusable(account, error)
        return total


def _start(account: Account) -> list[WebhookArrival]:
    """Take a page of waiting calls; the attempt is counted before the work, so that a killer is noticed."""
    now = clock.now()
    waiting = WebhookArrival.objects.filter(account=account, state=ArrivalState.WAITING, not_before__lte=now)
    fresh = waiting.filter(attempts__lt=CAREFUL_AFTER).order_by("pk")
    ids = list(fresh.values_list("pk", flat=True)[:PAGE]) or _suspect(account, waiting)
    if not ids:
        return []
    mine = WebhookArrival.objects.filter(pk__in=ids)
    # Out of sight while we work; a worker that dies brings it back.
    mine.update(attempts=F("attempts") + 1, not_before=now + dt.timedelta(seconds=LEASE_SECONDS))
    return list(mine.order_by("pk"))


def _suspect(account: Account, waiting: QuerySet[WebhookArrival]) -> list[int]:
    """Return one call that was started often; what fails is given up when it fails, so more starts were deaths."""
    for one in waiting.filter(attempts__gte=MOST_ATTEMPTS):
        _failed(account, one, ConnectorError("kills_worker", permanent=True))
    alone = waiting.filter(attempts__lt=MOST_ATTEMPTS).order_by("attempts", "pk")
    return list(alone.values_list("pk", flat=True)[:1])


def _work(account: Account, page: Sequence[WebhookArrival]) -> None:
    orders = [one for one in page if one.kind == "order" and one.resource_id]
    figures = [one for one in page if one.kind in {"stock", "listing"}]
    faults: dict[str, ConnectorError | None] = {}
    if orders:
        faults = pull.take_single(account, list(dict.fromkeys(one.resource_id for one in orders)), trigger="hook")
    if figures:
        _look_at_figures(account, figures)
    if any(one.kind == "order" and not one.resource_id for one in page):
        due.soon(account.pk, due.ORDERS)
    if any(one.kind == "uninstalled" for one in page):
        _look_whether_we_may(account)
    failed = [one for one in orders if faults.get(one.resource_id)]
    lost = {one.pk for one in failed}
    _done([one.pk for one in page if one.pk not in lost])
    for one in failed:
        error_or_none = faults[one.resource_id]
        assert error_or_none is not None
        _failed(account, one, error_or_none)


def _look_whether_we_may(account: Account) -> None:
    """The shop is said to have removed the app. The signature covers neither topic nor time: only a call tells."""
    try:
        connector_for(account).test_connection()
    except ConnectorError as error:
        if error.auth:
            gone = ConnectorError("app_uninstalled", "the shop removed the app", permanent=True, auth=True)
            accounts.refuse(account, gone)
        elif not error.permanent:
            raise


def _done(ids: Sequence[int]) -> None:
    WebhookArrival.objects.filter(pk__in=ids).update(state=ArrivalState.DONE, done_at=clock.now(), code="")


def _failed(account: Account, one: WebhookArrival, error: ConnectorError) -> None:
    """Try again later; the poll brings the order in any case, so giving up loses nothing."""
    mine = WebhookArrival.objects.filter(pk=one.pk)
    if not error.permanent and one.attempts < MOST_ATTEMPTS:
        mine.update(not_before=clock.now() + dt.timedelta(seconds=backoff(one.attempts)), code=error.code[:60])
        return
    mine.update(state=ArrivalState.FAILED, code=error.code[:60], done_at=clock.now())
    due.soon(account.pk, due.ORDERS)
    trouble = Trouble.of(error, kind=error_queue.HOOK, reference=one.resource_id, params={"arrival": one.pk})
    error_queue.record(account.pk, trouble)


def _put_off(account_id: int, page: Sequence[WebhookArrival], error: ConnectorError) -> None:
    pause = dt.timedelta(seconds=error.retry_after or 5.0)
    WebhookArrival.objects.filter(pk__in=[one.pk for one in page], state=ArrivalState.WAITING).update(
        not_before=clock.now() + pause, attempts=F("attempts") - 1, code=error.code[:60]
    )


def _look_at_figures(account: Account, page: Sequence[WebhookArrival]) -> None:
    """Read figures again that a call says have moved, unless it is the echo of our own write."""
    named = [one.resource_id for one in page if one.resource_id]
    listings = Listing.objects.filter(account=account).filter(
        Q(external_id__in=named) | Q(stock_id__in=named) | Q(parent_id__in=named)
    )
    ids = list(listings.values_list("pk", flat=True))
    now = clock.now()
    jobs = PushJob.objects.filter(listing_id__in=ids).exclude(sent_at__gt=now - ECHO)
    if jobs.update(verify_at=now):
        wake(PUSH)
    if any(one.kind == "listing" for one in page) and not ids:
        due.soon(account.pk, due.LISTINGS, seconds=60)
