"""Telling staff: one person or a department, each by their own wishes (at once, hourly, daily; quiet hours).

A notice is a row written in the transaction of what it tells, once per person and key. A chore puts due ones together
into a message; the page of notices shows them whether or not an e-mail went out.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice import clock, workhours
from backoffice.departments import people_of
from backoffice.models import NoticePreference, StaffNotice, User

Text = str | Callable[[], str]
MOST_BODY = 4000
DAILY_AT = dt.time(9)


@transaction.atomic
def tell(who: User | str, subject: Text, body: Text = "", url: str = "", key: str = "") -> int:
    """Tell a person, or everybody in a department, something once; returns how many are told.

    `subject` and `body` may be functions: they are called in the reader's own language. Without a `key` it is told
    each time.
    """
    from backoffice.messages import robots

    key = key or uuid.uuid4().hex
    people = [who] if isinstance(who, User) else list(people_of(who))
    wishes = {one.user_id: one for one in NoticePreference.objects.filter(user__in=people)}
    hours = workhours.current()
    rows = [_notice(user, wishes.get(user.pk), hours, subject, body, url, key) for user in people]
    before = set(StaffNotice.objects.filter(key=key[:200], user__in=people).values_list("user_id", flat=True))
    StaffNotice.objects.bulk_create(rows, ignore_conflicts=True)
    if isinstance(who, str):
        robots.tell(who, subject, body, url, key=key)
    return len([row for row in rows if row.user_id not in before])


def _notice(
    user: User, wish: NoticePreference | None, hours: workhours.Hours, subject: Text, body: Text, url: str, key: str
) -> StaffNotice:
    with translation.override(user.language or settings.LANGUAGE_CODE):
        title, text = " ".join(said(subject).split()), said(body)  # a line break would end a header
    now = clock.now()
    return StaffNotice(
        user=user, subject=title[:200], body=text[:MOST_BODY], url=url[:500], key=key[:200], created_at=now,
        due_at=due_at(now, wish, hours.zone) if _by_email(user, wish) else None,
    )  # fmt: skip


def said(text: Text) -> str:
    """Return the text in the language that is on now."""
    found = text() if callable(text) else text
    return str(found).replace("\0", "")


def _by_email(user: User, wish: NoticePreference | None) -> bool:
    return bool(user.email) and (wish is None or wish.email)


def due_at(now: dt.datetime, wish: NoticePreference | None, zone: str) -> dt.datetime:
    """Return when a notice leaves: at once, with the next full hour, at nine; never in quiet hours."""
    moment = now
    if wish is not None and wish.digest == NoticePreference.Digest.HOURLY:
        moment = now.replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    if wish is not None and wish.digest == NoticePreference.Digest.DAILY:
        moment = workhours.next_time(now, DAILY_AT, zone)
    if wish is not None:
        moment = workhours.quiet_until(moment, wish.quiet_from, wish.quiet_to, zone) or moment
    return moment


# --- sending ---------------------------------------------------------------------------------------------------------


def send_due(*, most: int = 500) -> int:
    """Put due notices together, one message a person, and queue them; returns how many messages."""
    due = StaffNotice.objects.filter(due_at__lte=clock.now()).order_by("user_id", "id")
    people: dict[int, list[int]] = {}
    for pk, user in due.values_list("pk", "user_id")[:most]:
        people.setdefault(user, []).append(pk)
    return sum(_send(user, ids) for user, ids in people.items())


@transaction.atomic
def _send(user_id: int, ids: Sequence[int]) -> int:
    from backoffice import messages

    rows = list(
        StaffNotice.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(pk__in=ids, due_at__isnull=False)
        .order_by("pk")
    )
    if not rows:
        return 0
    user = rows[0].user
    with translation.override(user.language or settings.LANGUAGE_CODE):
        subject, body = together(rows)
    queued = messages.queue(
        channel="email", to=user.email, subject=subject, body=body, reference=f"backoffice.user:{user_id}",
        actor="task:notices", key=f"notices:{user_id}:{rows[0].pk}-{rows[-1].pk}", staff=True,
    )  # fmt: skip
    StaffNotice.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=None, message=queued)
    return 1


def together(rows: Sequence[StaffNotice]) -> tuple[str, str]:
    """Return subject and text of one message about these notices."""
    blocks = ["\n".join(part for part in (row.subject, row.body, address(row.url)) if part) for row in rows]
    if len(rows) == 1:
        return rows[0].subject, "\n".join(part for part in (rows[0].body, address(rows[0].url)) if part) or blocks[0]
    count = ngettext("%(count)d notice", "%(count)d notices", len(rows)) % {"count": len(rows)}
    return f"Yiku: {count}", "\n\n".join(blocks)


def address(url: str) -> str:
    """Return the whole address where this installation has one, else the path."""
    return f"{settings.PUBLIC_URL}{url}" if url.startswith("/") and settings.PUBLIC_URL else url


def incident_url(pk: int | None) -> str:
    """Return the page of an incident, or the list."""
    if pk is None:
        return reverse("admin:backoffice_incident_changelist")
    return reverse("admin:backoffice_incident_change", args=[pk])


def subject_of(title: str, sentence: str, more: int = 0) -> str:
    """Return one line: what, and how many more like it."""
    line = title if not sentence or sentence == title else f"{title}: {sentence}"
    return line[:160] if not more else _("%(line)s, and %(more)d more") % {"line": line[:140], "more": more}


def unread(user: Any) -> int:
    """Return how many notices a person has not read."""
    return StaffNotice.objects.filter(user=user, read_at__isnull=True).count()
