"""Stock documents: adjustments and counts, from the form or the file to the posted movements and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from unfold.decorators import action, display

from backoffice.adminkit import OwnPageAdmin
from backoffice.attachments import listing
from backoffice.errors import YikuError
from backoffice.models import User
from inventory import counts, documents, papers, readable, resources, tasks
from inventory.access import visible
from inventory.admin import adjustment_form, count_form
from inventory.admin.filters import WarehouseFilter
from inventory.models import StockDocument

State = StockDocument.State
STATE_LABELS = {
    State.READING: "info", State.FAILED: "danger", State.DRAFT: "warning", State.PROPOSED: "warning",
    State.POSTED: "success", State.UNDONE: "default",
}  # fmt: skip
LINES_A_PAGE = 100


@admin.register(StockDocument)
class StockDocumentAdmin(OwnPageAdmin):
    """Adjustments, counts, opening stock."""

    empty_note = _(
        "Download the sheet to count by, count, upload it: you see the differences before anything is posted."
    )
    list_display = (
        "number",
        "warehouse",
        "reason_shown",
        "state_label",
        "lines_shown",
        "differences_shown",
        "created_at",
        "by",
    )
    list_display_links = ("number",)
    list_filter = (("kind", admin.ChoicesFieldListFilter), ("state", admin.ChoicesFieldListFilter), WarehouseFilter)
    list_select_related = ("warehouse", "created_by")
    ordering = ("-id",)
    actions_list = ("upload_count", "count_sheet", "adjust")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockDocument]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def has_count_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may count and adjust."""
        return request.user.has_perm("inventory.count_stock")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/do/", wrap(act), name="inventory_stockdocument_do"),
            path("<int:pk>/document.pdf", wrap(paper), name="inventory_stockdocument_pdf"),
            path("<int:pk>/document.xlsx", wrap(out), name="inventory_stockdocument_xlsx"),
        ]
        return [*own, *super().get_urls()]

    def own_page(self, request: HttpRequest, row: StockDocument) -> HttpResponse:
        return TemplateResponse(request, "admin/inventory/document.html", _context(self, request, row))

    @action(description=_("Upload a count"), url_path="count", icon="upload_file", permissions=["count"])
    def upload_count(self, request: HttpRequest) -> HttpResponse:
        """A count by Excel or CSV, to a preview."""
        return count_form.page(self, request)

    @action(description=_("Sheet to count by"), url_path="sheet", icon="print", permissions=["count"])
    def count_sheet(self, request: HttpRequest) -> HttpResponseBase:
        """The workbook to fill in."""
        return count_form.sheet(self, request)

    @action(description=_("Adjust stock"), url_path="adjust", icon="tune", permissions=["count"])
    def adjust(self, request: HttpRequest) -> HttpResponse:
        """A few SKUs by hand, with the reason."""
        return adjustment_form.page(self, request)

    # --- columns -----------------------------------------------------------------------------------------------------

    @admin.display(description=_("document"))
    def number(self, row: StockDocument) -> str:
        """Kind and number."""
        return str(row)

    @display(description=_("reason"), header=True)
    def reason_shown(self, row: StockDocument) -> list[str]:
        """Why, and what was noted."""
        return [row.get_reason_display(), row.note or row.file_name]

    @display(description=_("state"), label=STATE_LABELS)
    def state_label(self, row: StockDocument) -> tuple[str, str]:
        """The state as a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("lines"))
    def lines_shown(self, row: StockDocument) -> str:
        """How many lines."""
        return f"{row.line_count:,}"

    @admin.display(description=_("differences"))
    def differences_shown(self, row: StockDocument) -> str:
        """How many of them differ."""
        return f"{row.difference_count:,}"

    @admin.display(description=_("by"))
    def by(self, row: StockDocument) -> str:
        """Who made it."""
        return row.created_by.get_username() if row.created_by else readable.NONE


def _context(model_admin: Any, request: HttpRequest, document: StockDocument) -> dict[str, Any]:
    only = request.GET.get("lines", "different")
    rows = document.lines.select_related("sku", "warehouse").order_by("row")
    rows = rows.exclude(difference=0) if only == "different" and document.difference_count else rows
    page = Paginator(rows, LINES_A_PAGE).get_page(request.GET.get("page"))
    user = cast(User, request.user)
    over = documents.over_limit(document, user) if document.open else 0
    return {
        **model_admin.admin_site.each_context(request),
        "title": str(document),
        "opts": model_admin.opts,
        "document": document,
        "lines": page,
        "only": only,
        "over_limit": over,
        "may_count": user.has_perm("inventory.count_stock"),
        "may_approve": user.has_perm("inventory.approve_stockdocument"),
        "see_cost": readable.sees_cost(request),
        "attached": listing.box(request, document),
        "more_problems": max(document.problem_count - len(document.problems), 0),
        "entries_url": reverse("admin:inventory_stockentry_changelist") + f"?q={document.reference}",
    }


# --- on paper and as a workbook --------------------------------------------------------------------------------------


def document_of(request: HttpRequest, pk: int) -> StockDocument:
    """Return a document that the person sees; whether another is there is not told."""
    if not request.user.has_perm("inventory.view_stockdocument"):
        raise PermissionDenied
    rows = StockDocument.objects.select_related("warehouse", "created_by", "posted_by").filter(pk=pk)
    document = visible(cast(User, request.user), rows).first()
    if document is None:
        raise Http404
    return document


@require_safe
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The document to print, sign and file."""
    document = document_of(request, pk)
    content = papers.of_document(document, cost=readable.sees_cost(request))
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="stock-document-{document.pk}.pdf"'
    return answer


