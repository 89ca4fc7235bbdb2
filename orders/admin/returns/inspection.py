"""The phone pages of who looks at the goods: each piece is decided, and what lies apart is decided further."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from orders.admin.returns import kit
from orders.admin.wording import pieces
from orders.models import Return, ReturnDecision
from orders.models.return_goods import APART
from orders.returns import inspecting
from orders.returns.inspecting import Choice
from orders.returns.sight import RECEIVE, VIEW, mine

Verdict = ReturnDecision.Verdict
ZERO = Decimal(0)
PAGE = 100


def inspect(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide about what was received and not decided yet."""
    found = kit.get_return(request, pk)
    if not kit.may_receive(request, found):
        raise PermissionDenied
    rows = [
        row
        for row in found.lines.select_related("line__sku").order_by("pk")
        if row.received_quantity > row.decided_quantity
    ]
    if request.method == "POST":
        done = kit.tried(request, lambda: _decide(request, found), _("Decided: stock and books follow."))
        if done is not None:
            kit.take_photos(request, rma=found)
            found.refresh_from_db()
            return kit.to(found, "inspect" if found.state == Return.State.RECEIVED else "change")
    elif not rows:
        return kit.to(found)
    lines = [
        {"row": row, "line": row.line, "open": pieces(row.received_quantity - row.decided_quantity)} for row in rows
    ]
    return kit.page(
        request, "inspect", _("Inspect %s") % found.number, found=found, order=found.order, lines=lines,
        verdicts=_verdicts(), typed=request.POST,
    )  # fmt: skip


def _verdicts() -> list[tuple[str, Any, str]]:
    told = {
        Verdict.RESTOCK: _("as new, for sale again"),
        Verdict.DAMAGED: _("stays here, is not sold"),
        Verdict.REPAIR: _("is mended, then decided again"),
        Verdict.SUPPLIER: _("goes back to who made it"),
        Verdict.SCRAP: _("is thrown away, at a loss"),
    }
    return [(str(one), one.label, words) for one, words in told.items()]


def _decide(request: HttpRequest, found: Return) -> None:
    choices, seen = [], {}
    for row in found.lines.order_by("pk"):
        typed = kit.text(request, f"seen_{row.pk}", 20)
        if typed and typed.replace(".", "", 1).isdecimal() and typed.isascii():
            seen[row.pk] = Decimal(typed)
        for verdict in Verdict.values:
            units = kit.decimal(request, f"units_{row.pk}_{verdict}")
            if units:
                reason = kit.text(request, f"reason_{row.pk}")
                choices.append(Choice(line_id=row.pk, verdict=verdict, units=units, reason=reason))
    inspecting.decide(
        return_id=found.pk, choices=choices, actor=kit.who(), key=kit.once(request, "inspect", found.pk), seen=seen,
        warehouses=kit.within(request),
    )  # fmt: skip


def apart(request: HttpRequest) -> HttpResponse:
    """What lies apart: damaged, to be repaired, for the supplier; each is decided further here."""
    kit.demand(request, VIEW)
    if request.method == "POST":
        return _further(request)
    rows = ReturnDecision.objects.filter(
        verdict__in=APART, open_quantity__gt=0, return_line__rma__in=mine(request.user)
    )
    found = rows.select_related("return_line__line__sku", "return_line__rma__warehouse", "return_line__rma__order")
    may = request.user.has_perm(RECEIVE)
    shown = [
        {
            "row": one,
            "line": one.return_line.line,
            "rma": one.return_line.rma,
            "units": pieces(one.open_quantity),
            "may": may and kit.may_receive(request, one.return_line.rma),
            "verdicts": [v for v in _verdicts() if v[0] != one.verdict],
        }
        for one in found.order_by("pk")[: PAGE + 1]
    ]
    return kit.page(request, "apart", _("Kept apart"), rows=shown[:PAGE], more=len(shown) > PAGE)


def _further(request: HttpRequest) -> HttpResponse:
    kit.demand(request, RECEIVE)
    pk = kit.number(request.POST.get("decision", "")) or 0
    row = ReturnDecision.objects.filter(pk=pk, return_line__rma__in=mine(request.user)).first()
    if row is None:
        raise Http404
    done = kit.tried(
        request,
        lambda: inspecting.decide_further(
            decision_id=pk, verdict=kit.text(request, "verdict", 10), units=kit.decimal(request, "units"),
            reason=kit.text(request, "reason"), actor=kit.who(), key=kit.once(request, "further", pk),
            warehouses=kit.within(request),
        ),
    )  # fmt: skip
    if done is not None:
        messages.success(request, _("Decided: stock and books follow."))
    return HttpResponseRedirect(reverse("admin:orders_return_apart"))
