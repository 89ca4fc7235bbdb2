"""The page of one purchase order, and what its buttons do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST

from backoffice import actors, audit
from backoffice.attachments import listing
from backoffice.errors import YikuError
from backoffice.models import AuditEntry
from orders.admin.supply import kit
from orders.importing.invoices import InvoiceKind
from orders.models import PurchaseOrder
from orders.models.purchase import AWAITED
from orders.supply import invoicing, limits, ordering, returning
from orders.supply.costs import drafting, withdrawing
from orders.supply.locking import plain

State = PurchaseOrder.State
HISTORY = {
    "purchase.draft": pgettext_lazy("purchase history", "drafted"),
    "purchase.change": pgettext_lazy("purchase history", "changed"),
    "purchase.order": pgettext_lazy("purchase history", "ordered"),
    "purchase.hand_in": pgettext_lazy("purchase history", "handed in for approval"),
    "purchase.approve": pgettext_lazy("purchase history", "approved and ordered"),
    "purchase.send_back": pgettext_lazy("purchase history", "made a draft again"),
    "purchase.put_off": pgettext_lazy("purchase history", "another day"),
    "purchase.cancel": pgettext_lazy("purchase history", "cancelled"),
    "purchase.close": pgettext_lazy("purchase history", "closed"),
    "purchase.receive": pgettext_lazy("purchase history", "received"),
    "purchase.return": pgettext_lazy("purchase history", "sent back to the supplier"),
    "purchase.invoice": pgettext_lazy("purchase history", "invoice written down"),
    "purchase.invoice_undone": pgettext_lazy("purchase history", "invoice taken back"),
    "attachment.add": pgettext_lazy("purchase history", "attached"),
    "attachment.remove": pgettext_lazy("purchase history", "attachment removed"),
}


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Lines, deliveries, returns, invoices, and the buttons this person may press."""
    order, prices = kit.get_order(request, pk), kit.sees_prices(request)
    lines = [_line(one, prices) for one in order.lines.select_related("sku").order_by("row")]
    receipts, sent = (
        list(order.receipts.prefetch_related("rows__line__sku").order_by("pk")),
        list(order.sent_back.prefetch_related("rows__line__sku").order_by("pk")),
    )
    attached = listing.boxes(request, [order, *receipts, *sent])
    return kit.page(
        request, "page", order.number, order=order, lines=lines, prices=prices, can=_can(request, order),
        receipts=[
            {"row": one, "by": actors.named(one.by), "attached": attached[audit.target_text(one)]} for one in receipts
        ],
        sent=[{"row": one, "attached": attached[audit.target_text(one)]} for one in sent],
        attached=attached[audit.target_text(order)],
        invoices=order.invoices.filter(undone_at=None).order_by("pk") if prices else (),
        differences=invoicing.differences(order) if prices else (), happened=_happened(order, prices),
        revision=order.revision,
    )  # fmt: skip


def _line(line: Any, prices: bool) -> dict[str, Any]:
    return {
        "row": line, "quantity": plain(line.quantity), "accepted": plain(line.accepted), "left": plain(line.left),
        "damaged": plain(line.damaged), "refused": plain(line.refused),
        "back": plain(line.returned + line.damaged_returned), "price": plain(line.price) if prices else "",
        "amount": f"{line.quantity * line.price:,.2f}" if prices else "",
        "shelf": plain(line.accepted - line.returned), "apart": plain(line.damaged - line.damaged_returned),
    }  # fmt: skip


def _can(request: HttpRequest, order: PurchaseOrder) -> dict[str, bool]:
    state, has = order.state, request.user.has_perm
    change, receive = has(kit.CHANGE), has(kit.RECEIVE)
    own = order.submitted_by == audit.current_actor().name[:150]
    limit = limits.limit_of(request.user) if state == State.WAITING else None
    within = limit is None or (order.base_total is not None and order.base_total <= limit)
    return {
        "edit": change and state == State.DRAFT,
        "order": change and state == State.DRAFT,
        "approve": change and state == State.WAITING and not own and within,
        "own": state == State.WAITING and own,
        "send_back": change and state == State.WAITING,
        "receive": receive and state in AWAITED,
        "put_off": change and state in AWAITED,
        "cancel": change and state in (State.DRAFT, State.WAITING, State.ORDERED),
        "close": change and state in (State.PARTLY, State.RECEIVED),
        "back": receive and state in returning.HERE,
        "cost": has(kit.COST),
        "share": has(kit.COST) and bool(order.receipts.exists()),
        "invoice": change and kit.sees_prices(request) and state in invoicing.ASKABLE,
        "by_file": InvoiceKind.may_import(request.user),
    }


