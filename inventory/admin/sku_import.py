"""Import products and SKUs: the file, what it would change, and only then the change."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from backoffice.errors import YikuError
from backoffice.models import User
from backoffice.spreadsheets import uploads
from inventory import resources, sku_sheet

PURPOSE = "inventory.skus"
SHOWN = 200  # rows of the preview


class FileForm(forms.Form):
    """The file."""

    file = forms.FileField(
        label=_("file"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".xlsx,.csv,.tsv,.txt"}),
        help_text=_(".xlsx or .csv; the export has all columns. An empty cell leaves what is there."),
    )


def page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Show the form, the preview, or keep what was shown."""
    user = cast(User, request.user)
    if not (user.has_perm("inventory.add_sku") and user.has_perm("inventory.change_sku")):
        raise PermissionDenied
    if request.method == "POST" and "upload" in request.POST:
        return _keep(request, user)
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    preview: dict[str, Any] = {}
    if form.is_valid():
        preview = _preview(form, user)
    context = {
        **model_admin.admin_site.each_context(request),
        **preview,
        "title": _("Import SKUs"),
        "opts": model_admin.opts,
        "form": form,
        "button_text": _("Show what would change"),
        "help": _("Nothing is kept yet: you see first what the file would change."),
    }
    return TemplateResponse(request, "admin/inventory/sku_import.html", context)


def _preview(form: FileForm, user: User) -> dict[str, Any]:
    """What the file would do, and the file kept for this person; a refusal is an error of the form."""
    try:
        upload = uploads.keep(form.cleaned_data["file"], owner=user, purpose=PURPOSE)
        dataset, problems, result = sku_sheet.look(uploads.path_of(upload))
    except YikuError as refusal:
        form.add_error("file", str(refusal))
        return {}
    faults: list[dict[str, Any]] = [{"row": one.row, "place": one.title, "what": one.what} for one in problems]
    faults += [fault for number, row in enumerate(result.rows, 1) for fault in _faults(number, row, dataset)]
    faults += [{"row": 0, "place": "", "what": _sentence(error.error)} for error in result.base_errors]
    faults += [fault for row in result.invalid_rows for fault in _invalid(row, dataset)]
    numbered = enumerate(result.rows, 1)
    changes = [_change(number, row, dataset) for number, row in numbered if row.import_type in ("new", "update")]
    return {
        "upload": "" if faults else upload.token,
        "faults": sorted(faults, key=lambda one: one["row"])[:SHOWN],
        "changes": changes[:SHOWN],
        "totals": {"new": result.totals["new"], "update": result.totals["update"], "skip": result.totals["skip"]},
        "rows": len(dataset),
    }


def _sheet_row(number: int, dataset: Any) -> int:
    return int(dataset["sheet_row"][number - 1])


def _faults(number: int, row: Any, dataset: Any) -> list[dict[str, Any]]:
    sheet_row = _sheet_row(number, dataset)
    return [{"row": sheet_row, "place": "", "what": _sentence(error.error)} for error in row.errors]


def _sentence(error: Exception) -> str:
    return " ".join(getattr(error, "messages", None) or [str(error)])


def _invalid(row: Any, dataset: Any) -> list[dict[str, Any]]:
    return [
        {"row": _sheet_row(row.number, dataset), "place": "" if field == "__all__" else field, "what": " ".join(said)}
        for field, said in row.error_dict.items()
    ]


def _change(number: int, row: Any, dataset: Any) -> dict[str, Any]:
    cells = dict(zip(dataset.headers, dataset[number - 1], strict=True))
    return {"row": cells["sheet_row"], "code": cells["code"], "name": cells["name"], "new": row.import_type == "new"}


def _keep(request: HttpRequest, user: User) -> HttpResponse:
    here = reverse("admin:inventory_sku_import_skus")
    try:
        upload = uploads.find(request.POST["upload"], owner=user, purpose=PURPOSE)
        result = sku_sheet.keep(uploads.path_of(upload))
    except YikuError as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(here)
    uploads.discard(upload)
    said = _now("%(new)d new, %(update)d changed, %(skip)d as they were.")
    messages.success(request, said % {name: result.totals[name] for name in ("new", "update", "skip")})
    return HttpResponseRedirect(reverse("admin:inventory_sku_changelist"))


def export(request: HttpRequest) -> HttpResponseBase:
    """All SKUs as a workbook."""
    if not request.user.has_perm("inventory.view_sku"):
        raise PermissionDenied
    return resources.download(request, "skus", sku_sheet.export_skus)
