"""What a transfer refuses, and the transfer under a lock."""

from __future__ import annotations

from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from backoffice import actors, audit, locks
from backoffice.errors import YikuError
from backoffice.models import AuditEntry, User
from inventory import access
from inventory.models import Transfer, Warehouse

State = Transfer.State
APPROVE = "inventory.approve_stockdocument"
_DONE = {
    State.REQUESTED: ("requested_by", "requested_at"), State.PICKED: ("picked_by", "picked_at"),
    State.TRANSIT: ("sent_by", "sent_at"), State.RECEIVED: ("ended_by", "ended_at"),
    State.CANCELLED: ("ended_by", "ended_at"),
}  # fmt: skip


class TransferRefused(YikuError):
    """The transfer cannot do this now; the sentence says why and what helps. Nothing was changed."""


class AlreadyDone(YikuError):
    """Somebody else was faster: who, what and when."""

    def __init__(self, number: Transfer, state: str, who: User | None, when: Any) -> None:
        message = _("%(number)s is “%(state)s” already: %(who)s did it at %(when)s. Nothing was done twice.")
        moment = date_format(localtime(when), "SHORT_DATETIME_FORMAT") if when else "–"
        params = {"number": number, "state": state, "who": doer(number, who), "when": moment}
        super().__init__("already_done", message, params=params)


def doer(transfer: Transfer, who: User | None) -> str:
    """Return who did the last thing to a transfer: the person, else the API key that the audit trail names."""
    if who is not None:
        return str(who)
    rows = AuditEntry.objects.filter(target=audit.target_text(transfer)).order_by("-pk")
    actor = rows.values_list("actor", flat=True).first() or ""
    return actors.named(actor) if actor.startswith("api:") else "–"


def locked(transfer_id: int) -> Transfer:
    """Return the transfer under our lock: a second click waits here and then sees what the first one did."""
    rows = locks.locked_rows(Transfer.objects.filter(pk=transfer_id))
    if not rows:
        raise Transfer.DoesNotExist
    return rows[0]


def demand(transfer: Transfer, *states: str, after: tuple[str, ...] = ()) -> None:
    """Raise AlreadyDone when somebody has done it (`after` are the states it leads to), else TransferRefused."""
    if transfer.state in states:
        return
    ended = transfer.state in (State.RECEIVED, State.CANCELLED)
    if (ended or transfer.state in after) and transfer.state in _DONE:
        who, when = _DONE[State(transfer.state)]
        raise AlreadyDone(transfer, transfer.get_state_display(), getattr(transfer, who), getattr(transfer, when))
    message = _("%(number)s is “%(state)s”: this cannot be done with it now.")
    params = {"number": transfer, "state": transfer.get_state_display()}
    raise TransferRefused("not_in_this_state", message, params=params)


def demand_place(place: Warehouse, user: access.Doer) -> None:
    """Raise TransferRefused for a warehouse that is closed, kept by somebody else, or not the person's or the key's."""
    if not access.may_see(user, place):
        message = _("This is done by somebody who works in %(warehouse)s.")
        raise TransferRefused("not_your_warehouse", message, params={"warehouse": place.code})
    if not place.active or place.read_only:
        message = _("%(warehouse)s is closed or its stock is kept by somebody else: nothing is moved there.")
        raise TransferRefused("warehouse_closed", message, params={"warehouse": place})
