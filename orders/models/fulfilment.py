"""Parcels, refunds, and the news about orders that other floors wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import CostField, MoneyField, QuantityField
from backoffice.outbox import Delivery, Event
from backoffice.triggers import append_only
from orders.models.order import Order, OrderLine

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class Shipment(models.Model):
    """One parcel. A void parcel was taken back before the platform heard of it."""

    class State(models.TextChoices):
        SENT = "sent", _("Sent")
        VOID = "void", _("Taken back")

    class Source(models.TextChoices):
        DESK = "desk", _("Shipped here")
        PLATFORM = "platform", _("Shipped on the platform")

    order = models.ForeignKey(Order, models.PROTECT, related_name="shipments", verbose_name=_("order"), db_index=False)
    number = models.PositiveIntegerField(_("parcel"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.SENT)
    source = models.CharField(_("source"), max_length=10, choices=Source, default=Source.DESK)
    external_id = models.CharField(_("platform id"), max_length=200, blank=True)
    carrier = models.CharField(_("carrier"), max_length=100, blank=True)
    tracking_number = models.CharField(_("tracking number"), max_length=200, blank=True)
    tracking_url = models.CharField(_("tracking address"), max_length=1000, blank=True)
    idempotency_key = models.CharField(_("idempotency key"), max_length=200, unique=True)
    shipped_at = models.DateTimeField(pgettext_lazy("time", "shipped"))
    created_at = models.DateTimeField(_("recorded"))
    actor = models.CharField(_("shipped by"), max_length=150, blank=True)
    voided_at = models.DateTimeField(_("taken back at"), null=True, blank=True)
    voided_by = models.CharField(_("taken back by"), max_length=150, blank=True)

    lines: RelatedManager[ShipmentLine]

    class Meta:
        verbose_name = _("parcel")
        verbose_name_plural = _("parcels")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="shipment_number_once"),
            models.UniqueConstraint(
                fields=["order", "external_id"], condition=~Q(external_id=""), name="shipment_external_once"
            ),
        ]
        indexes = [
            models.Index(fields=["shipped_at"], name="shipment_shipped_at"),
            models.Index(fields=["tracking_number"], condition=~Q(tracking_number=""), name="shipment_tracking"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}-{self.number}"

    @property
    def reference(self) -> str:
        """The name of this parcel in the stock ledger and the books."""
        return f"orders.shipment:{self.pk}"


class ShipmentLine(models.Model):
    """Units of one order line in one parcel."""

    shipment = models.ForeignKey(
        Shipment, models.PROTECT, related_name="lines", verbose_name=_("parcel"), db_index=False
    )
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="shipment_lines", verbose_name=_("order line"))
    quantity = QuantityField(_("quantity"))

    goods: RelatedManager[ShipmentGoods]

    class Meta:
        verbose_name = _("line of a parcel")
        verbose_name_plural = _("lines of a parcel")
        constraints = [
            models.UniqueConstraint(fields=["shipment", "line"], name="shipment_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="shipment_line_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.line_id}"


class ShipmentGoods(models.Model):
    """What really left a warehouse for a line (parts, for a bundle), at the cost the ledger took out."""

    shipment_line = models.ForeignKey(
        ShipmentLine, models.CASCADE, related_name="goods", verbose_name=_("line"), db_index=False
    )
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    quantity = QuantityField(_("pieces"))
    returned_quantity = QuantityField(_("pieces back on the shelf"), default=0)
    cost_value = CostField(_("cost"))  # for the whole quantity, base currency

    class Meta:
        verbose_name = _("goods of a parcel")
        verbose_name_plural = _("goods of a parcel")
        constraints = [
            models.UniqueConstraint(fields=["shipment_line", "sku", "warehouse"], name="shipment_goods_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="shipment_goods_quantity"),
            models.CheckConstraint(
                condition=Q(returned_quantity__gte=0, returned_quantity__lte=models.F("quantity")),
                name="shipment_goods_returned",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku_id} @ {self.warehouse_id}"


class Refund(models.Model):
    """Money given back on the platform; which goods went back to stock stands on its lines."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="refunds", verbose_name=_("order"), db_index=False)
    external_id = models.CharField(_("platform id"), max_length=200)
    refunded_at = models.DateTimeField(_("refunded"))
    recorded_at = models.DateTimeField(_("recorded"))
    currency = models.CharField(_("currency"), max_length=10)
    amount = MoneyField(_("amount"))  # positive, tax and shipping included
    tax = MoneyField(_("tax"), default=0)
    shipping = MoneyField(_("shipping"), default=0)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    goods_back_cost = CostField(_("cost of goods back"), default=0)  # base currency

    lines: RelatedManager[RefundLine]

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "external_id"], name="refund_once_an_order"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="refund_amount"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.external_id}"

    @property
    def reference(self) -> str:
        """The name of this refund in the stock ledger and the books."""
        return f"orders.refund:{self.pk}"


class RefundLine(models.Model):
    """Goods of one refund; `restocked` counts the pieces that really went back on a shelf."""

    refund = models.ForeignKey(Refund, models.CASCADE, related_name="lines", verbose_name=_("refund"))
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="+", verbose_name=_("order line"))
    quantity = QuantityField(_("quantity"))
    amount = MoneyField(_("amount"), default=0)
    tax = MoneyField(_("tax"), default=0)
    of_shipped = QuantityField(_("of these shipped"), default=0)
    restock = models.BooleanField(_("goods back to stock"), default=False)
    restocked = QuantityField(_("pieces put back"), default=0)

    class Meta:
        verbose_name = _("line of a refund")
        verbose_name_plural = _("lines of a refund")
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=0), name="refund_line_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.line_id}"


class OrderEvent(Event):
    """News about an order: written once, in the transaction that made it true."""

    class Kind(models.TextChoices):
        SHIPPED = "shipped", _("Shipped")
        CANCELLED = "cancelled", _("Cancelled")
        REFUNDED = "refunded", _("Refunded")
        REFUND_WANTED = "refund_due", _("Refund wanted")

    order = models.ForeignKey(Order, models.PROTECT, related_name="events", verbose_name=_("order"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    shipment = models.ForeignKey(
        Shipment, models.PROTECT, null=True, blank=True, related_name="events", verbose_name=_("parcel")
    )
    refund = models.ForeignKey(
        Refund, models.PROTECT, null=True, blank=True, related_name="events", verbose_name=_("refund")
    )
    data = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("order event")
        verbose_name_plural = _("order events")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.order_id}"


append_only(OrderEvent)


class OrderEventDelivery(Delivery):
    """One consumer's copy of an order event ("tracking" is registered by channels)."""

    event = models.ForeignKey(OrderEvent, models.CASCADE, related_name="deliveries", verbose_name=_("event"))

    class Meta(Delivery.Meta):
        abstract = False
        verbose_name = _("delivery of an order event")
        verbose_name_plural = _("deliveries of order events")
