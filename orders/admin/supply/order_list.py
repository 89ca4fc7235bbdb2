"""The list of purchase orders and the addresses of their pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from backoffice.imports.buttons import ByFile
from inventory.access import visible
from orders.admin.late.sheets import workbook
from orders.admin.supply import files, kit, order_form, order_page, receive_page, sheets
from orders.importing.invoices import InvoiceKind
from orders.models import PurchaseOrder

State = PurchaseOrder.State
TONES = {
    State.DRAFT: "", State.WAITING: "warning", State.ORDERED: "info", State.PARTLY: "info", State.RECEIVED: "success",
    State.CLOSED: "success", State.CANCELLED: "danger",
}  # fmt: skip


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(ByFile, ReadOnlyMixin, YikuModelAdmin):
    """Purchase orders have pages of their own; nothing is edited as a row."""

    list_display = ("number", "supplier_name", "place", "state_label", "total_shown", "expected_on", "created_at")
    list_display_links = ("number",)
    list_filter = (("state", admin.ChoicesFieldListFilter), ("source", admin.ChoicesFieldListFilter), "supplier")
    list_select_related = ("supplier", "warehouse")
    search_fields = ("number__istartswith", "supplier__name__icontains")
    ordering = ("-id",)
    actions_list = ("new_order", "import_file", "export_file", "import_invoices", "export_xlsx")
    file_kind = "orders.purchases"
    empty_note = _("No purchase orders. Enter one, or let the suggestions draft them.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PurchaseOrder]:
        return visible(request.user, super().get_queryset(request))

    def get_list_display(self, request: HttpRequest) -> Any:
        """What is paid is for who may see it."""
        names = super().get_list_display(request)
        return names if kit.sees_prices(request) else [name for name in names if name != "total_shown"]

    def get_urls(self) -> list[Any]:
        wrap, own = self.admin_site.admin_view, "orders_purchaseorder"
        pages = [
            path("new/", wrap(order_form.new), name=f"{own}_new"),
            path("<int:pk>/edit/", wrap(order_form.edit), name=f"{own}_edit"),
            path("<int:pk>/do/", wrap(order_page.act), name=f"{own}_do"),
            path("<int:pk>/receive/", wrap(receive_page.receive), name=f"{own}_receive"),
            path("<int:pk>/order.pdf", wrap(files.pdf), name=f"{own}_pdf"),
            path("<int:pk>/order.xlsx", wrap(files.xlsx), name=f"{own}_xlsx"),
            path("return/<int:pk>/return.pdf", wrap(files.return_pdf), name=f"{own}_return_pdf"),
        ]
        return [*pages, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one order is our own."""
        if request.method != "GET":
            raise PermissionDenied
        return order_page.show(request, kit.number(object_id))

    def has_enter_permission(self, request: HttpRequest) -> bool:
        """Who writes drafts."""
        return request.user.has_perm(kit.CHANGE)

    @admin.display(description=_("supplier"))
    def supplier_name(self, row: PurchaseOrder) -> str:
        """Its name."""
        return row.supplier.name

    @admin.display(description=_("arrives in"))
    def place(self, row: PurchaseOrder) -> str:
        """The warehouse."""
        return row.warehouse.name

    @display(description=_("state"), label=TONES)
    def state_label(self, row: PurchaseOrder) -> tuple[str, str]:
        """As a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("total"))
    def total_shown(self, row: PurchaseOrder) -> str:
        """With its currency."""
        return f"{row.total:,.2f} {row.currency}"

    @action(description=_("New purchase order"), url_path="new-order", icon="add", permissions=["enter"])
    def new_order(self, request: HttpRequest) -> HttpResponse:
        """To the form."""
        return HttpResponseRedirect(reverse("admin:orders_purchaseorder_new"))

    def has_invoices_permission(self, request: HttpRequest) -> bool:
        """Who brings invoices in by file."""
        return InvoiceKind.may_import(request.user)

    @action(description=_("Import invoices"), url_path="import-invoices", icon="receipt_long", permissions=["invoices"])
    def import_invoices(self, request: HttpRequest) -> HttpResponse:
        """To the page that takes a file of suppliers' invoices."""
        return HttpResponseRedirect(reverse("import_start", args=[InvoiceKind.key]))

    @action(description=_("Export totals"), url_path="export", icon="request_quote", permissions=["view"])
    def export_xlsx(self, request: HttpRequest) -> HttpResponseBase:
        """All orders this person sees, one a row."""
        prices = kit.sees_prices(request)
        rows = self.get_queryset(request).select_related("supplier", "warehouse").iterator(500)
        columns = [*sheets.ORDERS, *(sheets.TOTALS if prices else ())]
        file = workbook(columns, (sheets.order_row(row, prices) for row in rows), name=_now("Purchase orders"))
        return FileResponse(file, as_attachment=True, filename="purchase-orders.xlsx")
