"""The board of late and soon-late orders: a list like that of all orders, read along the index of their times."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.decorators import display

from backoffice import audit, clock
from backoffice.keyset import KeysetChangeList
from finance.admin.figures import money
from inventory.access import sight, visible
from inventory.models import Warehouse
from orders.admin.filters import ShopFilter
from orders.admin.late import sheets
from orders.admin.late.begin import started
from orders.admin.order_list import SHOWN, OrderAdmin
from orders.admin.wording import short_age
from orders.late import board, standing
from orders.models import LateOrder, Order
from orders.models.order import Department

READ = (*SHOWN, "due_at", "buyer_key", "base_total", "priority", "marks", "hold_note", "shop", "contact")
DECIDE, RUN = "orders.decide_order", "orders.run_lateplay"
MOST_IN_A_SHEET, PAGE = 50_000, 500
WORTH = (100, 500, 1_000, 5_000)
EVEN_NULL = ("due_at", "base_total")  # the list leaves out rows without


class WhenFilter(admin.SimpleListFilter):
    """How late."""

    title = _("has to leave")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(board.SPANS.items())

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Without a choice the board shows what has to leave up to tomorrow."""
        for place, choice in enumerate(super().choices(changelist)):
            yield {**choice, "display": _("Up to tomorrow")} if place == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        spans = board.spans()
        return queryset.filter(spans.get(self.value() or "", spans[""]))


class StageFilter(admin.SimpleListFilter):
    """How far it has come."""

    title = _("where it stands")
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(code, name) for code, name in standing.STAGES.items() if code != standing.PACKED]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(standing.stage_condition(self.value() or ""))


class DepartmentFilter(admin.SimpleListFilter):
    """Who has it."""

    title = _("department")
    parameter_name = "department"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Department.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(standing.department_condition(value)) if value in Department.values else queryset


class WarehouseFilter(admin.SimpleListFilter):
    """Where its goods lie, or are waited for."""

    title = _("warehouse")
    parameter_name = "warehouse"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(one.pk), one.name) for one in visible(request.user, Warehouse.objects.filter(active=True))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return board.at_warehouses(queryset, [int(value)]) if value.isdecimal() and len(value) < 18 else queryset


class ValueFilter(admin.SimpleListFilter):
    """Worth at least so much in base currency."""

    title = _("value")
    parameter_name = "worth"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(one), f"≥ {one:,}") for one in WORTH]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        known = {str(one): one for one in WORTH}
        return queryset.filter(base_total__gte=known[value]) if value in known else queryset


