"""The list of orders: one for all shops, quick on a million rows, with what a clerk does to many at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from backoffice import audit, clock, masking
from backoffice.adminkit import Outcome, YikuModelAdmin, report_outcomes
from finance.admin.figures import money
from inventory.access import visible
from orders.admin import buyers, order_page, parts
from orders.admin.wording import short_age
from orders.desk import actions, sentences
from orders.models import Order
from orders.models.order import Department

STATE_LABELS = {
    Order.State.UNPAID: "info",
    Order.State.HELD: "warning",
    Order.State.APPROVED: "primary",
    Order.State.PARTLY_SHIPPED: "primary",
    Order.State.SHIPPED: "success",
    Order.State.CANCELLED: "danger",
    Order.State.HISTORY: "default",
}
Act = Callable[[list[int], str, str], list[actions.RowOutcome]]
# What the list shows: addresses and notes of fifty buyers are not read for it.
SHOWN = (
    "number", "state", "payment", "currency", "total", "placed_at", "ship_by", "hold_code", "hold_department",
    "held_since", "pending_version_id", "shop__name", "contact__buyer_name", "contact__country",
)  # fmt: skip
OWN_ACTIONS = ("approve", "review_again", "split_by_stock", "hold", "cancel", "undo_approve")


class ShopFilter(admin.SimpleListFilter):
    """The shops this person may see."""

    title = _("shop")
    parameter_name = "shop"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        from inventory.models import Shop

        return [(str(shop.pk), shop.name) for shop in visible(request.user, Shop.objects.all())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        value = self.value()
        return queryset.filter(shop_id=int(value)) if value and value.isdecimal() and len(value) < 18 else queryset


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
        ShopFilter,
        ("hold_department", admin.ChoicesFieldListFilter),
        ("payment", admin.ChoicesFieldListFilter),
        ("placed_at", RangeDateTimeFilter),
    )
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
        return rows.only(*SHOWN) if match is not None and match.url_name == "orders_order_changelist" else rows

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

    def has_print_permission(self, request: HttpRequest) -> bool:
        """Who may print papers, which show names and addresses."""
        return buyers.may_print(request)

    # --- pages -------------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/do/", wrap(order_page.act), name="orders_order_do"),
            path("<int:pk>/reveal/", wrap(order_page.reveal), name="orders_order_reveal"),
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
        return super().changelist_view(request, {**(extra_context or {}), "empty_hint": _empty_hint(request)})

    # --- columns -----------------------------------------------------------------------------------------------------

    @display(description=_("order number"), header=True)
    def number_shown(self, order: Order) -> list[str]:
        """The number, and how it is paid."""
        return [order.number, order.get_payment_display()]

    @admin.display(description=_("shop"))
    def shop_name(self, order: Order) -> str:
        """The shop's name."""
        return order.shop.name

    @display(description=_("state"), label=STATE_LABELS)
    def state_label(self, order: Order) -> tuple[str, str]:
        """The state as a badge."""
        return order.state, order.get_state_display()

    @admin.display(description=_("what is wrong"))
    def what_next(self, order: Order) -> str:
        """For a held order: the reason, whose it is and how long it has waited."""
        if order.state != Order.State.HELD or order.held_since is None:
            return _now("an edit waits") if order.pending_version_id else ""
        age = short_age(clock.now() - order.held_since)
        owner = dict(Department.choices).get(order.hold_department, "")
        return format_html(
            '<span class="block">{}</span><span class="block text-xs text-base-500">{} · {}</span>',
            sentences.hold_title(order.hold_code, order.hold_note),
            owner,
            age,
        )

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
        if order.ship_by is None or order.state not in (Order.State.APPROVED, Order.State.HELD, "partly_shipped"):
            return ""
        left = order.ship_by - clock.now()
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
        numbers = dict(queryset.values_list("pk", "number"))
        told = act(list(numbers), audit.current_actor().name, reason)
        outcomes = [
            Outcome(
                numbers.get(one.order_id, str(one.order_id)),
                "" if one.ok else one.message,
                reverse("admin:orders_order_change", args=[one.order_id]),
            )
            for one in told
        ]
        done = sum(one.ok for one in told)
        report_outcomes(request, outcomes, ngettext("%(count)d order done.", "%(count)d orders done.", done))


def _empty_hint(request: HttpRequest) -> str:
    return _now("No orders here. Orders arrive by themselves once a shop account is connected and switched on.")
