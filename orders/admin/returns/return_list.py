"""The list of returns, with what is late, what waits for a decision and what waits for money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from backoffice import clock
from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from inventory.access import visible
from inventory.models import Shop, Warehouse
from orders.admin import buyers
from orders.admin.returns import arrivals, buttons, files, inspection, report, return_page
from orders.admin.wording import short_age
from orders.models import Return, ReturnReason, ReturnRefund
from orders.returns import receiving
from orders.returns.sight import mine

State = Return.State
TONES = {
    State.REQUESTED: "warning",
    State.APPROVED: "info",
    State.INSTRUCTED: "info",
    State.IN_TRANSIT: "info",
    State.RECEIVED: "warning",
    State.INSPECTED: "warning",
    State.SETTLED: "success",
    State.CLOSED: "",
    State.REFUSED: "danger",
    State.CANCELLED: "",
}


class WaitFilter(admin.SimpleListFilter):
    """What a return waits for."""

    title, parameter_name = _("waits for"), "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, Any]]:
        return [
            ("decision", _("A decision")),
            ("coming", _("A parcel on its way")),
            ("overdue", _("Goods that are overdue")),
            ("inspection", _("Inspection")),
            ("missing", _("Goods still missing")),
            ("settling", _("Being settled")),
            ("approval", _("Approval of money")),
            ("hand", _("Money by hand")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Return]) -> QuerySet[Return]:
        return waiting(queryset, self.value())


def waiting(rows: QuerySet[Return], what: str | None) -> QuerySet[Return]:
    """Narrow returns to what they wait for."""
    if what == "overdue":
        return receiving.overdue(rows)
    if what == "missing":
        return receiving.missing(rows)
    states = {
        "decision": State.REQUESTED, "coming": State.IN_TRANSIT, "inspection": State.RECEIVED,
        "settling": State.INSPECTED,
    }  # fmt: skip
    if what in states:
        return rows.filter(state=states[what])
    money = {"approval": ReturnRefund.State.PROPOSED, "hand": ReturnRefund.State.MANUAL}
    if what in money:
        return rows.filter(pk__in=ReturnRefund.objects.filter(state=money[what]).values("rma_id"))
    return rows


class _OwnFilter(admin.SimpleListFilter):
    """A filter over rows that the person may see."""

    field = ""

    def rows(self, request: HttpRequest) -> Sequence[tuple[str, Any]]:
        """Return the choices."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, Any]]:
        return self.rows(request)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Return]) -> QuerySet[Return]:
        value = self.value() or ""
        return queryset.filter(**{self.field: int(value)}) if value.isdecimal() and len(value) < 18 else queryset


class ShopFilter(_OwnFilter):
    """By shop."""

    title, parameter_name, field = _("shop"), "shop", "order__shop"

    def rows(self, request: HttpRequest) -> Sequence[tuple[str, Any]]:
        """The person's shops."""
        return [(str(shop.pk), shop.name) for shop in visible(request.user, Shop.objects.order_by("code"))]


class PlaceFilter(_OwnFilter):
    """By warehouse."""

    title, parameter_name, field = _("comes back to"), "place", "warehouse"

    def rows(self, request: HttpRequest) -> Sequence[tuple[str, Any]]:
        """The person's warehouses."""
        own = visible(request.user, Warehouse.objects.filter(read_only=False).order_by("code"))
        return [(str(place.pk), place.name) for place in own]


class ReasonFilter(_OwnFilter):
    """By reason."""

    title, parameter_name, field = _("reason"), "why", "reason"

    def rows(self, request: HttpRequest) -> Sequence[tuple[str, Any]]:
        """All reasons, also those no longer offered."""
        return [(str(one.pk), str(one)) for one in ReturnReason.objects.all()]


@admin.register(Return)
class ReturnAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Returns are opened on an order's page, by a refund or by a parcel; their own page is ours."""

    list_display = (
        "number_shown", "order_link", "shop_shown", "state_label", "wants_shown", "reason", "place_shown",
        "clock_shown", "requested_at",
    )  # fmt: skip
    list_display_links = ("number_shown",)
    list_filter = (
        WaitFilter, ("state", admin.ChoicesFieldListFilter), ("wants", admin.ChoicesFieldListFilter),
        ("source", admin.ChoicesFieldListFilter), ShopFilter, PlaceFilter, ReasonFilter,
    )  # fmt: skip
    list_select_related = ("order__shop", "reason", "warehouse")
    ordering = ("-id",)
    prefix_search = ("tracking_key",)
    empty_note = _(
        "No returns. Open one on the page of an order; refunds on the platform and parcels that come in open them too."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Return]:
        return mine(request.user, super().get_queryset(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Return], search_term: str
    ) -> tuple[QuerySet[Return], bool]:
        """By number, tracking number, order, and by buyer for who may uncover buyers: it must tell nobody else."""
        if not search_term.strip():
            return queryset, False
        return receiving.find_returns(queryset, search_term, buyers=buyers.may_reveal(request)), False

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/do/", wrap(buttons.act), name="orders_return_do"),
            path("<int:pk>/slip/", wrap(files.slip_view), name="orders_return_slip"),
            path("<int:pk>/slip.pdf", wrap(files.slip_pdf), name="orders_return_slip_pdf"),
            path("<int:pk>/receive/", wrap(arrivals.receive), name="orders_return_receive"),
            path("<int:pk>/inspect/", wrap(inspection.inspect), name="orders_return_inspect"),
            path("arrive/", wrap(arrivals.arrive), name="orders_return_arrive"),
            path("arrive/<int:pk>/", wrap(arrivals.blind), name="orders_return_blind"),
            path("apart/", wrap(inspection.apart), name="orders_return_apart"),
            path("photo/<str:token>/", wrap(files.photo), name="orders_return_photo"),
            path("report/", wrap(report.show), name="orders_return_report"),
            path("report/xlsx/", wrap(report.xlsx), name="orders_return_report_xlsx"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one return is our own: nothing on it is edited as a row."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "GET":
            raise PermissionDenied
        pk = int(object_id) if object_id.isdecimal() and len(object_id) < 18 else 0
        if not mine(request.user).filter(pk=pk).exists():
            raise Http404
        return return_page.show(request, pk)

    @admin.display(description=_("return"))
    def number_shown(self, row: Return) -> str:
        """Its number."""
        return row.number

    @admin.display(description=_("order"))
    def order_link(self, row: Return) -> str:
        """The order's page."""
        url = reverse("admin:orders_order_change", args=[row.order_id])
        return format_html('<a class="underline" href="{}">{}</a>', url, row.order.number)

    @admin.display(description=_("shop"))
    def shop_shown(self, row: Return) -> str:
        """The shop."""
        return row.order.shop.name

    @display(description=_("state"), label=TONES)
    def state_label(self, row: Return) -> tuple[str, str]:
        """As a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("the buyer wants"))
    def wants_shown(self, row: Return) -> str:
        """Money only, or what for the goods."""
        return row.get_wants_display() if row.goods else str(_("Money only"))

    @admin.display(description=_("comes back to"))
    def place_shown(self, row: Return) -> str:
        """The warehouse."""
        return row.warehouse.name if row.warehouse else "–"

    @admin.display(description=_("expected by"))
    def clock_shown(self, row: Return) -> str:
        """Until when, and for how long it has been overdue."""
        return return_page.clock_text(row, clock.now(), short_age)
