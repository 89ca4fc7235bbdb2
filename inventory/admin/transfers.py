"""Transfers between warehouses: the list, and the way to each page."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from backoffice.adminkit import OwnPageAdmin
from backoffice.imports.buttons import ByFile
from backoffice.models import User
from inventory.access import visible
from inventory.admin import transfer_page, transfer_proposal, transfer_receiving
from inventory.models import Transfer

State = Transfer.State
STATE_LABELS = {
    State.DRAFT: "default", State.REQUESTED: "warning", State.PICKED: "info", State.TRANSIT: "info",
    State.PARTLY: "warning", State.RECEIVED: "success", State.CANCELLED: "danger",
}  # fmt: skip


@admin.register(Transfer)
class TransferAdmin(ByFile, OwnPageAdmin):
    """Transfers that begin or end in a warehouse the person sees."""

    empty_note = _("None yet. Plan one, or let the proposal say what should go over.")
    list_display = ("number", "ways", "state_label", "lines_shown", "expected_on", "created_at")
    list_display_links = ("number",)
    list_filter = (("state", admin.ChoicesFieldListFilter),)
    list_select_related = ("origin", "destination")
    ordering = ("-id",)
    actions_list = ("new_transfer", "see_proposal", "import_file", "export_file")
    file_kind = "inventory.transfers"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transfer]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def has_plan_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may plan."""
        return request.user.has_perm(transfer_page.PLAN)

    def get_urls(self) -> list[Any]:
        views = (
            ("new/", transfer_page.new, "new"),
            ("proposal/", transfer_proposal.page, "proposal"),
            ("<int:pk>/lines/", transfer_page.lines, "lines"),
            ("<int:pk>/upload/", transfer_page.upload, "upload"),
            ("<int:pk>/lines.xlsx", transfer_page.out, "xlsx"),
            ("<int:pk>/transfer.pdf", transfer_page.paper, "pdf"),
            ("<int:pk>/do/", transfer_page.act, "do"),
            ("<int:pk>/receive/", transfer_receiving.receive, "receive"),
        )
        own = [
            path(where, self.admin_site.admin_view(view), name=f"inventory_transfer_{name}")
            for where, view, name in views
        ]
        return [*own, *super().get_urls()]

    def own_page(self, request: HttpRequest, row: Transfer) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        more = transfer_page.context(request, row)
        return TemplateResponse(request, "admin/inventory/transfer/page.html", {**context, **more})

    @action(description=_("Plan a transfer"), url_path="plan", icon="add", permissions=["plan"])
    def new_transfer(self, request: HttpRequest) -> HttpResponse:
        """To the form."""
        return HttpResponseRedirect(reverse("admin:inventory_transfer_new"))

    @action(description=_("What should go over"), url_path="see-proposal", icon="lightbulb", permissions=["plan"])
    def see_proposal(self, request: HttpRequest) -> HttpResponse:
        """To the proposal."""
        return HttpResponseRedirect(reverse("admin:inventory_transfer_proposal"))

    @display(description=_("way"), header=True)
    def ways(self, row: Transfer) -> list[str]:
        """From where to where, and the note."""
        return [f"{row.origin.code} → {row.destination.code}", row.note]

    @display(description=_("state"), label=STATE_LABELS)
    def state_label(self, row: Transfer) -> tuple[str, str]:
        """The state as a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("lines"))
    def lines_shown(self, row: Transfer) -> str:
        """How many lines."""
        return f"{row.line_count:,}"
