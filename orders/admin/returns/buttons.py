"""What the buttons of a return's page do: each calls the work behind it and says what became of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from orders.admin.returns import kit
from orders.models import Return, ReturnRefund
from orders.returns import deciding, exchange, limits, refunding
from orders.returns import sight as rights
from orders.returns.errors import ReturnError

Money = ReturnRefund.State
ZERO = Decimal(0)


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
