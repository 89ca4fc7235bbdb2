"""What an account may still call: a token bucket, a wait asked for by the platform, a breaker — one row, all processes.

Every HTTP request passes `BudgetedClient`. Tokens are taken from the row in small handfuls, so that a busy account
costs a few row updates a second, while the wait and the breaker are read before each request: nobody calls before the
moment that any process was told.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections.abc import Mapping
from typing import Any

from django.db.models import F

from backoffice import clock
from backoffice.calls.answers import retry_after
from channels.connectors.base import ConnectorError, HttpClient, HttpResponse
from channels.models import CallBudget

CALLS_PER_SECOND = 50.0  # unless the account's options say otherwise: {"calls_per_second": 2, "call_burst": 20}
HANDFUL_SECONDS = 0.25  # a handful is what this much time brings in
HANDFUL_LASTS = 5.0  # seconds after which what is left of it is forgotten: never spent twice, at worst not at all
SHORT_WAIT = 1.0  # seconds that a call waits for the bucket before it is put off
BREAKER_AFTER = 5  # failures in a row
BREAKER_FIRST, BREAKER_LONGEST = 30.0, 900.0  # seconds


class NoCalls:
    """An HTTP client for code that must not call anybody."""

    def request(self, method: str, url: str, **kwargs: Any) -> HttpResponse:
        """Refuse."""
        raise ConnectorError("no_calls", "this work makes no calls", permanent=True)


class BudgetedClient:
    """An HTTP client that asks the account's row before each request and notes each answer on it."""

    def __init__(self, inner: HttpClient, account_id: int, options: Mapping[str, Any]) -> None:
        self.inner, self.account_id = inner, account_id
        self.rate = float(options.get("calls_per_second") or CALLS_PER_SECOND)
        self.burst = max(float(options.get("call_burst") or 2 * self.rate), 1.0)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
        timeout: float | None = None,
    ) -> HttpResponse:
        """Make the call when the budget allows it. Raises ConnectorError "put_off" with `retry_after` when not."""
        had_failures = spend(self.account_id, rate=self.rate, burst=self.burst)
        try:
            answer = self.inner.request(
                method, url, headers=headers, params=params, json=json, data=data, timeout=timeout
            )
        except ConnectorError as error:
            if not error.permanent:
                note_failure(self.account_id, error.code)
            raise
        self._note(answer, had_failures)
        return answer

    def _note(self, answer: HttpResponse, had_failures: bool) -> None:
        wait = retry_after(answer.headers, now=clock.now()) if answer.status in {429, 503} else None
        if wait:
            put_off(self.account_id, wait, code=f"http_{answer.status}")
        elif answer.status >= 500:
            note_failure(self.account_id, f"http_{answer.status}")
        elif answer.status != 429 and had_failures:
            note_ok(self.account_id)


# --- the bucket ------------------------------------------------------------------------------------------------------


class _Handfuls:
    """Tokens this process has taken from the rows and not used yet: account → (how many, until when)."""

    def __init__(self) -> None:
        self.left: dict[int, tuple[float, float]] = {}
        self.lock = threading.Lock()

    def use(self, account_id: int) -> bool:
        """Use one token if there is one left."""
        with self.lock:
            left, until = self.left.get(account_id, (0.0, 0.0))
            if left < 1 or time.monotonic() >= until:
                return False
            self.left[account_id] = (left - 1, until)
            return True

    def keep(self, account_id: int, tokens: float) -> None:
        """Keep what was taken beyond the one that is used now."""
        with self.lock:
            left, until = self.left.get(account_id, (0.0, 0.0))
            still = left if time.monotonic() < until else 0.0
            self.left[account_id] = (still + tokens, time.monotonic() + HANDFUL_LASTS)


_handfuls = _Handfuls()


