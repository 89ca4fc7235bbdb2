"""Reservations that nobody may need any more: of documents that have ended, or very old; released or kept on purpose.

Stock they hold is money locked up: it is neither sold nor shown in any shop.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import audit, clock
from backoffice.errors import YikuError
from inventory.models import AuditSetting, Balance, GhostReservation, KeptReservation, Reason, Reservation
from inventory.reservation_book import Book
from inventory.self_audit import sources

OLD = "old"
WHY = {
    "shipped": pgettext_lazy("forgotten reservation", "Order shipped"),
    "cancelled": pgettext_lazy("forgotten reservation", "Order cancelled"),
    "gone": pgettext_lazy("forgotten reservation", "Order line gone"),
    OLD: pgettext_lazy("forgotten reservation", "Old"),
}


class GhostRefused(YikuError):
    """The reservation stays as it is; the sentence says why."""


SENTENCES = {
    "holds_nothing": _("It holds nothing any more."),
    "needed": _("Its order is still open: cancel or change the order, or keep the reservation with a reason."),
    "young": _("It is needed: its order is open and it is not old."),
    "past": _("Name a day after today until which it is kept."),
    "reason": _("Say why it is kept."),
}


def _refused(code: str) -> GhostRefused:
    return GhostRefused(code, SENTENCES[code])


def old_since() -> dt.datetime:
    """Return the moment before which an untouched reservation counts as old."""
    row = AuditSetting.objects.filter(pk=1).first() or AuditSetting(pk=1)
    return clock.now() - dt.timedelta(days=row.ghost_days)


def why(rows: Iterable[Reservation]) -> dict[int, str]:
    """Return for each forgotten one of these open reservations why it is one."""
    listed = [row for row in rows if row.quantity > 0]
    ended = sources.ended({row.reference for row in listed})
    old = old_since()
    found = {row.pk: ended.get(row.reference, OLD if row.updated_at < old else "") for row in listed}
    return {pk: code for pk, code in found.items() if code}


def all_of_them() -> dict[int, str]:
    """Return every forgotten reservation by its number, with the reason."""
    return why(GhostReservation.objects.filter(quantity__gt=0).only("pk", "reference", "quantity", "updated_at"))


def kept_today() -> Collection[int]:
    """Return the reservations that somebody keeps until today or later."""
    return set(KeptReservation.objects.filter(until__gte=clock.now().date()).values_list("reservation_id", flat=True))


def money_locked(rows: Sequence[Reservation]) -> dict[int, Decimal]:
    """Return what the goods are worth that each reservation holds, at the average of their balance."""
    balances = {
        (one.sku_id, one.warehouse_id): one
        for one in Balance.objects.filter(
            sku__in={row.sku_id for row in rows}, warehouse__in={row.warehouse_id for row in rows}
        )
    }
    return {row.pk: _worth(row, balances.get((row.sku_id, row.warehouse_id))) for row in rows}


def _worth(row: Reservation, balance: Balance | None) -> Decimal:
    if balance is None:
        return Decimal(0)
    each = balance.value / balance.on_hand if balance.on_hand else balance.last_cost or Decimal(0)
    return (each * row.quantity).quantize(Decimal("0.01"))


@transaction.atomic
def release(*, reservation_id: int, actor: str) -> Decimal:
    """Give back what a forgotten reservation holds; returns the pieces. Raises GhostRefused.

    Looked at again under the locks: an order that came back to life meanwhile keeps its goods.
    """
    row = Reservation.objects.get(pk=reservation_id)
    book = Book.of([row.reference], [(row.sku_id, row.warehouse_id)])
    key = (row.reference, row.sku_id, row.warehouse_id, row.bucket)
    held = book.held.get(key)
    if held is None or not held.quantity:
        raise _refused("holds_nothing")
    row.refresh_from_db()
    if sources.holder_of(row.reference) and row.reference not in sources.ended([row.reference]):
        raise _refused("needed")
    if not why([row]):
        raise _refused("young")
    book.change(key, -held.quantity, Reason.RELEASE)
    book.save(actor=actor)
    KeptReservation.objects.filter(reservation=row).delete()
    audit.record(
        action="ghost.release", target=row, before={"quantity": f"{row.quantity:f}"}, summary=str(row), actor=actor
    )
    return row.quantity


@transaction.atomic
def keep(*, reservation_id: int, until: dt.date, reason: str, actor: str) -> KeptReservation:
    """Keep it until a day, with the reason: it is not listed before then. Raises GhostRefused."""
    if until <= clock.now().date():
        raise _refused("past")
    if not reason.strip():
        raise _refused("reason")
    row = Reservation.objects.get(pk=reservation_id)
    if not row.quantity:
        raise _refused("holds_nothing")
    said = {"until": until, "reason": reason.strip()[:300], "kept_by": actor[:150], "kept_at": clock.now()}
    kept, _made = KeptReservation.objects.update_or_create(reservation=row, defaults=said)
    audit.record(action="ghost.keep", target=row, after={"until": until.isoformat()}, summary=kept.reason, actor=actor)
    return kept
