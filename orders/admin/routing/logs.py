"""What was planned, and goods nobody found."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy
from unfold.decorators import display

from backoffice import actors, audit
from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from finance.admin.figures import money
from inventory.access import visible
from orders.admin.records import RecordAdmin
from orders.admin.routing import card, wording
from orders.fulfil.routing import moving
from orders.models import GoodsGone, RoutingPlan


@admin.register(RoutingPlan)
class RoutingPlanAdmin(RecordAdmin):
    """Every plan of every order; the newest of an order holds."""

    empty_note = _("Nothing yet. Orders of shops with a routing policy are planned when they are reviewed.")
    list_display = ("at", "order_link", "why_label", "from_where", "cost_shown", "policy", "complete", "who")
    list_display_links = ("at",)
    list_filter = (("why", admin.ChoicesFieldListFilter), "complete")
    list_select_related = ("order", "policy")
    fields = readonly_fields = ("at", "order_link", "why", "from_where", "cost_shown", "policy", "who", "others")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The names of the warehouses on the page are read once, as far as the reader may see them."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        names = wording.Names(request, {site for row in rows for site in row.warehouses})
        for row in rows:
            row.names = names
        found.result_list = rows
        return found

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        row: Any = super().get_object(request, object_id, from_field)
        if row is not None:
            row.names = wording.Names(request, {*row.warehouses, *card.sites_in(row.content)})
        return row

    @display(description=_("when it was made"), label=True)
    def why_label(self, row: RoutingPlan) -> str:
        """Review, approval, by hand."""
        return row.get_why_display()

    @admin.display(description=_("sent from"))
    def from_where(self, row: Any) -> str:
        """The warehouses."""
        return row.names.of(row.warehouses) or "–"

    @admin.display(description=pgettext_lazy("parcel", "cost"))
    def cost_shown(self, row: RoutingPlan) -> str:
        """In base currency."""
        return money(row.cost)

    @admin.display(description=_("by"))
    def who(self, row: RoutingPlan) -> str:
        """The person, or what did it."""
        return actors.named(row.actor)

    @admin.display(description=_("other ways"))
    def others(self, row: Any) -> str:
        """Why not."""
        rows = row.order.lines.values_list("pk", "sku__code", "sku_code")
        labels = {pk: code or own for pk, code, own in rows}
        lines = [
            (one["place"], one["cost"], one["km"], one["why"])
            for one in card.alternatives(row.content, row.names, labels)
        ]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{} · {} · {}: {}</li>", lines)) if lines else "–"


@admin.register(GoodsGone)
class GoodsGoneAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Reserved goods that nobody found; looked into, plans may count on them again."""

    empty_note = _("Nothing is missing. Staff report goods they do not find on the page of the order.")
    list_display = ("at", "sku", "warehouse", "quantity", "order_link", "who", "closed_label", "who_closed")
    list_display_links = ("at",)
    list_filter = (("closed_at", admin.EmptyFieldListFilter),)
    list_select_related = ("sku", "warehouse", "line__order")
    fields = readonly_fields = (
        "at", "sku", "warehouse", "quantity", "order_link", "by", "closed_at", "closed_by",
    )  # fmt: skip
    ordering = ("-id",)
    actions = ("looked_into",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[GoodsGone]:
        return visible(request.user, super().get_queryset(request))

    def has_report_permission(self, request: HttpRequest) -> bool:
        """Who reports may close a report."""
        return request.user.has_perm(card.REPORT)

    @admin.action(description=_("The shelf was looked into"), permissions=["report"])
    def looked_into(self, request: HttpRequest, queryset: QuerySet[GoodsGone]) -> None:
        """Plans count on the goods there again."""
        ids = list(queryset.values_list("pk", flat=True))
        done = moving.look_into(ids=ids, actor=audit.current_actor().name)
        told = ngettext("%(count)d report closed.", "%(count)d reports closed.", done)
        messages.success(request, told % {"count": done})

    @admin.display(description=_("order"))
    def order_link(self, row: GoodsGone) -> str:
        """The order's page."""
        url = reverse("admin:orders_order_change", args=[row.line.order_id])
        return format_html('<a class="underline" href="{}">{}</a>', url, row.line.order.number)

    @admin.display(description=_("by"))
    def who(self, row: GoodsGone) -> str:
        """Who reported it."""
        return actors.named(row.by)

    @admin.display(description=_("looked into by"))
    def who_closed(self, row: GoodsGone) -> str:
        """Who looked."""
        return actors.named(row.closed_by)

    @display(description=_("looked into"), boolean=True)
    def closed_label(self, row: GoodsGone) -> bool:
        """Whether somebody has."""
        return row.closed_at is not None
