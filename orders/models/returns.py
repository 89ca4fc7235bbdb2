"""Goods that come back: the return (RMA), what arrived, what was decided about each piece, and the money for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from backoffice.fields import CostField, MoneyField, QuantityField
from orders.models.fulfilment import Refund, ShipmentGoods
from orders.models.order import Order, OrderLine

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

FIRST_NUMBER = 10_000  # so that a number is never as short as a page or a count


class ReturnReason(models.Model):
    """Why buyers send things back: a list that each house keeps as it likes."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    place = models.PositiveSmallIntegerField(_("place"), default=100)
    active = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("return reason")
        verbose_name_plural = _("return reasons")
        ordering = ["place", "id"]

    def __str__(self) -> str:
        english = not (get_language() or "").startswith("zh")
        return self.name_en if english and self.name_en else self.name


class ReturnPolicy(models.Model):
    """How one shop takes goods back."""

    shop = models.OneToOneField("inventory.Shop", models.CASCADE, related_name="return_policy", verbose_name=_("shop"))
    inspect = models.BooleanField(
        _("goods come back through inspection"),
        default=False,
        help_text=_("On: goods that the platform puts back on the shelf wait here until somebody has looked at them."),
    )
    days = models.PositiveSmallIntegerField(
        _("days until it should be here"), default=14, help_text=_("Counted from the approval; later it is overdue.")
    )

    class Meta:
        verbose_name = _("rules of a shop's returns")
        verbose_name_plural = _("rules of the shops' returns")
        ordering = ["shop__code"]

    def __str__(self) -> str:
        return str(self.shop)


class ReturnPlace(models.Model):
    """Where a warehouse takes returns: its address for the slip, and the shelf for what cannot be sold."""

    warehouse = models.OneToOneField(
        "inventory.Warehouse", models.CASCADE, related_name="return_place", verbose_name=_("warehouse")
    )
    takes_returns = models.BooleanField(_("takes returns"), default=True)
    recipient = models.CharField(_("recipient"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    line1 = models.CharField(_("street"), max_length=200, blank=True)
    line2 = models.CharField(_("second line"), max_length=200, blank=True)
    city = models.CharField(_("town"), max_length=100, blank=True)
    region = models.CharField(_("region"), max_length=100, blank=True)
    postcode = models.CharField(_("postcode"), max_length=20, blank=True)
    country = models.CharField(_("country (two letters)"), max_length=2, blank=True)
    note = models.CharField(_("note for the buyer"), max_length=300, blank=True)
    quarantine = models.OneToOneField(
        "inventory.Warehouse",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="quarantine_of",
        verbose_name=_("shelf for goods not for sale"),
        help_text=_("A warehouse of its own that no shop sells from. Left empty, it is made when it is first needed."),
    )

    class Meta:
        verbose_name = _("place that takes returns")
        verbose_name_plural = _("places that take returns")
        ordering = ["warehouse__code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quarantine__isnull=True) | ~Q(quarantine=F("warehouse")), name="return_place_apart"
            )
        ]

    def __str__(self) -> str:
        return str(self.warehouse)

    @property
    def in_one_line(self) -> str:
        """The address as lists show it; empty while nobody has written one."""
        parts = (self.recipient, self.line1, self.line2, self.city, self.postcode, self.country)
        return ", ".join(part for part in parts if part) if self.line1 else ""


class RefundLimit(models.Model):
    """Up to how much a role gives back by itself, per return and in the base currency; more needs approval."""

    role = models.CharField(_("role"), max_length=40, unique=True)  # a name of backoffice.roles
    amount = MoneyField(_("amount"))

    class Meta:
        verbose_name = _("refund limit")
        verbose_name_plural = _("refund limits")
        ordering = ["role"]
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="refund_limit_amount")]

    def __str__(self) -> str:
        return self.role


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


