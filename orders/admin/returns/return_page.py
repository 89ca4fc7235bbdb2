"""The page of one return: where it stands, what came, what was decided, what was given back, and what to do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from backoffice import clock
from backoffice.errors import YikuError
from backoffice.models import AuditEntry
from backoffice.papers import svg
from finance.admin.figures import money
from inventory import readable
from orders.admin import buyers
from orders.admin.papers import kit as papers
from orders.admin.returns import kit
from orders.admin.wording import pieces, short_age
from orders.fulfil.papers import printing, single
from orders.models import OrderContact, Return, ReturnDecision, ReturnLine, ReturnPhoto, ReturnRefund
from orders.models.returns import EXPECTED, OPEN
from orders.returns import amounts, deciding, exchange, limits, photos, refunding, slip
from orders.returns import sight as rights
from orders.returns.errors import ReturnError

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
                "by": one.by.partition(" ")[2] or one.by,
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
        {"row": one, "told": list(kit.told(one.told)), "by": one.by.partition(" ")[2] or one.by}
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
        "by": one.created_by.partition(" ")[2] or one.created_by,
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
            "who": one.actor.partition(" ")[2] or one.actor,
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


# --- buttons ---------------------------------------------------------------------------------------------------------


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button of the page says."""
    found = kit.get_return(request, pk)
    permissions, work = WORK.get(request.POST.get("do", ""), ((), None))
    if work is None:
        raise Http404
    kit.demand(request, *permissions)
    kit.tried(request, lambda: work(request, found))
    return kit.to(found)


def _reason(request: HttpRequest) -> str:
    return kit.text(request, "reason")


def _approve(request: HttpRequest, found: Return) -> None:
    place = kit.my_place(request, request.POST.get("place", ""))
    deciding.approve(return_id=found.pk, actor=kit.who(), warehouse_id=place)
    messages.success(request, _("Approved."))


def _refuse(request: HttpRequest, found: Return) -> None:
    deciding.refuse(return_id=found.pk, actor=kit.who(), reason=_reason(request))
    messages.success(request, _("Refused."))


def _cancel(request: HttpRequest, found: Return) -> None:
    deciding.cancel(return_id=found.pk, actor=kit.who(), reason=_reason(request))
    messages.success(request, _("Cancelled: nothing comes back."))


def _close(request: HttpRequest, found: Return) -> None:
    deciding.close(return_id=found.pk, actor=kit.who(), reason=_reason(request))
    messages.success(request, _("Closed."))


def _settle(request: HttpRequest, found: Return) -> None:
    deciding.settle(return_id=found.pk, actor=kit.who(), reason=_reason(request))
    messages.success(request, _("Settled."))


def _instruct(request: HttpRequest, found: Return) -> None:
    deciding.instruct(return_id=found.pk, actor=kit.who())
    messages.success(request, _("Noted: the buyer has the address."))


def _on_its_way(request: HttpRequest, found: Return) -> None:
    carrier, tracking = kit.text(request, "carrier", 100), kit.text(request, "tracking", 200)
    deciding.on_its_way(
        return_id=found.pk, actor=kit.who(), carrier=carrier, tracking=tracking,
        expected_on=kit.day(request, "expected"),
    )  # fmt: skip
    messages.success(request, _("Noted: the parcel is on its way."))


def _exchange(request: HttpRequest, found: Return) -> None:
    goods = [
        (code, kit.decimal(request, f"goods_{place}"))
        for place in range(3)
        if (code := kit.text(request, f"sku_{place}", 100))
    ]
    made = exchange.exchange(found.pk, goods, kit.who())
    messages.success(request, _("The exchange order %s is made, at no charge.") % made.number)


def _refund(request: HttpRequest, found: Return) -> None:
    rows = found.lines.values_list("pk", flat=True)
    lines = {pk: amount for pk in rows if (amount := kit.decimal(request, f"amount_{pk}"))}
    made = refunding.propose(
        return_id=found.pk, lines=lines, shipping=kit.decimal(request, "shipping"),
        extra=ZERO if rows else kit.decimal(request, "extra"), deduction_reason=_reason(request), actor=kit.who(),
        limit=limits.limit_of(request.user), key=kit.once(request, "money", found.pk),
    )  # fmt: skip
    if made.state == Money.PROPOSED:
        messages.warning(request, _("Above your limit: somebody who may has to approve it."))
    else:
        messages.success(request, _("The platform is asked to give it back; where it cannot, a task stands here."))


