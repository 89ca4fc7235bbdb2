"""Goods that come back: the return (RMA), its lines, and the parcels that came in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import QuantityField
from orders.models.fulfilment import Refund
from orders.models.order import Order, OrderLine
from orders.models.return_rules import ReturnReason

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from orders.models.return_goods import ReturnDecision
    from orders.models.return_money import ReturnRefund

FIRST_NUMBER = 10_000  # so that a number is never as short as a page or a count


class Return(models.Model):
    """One return (RMA). `state` is the one word a person needs."""

    class State(models.TextChoices):
        REQUESTED = "requested", pgettext_lazy("return", "Requested")
        APPROVED = "approved", pgettext_lazy("return", "Approved")
        INSTRUCTED = "instructed", pgettext_lazy("return", "Address given")
        IN_TRANSIT = "in_transit", pgettext_lazy("return", "On its way")
        RECEIVED = "received", pgettext_lazy("return", "Received")
        INSPECTED = "inspected", pgettext_lazy("return", "Inspected")
        SETTLED = "settled", pgettext_lazy("return", "Settled")
        CLOSED = "closed", pgettext_lazy("return", "Closed")
        REFUSED = "refused", pgettext_lazy("return", "Refused")
        CANCELLED = "cancelled", pgettext_lazy("return", "Cancelled")

    class Source(models.TextChoices):
        DESK = "desk", _("Opened here")
        PLATFORM = "platform", _("Refunded on the platform")
        BLIND = "blind", _("Parcel without a return")
        LATE = "late", _("Money for waiting")

    class Wants(models.TextChoices):
        REFUND = "refund", pgettext_lazy("buyer wants", "Money back")
        EXCHANGE = "exchange", pgettext_lazy("buyer wants", "Exchange")
        REPAIR = "repair", pgettext_lazy("buyer wants", "Repair")

    order = models.ForeignKey(Order, models.PROTECT, related_name="returns", verbose_name=_("order"))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.REQUESTED)
    source = models.CharField(_("source"), max_length=10, choices=Source, default=Source.DESK)
    wants = models.CharField(_("the buyer wants"), max_length=10, choices=Wants, default=Wants.REFUND)
    goods = models.BooleanField(_("goods come back"), default=True)  # False: refund only
    reason = models.ForeignKey(
        ReturnReason, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("reason")
    )
    text = models.CharField(_("in the buyer's words"), max_length=1000, blank=True)
    warehouse = models.ForeignKey(
        "inventory.Warehouse", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("comes back to")
    )
    expected_by = models.DateTimeField(_("expected by"), null=True, blank=True)
    carrier = models.CharField(_("carrier"), max_length=100, blank=True)
    tracking_number = models.CharField(_("tracking number"), max_length=200, blank=True)
    tracking_key = models.CharField(max_length=200, blank=True, editable=False)  # in search form
    refund = models.OneToOneField(
        Refund, models.PROTECT, null=True, blank=True, related_name="opened_return", verbose_name=_("refund")
    )  # the platform's, that opened it
    exchange_order = models.OneToOneField(
        Order, models.PROTECT, null=True, blank=True, related_name="exchanged_for", verbose_name=_("exchange order")
    )
    idempotency_key = models.CharField(max_length=200, unique=True, editable=False)
    requested_at = models.DateTimeField(pgettext_lazy("return", "requested"))
    requested_by = models.CharField(_("opened by"), max_length=150, blank=True)
    received_at = models.DateTimeField(_("received"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    updated_at = models.DateTimeField(_("last change"))
    updated_by = models.CharField(_("changed by"), max_length=150, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)  # why it was refused, cancelled or closed

    lines: RelatedManager[ReturnLine]
    money: RelatedManager[ReturnRefund]

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        ordering = ["-id"]
        permissions = [
            ("decide_return", _("Can open, approve, refuse and close returns")),
            ("receive_return", _("Can receive and inspect returned goods")),
            ("refund_return", _("Can give money back for returns, up to a limit")),
            ("approve_refund", _("Can give any amount back for returns")),
            ("money_return", _("Can see the money of returns")),
        ]
        indexes = [
            models.Index(fields=["state", "expected_by"], name="return_state"),
            models.Index(fields=["tracking_key"], opclasses=["varchar_pattern_ops"], name="return_tracking"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """What people call it and what the slip's barcode says."""
        return f"R{FIRST_NUMBER + (self.pk or 0)}"

    @property
    def reference(self) -> str:
        """The name of this return in logs."""
        return f"orders.return:{self.pk}"

    @property
    def expected(self) -> bool:
        """Whether its goods are not here yet."""
        return self.goods and self.state in EXPECTED


EXPECTED = (Return.State.REQUESTED, Return.State.APPROVED, Return.State.INSTRUCTED, Return.State.IN_TRANSIT)
OPEN = (*EXPECTED, Return.State.RECEIVED, Return.State.INSPECTED)


class ReturnLine(models.Model):
    """Units of one order line that come back."""

    rma = models.ForeignKey(Return, models.CASCADE, related_name="lines", verbose_name=_("return"), db_index=False)
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="return_lines", verbose_name=_("order line"))
    quantity = QuantityField(_("announced"))
    received_quantity = QuantityField(_("received"), default=0)
    decided_quantity = QuantityField(_("decided"), default=0)

    decisions: RelatedManager[ReturnDecision]

    class Meta:
        verbose_name = _("line of a return")
        verbose_name_plural = _("lines of a return")
        constraints = [
            models.UniqueConstraint(fields=["rma", "line"], name="return_line_once"),
            models.CheckConstraint(condition=Q(quantity__gte=0, received_quantity__gte=0), name="return_line_counts"),
            models.CheckConstraint(
                condition=Q(decided_quantity__gte=0, decided_quantity__lte=F("received_quantity")),
                name="return_line_decided_is_here",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.line_id}"


class ReturnReceipt(models.Model):
    """One parcel that came in for a return, and who counted it."""

    rma = models.ForeignKey(Return, models.CASCADE, related_name="receipts", verbose_name=_("return"))
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    tracking_key = models.CharField(max_length=200, blank=True, editable=False)
    counts = models.JSONField(_("counted"), default=dict)  # line of the return → units
    told = models.JSONField(_("told"), default=list)  # what was over, under or wrong, as codes with figures
    note = models.CharField(_("note"), max_length=300, blank=True)
    at = models.DateTimeField(_("time"))
    by = models.CharField(_("by"), max_length=150, blank=True)
    idempotency_key = models.CharField(max_length=200, unique=True, editable=False)

    class Meta:
        verbose_name = _("arrival of a return")
        verbose_name_plural = _("arrivals of returns")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rma", "tracking_key"], condition=~Q(tracking_key=""), name="return_parcel_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rma_id} {self.at}"
