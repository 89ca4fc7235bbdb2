"""The logs behind the desk, to read: reviews, parcels, refunds, news."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from finance.admin.figures import money
from inventory.access import visible
from orders import naming
from orders.admin.wording import pieces
from orders.desk import sentences
from orders.models import OrderEvent, Refund, ReviewLog, Shipment


class RecordAdmin(ReadOnlyMixin, YikuModelAdmin):
    """A log of orders: own shops only, nothing to write."""

    ordering = ("-id",)
    list_select_related: Any = ("order",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(request.user, super().get_queryset(request))

    @admin.display(description=_("order"))
    def order_link(self, row: Any) -> str:
        """The order's page."""
        url = reverse("admin:orders_order_change", args=[row.order_id])
        return format_html('<a class="underline" href="{}">{}</a>', url, row.order.number)


@admin.register(ReviewLog)
class ReviewLogAdmin(RecordAdmin):
    """What the checks found, and what people decided."""

    list_display = ("at", "order_link", "verdict_label", "found", "decision", "person", "person_reason")
    list_display_links = ("at",)
    list_filter = (("verdict", admin.ChoicesFieldListFilter), ("person_verdict", admin.ChoicesFieldListFilter))
    fields = readonly_fields = (
        "at", "order_link", "verdict", "found", "decision", "person", "person_reason", "decided_at",
        "rules_version", "facts_shown",
    )  # fmt: skip

    @display(description=_("verdict"), label={"approved": "success", "held": "warning"})
    def verdict_label(self, row: ReviewLog) -> tuple[str, str]:
        """As a badge."""
        return row.verdict, row.get_verdict_display()

    @admin.display(description=_("found"))
    def found(self, row: ReviewLog) -> str:
        """The findings in words."""
        return ", ".join(sentences.hold_title(str(one.get("code")), str(one.get("name", ""))) for one in row.findings)

    @admin.display(description=_("decision"))
    def decision(self, row: ReviewLog) -> str:
        """What a person decided later."""
        return row.get_person_verdict_display() if row.person_verdict else ""

    @admin.display(description=_("facts"))
    def facts_shown(self, row: ReviewLog) -> str:
        """What was frozen; it holds no personal data."""
        text = json.dumps(row.facts, ensure_ascii=False, indent=2)
        return format_html('<pre class="yk-json text-xs">{}</pre>', text)


@admin.register(Shipment)
class ShipmentAdmin(RecordAdmin):
    """Parcels."""

    list_display = ("shipped_at", "order_link", "carrier", "tracking_number", "state_label", "source", "actor")
    list_display_links = ("shipped_at",)
    list_filter = (("state", admin.ChoicesFieldListFilter), ("source", admin.ChoicesFieldListFilter))
    fields = readonly_fields = (
        "order_link", "number", "state", "source", "carrier", "tracking_number", "tracking_url", "shipped_at",
        "created_at", "actor", "voided_at", "voided_by", "goods_shown",
    )  # fmt: skip

    @display(description=_("state"), label={"sent": "success", "void": "danger"})
    def state_label(self, row: Shipment) -> tuple[str, str]:
        """As a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("goods"))
    def goods_shown(self, row: Shipment) -> str:
        """What was in it."""
        return ", ".join(f"{pieces(one.quantity)} × {one.line}" for one in row.lines.select_related("line"))


@admin.register(Refund)
class RefundAdmin(RecordAdmin):
    """Refunds as the platforms recorded them."""

    list_display = ("refunded_at", "order_link", "amount_shown", "reason_shown", "recorded_at")
    list_display_links = ("refunded_at",)
    fields = readonly_fields = (
        "order_link", "external_id", "refunded_at", "recorded_at", "amount_shown", "reason_shown",
    )  # fmt: skip

    @admin.display(description=_("amount"))
    def amount_shown(self, row: Refund) -> str:
        """In the order's currency."""
        return money(row.amount, row.currency)

    @admin.display(description=_("reason"))
    def reason_shown(self, row: Refund) -> str:
        """A platform's code in words."""
        return naming.reason(row.reason)


@admin.register(OrderEvent)
class OrderEventAdmin(RecordAdmin):
    """News for the platforms and others."""

    list_display = ("created_at", "order_link", "kind", "shipment", "refund")
    list_display_links = ("created_at",)
    list_filter = (("kind", admin.ChoicesFieldListFilter),)
    list_select_related = ("order", "shipment", "refund")
    fields = readonly_fields = ("created_at", "order_link", "kind", "shipment", "refund")
