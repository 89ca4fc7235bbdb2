"""The stock ledger: entries that never change, balances that always equal their sum, open reservations, the news."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from backoffice import outbox
from backoffice.fields import CostField, MoneyField, QuantityField
from backoffice.triggers import append_only
from inventory.models.catalogue import Sku
from inventory.models.places import Warehouse


class Bucket(models.IntegerChoices):
    """What an entry moves. Free to sell is on hand − reserved − demand."""

    ON_HAND = 1, _("On hand")
    DEMAND = 2, _("Demand")
    RESERVED = 3, _("Reserved")
    INCOMING = 4, _("Incoming")


class Reason(models.TextChoices):
    """Why stock moved. Kept short: clerks choose from the ones marked for adjustments."""

    OPENING = "opening", _("Opening stock")
    RECEIPT = "receipt", _("Goods received")
    SHIPMENT = "shipment", _("Shipped")
    RETURN = "return", _("Returned by the buyer")
    TO_SUPPLIER = "to_supplier", _("Sent back to the supplier")
    COUNT = "count", _("Stock count")
    DAMAGED = "damaged", _("Damaged")
    LOST = "lost", _("Lost")
    FOUND = "found", _("Found")
    GIFT = "gift", _("Gift or sample")
    OWN_USE = "own_use", _("Own use")
    CORRECTION = "correction", _("Correction")
    TRANSFER = "transfer", _("Transfer")
    ASSEMBLY = "assembly", _("Assembled or taken apart")
    UNDO = "undo", _("Undone")
    DEMAND = "demand", _("Ordered")
    RESERVE = "reserve", _("Reserved")
    RELEASE = "release", _("Released")
    EXPIRED = "expired", _("Demand expired")
    REVALUATION = "revaluation", _("Value corrected")  # no pieces, value only
    POLICY = "policy", _("Shown differently")  # news only: no goods moved


class StockEntry(models.Model):
    """One movement of one bucket. Append-only; `key` is the business key that makes a repeat a repeat."""

    key = models.CharField(_("key"), max_length=200, unique=True)
    sku = models.ForeignKey(Sku, models.PROTECT, db_index=False, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(
        Warehouse, models.PROTECT, db_index=False, related_name="+", verbose_name=_("warehouse")
    )
    bucket = models.PositiveSmallIntegerField(_("bucket"), choices=Bucket.choices)
    quantity = QuantityField(_("quantity"))
    unit_cost = CostField(_("unit cost"), null=True, blank=True)
    value = MoneyField(_("value"), default=Decimal(0))
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    reference = models.CharField(_("reference"), max_length=120, blank=True)
    occurred_at = models.DateTimeField(_("happened"))
    recorded_at = models.DateTimeField(_("recorded"))
    lot = models.CharField(_("lot"), max_length=60, blank=True)
    bin = models.CharField(_("bin"), max_length=40, blank=True)
    condition = models.CharField(_("condition"), max_length=20, blank=True)
    actor = models.CharField(_("actor"), max_length=150, blank=True)
    # The entry that this one takes back or carries on: a return, an undo, the other half of a transfer.
    source = models.CharField(_("takes back"), max_length=200, blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("stock movement")
        verbose_name_plural = _("stock movements")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["sku", "warehouse", "recorded_at"], name="stock_entry_place"),
            models.Index(fields=["reference"], name="stock_entry_reference"),
            models.Index(fields=["source"], condition=~Q(source=""), name="stock_entry_source"),
        ]

    def __str__(self) -> str:
        return self.key


append_only(StockEntry)


class Balance(models.Model):
    """How much of a SKU lies in a warehouse. Written by inventory.balances only; value is in the base currency."""

    sku = models.ForeignKey(Sku, models.PROTECT, db_index=False, related_name="balances", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="balances", verbose_name=_("warehouse"))
    on_hand = QuantityField(_("on hand"), default=Decimal(0))
    demand = QuantityField(_("demand"), default=Decimal(0))
    reserved = QuantityField(_("reserved"), default=Decimal(0))
    incoming = QuantityField(_("incoming"), default=Decimal(0))
    value = MoneyField(_("value"), default=Decimal(0))
    last_cost = CostField(_("last unit cost"), null=True, blank=True)
    # Written by inventory.lots: the SKU's tracking, read with the lock, and the pieces of lots that may not be sold.
    tracking = models.PositiveSmallIntegerField(_("lots and serials"), db_default=0, default=0, editable=False)
    unsellable = QuantityField(_("blocked or expired"), db_default=0, default=Decimal(0), editable=False)
    updated_at = models.DateTimeField(_("updated"))

    class Meta:
        verbose_name = _("stock balance")
        verbose_name_plural = _("stock balances")
        constraints = [
            models.UniqueConstraint(fields=["sku", "warehouse"], name="balance_once"),
            models.CheckConstraint(
                condition=Q(on_hand__gte=0, demand__gte=0, reserved__gte=0, incoming__gte=0),
                name="balance_not_negative",
            ),
            models.CheckConstraint(condition=Q(reserved__lte=F("on_hand")), name="balance_reserved_is_there"),
            models.CheckConstraint(
                condition=Q(value__gte=0) & (Q(on_hand__gt=0) | Q(value=0)), name="balance_value_of_something"
            ),
            models.CheckConstraint(
                condition=Q(unsellable__gte=0) & (Q(tracking__gt=0) | Q(unsellable=0)), name="balance_unsellable"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku_id}@{self.warehouse_id}: {self.on_hand}"

    @property
    def sellable(self) -> Decimal:
        """What lies there and is neither blocked nor expired."""
        return self.on_hand - self.unsellable


class Reservation(models.Model):
    """What a reference (an order line) holds of a SKU in a warehouse, as demand or reserved.

    The row stays when `quantity` is down to 0: `turn` counts its changes and makes the keys of its ledger entries.
    """

    bucket = models.PositiveSmallIntegerField(
        _("bucket"),
        choices=[(Bucket.DEMAND.value, Bucket.DEMAND.label), (Bucket.RESERVED.value, Bucket.RESERVED.label)],
    )
    reference = models.CharField(_("reference"), max_length=120)
    sku = models.ForeignKey(Sku, models.PROTECT, db_index=False, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(
        Warehouse, models.PROTECT, db_index=False, related_name="+", verbose_name=_("warehouse")
    )
    quantity = QuantityField(_("open quantity"))
    turn = models.PositiveIntegerField(_("changes"), default=1, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated"))

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        constraints = [
            models.UniqueConstraint(fields=["reference", "sku", "warehouse", "bucket"], name="reservation_once"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="reservation_not_negative"),
            models.CheckConstraint(condition=Q(bucket__in=[2, 3]), name="reservation_bucket"),
        ]
        indexes = [
            models.Index(fields=["sku", "warehouse"], condition=Q(quantity__gt=0), name="reservation_open"),
            models.Index(
                fields=["expires_at"], condition=Q(quantity__gt=0, expires_at__isnull=False), name="reservation_expiry"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.quantity} {self.sku_id}@{self.warehouse_id}"


class StockChange(outbox.Event):
    """News: stock of a SKU in a warehouse changed. How much stands in the balance; the cause is for people."""

    sku = models.ForeignKey(Sku, models.CASCADE, db_index=False, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(
        Warehouse, models.CASCADE, db_index=False, related_name="+", verbose_name=_("warehouse")
    )
    cause = models.CharField(_("cause"), max_length=20, choices=Reason.choices)

    class Meta:
        verbose_name = _("stock change")
        verbose_name_plural = _("stock changes")

    def __str__(self) -> str:
        return f"{self.cause}: {self.sku_id}@{self.warehouse_id}"


class StockChangeDelivery(outbox.Delivery):
    """One consumer's copy of a stock change."""

    event = models.ForeignKey(StockChange, models.CASCADE, related_name="deliveries", verbose_name=_("stock change"))

    class Meta(outbox.Delivery.Meta):
        abstract = False
        verbose_name = _("delivery of a stock change")
        verbose_name_plural = _("deliveries of stock changes")

    def __str__(self) -> str:
        return f"{self.consumer}: {self.state}"
