"""Count sheets: out as a workbook, back as a file with its preview."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminFileFieldWidget

from backoffice.errors import YikuError
from backoffice.models import User
from backoffice.spreadsheets import uploads
from inventory import counts, readable, resources
from inventory.access import visible
from inventory.admin.count_form import MomentInput
from inventory.admin.stocktake_page import COUNT, LINES_A_PAGE, demand, here, stocktake_of
from inventory.models import Stocktake, StocktakeSheet
from inventory.stocktakes import sheets, tasks, workbook
from inventory.stocktakes.errors import APPROVE


class SheetForm(forms.Form):
    """The file, and when it was counted."""

    file = forms.FileField(
        label=_("file"),
        widget=UnfoldAdminFileFieldWidget(),
        help_text=_(
            ".xlsx or .csv with the columns: SKU code or barcode, counted quantity; also bin, counted at, "
            "warehouse, lot"
        ),
    )
    counted_at = forms.DateTimeField(
        label=_("counted at"), required=False, widget=MomentInput(),
        help_text=_("Empty: now. What was sold or came in after this moment is taken into account."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs["accept"] = ".xlsx,.csv,.tsv,.txt"


@require_safe
def out(request: HttpRequest, pk: int) -> FileResponse:
    """The sheet to count by: what is still to be counted in this round, bins in walking order."""
    demand(request, COUNT)
    stocktake = stocktake_of(request, pk)
    system = request.GET.get("system") == "1"
    name = f"count-{stocktake}-{stocktake.round}"
    return resources.download(request, name, lambda file: workbook.write(file, stocktake, system=system))


def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring a sheet back."""
    user = demand(request, COUNT)
    stocktake = stocktake_of(request, pk)
    form = SheetForm(request.POST, request.FILES) if request.method == "POST" else SheetForm()
    if form.is_valid():
        sheet = _taken_in(form, stocktake, user)
        if sheet is not None:
            return HttpResponseRedirect(reverse("admin:inventory_stocktake_sheet", args=[sheet.pk]))
    context = {
        **admin.site.each_context(request),
        "title": _now("Sheet of %s") % stocktake,
        "opts": Stocktake._meta,
        "form": form,
        "button_text": _("Show the preview"),
        "help": _("Nothing counts yet: you see first what the file says."),
    }
    return TemplateResponse(request, "admin/inventory/upload.html", context)


def _taken_in(form: SheetForm, stocktake: Stocktake, user: User) -> StocktakeSheet | None:
    file = form.cleaned_data["file"]
    try:
        digest = counts.digest_of(file)
        moment = form.cleaned_data["counted_at"]
        kept = uploads.keep(file, owner=user, purpose=tasks.PURPOSE)
        sheet = sheets.begin(
            stocktake=stocktake, file_name=kept.original_name, digest=digest, user=user, counted_at=moment
        )
        tasks.begin_reading(sheet, kept, user)
    except YikuError as refusal:
        form.add_error("file", str(refusal))
        return None
    return sheet


def _sheet_of(request: HttpRequest, pk: int) -> StocktakeSheet:
    rows = visible(request.user, StocktakeSheet.objects.select_related("stocktake__warehouse", "progress"))
    sheet = rows.filter(pk=pk).first()
    if sheet is None:
        raise Http404
    return sheet


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """What the file says: each row beside the system, those that differ in red, those counted before with the count."""
    demand(request, COUNT)
    sheet = _sheet_of(request, pk)
    stocktake = sheet.stocktake
    hidden = stocktake.hidden and not request.user.has_perm(APPROVE)
    only = request.GET.get("lines", "all")
    rows = sheets.lines_of_sheet(sheet)
    if only == "different" and not hidden:
        rows = rows.exclude(difference=0)
    elif only == "doubled":
        rows = rows.filter(doubled=True)
    page = Paginator(rows, LINES_A_PAGE).get_page(request.GET.get("page"))
    others = sheets.other_counts([one.line_id for one in page], sheet)
    context = {
        **admin.site.each_context(request),
        "title": f"{stocktake} · {sheet}",
        "opts": Stocktake._meta,
        "stocktake": stocktake,
        "sheet": sheet,
        "rows": [_row(one, others.get(one.line_id or 0, [])) for one in page],
        "page": page,
        "only": only,
        "hidden": hidden,
        "see_cost": readable.sees_cost(request),
        "more_problems": max(sheet.problem_count - len(sheet.problems), 0),
        "waiting": sheet.state == "preview" and stocktake.state == "counting",
    }
    return TemplateResponse(request, "admin/inventory/stocktake/sheet.html", context)


def _row(one: Any, others: list[Any]) -> dict[str, Any]:
    cost = one.line.unit_cost if one.line else None
    value = None if cost is None else one.difference * cost
    return {"count": one, "others": others, "value": value, "sku": one.sku, "lot": one.lot, "new": one.line is None}


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the sheet, or drop it."""
    user = demand(request, COUNT)
    sheet = _sheet_of(request, pk)
    do = request.POST.get("do", "")
    if do not in ("take", "drop"):
        raise Http404
    try:
        if do == "drop":
            sheets.drop(sheet_id=sheet.pk)
            messages.success(request, _now("The sheet was dropped. Nothing of it counts."))
        else:
            doubled = request.POST.get("doubled", sheets.KEEP_BOTH)
            leave_out = request.POST.get("leave_out") == "1"
            sheets.take(sheet_id=sheet.pk, user=user, doubled=doubled, without_bad_rows=leave_out)
            messages.success(request, _now("Taken: these rows count."))
    except YikuError as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:inventory_stocktake_sheet", args=[pk]))
    return HttpResponseRedirect(here(sheet.stocktake))