def spend(account_id: int, *, rate: float, burst: float) -> bool:
    """Take the right to one call; returns whether calls had failed before it.

    Raises ConnectorError "put_off" with the seconds to wait.
    """
    budget = _row(account_id)
    wait = _closed_for(budget)
    if wait > 0:
        raise ConnectorError("put_off", "the platform asked us to wait", retry_after=wait)
    if not _handfuls.use(account_id):
        _handfuls.keep(account_id, _take(budget, rate, burst) - 1)
    return budget.failures > 0


def _row(account_id: int) -> CallBudget:
    found = CallBudget.objects.filter(account_id=account_id).first()
    return found or CallBudget.objects.get_or_create(account_id=account_id)[0]


def _closed_for(budget: CallBudget) -> float:
    now = clock.now()
    moments = [moment for moment in (budget.not_before, budget.open_until) if moment]
    return max(((moment - now).total_seconds() for moment in moments), default=0.0)


def _take(budget: CallBudget, rate: float, burst: float) -> float:
    deadline = time.monotonic() + SHORT_WAIT
    handful = max(1.0, rate * HANDFUL_SECONDS)
    while True:
        level = _level(budget, rate, burst)
        if level >= 1:
            taken = min(handful, float(int(level)))
            if _swap(budget, level - taken):
                return taken
        else:
            pause = (1 - level) / rate
            if time.monotonic() + pause > deadline:
                raise ConnectorError("put_off", "our own limit for this account is used up", retry_after=pause)
            time.sleep(pause)
        budget = _row(budget.account_id)


def _level(budget: CallBudget, rate: float, burst: float) -> float:
    if budget.refilled_at is None:
        return burst
    # A clock that stepped back must not freeze the bucket: it counts as no time passed.
    seconds = max((clock.now() - budget.refilled_at).total_seconds(), 0.0)
    return min(budget.tokens + seconds * rate, burst)


def _swap(budget: CallBudget, tokens: float) -> bool:
    same = CallBudget.objects.filter(pk=budget.pk, refilled_at=budget.refilled_at, tokens=budget.tokens)
    return bool(same.update(tokens=tokens, refilled_at=clock.now()))


# --- waits and breaker -----------------------------------------------------------------------------------------------


def put_off(account_id: int, seconds: float, *, code: str = "") -> None:
    """Let nobody call this account for so long; a longer wait that stands already stays."""
    until = clock.now() + dt.timedelta(seconds=seconds)
    _row(account_id)
    shorter = CallBudget.objects.filter(account_id=account_id).exclude(not_before__gt=until)
    shorter.update(not_before=until, last_code=code[:60])


def note_failure(account_id: int, code: str) -> None:
    """Count a call that failed through no fault of ours; the breaker opens after several in a row."""
    _row(account_id)
    mine = CallBudget.objects.filter(account_id=account_id)
    mine.update(failures=F("failures") + 1, last_code=code[:60])
    failures = mine.values_list("failures", flat=True).get()
    if failures >= BREAKER_AFTER:
        longer = 2.0 ** min(failures - BREAKER_AFTER, 10)
        pause = min(BREAKER_FIRST * longer, BREAKER_LONGEST) * random.uniform(0.8, 1.2)  # noqa: S311 — spread
        mine.update(open_until=clock.now() + dt.timedelta(seconds=pause))


def note_ok(account_id: int) -> None:
    """Close the breaker; costs nothing while all is well."""
    CallBudget.objects.filter(account_id=account_id, failures__gt=0).update(
        failures=0, open_until=None, last_ok_at=clock.now()
    )


def closed_until(account_id: int) -> dt.datetime | None:
    """Return until when nobody may call this account; None when calls are allowed."""
    return closed(CallBudget.objects.filter(account_id=account_id).first())


def closed(budget: CallBudget | None) -> dt.datetime | None:
    """Return until when nobody may call, by a row that was read already."""
    if budget is None or _closed_for(budget) <= 0:
        return None
    return max(moment for moment in (budget.not_before, budget.open_until) if moment)
