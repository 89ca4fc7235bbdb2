"""The page of one transfer, its lines, and what its buttons do."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from backoffice import audit
from backoffice.attachments import listing
from backoffice.errors import YikuError
from backoffice.models import User
from inventory import catalogue, papers, readable, resources
from inventory.access import may_see, visible
from inventory.admin import warehouse_choice
from inventory.models import Transfer, TransferReceipt, Warehouse
from inventory.transfers import doers, picking, planning, reasons, receiving, sheets, taking_back
from inventory.transfers.errors import APPROVE
from inventory.transfers.planning import Wish

VIEW, PLAN, MOVE = "inventory.view_transfer", "inventory.plan_transfer", "inventory.move_transfer"
EXTRA_LINES, MOST_LINES = 6, 120
PDF = "application/pdf"


def demand(request: HttpRequest, permission: str) -> User:
    """Refuse whoever lacks a right; returns the person."""
    if not request.user.has_perm(permission):
        raise PermissionDenied
    return cast(User, request.user)


def transfer_of(request: HttpRequest, pk: int) -> Transfer:
    """Return a transfer that begins or ends in one of the person's warehouses, or 404."""
    rows = visible(request.user, Transfer.objects.select_related("origin", "destination"))
    found = rows.filter(pk=pk).first()
    if found is None or not request.user.has_perm(VIEW):
        raise Http404
    return found


def here(transfer: Transfer) -> str:
    """The address of its page."""
    return reverse("admin:inventory_transfer_change", args=[transfer.pk])


def figure(text: str) -> Decimal:
    """Return what was typed as a number of pieces; what is none is NaN, which the domain refuses with its line."""
    try:
        return Decimal(text.strip()[:30] or "0")
    except InvalidOperation:
        return Decimal("NaN")


# --- plan ------------------------------------------------------------------------------------------------------------


class PlanForm(forms.Form):
    """From where to where."""

    origin = forms.ModelChoiceField(
        Warehouse.objects.none(), label=pgettext_lazy("transfer", "from"), widget=UnfoldAdminSelectWidget()
    )
    destination = forms.ModelChoiceField(
        Warehouse.objects.none(), label=pgettext_lazy("transfer", "to"), widget=UnfoldAdminSelectWidget()
    )
    expected_on = forms.DateField(
        label=_("expected on"), required=False, widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"})
    )
    note = forms.CharField(label=_("note"), required=False, max_length=300, widget=UnfoldAdminTextInputWidget())

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        open_ones = Warehouse.objects.filter(active=True, read_only=False)
        warehouse_choice.offer(self, user, open_ones, "origin", "destination")


def new(request: HttpRequest) -> HttpResponse:
    """Plan a transfer; its lines come next."""
    user = demand(request, PLAN)
    form = PlanForm(user, request.POST) if request.method == "POST" else PlanForm(user)
    if form.is_valid():
        said = form.cleaned_data
        try:
            made = planning.plan(
                origin=said["origin"], destination=said["destination"], lines=[], user=user,
                note=said["note"].replace("\0", ""), expected_on=said["expected_on"],
            )  # fmt: skip
            return HttpResponseRedirect(reverse("admin:inventory_transfer_lines", args=[made.pk]))
        except YikuError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
    help_text = _("A draft moves nothing. Next you say what goes over, by hand or by Excel.")
    return _form_page(request, form, _("Plan a transfer"), _("Make the draft"), help_text)


def _form_page(request: HttpRequest, form: forms.Form, title: Any, button: Any, help_text: Any) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": title,
        "opts": Transfer._meta,
        "form": form,
        "button_text": button,
        "help": help_text,
    }
    return TemplateResponse(request, "admin/inventory/transfer/form.html", context)


class LineForm(forms.Form):
    """One SKU and how many."""

    code = forms.CharField(
        label=_("SKU code or barcode"), max_length=100, required=False, widget=UnfoldAdminTextInputWidget()
    )
    quantity = forms.DecimalField(
        label=_("quantity"), min_value=0, max_digits=15, decimal_places=3, required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
    )  # fmt: skip


Lines = forms.formset_factory(LineForm, extra=EXTRA_LINES, max_num=MOST_LINES, absolute_max=MOST_LINES)