@require_safe
def out(request: HttpRequest, pk: int) -> FileResponse:
    """All lines of the document as a workbook."""
    document, cost = document_of(request, pk), readable.sees_cost(request)
    name = f"stock-document-{document.pk}"
    return resources.download(request, name, lambda file: resources.export_document(file, document, cost=cost))


# --- the buttons -----------------------------------------------------------------------------------------------------


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button of the page says; a refusal is shown on the page, and nothing has changed then."""
    user = cast(User, request.user)
    document = visible(user, StockDocument.objects.filter(pk=pk)).first()
    if document is None or not user.has_perm("inventory.view_stockdocument"):
        raise Http404
    permission, work = WORK.get(request.POST.get("do", ""), ("", None))
    if work is None:
        raise Http404
    if not user.has_perm(permission):
        raise PermissionDenied
    try:
        there = work(request, document)
    except YikuError as refusal:
        messages.error(request, str(refusal))
        there = None
    return HttpResponseRedirect(there or reverse("admin:inventory_stockdocument_change", args=[pk]))


def _post(request: HttpRequest, document: StockDocument) -> None:
    leave_out = request.POST.get("leave_out") == "1"
    try:
        done = tasks.begin_posting(document, cast(User, request.user), without_bad_rows=leave_out)
    except documents.FiguresMoved as moved:
        counts.look_again(document)
        messages.warning(request, str(moved))
        return
    if done:
        messages.success(request, _now("Posted: the stock is what was counted."))


def _propose(request: HttpRequest, document: StockDocument) -> None:
    documents.propose(document_id=document.pk)
    messages.success(request, _now("Proposed: somebody who may will look at it and post it."))


def _discard(request: HttpRequest, document: StockDocument) -> str:
    documents.discard(document_id=document.pk)
    messages.success(request, _now("The preview was dropped. Nothing was posted."))
    return reverse("admin:inventory_stockdocument_changelist")


def _undo(request: HttpRequest, document: StockDocument) -> str:
    note = request.POST.get("note", "").replace("\0", "").strip()[:300]
    reverse_document = documents.undo(document_id=document.pk, user=cast(User, request.user), note=note)
    messages.success(request, _now("Undone by %(document)s.") % {"document": reverse_document})
    return reverse("admin:inventory_stockdocument_change", args=[reverse_document.pk])


COUNT, APPROVE = "inventory.count_stock", "inventory.approve_stockdocument"
Work = Callable[[HttpRequest, StockDocument], str | None]
WORK: dict[str, tuple[str, Work]] = {
    "post": (COUNT, _post),
    "propose": (COUNT, _propose),
    "discard": (COUNT, _discard),
    "undo": (APPROVE, _undo),
}
