"""Put a message into the way out, take it back, let it go again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, workhours
from backoffice.errors import YikuError
from backoffice.messages.registry import by_hand
from backoffice.models import MessageTemplate, OutgoingMessage, WorkTime
from backoffice.secrets import keyed_hash
from backoffice.waking import wake

State = OutgoingMessage.State
WAKE = "messages"
MOST_BODY = 20_000
SENTENCES: dict[str, Any] = {
    "message_no_recipient": _("There is no address to write to."),
    "message_line_break": _("An address or subject must be one line."),
    "message_empty": _("The message has no text."),
    "message_too_long": _("The message is longer than %(most)d characters."),
    "message_nul": _("The text holds a character that cannot be stored."),
    "message_gone": _("%(number)s is on its way or was sent: it cannot be taken back."),
    "message_not_parked": _("%(number)s is not waiting for a person."),
    "message_not_by_hand": _("%(number)s is not one to be sent by hand."),
    "message_again": _("“%(template)s” went to this order %(hours)d hours ago or less. Send it all the same?"),
    "message_erased": _("%(number)s was erased."),
}


class MessageError(YikuError):
    """A refusal: nothing was queued or changed."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params)


def queue(
    *,
    channel: str,
    to: str,
    subject: str,
    body: str,
    reference: str,
    actor: str,
    shop_id: int | None = None,
    key: str,
    template: MessageTemplate | None = None,
    language: str = "",
    html: bool = False,
    staff: bool = False,
) -> OutgoingMessage:
    """Queue one message in the caller's transaction; the same key again returns the row that is there.

    Customers are not written to in quiet hours: the message waits. Raises MessageError for a message that cannot be.
    """
    _check(to, subject, body)
    row = OutgoingMessage(
        channel=channel[:20], to=to.strip(), to_key=recipient_key(to), subject=subject.strip()[:250], body=body,
        html=html, language=language[:10], reference=reference[:120], actor=actor[:150], shop_id=shop_id,
        key=key[:200], template=template, staff=staff, created_at=clock.now(), not_before=not_before(channel, staff),
        state=State.BY_HAND if by_hand(channel) else State.QUEUED,
    )  # fmt: skip
    OutgoingMessage.objects.bulk_create([row], ignore_conflicts=True)
    wake(WAKE)
    return OutgoingMessage.objects.get(key=key[:200])


def _check(to: str, subject: str, body: str) -> None:
    if not to.strip():
        raise MessageError("message_no_recipient")
    if any(mark in to + subject for mark in "\r\n"):
        raise MessageError("message_line_break")
    if "\0" in to + subject + body:
        raise MessageError("message_nul")
    if not body.strip():
        raise MessageError("message_empty")
    if len(body) > MOST_BODY:
        raise MessageError("message_too_long", most=MOST_BODY)


def recipient_key(to: str) -> str:
    """Return the fingerprint by which a recipient's messages are found."""
    return keyed_hash(to, purpose="message")


def not_before(channel: str, staff: bool) -> dt.datetime:
    """Return from when a message may go: customers have quiet hours, staff set their own."""
    now, times = clock.now(), WorkTime.current()
    if staff or channel not in times.quiet_channels:
        return now
    return workhours.quiet_until(now, times.quiet_from, times.quiet_to, times.time_zone) or now


def recently_sent(template: MessageTemplate, references: Sequence[str]) -> set[str]:
    """Return the references that got this template within its hours."""
    if not template.hours_between:
        return set()
    since = clock.now() - dt.timedelta(hours=template.hours_between)
    rows = OutgoingMessage.objects.filter(reference__in=references, template=template, created_at__gt=since)
    return set(rows.exclude(state=State.CANCELLED).values_list("reference", flat=True))


# --- afterwards ------------------------------------------------------------------------------------------------------


def cancel(*, message: OutgoingMessage, actor: str = "") -> None:
    """Take back what has not gone yet. Raises MessageError when it is too late."""
    _move(message, (State.QUEUED, State.FAILED, State.PARKED, State.BY_HAND), State.CANCELLED, "cancel", "message_gone")


def repeat(*, message: OutgoingMessage, actor: str = "") -> None:
    """Let a parked or cancelled message be tried again from the start."""
    _move(message, (State.PARKED, State.CANCELLED), State.QUEUED, "repeat", "message_not_parked")
    wake(WAKE)


def done_by_hand(*, message: OutgoingMessage, actor: str = "") -> None:
    """A person sent it on the platform: it counts as sent."""
    _move(message, (State.BY_HAND,), State.SENT, "by_hand", "message_not_by_hand")


@transaction.atomic
def _move(message: OutgoingMessage, states: Sequence[str], to: str, word: str, refusal: str) -> None:
    """One conditional UPDATE: of two clerks, or a clerk and the sender, one wins."""
    news: dict[str, Any] = {"state": to, "code": "", "claimed_until": None}
    if to == State.QUEUED:
        news |= {"attempts": 0, "not_before": clock.now()}
        if by_hand(message.channel):
            news["state"] = State.BY_HAND
    if to == State.SENT:
        news["sent_at"] = clock.now()
    if not OutgoingMessage.objects.filter(pk=message.pk, state__in=states, erased_at=None).update(**news):
        raise MessageError(refusal if message.erased_at is None else "message_erased", number=str(message))
    before, message.state = message.state, news["state"]
    audit.record(action=f"message.{word}", target=message, before={"state": before}, after={"state": news["state"]})


@transaction.atomic
def erase(*, reference: str = "", to: str = "") -> int:
    """Erase recipients and texts of every message about a row, or to an address (S73); returns how many.

    What waits is cancelled; the rows stay, to say that something was sent, when, and what became of it.
    """
    if not reference and not to:
        return 0
    rows = OutgoingMessage.objects.filter(erased_at=None)
    rows = rows.filter(reference=reference) if reference else rows.filter(to_key=recipient_key(to))
    count = erase_rows(rows)
    if count:
        audit.record(action="message.erase", target=reference or "backoffice.outgoingmessage:", after={"rows": count})
    return count


def erase_rows(rows: QuerySet[OutgoingMessage]) -> int:
    """Empty some messages in the caller's transaction and keep them from going out; returns how many."""
    ids = list(rows.values_list("pk", flat=True))
    there = OutgoingMessage.objects.filter(pk__in=ids)
    there.exclude(state__in=(State.SENT, State.CANCELLED)).update(state=State.CANCELLED, claimed_until=None)
    return there.update(to="", to_key="", subject="", body="", erased_at=clock.now())
