"""The doors for background workers: each takes ids and strings only, catches everything, returns a short code."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import Error, close_old_connections, connection

from backoffice import audit, longwork, progress
from channels import drift, due, listings, order_files, pull, tokens, upkeep
from channels.models import OrderFile
from channels.push import send
from channels.webhooks import process, subscriptions

log = structlog.get_logger(__name__)


def _orders(account_id: int) -> object:
    return pull.run(account_id)


def _token(account_id: int) -> object:
    stored = tokens.refresh_if_due(account_id)
    due.ended(account_id, due.TOKEN)
    return stored


REGULAR: dict[str, Callable[[int], object]] = {
    due.ORDERS: _orders,
    due.SWEEP: pull.sweep,
    due.LISTINGS: listings.sync,
    due.DRIFT: drift.run,
    due.HOOKS: subscriptions.check,
    due.TOKEN: _token,
    due.TERMS: upkeep.run,
}


def regular(kind: str, account_id: int) -> str:
    """Do one regular job of one account; a job that somebody else does just now is handed back."""
    try:
        done = REGULAR[kind](account_id)
    except Exception as error:  # a worker must outlive any account; the row keeps the code
        log.exception("regular_failed", kind=kind, account=account_id, error=type(error).__name__)
        _failed(kind, account_id, error)
        return type(error).__name__
    if done is None and kind not in {due.TERMS, due.HOOKS}:
        due.handed_back(account_id, kind, seconds=2.0)
        return "busy"
    return "ok"


def _failed(kind: str, account_id: int, error: Exception) -> None:
    try:
        if isinstance(error, Error):
            connection.close()
        close_old_connections()
        due.ended(account_id, kind, code=str(getattr(error, "code", "") or type(error).__name__))
    except Error:
        log.warning("regular_not_noted", kind=kind, account=account_id)


def push(account_id: int) -> int:
    """Send what is due on an account."""
    return send.run(account_id)


def hooks(account_id: int) -> int:
    """Work off the calls that wait on an account."""
    return process.run(account_id)


def order_file(order_file_id: int) -> str:
    """Take in a large file of orders for the person who uploaded it; cut off, it goes on where it was."""
    row = OrderFile.objects.select_related("account", "uploaded_by").filter(pk=order_file_id).first()
    if row is None or row.taken_at is not None or row.progress_id is None:
        return "done already"
    owner = row.uploaded_by

    def work(meter: progress.Meter) -> None:
        meter.row.done = 0
        order_files.take_in(order_file=row, user=owner, actor=audit.user_actor(owner).name, meter=meter)

    return longwork.in_the_name_of(owner, row.progress_id, work)
