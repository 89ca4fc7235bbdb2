"""The page of one return: where it stands, what came, what was decided, what was given back, and what to do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice import actors, clock
from backoffice.models import AuditEntry
from finance.admin.figures import money
from inventory import readable
from orders.admin.returns import kit
from orders.admin.wording import pieces, short_age
from orders.models import Return, ReturnDecision, ReturnLine, ReturnRefund
from orders.models.returns import EXPECTED, OPEN
from orders.returns import amounts, deciding, limits
from orders.returns import sight as rights

State, Money = Return.State, ReturnRefund.State
ZERO = Decimal(0)
PAYABLE = tuple(one for one in OPEN if one != State.REQUESTED)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Render the page."""
    found = kit.get_return(request, pk)
    sees_money, sees_cost = request.user.has_perm(rights.MONEY), readable.sees_cost(request)
    rows = list(found.lines.select_related("line__sku").prefetch_related("decisions__goods__warehouse").order_by("pk"))
    return kit.page(
        request, "page", _("Return %s") % found.number, found=found, order=found.order, headline=headline(found),
        expected_day=timezone.localdate(found.expected_by) if found.expected_by else None,
        clock=clock_text(found, clock.now(), short_age), late=_late(found),
        rows=[_row(row, sees_cost) for row in rows], receipts=_receipts(found),
        can=_can(request, found), money=_money(request, found) if sees_money else None,
        photos=list(found.photos.all()), strays=list(found.strays.all()), places=kit.places(request),
        timeline=_timeline(found), may_order=request.user.has_perm("orders.view_order"),
    )  # fmt: skip


def headline(found: Return) -> str:
    """Say what comes next, in one sentence."""
    if not found.goods and found.state == State.APPROVED:
        return _("No goods come back: give the money back, and it is settled.")
    return {
        State.REQUESTED: _("Somebody has to say yes or no."),
        State.APPROVED: _("Give the buyer the address or the slip."),
        State.INSTRUCTED: _("The buyer has the address; the parcel is awaited."),
        State.IN_TRANSIT: _("The parcel should be here: ask the buyer or the carrier where it is.")
        if _late(found)
        else _("The parcel is on its way."),
        State.RECEIVED: _("It is here: look at the goods and decide about each piece."),
        State.INSPECTED: _("Everything is decided; the buyer still waits for what was promised."),
        State.SETTLED: _("All is done."),
        State.CLOSED: _("Closed without more to do."),
        State.REFUSED: _("It was refused."),
        State.CANCELLED: _("It does not come back after all."),
    }[State(found.state)]


def clock_text(found: Return, now: dt.datetime, age: Callable[[dt.timedelta], str]) -> str:
    """Say until when it should be here, and for how long it is overdue."""
    if found.expected_by is None:
        return "–"
    day = date_format(timezone.localtime(found.expected_by), "SHORT_DATE_FORMAT")
    if _late(found):
        return _("%(day)s, overdue for %(age)s") % {"day": day, "age": age(now - found.expected_by)}
    return day


def _late(found: Return) -> bool:
    return found.expected and found.expected_by is not None and found.expected_by < clock.now()


def _row(row: ReturnLine, sees_cost: bool) -> dict[str, Any]:
    return {
        "row": row,
        "line": row.line,
        "announced": pieces(row.quantity),
        "received": pieces(row.received_quantity),
        "open": pieces(row.received_quantity - row.decided_quantity),
        "undecided": row.received_quantity > row.decided_quantity,
        "missing": row.received_quantity < row.quantity,
        "decisions": [
            {
                "what": one.get_verdict_display(),
                "units": pieces(one.quantity),
                "apart": pieces(one.open_quantity) if one.open_quantity else "",
                "reason": one.reason,
                "by": actors.named(one.by),
                "at": one.at,
                "further": one.follows_id is not None,
                "places": ", ".join(sorted({goods.warehouse.name for goods in one.goods.all()})),
                "cost": money(one.cost_value) if sees_cost else "",
            }
            for one in row.decisions.all()
        ],
    }


def _receipts(found: Return) -> list[dict[str, Any]]:
    return [
        {"row": one, "told": list(kit.told(one.told)), "by": actors.named(one.by)}
        for one in found.receipts.select_related("warehouse")
    ]