def _happened(order: PurchaseOrder, prices: bool) -> list[dict[str, Any]]:
    rows = AuditEntry.objects.filter(target=audit.target_text(order)).order_by("-pk")[:30]
    return [
        {"at": one.at, "who": actors.named(one.actor), "what": HISTORY.get(one.action, one.action),
         "detail": "" if one.after.get("priced") and not prices else one.summary.removeprefix(order.number).strip()}
        for one in rows
    ]  # fmt: skip


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button of the page says; a refusal is shown where the person is."""
    order = kit.get_order(request, pk)
    permission, work = WORK.get(request.POST.get("do", ""), ("", None))
    if work is None:
        raise Http404
    kit.demand(request, permission)
    try:
        elsewhere = work(request, order)
        if elsewhere is not None:
            return elsewhere
    except YikuError as refusal:
        messages.error(request, str(refusal))
    return kit.to(order)


def _who() -> str:
    return audit.current_actor().name


def _revision(request: HttpRequest) -> int | None:
    return kit.number(kit.text(request, "revision", 12)) or None


def _order(request: HttpRequest, order: PurchaseOrder) -> None:
    limit = limits.limit_of(request.user)
    done = ordering.hand_in(order_id=order.pk, actor=_who(), limit=limit, revision=_revision(request))
    if done.state == State.WAITING:
        messages.warning(request, _("Above your limit: it waits for somebody who may approve it."))
    else:
        messages.success(request, _("Ordered: the goods are expected now. Send the supplier the PDF."))


def _approve(request: HttpRequest, order: PurchaseOrder) -> None:
    limit = limits.limit_of(request.user)
    ordering.approve(order_id=order.pk, actor=_who(), limit=limit, revision=_revision(request))
    messages.success(request, _("Approved and ordered."))


def _send_back(request: HttpRequest, order: PurchaseOrder) -> None:
    ordering.send_back(order_id=order.pk, actor=_who(), reason=kit.text(request, "reason"))
    messages.success(request, _("It is a draft again."))


def _put_off(request: HttpRequest, order: PurchaseOrder) -> None:
    day = kit.day(request, "expected_on")
    if day is not None:
        ordering.put_off(order_id=order.pk, expected_on=day, actor=_who())
        messages.success(request, _("Noted: promises to buyers move along."))


def _cancel(request: HttpRequest, order: PurchaseOrder) -> None:
    ordering.cancel(order_id=order.pk, actor=_who(), reason=kit.text(request, "reason"))
    messages.success(request, _("Cancelled: nothing is expected any more."))


def _close(request: HttpRequest, order: PurchaseOrder) -> None:
    ordering.close(order_id=order.pk, actor=_who(), reason=kit.text(request, "reason"))
    messages.success(request, _("Closed: what has not come is expected no longer."))


def _back(request: HttpRequest, order: PurchaseOrder) -> None:
    goods = []
    for line in order.lines.select_related("sku"):
        for name, damaged in (("shelf", False), ("apart", True)):
            pieces = kit.decimal(request.POST.get(f"{name}_{line.pk}", ""), line.sku.code)
            lot = kit.text(request, f"{name}_lot_{line.pk}", 4000)
            goods.append(returning.Back(line_id=line.pk, quantity=pieces, damaged=damaged, lot=lot))
    made = returning.send_back(
        order_id=order.pk, goods=goods, reason=kit.text(request, "reason"), actor=_who(),
        key=kit.once(request, f"return:{order.pk}"), warehouses=kit.within(request),
    )  # fmt: skip
    messages.success(request, _("Sent back as %s: print its document.") % made.number)


def _invoice(request: HttpRequest, order: PurchaseOrder) -> None:
    kit.demand(request, kit.PRICE)
    rows = {
        line.pk: tuple(
            kit.decimal(request.POST.get(f"{name}_{line.pk}", ""), line.sku.code) for name in ("asked", "price")
        )
        for line in order.lines.select_related("sku")
    }
    day = kit.day(request, "issued_on") or order.created_at.date()
    invoicing.note_invoice(
        order_id=order.pk, number=kit.text(request, "number", 60), issued_on=day, rows=rows, actor=_who()  # type: ignore[arg-type]
    )  # fmt: skip
    messages.success(request, _("Written down and compared."))


def _cost(request: HttpRequest, order: PurchaseOrder) -> HttpResponse:
    asked = kit.number(kit.text(request, "invoice", 20))
    if not order.invoices.filter(pk=asked).exists():
        raise Http404
    made = drafting.from_invoice(invoice_id=asked, actor=_who(), warehouses=kit.within(request))
    return HttpResponseRedirect(reverse("admin:orders_costdocument_change", args=[made.pk]))


def _withdraw(request: HttpRequest, order: PurchaseOrder) -> None:
    kit.demand(request, kit.PRICE)
    asked = kit.number(kit.text(request, "invoice", 20))
    if not order.invoices.filter(pk=asked).exists():
        raise Http404
    withdrawing.withdraw(
        invoice_id=asked, actor=_who(), may_book=request.user.has_perm(kit.BOOK), warehouses=kit.within(request)
    )
    messages.success(request, _("Taken back: the invoice counts no more, and what its prices moved is moved back."))


WORK: dict[str, tuple[str, Callable[[HttpRequest, PurchaseOrder], HttpResponse | None] | None]] = {
    "order": (kit.CHANGE, _order),
    "approve": (kit.CHANGE, _approve),
    "send_back": (kit.CHANGE, _send_back),
    "put_off": (kit.CHANGE, _put_off),
    "cancel": (kit.CHANGE, _cancel),
    "close": (kit.CHANGE, _close),
    "back": (kit.RECEIVE, _back),
    "invoice": (kit.CHANGE, _invoice),
    "withdraw": (kit.CHANGE, _withdraw),
    "cost": (kit.COST, _cost),
}
