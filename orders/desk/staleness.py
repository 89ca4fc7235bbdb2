"""Has an order changed since its page was opened? Then nothing is done by what stood there: who and what is told."""

from __future__ import annotations

import re

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice.errors import YikuError
from backoffice.models import AuditEntry
from orders.desk.history import action_title
from orders.desk.table import named
from orders.models import Order, OrderVersion
from orders.models.order import order_reference

TOKEN = re.compile(r"^(\d{1,9})-(\d{1,18})-(\d{1,18})-([a-z_]{1,20})-([a-z_]{1,20})-(\d{1,18})$")
SILENT = ("order.reveal_buyer", "order.note", "order.export")  # these change nothing that somebody decides by


class Stale(YikuError):
    """The order is not as it was when the page was opened."""

    def __init__(self, number: str, what: str) -> None:
        message = _(
            "Nothing was done: order %(number)s has changed since you opened it. %(what)s Look again, then decide."
        )
        super().__init__("stale", message, params={"number": number, "what": what})
        self.what = what


def token(order: Order) -> str:
    """Return what the page was made of, to be sent back with each button."""
    last = AuditEntry.objects.filter(target=order_reference(order.pk)).order_by("-id").values_list("id", flat=True)
    return "-".join(map(str, [*_marks(order), last.first() or 0]))


def _marks(order: Order) -> tuple[int, int, int, str, str]:
    return (
        order.revision, order.accepted_version_id or 0, order.pending_version_id or 0, str(order.state),
        str(order.payment),
    )  # fmt: skip


def check(order: Order, seen: str, actor: str) -> None:
    """Raise Stale when somebody else, or the platform, changed the order since the page with this token was made.

    What the person did meanwhile (a double click, a second tab) is left to the action, which knows of it. A page
    without a token (a program's, an old one) is left to the action too.
    """
    match = TOKEN.match(seen)
    if match is None:
        return
    revision, accepted, pending, state, payment, audited = match.groups()
    before = (int(revision), int(accepted), int(pending), state, payment)
    if before == _marks(order):
        return
    entries = _entries(order, int(audited))
    others = [one for one in entries if one.actor != actor]
    told = [*map(_told, others[-4:]), *_by_platform(order, before)]
    if not told and not entries:  # nobody signed it: a check that ran again by itself, goods that came
        told = [str(_("It was changed automatically and is now “%s”.")) % order.get_state_display()]
    if told:
        raise Stale(order.number, " ".join(told))


def _entries(order: Order, audited: int) -> list[AuditEntry]:
    rows = AuditEntry.objects.filter(target=order_reference(order.pk), id__gt=audited).exclude(action__in=SILENT)
    return list(rows.order_by("id")[:50])


def _told(one: AuditEntry) -> str:
    when = date_format(timezone.localtime(one.at), "DATETIME_FORMAT")
    return f"{named(one.actor)}, {when}: {action_title(one.action)}."


def _by_platform(order: Order, before: tuple[int, int, int, str, str]) -> list[str]:
    newest = max(before[1], before[2])
    count = OrderVersion.objects.filter(order=order, pk__gt=newest).exclude(outcome=OrderVersion.Outcome.STALE).count()
    if not count:
        return [str(_("The payment changed."))] if before[4] != order.payment else []
    return [
        ngettext(
            "The platform delivered %(count)d newer version.", "The platform delivered %(count)d newer versions.", count
        )
        % {"count": count}
    ]
