"""Packing: the parcels being filled, every scan of a person, and the hand-over to whoever carries them away."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import QuantityField
from backoffice.triggers import append_only
from orders.models.fulfilment import Shipment
from orders.models.waves import Wave, WaveGoods, WaveOrder


class PackingSetting(models.Model):
    """How a warehouse packs: what its packaging weighs, how exact its scale is, how soon parcels leave."""

    warehouse = models.OneToOneField(
        "inventory.Warehouse", models.CASCADE, related_name="packing", verbose_name=_("warehouse")
    )
    weigh = models.BooleanField(
        _("weigh every parcel"), default=False, help_text=_("No parcel is closed without its weight.")
    )
    packaging_g = models.PositiveIntegerField(_("weight of the packaging (g)"), default=80)
    tolerance_g = models.PositiveIntegerField(_("tolerance (g)"), default=50)
    tolerance_percent = models.PositiveSmallIntegerField(_("tolerance (%)"), default=5)
    handover_hours = models.PositiveSmallIntegerField(
        _("hours until a packed parcel must have left"), default=24,
        help_text=_("Later it is listed as packed but not handed over."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("packing rules of a warehouse")
        verbose_name_plural = _("packing rules of warehouses")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(tolerance_percent__lte=100), name="packing_tolerance_percent"),
            models.CheckConstraint(condition=Q(handover_hours__gte=1), name="packing_handover_hours"),
        ]

    def __str__(self) -> str:
        return str(self.warehouse)


class PackParcel(models.Model):
    """One parcel of an order on the packing table: open while it is filled, closed, then sent with its shipment."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("parcel", "Being filled")
        CLOSED = "closed", pgettext_lazy("parcel", "Closed")
        SENT = "sent", pgettext_lazy("parcel", "Packed")

    wave_order = models.ForeignKey(
        WaveOrder, models.PROTECT, related_name="parcels", verbose_name=_("order of a wave"), db_index=False
    )
    number = models.PositiveSmallIntegerField(_("parcel"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    weight_g = models.PositiveIntegerField(_("weight (g)"), null=True, blank=True)
    expected_g = models.PositiveIntegerField(_("expected weight (g)"), null=True, blank=True)
    weight_reason = models.CharField(_("why the weight is right"), max_length=300, blank=True)
    carrier = models.CharField(_("carrier"), max_length=100, blank=True)
    tracking = models.CharField(_("tracking number"), max_length=200, blank=True)
    tracking_url = models.CharField(_("tracking address"), max_length=1000, blank=True)
    label_id = models.CharField(_("label"), max_length=120, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=150, blank=True)
    shipment = models.OneToOneField(
        Shipment, models.PROTECT, null=True, blank=True, related_name="packed_as", verbose_name=_("shipment")
    )

    class Meta:
        verbose_name = _("parcel being packed")
        verbose_name_plural = _("parcels being packed")
        ordering = ["wave_order_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["wave_order", "number"], name="pack_parcel_number_once"),
            models.UniqueConstraint(fields=["wave_order"], condition=Q(state="open"), name="pack_parcel_one_open"),
            models.CheckConstraint(
                condition=Q(state="sent", shipment__isnull=False) | (~Q(state="sent") & Q(shipment__isnull=True)),
                name="pack_parcel_sent_is_shipped",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wave_order_id}/{self.number}"


class PackItem(models.Model):
    """Pieces in a parcel on the table."""

    parcel = models.ForeignKey(
        PackParcel, models.CASCADE, related_name="items", verbose_name=_("parcel"), db_index=False
    )
    goods = models.ForeignKey(WaveGoods, models.CASCADE, related_name="items", verbose_name=_("goods"))
    quantity = QuantityField(_("pieces"))

    class Meta:
        verbose_name = _("goods in a parcel being packed")
        verbose_name_plural = _("goods in parcels being packed")
        constraints = [
            models.UniqueConstraint(fields=["parcel", "goods"], name="pack_item_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="pack_item_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.goods_id}"


class PackScan(models.Model):
    """One scan or tap of a person, right or wrong. `key` makes a scan that was sent twice the same scan."""

    class Stage(models.TextChoices):
        PICK = "pick", pgettext_lazy("stage", "Picking")
        PACK = "pack", pgettext_lazy("stage", "Packing")
        OUT = "out", pgettext_lazy("stage", "Hand-over")

    key = models.CharField(max_length=120, unique=True, editable=False)
    at = models.DateTimeField(_("time"))
    actor = models.CharField(_("by"), max_length=150)
    stage = models.CharField(_("stage"), max_length=6, choices=Stage)
    wave = models.ForeignKey(
        Wave, models.PROTECT, null=True, related_name="scans", verbose_name=_("wave"), db_index=False
    )
    wave_order = models.ForeignKey(
        WaveOrder, models.PROTECT, null=True, related_name="scans", verbose_name=_("order of a wave")
    )
    shipment = models.ForeignKey(
        Shipment, models.PROTECT, null=True, related_name="scans", verbose_name=_("parcel"), db_index=False
    )
    sku = models.ForeignKey(
        "inventory.Sku", models.PROTECT, null=True, related_name="+", verbose_name=_("SKU"), db_index=False
    )
    text = models.CharField(_("scanned"), max_length=200, blank=True)
    quantity = QuantityField(_("pieces"), default=0)
    right = models.BooleanField(_("right"))
    code = models.CharField(_("outcome"), max_length=40)
    answer = models.JSONField(default=dict, editable=False)  # what the sentence is filled with, and what the page shows

    class Meta:
        verbose_name = _("scan")
        verbose_name_plural = _("scans")
        ordering = ["-id"]
        indexes = [models.Index(fields=["wave", "stage"], name="pack_scan_wave")]

    def __str__(self) -> str:
        return f"{self.text} {self.code}"


append_only(PackScan)


class Handover(models.Model):
    """A parcel that left the building: who gave it away, and when. One row a parcel, for ever."""

    shipment = models.OneToOneField(Shipment, models.PROTECT, related_name="handover", verbose_name=_("parcel"))
    at = models.DateTimeField(_("handed over"))
    actor = models.CharField(_("by"), max_length=150)

    class Meta:
        verbose_name = _("hand-over")
        verbose_name_plural = _("hand-overs")
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(self.shipment_id)


append_only(Handover)
