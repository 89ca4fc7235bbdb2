"""The logs of the floor, to read: every scan, every parcel that left."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from backoffice.models import User
from inventory.access import visible
from orders.admin.wording import pieces
from orders.fulfil import floor_errors
from orders.fulfil.wave_making import named
from orders.models import Handover, PackScan


class FloorLog(ReadOnlyMixin, YikuModelAdmin):
    """A log of one's own warehouses."""

    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(cast(User, request.user), super().get_queryset(request))

    @admin.display(description=_("Who"))
    def person(self, row: Any) -> str:
        """By name."""
        return named(row.actor)


@admin.register(PackScan)
class PackScanAdmin(FloorLog):
    """Every scan and tap, right and wrong."""

    empty_note = _("Nothing was scanned yet. Every scan when picking, packing and handing over is kept here.")
    list_display = ("at", "person", "stage", "wave_link", "scanned", "pieces_shown", "right_shown", "outcome")
    list_display_links = ("at",)
    list_filter = (
        ("stage", admin.ChoicesFieldListFilter), ("right", admin.BooleanFieldListFilter), ("at", RangeDateTimeFilter),
    )  # fmt: skip
    list_select_related = ("wave", "sku")
    fields = readonly_fields = (
        "at", "person", "stage", "wave_link", "wave_order", "shipment", "scanned", "pieces_shown", "right_shown",
        "outcome",
    )  # fmt: skip

    @admin.display(description=_("wave"))
    def wave_link(self, row: PackScan) -> str:
        """The wave's page."""
        if row.wave is None:
            return ""
        url = reverse("admin:orders_wave_change", args=[row.wave.pk])
        return format_html('<a class="underline" href="{}">{}</a>', url, row.wave.code)

    @admin.display(description=_("scanned"))
    def scanned(self, row: PackScan) -> str:
        """What was scanned, or the goods whose button was pressed."""
        return row.text or (row.sku.code if row.sku else "")

    @admin.display(description=_("pieces"))
    def pieces_shown(self, row: PackScan) -> str:
        """How many."""
        return pieces(row.quantity) if row.quantity else ""

    @display(description=_("right"), label={"yes": "success", "no": "danger"})
    def right_shown(self, row: PackScan) -> tuple[str, Any]:
        """As a badge."""
        return ("yes", _("right")) if row.right else ("no", _("wrong"))

    @admin.display(description=_("outcome"))
    def outcome(self, row: PackScan) -> str:
        """What the person was told."""
        return floor_errors.sentence(row.code, row.answer.get("params", {}))


@admin.register(Handover)
class HandoverAdmin(FloorLog):
    """Parcels that left the building."""

    empty_note = _("No parcel has left yet. Scan parcels at Hand-over when the carrier takes them.")
    list_display = ("at", "parcel", "carrier", "tracking", "person")
    list_display_links = ("at",)
    list_filter = (("at", RangeDateTimeFilter),)
    list_select_related = ("shipment__order",)
    fields = readonly_fields = ("at", "parcel", "carrier", "tracking", "person")

    @admin.display(description=_("parcel"))
    def parcel(self, row: Handover) -> str:
        """The order's page."""
        url = reverse("admin:orders_order_change", args=[row.shipment.order_id])
        label = f"{row.shipment.order.number}-{row.shipment.number}"
        return format_html('<a class="underline" href="{}">{}</a>', url, label)

    @admin.display(description=_("carrier"))
    def carrier(self, row: Handover) -> str:
        """Who carries it."""
        return row.shipment.carrier

    @admin.display(description=_("tracking number"))
    def tracking(self, row: Handover) -> str:
        """Its number."""
        return row.shipment.tracking_number