class ReturnDecision(models.Model):
    """What was decided about some units: where they went, and at what cost. A later one may follow on it."""

    class Verdict(models.TextChoices):
        RESTOCK = "restock", pgettext_lazy("returned goods", "Back on the shelf")
        DAMAGED = "damaged", pgettext_lazy("returned goods", "Damaged, kept apart")
        SCRAP = "scrap", pgettext_lazy("returned goods", "Scrap")
        SUPPLIER = "supplier", pgettext_lazy("returned goods", "To the supplier")
        REPAIR = "repair", pgettext_lazy("returned goods", "To be repaired")

    return_line = models.ForeignKey(
        ReturnLine, models.PROTECT, related_name="decisions", verbose_name=_("line of a return")
    )
    verdict = models.CharField(_("decision"), max_length=10, choices=Verdict)
    quantity = QuantityField(_("quantity"))
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="followed_by", verbose_name=_("follows on")
    )
    open_quantity = QuantityField(_("still apart"), default=0)  # of this decision, not decided further
    cost_value = CostField(_("cost"), default=0)  # base currency
    reason = models.CharField(_("why"), max_length=300, blank=True)
    at = models.DateTimeField(_("time"))
    by = models.CharField(_("by"), max_length=150, blank=True)
    idempotency_key = models.CharField(max_length=200, unique=True, editable=False)

    goods: RelatedManager[ReturnGoods]

    class Meta:
        verbose_name = _("decision on returned goods")
        verbose_name_plural = _("decisions on returned goods")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, open_quantity__gte=0, open_quantity__lte=F("quantity")),
                name="return_decision_quantity",
            )
        ]
        indexes = [
            models.Index(fields=["verdict", "id"], condition=Q(open_quantity__gt=0), name="return_apart"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.quantity}"

    @property
    def reference(self) -> str:
        """The name of this decision in the stock ledger and the books."""
        return f"orders.returndecision:{self.pk}"


APART = (ReturnDecision.Verdict.DAMAGED, ReturnDecision.Verdict.SUPPLIER, ReturnDecision.Verdict.REPAIR)


class ReturnGoods(models.Model):
    """The pieces a decision moved (parts, for a bundle): where they lie, and what of them is still there."""

    decision = models.ForeignKey(
        ReturnDecision, models.CASCADE, related_name="goods", verbose_name=_("decision"), db_index=False
    )
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    sent = models.ForeignKey(ShipmentGoods, models.PROTECT, null=True, related_name="+", verbose_name=_("sent as"))
    quantity = QuantityField(_("pieces"))
    cost_value = CostField(_("cost"))
    left_quantity = QuantityField(_("pieces still apart"), default=0)
    left_value = CostField(_("their cost"), default=0)

    class Meta:
        verbose_name = _("goods of a decision")
        verbose_name_plural = _("goods of a decision")
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, left_quantity__gte=0, left_quantity__lte=F("quantity")),
                name="return_goods_quantity",
            ),
            models.CheckConstraint(
                condition=Q(left_value__gte=0, left_value__lte=F("cost_value")), name="return_goods_value"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku_id} @ {self.warehouse_id}"


