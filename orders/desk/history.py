"""Everything that happened to one order, from all logs, newest first."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.models import AuditEntry
from orders import naming
from orders.desk import kept, sentences
from orders.desk.table import named
from orders.models import Order
from orders.models.order import order_reference

KINDS = {
    "version": _("Versions"),
    "review": pgettext_lazy("history", "Checks"),
    "parcel": _("Parcels"),
    "refund": _("Refunds"),
    "promise": _("Promises"),
    "note": _("Notes for colleagues"),
    "audit": _("What people did"),
}
TITLES: dict[str, Any] = {
    "order.approve": _("Approved"),
    "order.hold": _("Held"),
    "order.review": _("Sent through the checks again"),
    "order.cancel": _("Cancelled"),
    "order.split_by_stock": _("Split by stock"),
    "order.reroute": _("Re-routed"),
    "order.prefer": _("Warehouse or policy wished"),
    "order.goods_gone": _("Reserved goods not found"),
    "order.merge": _("Put together with other orders"),
    "order.unmerge": _("Taken out of the common parcel"),
    "order.ship_together": _("Sent together with other orders"),
    "order.split": _("Planned as several parcels"),
    "order.split_undo": _("Plan of several parcels undone"),
    "order.split_dates": _("Dates of a planned parcel set"),
    "order.gift": _("Gift added"),
    "order.gift_out": _("Gift taken out"),
    "order.exchange": _("Exchange made"),
    "order.reissue": _("Goods sent again"),
    "order.exchange_of": _("Made in exchange for"),
    "order.reissue_of": _("Made for goods sent again"),
    "order.enter": _("Entered by hand"),
    "order.change": _("Changed by hand"),
    "order.undo_approve": _("Approval undone"),
    "order.accept_edit": _("Change accepted"),
    "order.reject_edit": _("Change refused"),
    "order.correct_address": _("Address corrected"),
    "order.reveal_buyer": _("Buyer uncovered"),
    "order.message": _("Wrote to the buyer"),
    "order.ship": _("Shipped"),
    "order.override": _("Exception made"),
    "order.override_end": _("Exception ended"),
    "order.void": _("Parcel taken back"),
    "order.void_parcel": _("Parcel taken back"),
    "order.vanished": _("Not found on the platform any more"),
    "order.mark": _("Marked"),
    "order.unmark": _("Mark taken off"),
    "order.priority": _("Priority set"),
    "order.note": _("Note written"),
    "order.allocate": _("Goods allocated"),
    "order.presale_release": _("Presale released"),
    "order.export": _("Exported"),
    "label.buy": _("Label bought"),
    "label.void": _("Label voided"),
    "label.scan_out": _("Scanned out"),
    "papers.print": _("Printed"),
    "invoice.issue": _("Invoice written"),
    "order.short_pick": _("Goods not found on picking"),
    "order.wave": _("Put in a wave"),
    "order.carrier": _("Carrier wished"),
    "late_play.add": _("Taken into a late play"),
    "late_play.gave_up": _("Gave its goods up for others"),
    "compensation.give": _("Compensation given"),
    "compensation.ask": _("Compensation asked for"),
    "compensation.approve": _("Compensation approved"),
    "compensation.refuse": _("Compensation refused"),
    "refund.wish": _("Refund to be made"),
    "refund.wish_end": _("Refund settled"),
}
FEW, MOST = 40, 2000


@dataclasses.dataclass(frozen=True, slots=True)
class Happened:
    """One line of the history."""

    at: dt.datetime
    kind: str
    what: str
    who: str = ""
    more: str = ""


def register_title(action: str, title: str) -> None:
    """Say how an action of the audit trail reads on the page of an order; for the parts of the desk."""
    TITLES[action] = title


def action_title(action: str) -> str:
    """Return an action of the audit trail in words."""
    return str(TITLES.get(action, action))


def most_of(kind: str) -> int:
    """Return how many rows of each log are read: the newest, or all when one kind (or "all") is asked for."""
    return MOST if kind else FEW


def of(
    order: Order, *, kind: str = "", most: int = FEW, known: Mapping[str, Sequence[Any]] | None = None
) -> list[Happened]:
    """Return what happened, newest first: a query for each log that is asked for and not among the `known` ones."""
    found = [Happened(order.placed_at, "version", _now("Ordered by the buyer"))]
    for name, (rows, told) in _LOGS.items():
        if kind in ("", name):
            there = (known or {}).get(name)
            found += told(order, (rows(order) if there is None else there)[:most])
    return sorted(found, key=lambda one: one.at, reverse=True)


def _versions(order: Order, rows: Iterable[Any]) -> Sequence[Happened]:
    text = _now("Version %(number)d arrived: %(outcome)s")
    return [
        Happened(
            one.delivered_at, "version", text % {"number": one.number, "outcome": one.get_outcome_display()},
            order.shop.name,
        )
        for one in rows
    ]  # fmt: skip


def _reviews(order: Order, rows: Iterable[Any]) -> Sequence[Happened]:
    found = []
    for one in rows:
        codes = [sentences.hold_title(str(row.get("code")), str(row.get("name", ""))) for row in one.findings]
        what = _now("Checked: %s") % (", ".join(dict.fromkeys(codes)) or _now("nothing found"))
        found.append(Happened(one.at, "review", what))
        if one.person_verdict and one.decided_at:
            decided = _now("Decided: %s") % one.get_person_verdict_display()
            found.append(Happened(one.decided_at, "review", decided, named(one.person), one.person_reason))
    return found


def _parcels(order: Order, rows: Iterable[Any]) -> Sequence[Happened]:
    found = []
    for one in rows:
        what = " ".join(filter(None, [_now("Parcel"), one.carrier, one.tracking_number]))
        found.append(Happened(one.shipped_at, "parcel", what, named(one.actor)))
        if one.voided_at:
            back = _now("Parcel %s taken back") % (one.tracking_number or one.number)
            found.append(Happened(one.voided_at, "parcel", back, named(one.voided_by)))
    return found


def _refunds(order: Order, rows: Iterable[Any]) -> Sequence[Happened]:
    text = _now("Refund of %(amount)s %(currency)s")
    return [
        Happened(
            one.refunded_at, "refund", text % {"amount": _plain(one.amount), "currency": one.currency}, "",
            naming.reason(one.reason),
        )
        for one in rows
    ]  # fmt: skip


def _promises(order: Order, rows: Iterable[Any]) -> Sequence[Happened]:
    found = []
    for one in rows:
        day = date_format(one.after, "SHORT_DATE_FORMAT") if one.after else _now("no date")
        before = _now("was %s") % date_format(one.before, "SHORT_DATE_FORMAT") if one.before else ""
        what = _now("Promised for %(day)s (%(cause)s)") % {"day": day, "cause": one.get_cause_display()}
        found.append(Happened(one.at, "promise", what, named(one.actor), before))
    return found


def _notes(order: Order, rows: Iterable[Any]) -> Sequence[Happened]:
    return [Happened(one.at, "note", one.text, named(one.author)) for one in rows]


def _entries(order: Order) -> QuerySet[AuditEntry]:
    """Notes stand there with their text."""
    rows = AuditEntry.objects.filter(target=order_reference(order.pk)).exclude(action="order.note")
    return rows.order_by("-id")


def _audited(order: Order, rows: Iterable[Any]) -> Sequence[Happened]:
    found = []
    for one in rows:
        summary = "" if one.summary in (order.number, "") else one.summary
        reason = str(one.after.get("reason") or one.after.get("marks") or one.after.get("priority") or "")
        found.append(Happened(one.at, "audit", action_title(one.action), named(one.actor), reason or summary))
    return found


def _plain(amount: Decimal) -> str:
    return f"{amount:.2f}"


_LOGS: dict[str, tuple[Callable[[Order], Any], Callable[[Order, Iterable[Any]], Sequence[Happened]]]] = {
    "version": (
        lambda order: order.versions.order_by("-number").only("order", "number", "delivered_at", "outcome"), _versions,
    ),
    "review": (lambda order: order.reviews.all(), _reviews),
    "parcel": (lambda order: order.shipments.all(), _parcels),
    "refund": (lambda order: kept.rows(order, "refunds", order.refunds.all()), _refunds),
    "promise": (lambda order: kept.rows(order, "promises", order.promises.all()), _promises),
    "note": (lambda order: kept.rows(order, "staff_notes", order.staff_notes.all()), _notes),
    "audit": (_entries, _audited),
}  # fmt: skip
