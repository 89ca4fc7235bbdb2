"""The phone pages of the warehouse: a parcel came, whose is it, and what is in it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from inventory.access import visible
from orders.admin import buyers
from orders.admin.returns import kit
from orders.admin.wording import pieces
from orders.models import Order, OrderLine, Return, StrayParcel
from orders.models.returns import OPEN
from orders.returns import receiving, requesting, strays
from orders.returns.errors import ReturnError
from orders.returns.receiving import Wrong
from orders.returns.sight import RECEIVE, mine, my_strays

MOST_WRONG = 20


def arrive(request: HttpRequest) -> HttpResponse:
    """Look for the parcel by what is scanned or typed; nobody's parcel is put aside with a picture."""
    kit.demand(request, RECEIVE)
    if request.method == "POST":
        return _put_aside(request)
    term = request.GET.get("q", "").replace("\0", "").strip()[:200]
    returns, orders = _found(request, term)
    if len(returns) == 1 and not orders and kit.may_receive(request, returns[0]) and returns[0].state in OPEN:
        return kit.to(returns[0], "receive")
    return kit.page(
        request, "arrive", _("A parcel came back"), term=term, returns=[_shown(request, one) for one in returns],
        orders=orders, places=kit.places(request), searched=bool(term),
        waiting=strays_here(request),
    )  # fmt: skip


def strays_here(request: HttpRequest) -> int:
    """Return how many unknown parcels wait."""
    return my_strays(request.user).filter(state="waiting").count()


def _found(request: HttpRequest, term: str) -> tuple[list[Return], list[Order]]:
    if not term:
        return [], []
    sees = buyers.may_reveal(request) or buyers.may_print(request)  # the name stands on the parcel in the hand
    rows = receiving.find_returns(mine(request.user), term, buyers=sees)
    returns = list(rows.select_related("order__shop", "warehouse").order_by("-pk")[: receiving.MOST_FOUND])
    orders = receiving.find_orders(visible(request.user, Order.objects.all()), term, buyers=sees)
    open_ones = {one.order_id for one in returns if one.state in OPEN}
    return returns, [one for one in orders if one.pk not in open_ones]


def _shown(request: HttpRequest, found: Return) -> dict[str, Any]:
    open_one = found.goods and found.state in OPEN
    return {"row": found, "order": found.order, "may": open_one and kit.may_receive(request, found)}


def _put_aside(request: HttpRequest) -> HttpResponse:
    done = _("Put aside: it waits among the unknown parcels.")
    made = kit.tried(request, lambda: _stray(request), done)
    if made is not None:
        kit.take_photos(request, stray=made)
    return HttpResponseRedirect(reverse("admin:orders_return_arrive"))


def _stray(request: HttpRequest) -> StrayParcel:
    place = kit.my_place(request, request.POST.get("place", ""))
    if place is None:
        raise ReturnError("no_place")
    return strays.put_aside(
        warehouse_id=place, actor=kit.who(), key=kit.once(request, "stray", place),
        tracking=kit.text(request, "tracking", 200), carrier=kit.text(request, "carrier", 100),
        note=kit.text(request, "note", 500),
    )  # fmt: skip


# --- counting --------------------------------------------------------------------------------------------------------


def receive(request: HttpRequest, pk: int) -> HttpResponse:
    """Count what is in the parcel of a return."""
    found = kit.get_return(request, pk)
    if not kit.may_receive(request, found):
        raise PermissionDenied
    rows = list(found.lines.select_related("line__sku").order_by("pk"))
    if request.method == "POST":
        done = kit.tried(request, lambda: _receive(request, found, [row.pk for row in rows]))
        if done is not None:
            kit.take_photos(request, rma=found)
            return kit.to(found)
    codes = kit.codes_of({row.line.sku_id for row in rows if row.line.sku_id})
    lines = [
        {
            "field": f"count_{row.pk}",
            "line": row.line,
            "wanted": pieces(max(row.quantity - row.received_quantity, row.quantity * 0)),
            "before": pieces(row.received_quantity) if row.received_quantity else "",
            "codes": _codes(row.line, codes),
        }
        for row in rows
    ]
    return kit.page(
        request, "receive", _("Receive %s") % found.number, found=found, order=found.order, lines=lines,
        tracking=found.tracking_number, typed=request.POST, action=kit.url_of(found, "receive"),
    )  # fmt: skip