class ReturnRefund(models.Model):
    """Money to give back for a return: proposed, wanted from the platform, known to be given. Never twice."""

    class State(models.TextChoices):
        PROPOSED = "proposed", pgettext_lazy("refund", "Waits for approval")
        WANTED = "wanted", pgettext_lazy("refund", "Goes to the platform")
        SENDING = "sending", pgettext_lazy("refund", "Being sent")
        SENT = "sent", pgettext_lazy("refund", "Given on the platform")
        MANUAL = "manual", pgettext_lazy("refund", "To be given by hand")
        DONE = "done", pgettext_lazy("refund", "Given back")
        CANCELLED = "cancelled", pgettext_lazy("refund", "Withdrawn")

    rma = models.ForeignKey(Return, models.PROTECT, related_name="money", verbose_name=_("return"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PROPOSED)
    currency = models.CharField(_("currency"), max_length=10)
    amount = MoneyField(_("amount"))  # tax and shipping included
    tax = MoneyField(_("tax"), default=0)
    shipping = MoneyField(_("shipping"), default=0)
    deducted = MoneyField(_("deducted"), default=0)
    deduction_reason = models.CharField(_("why deducted"), max_length=300, blank=True)
    content = models.JSONField(_("lines"), default=list)  # [platform line id, units, amount, tax] as text
    problem = models.CharField(_("said by the platform"), max_length=300, blank=True)
    maybe_given = models.BooleanField(_("may have been given"), default=False)  # the platform's answer was lost
    external_id = models.CharField(_("platform id"), max_length=200, blank=True)
    refund = models.OneToOneField(
        Refund, models.PROTECT, null=True, blank=True, related_name="for_return", verbose_name=_("refund")
    )
    created_at = models.DateTimeField(_("created"))
    created_by = models.CharField(_("proposed by"), max_length=150, blank=True)
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    approved_by = models.CharField(_("approved by"), max_length=150, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    done_by = models.CharField(_("done by"), max_length=150, blank=True)
    idempotency_key = models.CharField(max_length=200, unique=True, editable=False)

    class Meta:
        verbose_name = _("money of a return")
        verbose_name_plural = _("money of returns")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, tax__gte=0, shipping__gte=0, deducted__gte=0), name="return_refund_amounts"
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(refund__isnull=False), name="return_refund_done_is_recorded"
            ),
        ]
        indexes = [
            models.Index(
                fields=["state"],
                condition=Q(state__in=["proposed", "wanted", "sending", "sent", "manual"]),
                name="return_refund_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @property
    def reference(self) -> str:
        """The name of this money in the notices to the platform."""
        return f"orders.returnrefund:{self.pk}"


OPEN_MONEY = (
    ReturnRefund.State.PROPOSED,
    ReturnRefund.State.WANTED,
    ReturnRefund.State.SENDING,
    ReturnRefund.State.SENT,
    ReturnRefund.State.MANUAL,
)


class StrayParcel(models.Model):
    """A parcel nobody announced, or goods in one that belong to no line: they wait until somebody knows whose."""

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("unknown parcel", "Waits")
        MATCHED = "matched", pgettext_lazy("unknown parcel", "Belongs to a return")
        QUARANTINED = "quarantined", pgettext_lazy("unknown parcel", "Booked apart")

    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.WAITING)
    carrier = models.CharField(_("carrier"), max_length=100, blank=True)
    tracking_number = models.CharField(_("tracking number"), max_length=200, blank=True)
    tracking_key = models.CharField(max_length=200, blank=True, editable=False)
    note = models.CharField(_("what is written on it"), max_length=500, blank=True)
    rma = models.ForeignKey(
        Return, models.PROTECT, null=True, blank=True, related_name="strays", verbose_name=_("return")
    )
    goods = models.JSONField(_("goods"), default=list)  # [SKU id, code, pieces as text], once booked
    at = models.DateTimeField(_("arrived"))
    by = models.CharField(_("by"), max_length=150, blank=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.CharField(_("settled by"), max_length=150, blank=True)
    idempotency_key = models.CharField(max_length=200, unique=True, editable=False)

    class Meta:
        verbose_name = _("unknown parcel")
        verbose_name_plural = _("unknown parcels")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tracking_key"], condition=~Q(tracking_key="") & Q(state="waiting"), name="stray_parcel_once"
            )
        ]

    def __str__(self) -> str:
        return self.tracking_number or f"#{self.pk}"

    @property
    def reference(self) -> str:
        """The name of this parcel in the stock ledger."""
        return f"orders.strayparcel:{self.pk}"


class ReturnPhoto(models.Model):
    """A picture of what came: kept under a random name, shown only to who may see the return or the parcel."""

    rma = models.ForeignKey(
        Return, models.CASCADE, null=True, blank=True, related_name="photos", verbose_name=_("return")
    )
    stray = models.ForeignKey(
        StrayParcel, models.CASCADE, null=True, blank=True, related_name="photos", verbose_name=_("unknown parcel")
    )
    token = models.CharField(max_length=64, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=5)  # jpg | png
    size = models.PositiveIntegerField(_("bytes"))
    at = models.DateTimeField(_("time"))
    by = models.CharField(_("by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("photo of a return")
        verbose_name_plural = _("photos of returns")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rma__isnull=False) | Q(stray__isnull=False), name="return_photo_of_something"
            )
        ]

    def __str__(self) -> str:
        return self.token[:8]