def _of(request: HttpRequest, found: Return) -> int:
    """Return the money row of the form, if it is this return's own. Raises ReturnError not_found."""
    pk = kit.number(request.POST.get("money", "")) or 0
    if not found.money.filter(pk=pk).exists():
        raise ReturnError("not_found")
    return pk


def _approve_money(request: HttpRequest, found: Return) -> None:
    refunding.approve(money_id=_of(request, found), actor=kit.who())
    messages.success(request, _("Approved: the platform is asked to give it back."))


def _withdraw(request: HttpRequest, found: Return) -> None:
    refunding.withdraw(money_id=_of(request, found), actor=kit.who(), reason=_reason(request))
    messages.success(request, _("Withdrawn."))


def _take_over(request: HttpRequest, found: Return) -> None:
    refunding.take_over(money_id=_of(request, found), actor=kit.who())
    messages.success(request, _("Now give it back on the platform, then say so here."))


def _given(request: HttpRequest, found: Return) -> None:
    refunding.given_by_hand(money_id=_of(request, found), actor=kit.who())
    messages.success(request, _("Recorded: the money is given back, and the books know."))


def _add_photo(request: HttpRequest, found: Return) -> None:
    if kit.take_photos(request, rma=found):
        messages.success(request, _("Kept."))


WORK: dict[str, tuple[tuple[str, ...], Callable[[HttpRequest, Return], None] | None]] = {
    "approve": ((rights.DECIDE,), _approve),
    "refuse": ((rights.DECIDE,), _refuse),
    "cancel": ((rights.DECIDE,), _cancel),
    "close": ((rights.DECIDE,), _close),
    "settle": ((rights.DECIDE,), _settle),
    "instruct": ((rights.DECIDE,), _instruct),
    "on_its_way": ((rights.DECIDE,), _on_its_way),
    "exchange": ((rights.DECIDE,), _exchange),
    "refund": ((rights.REFUND,), _refund),
    "approve_money": ((rights.APPROVE,), _approve_money),
    "withdraw": ((rights.REFUND,), _withdraw),
    "take_over": ((rights.REFUND,), _take_over),
    "given": ((rights.REFUND,), _given),
    "photo": ((rights.RECEIVE, rights.DECIDE), _add_photo),
}


# --- slip and pictures -----------------------------------------------------------------------------------------------


@require_safe
def slip_view(request: HttpRequest, pk: int) -> HttpResponse:
    """The return slip for print, in the reader's language."""
    found = kit.get_return(request, pk)
    if not found.goods:
        raise Http404
    facts = slip.facts_of(found)
    return kit.page(
        request, "slip", _("Return slip %s") % found.number, facts=facts, found=found,
        bars=svg.code128(facts.number, height=60), qr=svg.qr(facts.number),
        has_place=bool(facts.address),
    )  # fmt: skip


@require_safe
def slip_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The return slip as a file, in the language of the shop's papers; on the record."""
    found = kit.get_return(request, pk)
    if not found.goods:
        raise Http404
    contact = OrderContact.objects.filter(order=found.order_id).first()
    customer: dict[str, str] = {}
    if contact is not None and buyers.may_see(request):
        customer = buyers.address(contact.shipping, clear=buyers.may_print(request))
    try:
        content = single.return_slip_pdf(slip.paper_of(found, customer=customer))
    except YikuError as error:
        messages.error(request, str(error))
        return kit.to(found)
    printing.note_single(target=found, paper="return_slip", actor=kit.who(), summary=found.number)
    return papers.pdf(content, f"return-{found.number}.pdf")


@require_safe
def photo(request: HttpRequest, token: str) -> HttpResponseBase:
    """One picture, for who may see what it is of; never cached by others, never run by a browser."""
    row = ReturnPhoto.objects.filter(token=token[:64]).first()
    if not (request.user.has_perm(rights.VIEW) or request.user.has_perm("orders.view_strayparcel")):
        raise PermissionDenied
    if row is None or not rights.may_see_photo(request.user, row) or not photos.path_of(row).is_file():
        raise Http404
    answer = FileResponse(photos.path_of(row).open("rb"), content_type=photos.KINDS[row.kind])
    answer["Cache-Control"] = "private, max-age=3600"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