def _codes(line: OrderLine, codes: dict[int, list[str]]) -> str:
    own = [line.sku.code, *codes.get(line.sku.pk, [])] if line.sku else []
    return "\n".join([*own, line.barcode] if line.barcode else own)


def _receive(request: HttpRequest, found: Return, row_ids: list[int]) -> None:
    receipt = receiving.receive(
        return_id=found.pk,
        counts={pk: kit.decimal(request, f"count_{pk}") for pk in row_ids},
        actor=kit.who(),
        key=kit.once(request, "receive", found.pk),
        tracking=kit.text(request, "tracking", 200),
        note=kit.text(request, "note"),
        wrong=_wrong(request),
        warehouses=kit.within(request),
    )
    _tell(request, receipt.told)


def _tell(request: HttpRequest, told: Any) -> None:
    sentences = list(kit.told(told))
    for sentence in sentences:
        messages.warning(request, sentence)
    if not sentences:
        messages.success(request, _("Received: all of it is here."))


def _wrong(request: HttpRequest) -> list[Wrong]:
    """Return the goods that belong to no line: a code on each line, and after it how many (one when not said)."""
    found: dict[int, Wrong] = {}
    for typed in kit.text(request, "wrong", 4000).splitlines()[:MOST_WRONG]:
        code, _mark, count = typed.replace("×", "*").rpartition("*")
        code, count = (code.strip(), count.strip()) if code else (typed.strip(), "1")
        if not code:
            continue
        if not count.isdecimal() or not count.isascii() or not 0 < len(count) < 7 or not int(count):
            raise ReturnError("bad_quantity", label=code[:60], wanted=count[:40])
        sku = strays.sku_of(code)
        before = found[sku.pk].pieces if sku.pk in found else Decimal(0)
        found[sku.pk] = Wrong(sku.pk, sku.code, before + Decimal(count))
    return list(found.values())


def blind(request: HttpRequest, pk: int) -> HttpResponse:
    """Count a parcel that nobody announced: a return of the order is opened with it."""
    kit.demand(request, RECEIVE)
    order = visible(request.user, Order.objects.filter(pk=pk)).select_related("shop").first()
    if order is None:
        raise Http404
    left = requesting.returnable(order)
    rows = [line for line in order.lines.select_related("sku").order_by("position") if left.get(line.pk)]
    if request.method == "POST":
        made = kit.tried(request, lambda: _blind(request, order, [line.pk for line in rows]))
        if made is not None:
            kit.take_photos(request, rma=made)
            return kit.to(made)
    codes = kit.codes_of({line.sku_id for line in rows if line.sku_id})
    lines = [
        {"field": f"count_{line.pk}", "line": line, "wanted": pieces(left[line.pk]), "before": "",
         "codes": _codes(line, codes), "blind": True}
        for line in rows
    ]  # fmt: skip
    return kit.page(
        request, "receive", _("Parcel of order %s") % order.number, order=order, lines=lines, typed=request.POST,
        places=kit.places(request), tracking=request.GET.get("tracking", "")[:200],
        action=reverse("admin:orders_return_blind", args=[order.pk]),
    )  # fmt: skip


def _blind(request: HttpRequest, order: Order, line_ids: list[int]) -> Return:
    place = kit.my_place(request, request.POST.get("place", ""))
    if place is None:
        raise ReturnError("no_place")
    counted = {pk: units for pk in line_ids if (units := kit.decimal(request, f"count_{pk}"))}
    made = receiving.receive_blind(
        order_id=order.pk, counts=counted, actor=kit.who(), key=kit.once(request, "blind", order.pk),
        warehouse_id=place, tracking=kit.text(request, "tracking", 200), note=kit.text(request, "note"),
        wrong=_wrong(request), warehouses=kit.within(request),
    )  # fmt: skip
    _tell(request, [row for receipt in made.receipts.all() for row in receipt.told])
    return made