def _can(request: HttpRequest, found: Return) -> dict[str, bool]:
    decides, expected = request.user.has_perm(rights.DECIDE), found.state in EXPECTED
    receives = kit.may_receive(request, found)
    undecided = found.lines.exists() and deciding.undecided(found)
    return {
        "approve": decides and found.state == State.REQUESTED,
        "refuse": decides and found.state == State.REQUESTED,
        "instruct": decides and found.goods and found.state == State.APPROVED,
        "on_its_way": decides and found.goods and found.state in EXPECTED[1:],
        "cancel": decides and expected,
        "close": decides and found.state in OPEN and found.state != State.REQUESTED,
        "settle": decides and (found.state == State.INSPECTED or (not found.goods and found.state == State.APPROVED)),
        "exchange": decides and found.goods and found.exchange_order_id is None and found.state in PAYABLE,
        "receive": receives and found.goods and found.state in OPEN and (expected or _missing(found)),
        "inspect": receives and found.state == State.RECEIVED and undecided,
        "slip": found.goods and found.state in OPEN,
        "photo": request.user.has_perm(rights.RECEIVE) or decides,
    }


def _missing(found: Return) -> bool:
    return found.lines.filter(received_quantity__lt=F("quantity")).exists()


def _money(request: HttpRequest, found: Return) -> dict[str, Any]:
    """Return the card of the money: what was paid and is back, what is under way, and the form for more."""
    order, currency = found.order, found.order.currency
    stands = amounts.standing(order)
    rows = list(found.lines.select_related("line").order_by("pk"))
    asked = amounts.suggested(found, rows) if rows else []
    limit = limits.limit_of(request.user)
    left = amounts.shipping_left(order)
    return {
        "paid": money(stands.paid, currency),
        "back": money(stands.back, currency),
        "left": money(stands.left, currency),
        "refund": found.refund,
        "refund_amount": money(found.refund.amount, currency) if found.refund else "",
        "rows": [_money_row(request, one) for one in found.money.all()],
        "lines": [
            {"row": one.line, "label": str(one.line.line), "units": pieces(one.units), "amount": _plain(one.amount)}
            for one in asked
        ],
        "shipping": _plain(left) if left else "",
        "may": request.user.has_perm(rights.REFUND) and found.state in PAYABLE and stands.left > 0,
        "limit": money(limit) if limit is not None else "",
        "currency": currency,
    }


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}" if amount else "0"


def _money_row(request: HttpRequest, one: ReturnRefund) -> dict[str, Any]:
    refunds = request.user.has_perm(rights.REFUND)
    mine = one.created_by == kit.who()[:150]
    return {
        "row": one,
        "amount": money(one.amount, one.currency),
        "shipping": money(one.shipping, one.currency) if one.shipping else "",
        "deducted": money(one.deducted, one.currency) if one.deducted else "",
        "by": actors.named(one.created_by),
        "approve": one.state == Money.PROPOSED and request.user.has_perm(rights.APPROVE) and not mine,
        "own": one.state == Money.PROPOSED and mine,
        "withdraw": refunds and one.state in (Money.PROPOSED, Money.WANTED, Money.MANUAL),
        "take_over": refunds and one.state == Money.WANTED,
        "done": refunds and one.state == Money.MANUAL,
    }


def _timeline(found: Return) -> list[dict[str, Any]]:
    names = {
        "return.open": _("Opened"),
        "return.approve": _("Approved"),
        "return.refuse": _("Refused"),
        "return.cancel": _("Cancelled"),
        "return.close": _("Closed"),
        "return.instruct": _("Address given"),
        "return.in_transit": _("On its way"),
        "return.receive": _("Received"),
        "return.inspect": _("Inspected"),
        "return.decide_further": _("Decided further"),
        "return.exchange": _("Exchange order made"),
        "return.refund": _("Money back proposed"),
        "return.refund_approve": _("Money back approved"),
        "return.refund_withdraw": _("Money back withdrawn"),
        "return.refund_by_hand": _("To be given by hand"),
        "return.money_given": _("Money given back"),
        "return.settle": _("Settled"),
    }
    entries = AuditEntry.objects.filter(target=f"orders.return:{found.pk}").order_by("-id")[:60]
    return [
        {
            "at": one.at,
            "what": names.get(one.action, one.action),
            "detail": _detail(found, one),
            "who": actors.named(one.actor),
        }
        for one in entries
    ]


def _detail(found: Return, entry: AuditEntry) -> str:
    """Return what the entry says besides its name; decisions are kept as codes and told in the reader's language."""
    detail = entry.summary.removeprefix(found.number).strip()
    if entry.action not in ("return.inspect", "return.decide_further"):
        return detail
    labels = {str(value): str(label) for value, label in ReturnDecision.Verdict.choices}
    return " ".join(labels.get(word.rstrip(","), word) + word[len(word.rstrip(",")) :] for word in detail.split())
