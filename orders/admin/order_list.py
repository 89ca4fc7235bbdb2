"""The list of orders: one for all shops, quick on a million rows, with what a clerk does to many at once."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from backoffice import audit, clock, masking
from backoffice.adminkit import YikuModelAdmin
from backoffice.errors import YikuError
from backoffice.keyset import CURSOR_PARAMETERS, KeysetChangeList
from finance.admin.figures import money
from inventory.access import visible
from orders.admin import (
    backorders,
    bulk,
    buyers,
    erasing,
    exporting,
    filters,
    order_page,
    parts,
    run_page,
    status,
    views,
)
from orders.admin.wording import short_age
from orders.desk import actions
from orders.models import Order
from orders.models.order import Department

TONES = ("default", "info", "warning", "primary", "success", "danger")
Act = Callable[[list[int], str, str], list[actions.RowOutcome]]
# What the list shows: addresses and notes of fifty buyers are not read for it.
SHOWN = (
    "number", "state", "payment", "currency", "total", "placed_at", "ship_by", "due_at", "hold_code",
    "hold_department", "held_since", "hold_note", "hold_until", "pending_version_id", "marks", "priority",
    "not_before", "promised_on", "shop__name", "contact__buyer_name", "contact__country",
)  # fmt: skip
OWN_ACTIONS = ("approve", "review_again", "split_by_stock", "hold", "cancel", "undo_approve")


class OrderChangeList(KeysetChangeList):
    """The list with its views: a view's name and the list's size are no filters; each order has its status."""

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """What only says how the list is shown narrows nothing."""
        found = super().get_filters_params(params)
        return {key: value for key, value in found.items() if key not in views.OWN_PARAMETERS}

    def get_results(self, request: HttpRequest) -> None:
        """Read one page and the status of its orders; for an export or a count nothing but the question is needed."""
        if getattr(request, "asked_for_rows_only", False):
            self.result_list, self.result_count = [], 0
            return
        self.list_per_page = views.page_size(request)
        super().get_results(request)
        rows = cast(list[Any], self.result_list)
        said = status.of(rows)
        for order in rows:
            order.said = said[order.pk]


@admin.register(Order)
class OrderAdmin(YikuModelAdmin):
    """The order desk."""

    empty_note = _(
        "Orders come by themselves once a shop is connected; a file of orders can be uploaded under “Order files”."
    )
    list_display = ("number_shown", "shop_name", "state_label", "what_next", "buyer", "total_shown", "placed", "due")
    list_display_links = ("number_shown",)
    list_filter = (
        ("state", admin.ChoicesFieldListFilter),
        filters.ShopFilter,
        ("hold_department", ChoicesDropdownFilter),
        filters.DueFilter,
        filters.WaitsFilter,
        filters.FloorFilter,
        filters.MarkFilter,
        filters.TagFilter,
        filters.PriorityFilter,
        filters.CountryFilter,
        filters.ReservedAtFilter,
        ("payment", ChoicesDropdownFilter),
        ("placed_at", RangeDateTimeFilter),
        ("ship_by", RangeDateTimeFilter),
    )
    show_facets = admin.ShowFacets.NEVER  # figures stand at the views, bounded; here each would count a million rows
    list_before_template = "admin/orders/order/views.html"
    list_select_related = ("shop", "contact")
    ordering = ("-placed_at", "-id")
    search_help_text = _("Order number, buyer's name, e-mail or phone: type the beginning")

    @property
    def actions(self) -> Sequence[Any]:
        """What is done to many at once: ours, and what the parts of the desk bring."""
        return (*OWN_ACTIONS, *parts.bulk_actions())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        rows = visible(request.user, super().get_queryset(request))
        match = request.resolver_match
        page = match.url_name if match is not None else ""
        if page == "orders_order_change":  # a page of its own, which names the shop and the buyer
            return rows.select_related("shop", "contact")
        return rows.only(*SHOWN) if page == "orders_order_changelist" else rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OrderChangeList

    def get_search_fields(self, request: HttpRequest) -> Sequence[str]:
        if buyers.may_reveal(request):
            return ("number_key", "contact__name_key", "contact__email_key", "contact__phone_key")
        return ("number_key",)

    @property
    def prefix_search(self) -> Sequence[str]:  # type: ignore[override]
        """Whoever may not uncover buyers must not find out by searching."""
        return ("number_key", "contact__name_key", "contact__email_key", "contact__phone_key")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        from backoffice.adminkit import search_form
        from orders.search import found

        term = search_form(search_term)
        return (found(queryset, term, buyers=buyers.may_reveal(request)) if term else queryset), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Orders come in through intake: a shop, a file or the API."""
        return False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Who may approve, hold and cancel."""
        return request.user.has_perm("orders.decide_order")

    def has_note_permission(self, request: HttpRequest) -> bool:
        """Who may write a note on an order."""
        return request.user.has_perm("orders.add_staffnote")

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Who may take orders away as a file."""
        return request.user.has_perm(exporting.EXPORT)

    def has_print_permission(self, request: HttpRequest) -> bool:
        """Who may print papers, which show names and addresses."""
        return buyers.may_print(request)

    # --- pages -------------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view

        def page(work: Callable[..., HttpResponseBase], *methods: str) -> Any:
            view = functools.wraps(work)(functools.partial(work, self))
            return wrap(require_http_methods(methods or ("GET", "HEAD"))(view))

        own = [
            path("<int:pk>/versions/", page(order_page.versions), name="orders_order_versions"),
            path("<int:pk>/here/", wrap(order_page.here), name="orders_order_here"),
            path("views/", page(views.arrange), name="orders_order_views"),
            path("views/do/", page(views.do, "POST"), name="orders_order_views_do"),
            path("views/counts/", page(views.counts), name="orders_order_views_counts"),
            path("export/", page(export_list, "POST"), name="orders_order_export"),
            path("exports/<str:token>/", page(exporting.page), name="orders_order_exported"),
            path("exports/<str:token>/file/", page(exporting.file), name="orders_order_export_file"),
            path("runs/<int:pk>/", page(run_page.show), name="orders_order_run"),
            path("backorders/", page(backorders.page), name="orders_order_backorders"),
            path("backorders/do/", page(backorders.do, "POST"), name="orders_order_backorders_do"),
            path("backorders/xlsx/", page(backorders.xlsx), name="orders_order_backorders_xlsx"),
            path("<int:pk>/do/", wrap(order_page.act), name="orders_order_do"),
            path("<int:pk>/reveal/", wrap(order_page.reveal), name="orders_order_reveal"),
            path("<int:pk>/erase/", wrap(erasing.page), name="orders_order_erase"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one order is our own: nothing on it is edited as a row."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        order = self.get_object(request, object_id)
        if order is None:
            raise Http404
        return order_page.show(self, request, order)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        setting = views.setting_of(request.user)
        there = views.first_view(self, request, setting)
        if there:
            return HttpResponseRedirect(there)
        shown = views.shown(self, request, setting)
        if request.method == "GET":
            views.tell_lost(request, shown)
        context = {
            "empty_hint": _empty_hint(request),
            "views": shown,
            "view_roles": views.shareable(request.user),
            "view_query": request.GET.urlencode(),
            "view_sizes": _sizes(request),
            "may_export": self.has_export_permission(request),
            "may_reveal": buyers.may_reveal(request),
        }
        return super().changelist_view(request, {**(extra_context or {}), **context})

    # --- columns -----------------------------------------------------------------------------------------------------

    @display(description=_("order number"), header=True)
    def number_shown(self, order: Order) -> list[str]:
        """The number, and how it is paid."""
        return [order.number, order.get_payment_display()]

    @admin.display(description=_("shop"))
    def shop_name(self, order: Order) -> str:
        """The shop's name."""
        return order.shop.name

    @display(description=_("state"), label={tone: tone for tone in TONES})
    def state_label(self, order: Order) -> tuple[str, str]:
        """The one status as a badge."""
        said = getattr(order, "said", None) or status.one(order)
        return said.tone, said.label

    @admin.display(description=_("department"))
    def what_next(self, order: Order) -> str:
        """For a held order whose it is and how long it has waited; then our marks and the priority."""
        return format_html("{}{}", self._held(order), _badges(order))

    def _held(self, order: Order) -> str:
        if order.state != Order.State.HELD or order.held_since is None:
            return _now("an edit waits") if order.pending_version_id else ""
        age = short_age(clock.now() - order.held_since)
        owner = dict(Department.choices).get(order.hold_department, "")
        return format_html('<span class="block">{} · {}</span>', owner, age)

    @admin.display(description=_("buyer"))
    def buyer(self, order: Order) -> str:
        """Masked, town and country: enough to recognise."""
        contact = getattr(order, "contact", None)
        if contact is None:
            return ""
        return masking.name(contact.buyer_name) + (f" · {contact.country}" if contact.country else "")

    @admin.display(description=_("total"))
    def total_shown(self, order: Order) -> str:
        """In the order's currency."""
        return money(order.total, order.currency)

    @admin.display(description=_("ordered"), ordering="placed_at")
    def placed(self, order: Order) -> dt.datetime:
        """When the buyer ordered."""
        return order.placed_at

    @admin.display(description=_("ship by"))
    def due(self, order: Order) -> str:
        """What is left of the time, red when it is over."""
        if order.state not in (Order.State.APPROVED, Order.State.HELD, "partly_shipped"):
            return ""
        if order.promised_on and order.hold_code == "short_stock":
            return _promised(order)
        if order.due_at is None:
            return ""
        left = order.due_at - clock.now()
        if left < dt.timedelta():
            return format_html('<strong class="text-red-600">{}</strong>', _now("late by %s") % short_age(-left))
        return short_age(left)

    # --- many at once ------------------------------------------------------------------------------------------------

    @admin.action(description=_("Approve"), permissions=["decide"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Approve over the findings; short orders stay held and say what is missing."""
        self._each(request, queryset, lambda ids, who, why: actions.approve(order_ids=ids, actor=who, reason=why))

    @admin.action(description=_("Check again"), permissions=["decide"])
    def review_again(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Send held orders through the checks again."""
        self._each(request, queryset, lambda ids, who, why: actions.release_hold(order_ids=ids, actor=who, reason=why))

    @admin.action(description=_("Split by stock"), permissions=["decide"])
    def split_by_stock(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Send what is there, let the rest wait."""
        self._each(request, queryset, lambda ids, who, why: actions.split_by_stock(order_ids=ids, actor=who))

    @admin.action(description=_("Undo the approval"), permissions=["decide"])
    def undo_approve(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Back to held; the goods go back to demand."""
        self._each(request, queryset, lambda ids, who, why: actions.undo_approve(order_ids=ids, actor=who, reason=why))

    @admin.action(description=_("Hold…"), permissions=["decide"])
    def hold(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Hold with a reason."""
        return self._with_reason(
            request, queryset, "hold", _now("Hold orders"),
            lambda ids, who, why: actions.hold(order_ids=ids, actor=who, reason=why),
        )  # fmt: skip

    @admin.action(description=_("Cancel…"), permissions=["decide"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Cancel with a reason; the goods are free again at once."""
        return self._with_reason(
            request, queryset, "cancel", _now("Cancel orders"),
            lambda ids, who, why: actions.cancel(order_ids=ids, actor=who, reason=why),
        )  # fmt: skip

    def _with_reason(
        self, request: HttpRequest, queryset: QuerySet[Order], name: str, title: str, act: Act
    ) -> HttpResponse | None:
        reason = request.POST.get("reason", "").strip()[:300]
        if "confirmed" in request.POST and reason:
            self._each(request, queryset, act, reason)
            return HttpResponseRedirect(request.get_full_path())
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "orders": queryset,
            "action": name,
            "missing": "confirmed" in request.POST,
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/orders/order/reason.html", context)

    def _each(self, request: HttpRequest, queryset: QuerySet[Order], act: Act, reason: str = "") -> None:
        who = audit.current_actor().name
        bulk.tell(request, queryset, lambda ids: act(ids, who, reason))


def export_list(model_admin: OrderAdmin, request: HttpRequest) -> HttpResponse:
    """Put all orders that the list shows into a workbook."""
    if not model_admin.has_export_permission(request):
        raise PermissionDenied
    try:
        return bulk.export_of(request, query=views.cleaned(request.POST.get("query", "")))
    except YikuError as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:orders_order_changelist"))


def _sizes(request: HttpRequest) -> list[tuple[int, str, bool]]:
    here = views.page_size(request)
    asked = request.GET.copy()
    found = []
    for size in views.SIZES:
        asked[views.PER] = str(size)
        for name in CURSOR_PARAMETERS:
            asked.pop(name, None)
        found.append((size, "?" + asked.urlencode(), size == here))
    return found


def _promised(order: Order) -> str:
    """The day a short order was promised for, red when it is over."""
    day = order.promised_on or dt.date.max
    promised = _now("promised for %s") % date_format(day, "SHORT_DATE_FORMAT")
    late = "text-red-600" if day < timezone.localdate(clock.now()) else "text-base-500"
    return format_html('<span class="{}">{}</span>', late, promised)


def _badges(order: Order) -> str:
    texts = [str(mark) for mark in order.marks]
    if order.priority:
        texts.append(_now("priority %d") % order.priority)
    badge = '<span class="inline-block rounded-sm bg-base-100 dark:bg-base-800 px-1.5 mr-1 mt-1 text-xs">{}</span>'
    return format_html_join("", badge, ((text,) for text in texts[:6]))


def _empty_hint(request: HttpRequest) -> str:
    return _now("No orders here. Orders arrive by themselves once a shop account is connected and switched on.")
