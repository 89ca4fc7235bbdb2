"""Orders entered here: their list, the form to enter and change one, and the page of an exchange."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from backoffice import audit
from backoffice.adminkit import YikuModelAdmin
from backoffice.errors import YikuError
from finance.admin.figures import money
from inventory.access import visible
from orders.admin import buyers
from orders.admin.changes import basket_form, entering, lookups, replacing_page
from orders.admin.filters import ShopFilter
from orders.admin.status import PLAIN
from orders.desk import own_orders
from orders.models import Order, OwnOrder

STATE_LABELS = {state: tone for state, (_label, _sentence, tone) in PLAIN.items()}


@admin.register(OwnOrder)
class OwnOrderAdmin(YikuModelAdmin):
    """Orders of our own; each opens on its page as an order."""

    empty_note = _("None yet. Orders by phone or e-mail are entered with “+”.")
    list_display = ("number", "kind_shown", "state_label", "shop_name", "total_shown", "placed_at")
    list_display_links = ("number",)
    list_filter = (("kind", admin.ChoicesFieldListFilter), ("state", admin.ChoicesFieldListFilter), ShopFilter)
    list_select_related = ("shop",)
    ordering = ("-placed_at", "-id")
    prefix_search = ("number_key",)
    search_help_text = _("Order number: type the beginning")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OwnOrder]:
        return visible(request.user, super().get_queryset(request)).exclude(kind="")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("preview/", wrap(lookups.preview), name="orders_ownorder_preview"),
            path("skus/", wrap(lookups.skus), name="orders_ownorder_skus"),
            path("buyers/", wrap(lookups.buyers_like), name="orders_ownorder_buyers"),
            path("buyer/", wrap(lookups.buyer), name="orders_ownorder_buyer"),
            path("country/", wrap(lookups.country), name="orders_ownorder_country"),
            path("replace/<int:pk>/", wrap(replacing_page.replace), name="orders_ownorder_replace"),
        ]
        return [*own, *super().get_urls()]

    @display(description=_("kind"), label={"manual": "info", "exchange": "warning", "reissue": "warning"})
    def kind_shown(self, order: OwnOrder) -> tuple[str, str]:
        """As a badge."""
        return order.kind, order.get_kind_display()

    @display(description=_("state"), label=STATE_LABELS)
    def state_label(self, order: OwnOrder) -> tuple[str, str]:
        """As a badge."""
        return order.state, order.get_state_display()

    @admin.display(description=_("shop"))
    def shop_name(self, order: OwnOrder) -> str:
        """The shop's name."""
        return order.shop.name

    @admin.display(description=_("total"))
    def total_shown(self, order: OwnOrder) -> str:
        """In the order's currency."""
        return money(order.total, order.currency)

    # --- the form ----------------------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Enter an order."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        found = entering.shops(request)
        shop = entering.chosen_shop(request, found)
        if shop is None:
            messages.warning(request, _now("You see no shop yet: ask the owner for access to one."))
            return HttpResponseRedirect(reverse("admin:orders_ownorder_changelist"))
        typed = basket_form.read(request.POST, shop) if request.method == "POST" else basket_form.empty(shop)
        if typed.basket is not None:
            try:
                taken = own_orders.enter(
                    shop_id=shop.pk, basket=typed.basket, key=entering.once(request), actor=audit.current_actor().name
                )
            except YikuError as error:
                entering.refused(typed, error)
            else:
                told = _now("Order %s is entered.") if taken.made else _now("This was entered already: order %s.")
                messages.success(request, told % taken.number)
                return _to_order(taken.order_id)
        return entering.page(request, typed, shop, title=_now("Enter an order"), shops=found, kind="order")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Change an order entered here while it is held; any other opens on its page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        order = self.get_object(request, object_id)
        if order is None:
            raise Http404
        may = self.has_change_permission(request) and buyers.may_reveal(request)
        if not may or not own_orders.may_change(order):
            return _to_order(order.pk)
        return _change(request, order)


def _change(request: HttpRequest, order: Order) -> HttpResponse:
    if request.method == "POST":
        typed = basket_form.read(request.POST, order.shop)
        if typed.basket is not None:
            try:
                own_orders.change(
                    order_id=order.pk, basket=typed.basket, seen_version=entering.number(request.POST.get("seen", "")),
                    actor=audit.current_actor().name,
                )  # fmt: skip
            except YikuError as error:
                entering.refused(typed, error)
            else:
                messages.success(request, _now("Order %s is changed and checked again.") % order.number)
                return _to_order(order.pk)
        seen = request.POST.get("seen", "")
    else:
        basket = own_orders.basket_of(order)
        audit.record(action="order.reveal_buyer", target=audit.target_text(Order(pk=order.pk)), request=request)
        typed = entering.with_basket(basket_form.fill(basket), basket)
        seen = str(order.accepted_version_id or "")
    title = _now("Change order %s") % order.number
    return entering.page(request, typed, order.shop, title=title, kind="order", order=order, seen=seen)


def _to_order(pk: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:orders_order_change", args=[pk]))
