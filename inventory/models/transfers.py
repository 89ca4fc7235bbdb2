"""Transfers (调拨): goods from one warehouse to another, what of them is on its way, what came and how."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.fields import MoneyField, QuantityField
from inventory.models.catalogue import Sku
from inventory.models.documents import StockDocument
from inventory.models.places import Warehouse

PERSON = settings.AUTH_USER_MODEL
ZERO = Decimal(0)


class Transfer(models.Model):
    """Goods that go from `origin` to `destination`. Written by inventory.transfers only; `turn` counts its postings."""

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("transfer", "Draft")
        REQUESTED = "requested", pgettext_lazy("transfer", "Requested")
        PICKED = "picked", pgettext_lazy("transfer", "Picked")
        TRANSIT = "transit", pgettext_lazy("transfer", "In transit")
        PARTLY = "partly", pgettext_lazy("transfer", "Partly received")
        RECEIVED = "received", pgettext_lazy("transfer", "Received")
        CANCELLED = "cancelled", pgettext_lazy("transfer", "Cancelled")

    number = models.CharField(pgettext_lazy("transfer", "number"), max_length=20, unique=True, null=True)  # noqa: DJ001 — unique
    origin = models.ForeignKey(
        Warehouse, models.PROTECT, related_name="+", verbose_name=pgettext_lazy("transfer", "from")
    )
    destination = models.ForeignKey(
        Warehouse, models.PROTECT, related_name="+", verbose_name=pgettext_lazy("transfer", "to")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    note = models.CharField(_("note"), max_length=300, blank=True)
    expected_on = models.DateField(_("expected on"), null=True, blank=True)
    proposed = models.BooleanField(_("from the proposal"), default=False, editable=False)
    turn = models.PositiveIntegerField(default=0, editable=False)
    line_count = models.PositiveIntegerField(_("lines"), default=0)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    created_by = models.ForeignKey(PERSON, models.PROTECT, null=True, related_name="+", verbose_name=_("created by"))
    requested_at = models.DateTimeField(pgettext_lazy("transfer", "requested"), null=True, blank=True)
    requested_by = models.ForeignKey(
        PERSON, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("requested by")
    )
    picked_at = models.DateTimeField(pgettext_lazy("transfer", "picked"), null=True, blank=True)
    picked_by = models.ForeignKey(
        PERSON, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("picked by")
    )
    sent_at = models.DateTimeField(pgettext_lazy("transfer", "sent"), null=True, blank=True)
    sent_by = models.ForeignKey(
        PERSON, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("sent by")
    )
    ended_at = models.DateTimeField(_("received or cancelled"), null=True, blank=True)
    ended_by = models.ForeignKey(
        PERSON, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("received or cancelled by")
    )

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        ordering = ["-id"]
        permissions = [
            ("plan_transfer", _("Can plan, request and cancel transfers")),
            ("move_transfer", _("Can pick, send and receive transfers")),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(origin=F("destination")), name="transfer_between_two_places"),
        ]

    def __str__(self) -> str:
        return self.number or f"#{self.pk}"

    @property
    def reference(self) -> str:
        """The text under which its ledger entries stand."""
        return f"inventory.transfer:{self.pk}"

    @property
    def under_way(self) -> bool:
        """True while goods are between the two warehouses."""
        return self.state in UNDER_WAY

    @property
    def coming(self) -> bool:
        """True while goods may be received."""
        return self.state in COMING


UNDER_WAY = ("picked", "transit", "partly")
COMING = ("transit", "partly")


class TransferLine(models.Model):
    """One SKU of a transfer: wanted, taken off the shelf with its value, and what became of that.

    What left equals what came, was damaged, got lost, went back and is still under way: in pieces and in value.
    """

    transfer = models.ForeignKey(
        Transfer, models.CASCADE, db_index=False, related_name="lines", verbose_name=_("transfer")
    )
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name=_("SKU"))
    quantity = QuantityField(pgettext_lazy("transfer", "wanted"))
    why = models.CharField(_("why"), max_length=300, blank=True)
    picked = QuantityField(pgettext_lazy("transfer", "picked"), default=ZERO)
    picked_value = MoneyField(_("value"), default=ZERO)
    transit = QuantityField(_("in transit"), default=ZERO)
    transit_value = MoneyField(_("value in transit"), default=ZERO)
    received = QuantityField(pgettext_lazy("transfer", "received"), default=ZERO)
    damaged = QuantityField(pgettext_lazy("transfer", "damaged"), default=ZERO)
    lost = QuantityField(pgettext_lazy("transfer", "lost"), default=ZERO)
    back = QuantityField(pgettext_lazy("transfer", "went back"), default=ZERO)
    over = QuantityField(_("more than sent"), default=ZERO)

    class Meta:
        verbose_name = _("transfer line")
        verbose_name_plural = _("transfer lines")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["transfer", "sku"], name="transfer_line_sku_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="transfer_line_wanted"),
            models.CheckConstraint(
                condition=Q(transit__gte=0, transit_value__gte=0) & (Q(transit__gt=0) | Q(transit_value=0)),
                name="transfer_line_transit",
            ),
            models.CheckConstraint(
                condition=Q(picked=F("transit") + F("received") + F("damaged") + F("lost") + F("back")),
                name="transfer_line_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku} × {self.quantity.normalize():f}"


class TransferReceipt(models.Model):
    """What one person booked as arrived, at once. More than was sent waits here for a second person above the limit."""

    class Over(models.TextChoices):
        NONE = "none", pgettext_lazy("over", "Nothing")
        BOOKED = "booked", pgettext_lazy("over", "Booked as found")
        WAITING = "waiting", pgettext_lazy("over", "Waits for a second person")
        REFUSED = "refused", pgettext_lazy("over", "Refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("over", "Withdrawn")
        UNDONE = "undone", pgettext_lazy("over", "Taken back")

    transfer = models.ForeignKey(Transfer, models.CASCADE, related_name="receipts", verbose_name=_("transfer"))
    once = models.CharField(max_length=64, unique=True, editable=False)
    note = models.CharField(_("note"), max_length=300, blank=True)
    over_state = models.CharField(_("more than sent"), max_length=10, choices=Over, default=Over.NONE)
    over_document = models.ForeignKey(
        StockDocument, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("stock document")
    )
    created_at = models.DateTimeField(_("created"), default=clock.now)
    created_by = models.ForeignKey(PERSON, models.PROTECT, null=True, related_name="+", verbose_name=_("created by"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        PERSON, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    undone_at = models.DateTimeField(pgettext_lazy("receipt", "taken back"), null=True, blank=True)
    undone_by = models.ForeignKey(
        PERSON, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=pgettext_lazy("receipt", "taken back by"),
    )  # fmt: skip
    undone_why = models.CharField(_("why"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("receipt of a transfer")
        verbose_name_plural = _("receipts of transfers")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.transfer_id}/{self.pk}"


class TransferReceiptLine(models.Model):
    """One SKU of a receipt: good, damaged, and more than was under way."""

    receipt = models.ForeignKey(TransferReceipt, models.CASCADE, related_name="lines", verbose_name=_("receipt"))
    line = models.ForeignKey(TransferLine, models.CASCADE, related_name="+", verbose_name=_("transfer line"))
    good = QuantityField(_("good"), default=ZERO)
    damaged = QuantityField(pgettext_lazy("transfer", "damaged"), default=ZERO)
    over = QuantityField(_("more than sent"), default=ZERO)

    class Meta:
        verbose_name = _("line of a receipt")
        verbose_name_plural = _("lines of a receipt")
        constraints = [models.UniqueConstraint(fields=["receipt", "line"], name="transfer_receipt_line_once")]

    def __str__(self) -> str:
        return f"{self.receipt_id}/{self.line_id}"
