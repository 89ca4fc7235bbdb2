"""The address platforms call: check size and signature on the raw body, store one small row, answer after the commit.

A refused call costs a lookup in memory and a hash: no row, no log line, only a counter that is written out now and
then. The content is never trusted as the order; it only says which order to fetch.
"""

from __future__ import annotations

import threading
import time

from django.db import DatabaseError, OperationalError, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from backoffice import bulk, clock
from backoffice.waking import wake
from channels import accounts
from channels.connectors.base import Connector, ConnectorError, WebhookNotice
from channels.models import Account, WebhookArrival
from channels.registry import PLATFORMS, connector_class, connector_for
from channels.webhooks import refusals

WAKE = "hooks"
MOST_BYTES = 2 * 1024 * 1024
REMEMBERED_SECONDS = 5.0
MOST_REMEMBERED = 2_000
MOST_TOKEN = 64

COLUMNS = (
    "account_id",
    "delivery_id",
    "event_id",
    "topic",
    "kind",
    "resource_id",
    "triggered_at",
    "received_at",
    "not_before",
    "repeats",
    "state",
    "attempts",
    "code",
)

_lock = threading.Lock()
_known: dict[tuple[str, str], tuple[float, tuple[Account, Connector] | None]] = {}


@csrf_exempt
@require_POST
def receive(request: HttpRequest, platform: str, token: str) -> HttpResponse:
    """Take one call. 200 once its row is committed, 401 for anything unverified, 413 too large, 503 to be repeated."""
    try:
        return _receive(request, platform, token)
    except (OperationalError, DatabaseError):
        # The platform repeats what it was told has not arrived; a 2xx without a row would lose the event.
        return _answer(503)


def _receive(request: HttpRequest, platform: str, token: str) -> HttpResponse:
    body = _body(request)
    if body is None:
        return _refuse(platform, 0, "too_large", 413)
    found = _account(platform, token)
    if found is None:
        return _refuse(platform, 0, "unknown_address")
    account, connector = found
    try:
        notice = connector.verify_webhook(headers=dict(request.headers.items()), body=body)
    except ConnectorError as error:
        return _refuse(platform, account.pk, error.code)
    if not _tells_nothing(notice):
        _arrive(account, notice)
    return _answer(200)


def _tells_nothing(notice: WebhookNotice) -> bool:
    """A ping, or news of stock that names no listing: most of these are the echo of our own writes."""
    return notice.kind == "ping" or (notice.kind == "stock" and not notice.resource_id)


def _body(request: HttpRequest) -> bytes | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MOST_BYTES:
        return None
    body = request.read(MOST_BYTES + 1)
    return body if len(body) <= MOST_BYTES else None


def _account(platform: str, token: str) -> tuple[Account, Connector] | None:
    """Find the account of an address; remembered for seconds, so that a flood is not a flood of queries."""
    if platform not in PLATFORMS or len(token) > MOST_TOKEN:
        return None
    key, now = (platform, token), time.monotonic()
    with _lock:
        until, found = _known.get(key, (0.0, None))
    if until > now:
        return found
    found = _look_up(platform, token)
    with _lock:
        if len(_known) >= MOST_REMEMBERED:
            _known.clear()
        _known[key] = (now + REMEMBERED_SECONDS, found)
    return found


def _look_up(platform: str, token: str) -> tuple[Account, Connector] | None:
    account = Account.objects.select_related("credential").filter(platform=platform, hook_token=token).first()
    if account is None or not connector_class(platform).webhook_topics:
        return None
    try:
        return account, connector_for(account)
    except accounts.UNUSABLE:
        return None  # without its secret nothing can be verified


def forget() -> None:
    """Drop what is remembered of addresses and secrets (tests; a changed secret is noticed within seconds anyway)."""
    with _lock:
        _known.clear()


def _arrive(account: Account, notice: WebhookNotice) -> None:
    """Store the call once. The same delivery again is counted and changes nothing."""
    now = clock.now()
    row = (
        account.pk, notice.delivery_id[:200], notice.event_id[:200], notice.topic[:80], notice.kind[:20],
        notice.resource_id[:200], notice.triggered_at, now, now, 0, "waiting", 0, "",
    )  # fmt: skip
    with transaction.atomic():
        # One statement decides whether it is new; the unique key answers for two processes at once.
        made = bulk.insert_rows(
            WebhookArrival, COLUMNS, [row], returning=("id",), ignore_conflicts=True,
            conflict_target=("account_id", "delivery_id"),
        )  # fmt: skip
        if made:
            wake(WAKE)
        else:
            WebhookArrival.objects.filter(account_id=account.pk, delivery_id=row[1]).update(repeats=F("repeats") + 1)


def _refuse(platform: str, account_id: int, code: str, status: int = 401) -> HttpResponse:
    refusals.count(platform if platform in PLATFORMS else "?", account_id, code)
    return _answer(status)


def _answer(status: int) -> HttpResponse:
    return HttpResponse("ok" if status == 200 else "", status=status, content_type="text/plain")