class PriorityFilter(admin.SimpleListFilter):
    """Orders that rules or people have called important."""

    title = _("priority")
    parameter_name = "priority"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("only those with a priority"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(priority__gt=0) if self.value() == "1" else queryset


class LateChangeList(KeysetChangeList):
    """Rows with where each stands; by time or by value, of which the list has no empty ones."""

    def _is_key(self, name: str) -> bool:
        return name in EVEN_NULL or super()._is_key(name)

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        rows = super().get_queryset(request, *args, **kwargs)
        by_value = any(str(name).lstrip("-") == "base_total" for name in rows.query.order_by)
        return rows.filter(base_total__isnull=False) if by_value else rows

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        place(request, self.result_list)


def place(request: HttpRequest, orders: Sequence[Any]) -> None:
    """Write where each order stands on the order, as the reader may see it."""
    found = standing.of(orders, sight(request.user))
    for one in orders:
        one.standing = found[one.pk]


@admin.register(LateOrder)
class LateOrderAdmin(OrderAdmin):
    """Which orders have to leave by when, what keeps them, and the play that puts it right."""

    empty_note = _(
        "Nothing is late and nothing has to leave by tomorrow. Handling times are set under Settings of orders."
    )
    list_display: Any = (
        "number_shown", "due_shown", "stands", "places_shown", "buyer", "value_shown", "play_shown",
    )  # fmt: skip
    list_filter: Any = (
        WhenFilter, StageFilter, DepartmentFilter, WarehouseFilter, ShopFilter, ValueFilter, PriorityFilter,
    )  # fmt: skip
    ordering = ("due_at", "pk")
    sortable_by = ("due_shown", "value_shown")
    list_before_template = "admin/orders/late/figures.html"

    class Media:
        css = {"all": ("orders/desk.css", "orders/rules.css", "orders/late.css")}

    @property
    def actions(self) -> Sequence[Any]:
        """A play for the chosen ones, and what can be done on the list of all orders."""
        return ("begin_play", *super().actions)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return LateChangeList

    def get_ordering(self, request: HttpRequest) -> list[str]:
        return ["due_at", "pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = board.clocked(super().get_queryset(request)).only(*READ)
        return board.seen_by(rows, sight(request.user), decides=_decides(request))

    def has_play_permission(self, request: HttpRequest) -> bool:
        """Who may begin a play."""
        return request.user.has_perm(RUN)

    def get_urls(self) -> list[Any]:
        own = path("xlsx/", self.admin_site.admin_view(require_safe(self.xlsx)), name="orders_lateorder_xlsx")
        return [own, *super(OrderAdmin, self).get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """An order has one page, that of all orders."""
        if not self.has_view_permission(request) or request.method == "POST":
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[object_id]))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        rows = visible(request.user, LateOrder.objects.all())
        rows = board.seen_by(rows, sight(request.user), decides=_decides(request))
        counts = board.figures(rows)
        tabs = [{"span": span, "title": board.SPANS[span], "count": counts[span]} for span in counts]
        extra = {
            "tabs": tabs, "span": request.GET.get("when", ""), "query": request.GET.urlencode(),
            "may_begin": self.has_play_permission(request), "by_value": "o" in request.GET,
        }  # fmt: skip
        return super().changelist_view(request, {**(extra_context or {}), **extra})

    def xlsx(self, request: HttpRequest) -> HttpResponseBase:
        """What the board shows with these filters, as a workbook."""
        return _xlsx(self, request)

    # --- columns -----------------------------------------------------------------------------------------------------

    @display(description=_("order number"), header=True)
    def number_shown(self, order: Order) -> list[str]:
        """The number, and its shop."""
        return [order.number, order.shop.name]

    @display(description=_("has to leave"), ordering="due_at", header=True)
    def due_shown(self, order: Order) -> list[Any]:
        """Red when it is over; below, the time itself."""
        assert order.due_at is not None
        left = order.due_at - clock.now()
        moment = date_format(timezone.localtime(order.due_at), "SHORT_DATETIME_FORMAT")
        if left < dt.timedelta():
            late = _now("late by %s") % short_age(-left)
            return [format_html('<strong class="text-red-600 dark:text-red-500">{}</strong>', late), moment]
        return [_now("in %s") % short_age(left), moment]

    @admin.display(description=_("what keeps it"))
    def stands(self, order: Any) -> str:
        """Where it stands, probably why, and whose it is."""
        found: standing.Standing = order.standing
        owner = dict(Department.choices).get(found.department, "")
        title = standing.STAGES[found.stage]
        reason = format_html('<span class="block">{}</span>', found.reason) if found.reason != str(title) else ""
        return format_html(
            '<span class="yl-stage yl-{}">{}</span>{}<span class="block text-xs text-base-500">{}</span>',
            found.stage, title, reason, owner,
        )  # fmt: skip

    @admin.display(description=_("warehouse"))
    def places_shown(self, order: Any) -> str:
        """Where its goods lie or are waited for."""
        return ", ".join(order.standing.warehouses)

    @admin.display(description=_("buyer"))
    def buyer(self, order: Any) -> str:
        """Masked; with how often the buyer came within a year."""
        found: standing.Standing = order.standing
        marks = []
        if found.loyal:
            marks.append(_now("%d orders a year") % found.bought)
        if order.priority:
            marks.append(_now("priority %d") % order.priority)
        told = format_html_join(" ", '<span class="yr-badge">{}</span>', ((mark,) for mark in marks))
        return format_html("{}{}", super().buyer(order), told)

    @admin.display(description=_("value"), ordering="base_total")
    def value_shown(self, order: Order) -> str:
        """In base currency, so that shops compare."""
        return money(order.base_total) if order.base_total is not None else money(order.total, order.currency)

    @admin.display(description=_("late play"))
    def play_shown(self, order: Any) -> str:
        """The play it is in, or a button that begins one."""
        play = order.standing.play_id
        if play is not None:
            url = reverse("admin:orders_lateplay_change", args=[play])
            return format_html('<a class="underline" href="{}">{}</a>', url, _now("under way"))
        return format_html(
            '<button class="yl-begin" formaction="{}" formmethod="post" name="order" value="{}:{}">{}</button>',
            reverse("admin:orders_lateplay_begin"), order.pk, uuid.uuid4().hex, _now("Begin a play"),
        )  # fmt: skip

    def get_list_display(self, request: HttpRequest) -> Sequence[str]:
        """Whoever may not run plays has no column of buttons."""
        shown = super().get_list_display(request)
        return [one for one in shown if one != "play_shown"] if not self.has_play_permission(request) else shown

    @admin.action(description=_("Begin a late play"), permissions=["play"])
    def begin_play(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse:
        """One play for the chosen orders."""
        chosen = list(queryset.values_list("pk", flat=True))
        return started(request, once=uuid.uuid4().hex, order_ids=chosen)


def _decides(request: HttpRequest) -> bool:
    """Whoever only packs sees the orders of the own warehouses."""
    return request.user.has_perm(DECIDE) or not request.user.has_perm("orders.ship_order")


def _xlsx(model_admin: LateOrderAdmin, request: HttpRequest) -> HttpResponseBase:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    changelist = model_admin.get_changelist_instance(request)
    ids = list(changelist.queryset.values_list("pk", flat=True)[:MOST_IN_A_SHEET])
    audit.record(action="late_order.export", target="orders.lateorder", summary=str(len(ids)), request=request)
    file = sheets.workbook(sheets.BOARD, _rows(request, ids), name=str(_("Late orders")))
    return FileResponse(file, as_attachment=True, filename="late-orders.xlsx")


def _rows(request: HttpRequest, ids: Sequence[int]) -> Iterator[Sequence[Any]]:
    """A page of orders at a time: memory stays the same."""
    for start in range(0, len(ids), PAGE):
        page = ids[start : start + PAGE]
        found = {one.pk: one for one in Order.objects.filter(pk__in=page).select_related("shop")}
        orders = [found[pk] for pk in page if pk in found]
        place(request, orders)
        yield from (sheets.board_row(one) for one in orders)