def lines(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what goes over: what stands here is the whole transfer."""
    user = demand(request, PLAN)
    transfer = transfer_of(request, pk)
    if transfer.state != Transfer.State.DRAFT:
        return HttpResponseRedirect(here(transfer))
    now = [
        {"code": line.sku.code, "quantity": f"{line.quantity.normalize():f}"}
        for line in transfer.lines.select_related("sku").order_by("pk")[: MOST_LINES + 1]
    ]
    formset = Lines(request.POST, prefix="lines") if request.method == "POST" else Lines(initial=now, prefix="lines")
    if request.method == "POST" and formset.is_valid() and _saved(formset, transfer, user):
        return HttpResponseRedirect(here(transfer))
    context = {
        **admin.site.each_context(request),
        "title": _now("Lines of %s") % transfer,
        "opts": Transfer._meta,
        "transfer": transfer,
        "lines": formset,
        "too_many": len(now) > MOST_LINES,
    }
    return TemplateResponse(request, "admin/inventory/transfer/lines.html", context)


def _saved(formset: Any, transfer: Transfer, user: User) -> bool:
    """Replace the lines; False with the refusals on the form."""
    filled = [form for form in formset.forms if str(form.cleaned_data.get("code", "")).strip()]
    typed = [form.cleaned_data["code"] for form in filled]
    by_code = catalogue.find(typed)
    barcodes = catalogue.find_by_barcode([code for code in typed if code not in by_code])
    wishes = []
    for form in filled:
        code, barcode = form.cleaned_data["code"], barcodes.get(form.cleaned_data["code"])
        sku = by_code.get(code) or (barcode.sku if barcode else None)
        if sku is None:
            form.add_error("code", _now("“%(code)s” is neither a SKU code nor a barcode.") % {"code": code})
            continue
        pack = barcode.pack.quantity if barcode and barcode.pack else Decimal(1)
        wishes.append(Wish(sku_id=sku.pk, quantity=(form.cleaned_data["quantity"] or Decimal(0)) * pack))
    if any(form.errors for form in filled):
        return False
    try:
        planning.change(transfer_id=transfer.pk, lines=wishes, user=user)
    except YikuError as refusal:
        place = int(refusal.params.get("line", 0)) - 1
        (filled[place] if 0 <= place < len(filled) else formset.forms[0]).add_error("code", str(refusal))
        return False
    return True


class UploadForm(forms.Form):
    """The file."""

    file = forms.FileField(
        label=_("file"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".xlsx,.csv,.tsv,.txt"}),
        help_text=_(".xlsx or .csv with the columns: SKU code (or barcode), quantity"),
    )


def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Lines by file: all rows or none."""
    user = demand(request, PLAN)
    transfer = transfer_of(request, pk)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    problems: list[Any] = []
    if form.is_valid():
        try:
            done, problems = sheets.take(transfer=transfer, file=form.cleaned_data["file"], user=user)
            if done:
                told = _now("The file's %(n)d lines are the lines of the transfer now.")
                messages.success(request, told % {"n": done.line_count})
                return HttpResponseRedirect(here(transfer))
        except YikuError as refusal:
            form.add_error("file", str(refusal))
    help_text = _("The rows of the file replace the lines of the draft, all or none. Nothing moves.")
    page = _form_page(request, form, _now("Lines of %s by file") % transfer, _("Take the lines"), help_text)
    cast(TemplateResponse, page).context_data["problems"] = problems  # type: ignore[index]
    return page


# --- the page --------------------------------------------------------------------------------------------------------


def context(request: HttpRequest, transfer: Transfer) -> dict[str, Any]:
    """Return what the page shows, and which buttons this person has."""
    user = cast(User, request.user)
    move, plan = user.has_perm(MOVE), user.has_perm(PLAN)
    at_origin, at_destination = may_see(user, transfer.origin), may_see(user, transfer.destination)
    rows = list(transfer.lines.select_related("sku").order_by("pk"))
    ends = {"origin": transfer.origin.code, "destination": transfer.destination.code}
    for row in rows:
        row.why = reasons.told(row.why, **ends)
        row.plain = f"{row.quantity.normalize():f}"  # type: ignore[attr-defined]  # in a field: no thousands
    receipts = list(transfer.receipts.select_related("created_by", "decided_by", "undone_by", "over_document"))
    attached = listing.boxes(request, [transfer, *receipts])
    keys, came = doers.keys_of(transfer, receipts)
    for one in receipts:
        one.attached = attached[audit.target_text(one)]  # type: ignore[attr-defined]
        one.key_name = came[one.pk]  # type: ignore[attr-defined]
    state = transfer.state
    return {
        "title": str(transfer),
        "transfer": transfer,
        "lines": rows,
        "receipts": receipts,
        "attached": attached[audit.target_text(transfer)],
        "keys": keys,
        "waiting": [one for one in receipts if one.over_state == TransferReceipt.Over.WAITING],
        "sums": {name: sum((getattr(row, name) for row in rows), Decimal(0)) for name in SUMS},
        "may_edit": plan and state == "draft" and at_origin and at_destination,
        "may_pick": move and at_origin and state == "requested",
        "may_send": move and at_origin and state == "picked",
        "may_receive": move and at_destination and transfer.coming,
        "may_cancel": (plan and state in ("draft", "requested")) or (move and at_origin and state in STILL_THERE),
        "may_lose": move and at_destination and transfer.coming,
        "may_take_back": move and at_origin and state == "partly",
        "may_undo": move and at_destination,
        "may_decide": user.has_perm(APPROVE) and at_destination,
        "user_id": user.pk,
        "see_cost": readable.sees_cost(request),
        "entries_url": reverse("admin:inventory_stockentry_changelist") + f"?q={transfer.reference}",
    }


SUMS = ("quantity", "picked", "transit", "received", "damaged", "lost", "back", "over", "picked_value", "transit_value")
STILL_THERE = ("picked", "transit")


@require_safe
def out(request: HttpRequest, pk: int) -> FileResponse:
    """The lines as a workbook; the file can be taken in by another draft."""
    demand(request, VIEW)
    transfer = transfer_of(request, pk)
    cost = readable.sees_cost(request)
    return resources.download(request, f"transfer-{transfer}", lambda file: sheets.write(file, transfer, cost=cost))


@require_safe
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The paper to pick by and to send along."""
    demand(request, VIEW)
    transfer = transfer_of(request, pk)
    answer = HttpResponse(papers.of_transfer(transfer), content_type=PDF)
    answer["Content-Disposition"] = f'inline; filename="transfer-{transfer}.pdf"'
    return answer


# --- the buttons -----------------------------------------------------------------------------------------------------


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button says; a refusal is shown on the page, and nothing has changed then."""
    demand(request, VIEW)
    transfer = transfer_of(request, pk)
    permission, work = WORK.get(request.POST.get("do", ""), ("", None))
    if work is None:
        if not (request.user.has_perm(PLAN) or request.user.has_perm(MOVE)):
            raise PermissionDenied
        raise Http404
    demand(request, permission)
    try:
        messages.success(request, work(request, transfer, cast(User, request.user)))
    except YikuError as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(here(transfer))


def _note(request: HttpRequest) -> str:
    return request.POST.get("note", "").replace("\0", "").strip()[:300]


def _request(request: HttpRequest, transfer: Transfer, user: User) -> str:
    planning.request(transfer_id=transfer.pk, user=user)
    return _now("Requested: the origin can pick it.")


def _pick(request: HttpRequest, transfer: Transfer, user: User) -> str:
    named = [key[2:] for key in request.POST if key.startswith("q_") and key[2:].isdecimal() and len(key) < 18]
    wanted = {int(key): figure(request.POST.get(f"q_{key}", "")) for key in named} or None
    lots = {int(key): request.POST.get(f"lot_{key}", "").replace("\0", "")[:4000] for key in named}
    picking.pick(transfer_id=transfer.pk, user=user, quantities=wanted, lots=lots)
    return _now("Picked: the goods are off the shelf, and under way in the books.")


def _unpick(request: HttpRequest, transfer: Transfer, user: User) -> str:
    picking.unpick(transfer_id=transfer.pk, user=user)
    return _now("The picking is undone: everything is back on the shelf.")


def _send(request: HttpRequest, transfer: Transfer, user: User) -> str:
    picking.send(transfer_id=transfer.pk, user=user)
    return _now("Sent: the destination can receive it.")


def _cancel(request: HttpRequest, transfer: Transfer, user: User) -> str:
    if transfer.under_way:
        demand(request, MOVE)
    picking.cancel(transfer_id=transfer.pk, user=user, note=_note(request))
    return _now("Cancelled: what was under way is back at the origin.")


def _close(request: HttpRequest, transfer: Transfer, user: User) -> str:
    rest = receiving.BACK if request.POST.get("rest") == receiving.BACK else receiving.LOST
    receiving.close(transfer_id=transfer.pk, rest=rest, user=user, note=_note(request))
    return _now("Closed: the rest is written off.") if rest == receiving.LOST else _now("Closed: the rest went back.")


def _receipt(request: HttpRequest, transfer: Transfer) -> TransferReceipt:
    chosen = request.POST.get("receipt", "")
    receipts = transfer.receipts.filter(pk=int(chosen)) if chosen.isdecimal() and len(chosen) < 18 else None
    receipt = receipts.first() if receipts is not None else None
    if receipt is None:
        raise Http404
    return receipt


def _take_back(request: HttpRequest, transfer: Transfer, user: User) -> str:
    taking_back.take_back(receipt_id=_receipt(request, transfer).pk, user=user, why=_note(request))
    return _now("The receipt is taken back: its goods are in transit again.")


def _surplus(request: HttpRequest, transfer: Transfer, user: User) -> str:
    receipt = _receipt(request, transfer)
    accept = request.POST.get("accept") == "1"
    receiving.decide_surplus(receipt_id=receipt.pk, user=user, accept=accept)
    return _now("Booked as found.") if accept else _now("Refused: nothing was booked.")


Work = Callable[[HttpRequest, Transfer, User], str]
WORK: dict[str, tuple[str, Work]] = {
    "request": (PLAN, _request),
    "pick": (MOVE, _pick),
    "unpick": (MOVE, _unpick),
    "send": (MOVE, _send),
    "cancel": (PLAN, _cancel),
    "close": (MOVE, _close),
    "surplus": (APPROVE, _surplus),
    "take_back": (MOVE, _take_back),
}
