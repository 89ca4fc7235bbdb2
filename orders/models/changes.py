"""What people make of orders: sent together, planned as several parcels, with a gift, offered before they are one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import MoneyField, QuantityField
from orders.models.fulfilment import Shipment
from orders.models.order import Order, OrderLine

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class MergeCircle(models.Model):
    """Shops whose orders may go in one parcel: the owner says so. Orders of one shop always may."""

    name = models.CharField(_("name"), max_length=100)
    shops = models.ManyToManyField("inventory.Shop", related_name="+", verbose_name=_("shops"))
    active = models.BooleanField(_("on"), default=True)
    updated_at = models.DateTimeField(_("changed"), null=True, editable=False)
    updated_by = models.CharField(_("changed by"), max_length=150, blank=True, editable=False)

    class Meta:
        verbose_name = _("shops that send together")
        verbose_name_plural = _("shops that send together")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class MergeGroup(models.Model):
    """Orders that leave in one parcel. Each stays its platform's order, with its own money and news."""

    class State(models.TextChoices):
        OPEN = "open", _("To be sent together")
        SENT = "sent", _("Sent together")
        ENDED = "ended", _("Taken apart")

    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    created_at = models.DateTimeField(_("put together"))
    created_by = models.CharField(_("put together by"), max_length=150, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_by = models.CharField(_("ended by"), max_length=150, blank=True)
    carrier = models.CharField(_("carrier"), max_length=100, blank=True)
    tracking_number = models.CharField(_("tracking number"), max_length=200, blank=True)
    idempotency_key = models.CharField(_("idempotency key"), max_length=120, blank=True)

    members: RelatedManager[MergeMember]

    class Meta:
        verbose_name = _("orders sent together")
        verbose_name_plural = _("orders sent together")
        ordering = ["-id"]
        permissions = [("arrange_order", _("Can send orders together, split them and add gifts"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True) | (~Q(state="open") & Q(ended_at__isnull=False)),
                name="merge_group_ended",
            )
        ]
        indexes = [models.Index(fields=["id"], condition=Q(state="open"), name="merge_group_open")]

    def __str__(self) -> str:
        return f"#{self.pk}"


class MergeMember(models.Model):
    """One order of a group, and what its promise and priority were before."""

    class State(models.TextChoices):
        IN = "in", _("In the parcel")
        SENT = "sent", _("Sent")
        LEFT = "left", _("Taken out")

    group = models.ForeignKey(MergeGroup, models.CASCADE, related_name="members", verbose_name=_("group"))
    order = models.ForeignKey(Order, models.PROTECT, related_name="merges", verbose_name=_("order"), db_index=False)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.IN)
    joined_at = models.DateTimeField(_("joined"))
    left_at = models.DateTimeField(_("left"), null=True, blank=True)
    reason = models.CharField(_("why it left"), max_length=40, blank=True)
    own_ship_by_before = models.DateTimeField(null=True, blank=True, editable=False)
    own_ship_by_given = models.DateTimeField(null=True, blank=True, editable=False)
    priority_before = models.PositiveSmallIntegerField(default=0, editable=False)
    priority_given = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("order in a common parcel")
        verbose_name_plural = _("orders in a common parcel")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order"], condition=Q(state="in"), name="merge_order_once"),
            models.UniqueConstraint(fields=["group", "order"], condition=~Q(state="left"), name="merge_member_once"),
        ]
        indexes = [models.Index(fields=["order"], name="merge_member_order")]

    def __str__(self) -> str:
        return f"{self.group_id}: {self.order_id}"


class OrderPart(models.Model):
    """A parcel that is planned: some lines of one order, with dates of their own."""

    class By(models.TextChoices):
        STOCK = "stock", _("What is in stock")
        WAREHOUSE = "warehouse", _("By warehouse")
        LINE_CLASS = "line_class", _("By kind of goods")
        LINES = "lines", _("Chosen lines")

    order = models.ForeignKey(Order, models.CASCADE, related_name="plan", verbose_name=_("order"), db_index=False)
    number = models.PositiveSmallIntegerField(_("parcel"))
    by = models.CharField(_("split"), max_length=12, choices=By)
    name = models.CharField(_("name"), max_length=100, blank=True)
    waiting = models.BooleanField(_("waits for stock"), default=False)
    warehouse = models.ForeignKey(
        "inventory.Warehouse", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("warehouse")
    )
    ship_after = models.DateTimeField(_("not before"), null=True, blank=True)
    ship_by = models.DateTimeField(_("ship by"), null=True, blank=True)
    shipment = models.ForeignKey(
        Shipment, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("parcel")
    )
    created_at = models.DateTimeField(_("planned"))
    created_by = models.CharField(_("planned by"), max_length=150, blank=True)

    lines: RelatedManager[OrderPartLine]

    class Meta:
        verbose_name = _("planned parcel")
        verbose_name_plural = _("planned parcels")
        ordering = ["order_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="order_part_once"),
            models.CheckConstraint(
                condition=Q(ship_after__isnull=True) | Q(ship_by__isnull=True) | Q(ship_by__gte=F("ship_after")),
                name="order_part_dates",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.number}"


class OrderPartLine(models.Model):
    """Units of one line in a planned parcel."""

    part = models.ForeignKey(OrderPart, models.CASCADE, related_name="lines", verbose_name=_("planned parcel"))
    line = models.ForeignKey(OrderLine, models.CASCADE, related_name="plan", verbose_name=_("order line"))
    quantity = QuantityField(_("quantity"))

    class Meta:
        verbose_name = _("line of a planned parcel")
        verbose_name_plural = _("lines of a planned parcel")
        constraints = [
            models.UniqueConstraint(fields=["part", "line"], name="order_part_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_part_line_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.line_id}"


class Gift(models.Model):
    """Why a gift is in an order, and who put it there. The goods themselves are a line of the order."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="gifts", verbose_name=_("order"), db_index=False)
    line = models.OneToOneField(OrderLine, models.CASCADE, related_name="gift", verbose_name=_("order line"))
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"))
    reason = models.CharField(_("why"), max_length=300, blank=True)
    rule = models.CharField(_("rule"), max_length=100, blank=True)
    forced = models.BooleanField(_("given again on purpose"), default=False)
    added_at = models.DateTimeField(_("added"))
    added_by = models.CharField(_("added by"), max_length=150)
    removed_at = models.DateTimeField(_("taken out"), null=True, blank=True)
    removed_by = models.CharField(_("taken out by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("gift")
        verbose_name_plural = _("gifts")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "sku"], condition=Q(removed_at__isnull=True, forced=False), name="gift_once_an_order"
            )
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.sku_id}"


class NumberRange(models.Model):
    """The numbers that a shop's own orders and quotes get."""

    class Of(models.TextChoices):
        MANUAL = "manual", _("Orders entered here")
        EXCHANGE = "exchange", _("Exchanges")
        REISSUE = "reissue", _("Goods sent again")
        QUOTE = "quote", _("Quotes")

    shop = models.ForeignKey("inventory.Shop", models.PROTECT, related_name="+", verbose_name=_("shop"))
    of = models.CharField(_("for"), max_length=12, choices=Of)
    prefix = models.CharField(_("begins with"), max_length=40)
    next = models.PositiveBigIntegerField(_("next number"), default=1)
    digits = models.PositiveSmallIntegerField(_("digits"), default=5)

    class Meta:
        verbose_name = _("number range")
        verbose_name_plural = _("number ranges")
        ordering = ["shop_id", "of"]
        constraints = [
            models.UniqueConstraint(fields=["shop", "of"], name="number_range_once"),
            models.CheckConstraint(condition=Q(digits__gte=1, digits__lte=12, next__gte=1), name="number_range_sense"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}{self.next:0{self.digits}d}"


class OwnOrder(Order):
    """An order of our own, under rights of its own: entered by hand, or sent for another one."""

    class Meta:
        proxy = True
        verbose_name = _("order entered here")
        verbose_name_plural = _("orders entered here")
        ordering = ["-placed_at", "-id"]
        permissions = [("replace_order", _("Can ask for exchanges and for goods to be sent again"))]


class Quote(models.Model):
    """What a customer is offered, until it becomes an order. `basket` is orders.desk.baskets.Basket as JSON."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SENT = "sent", pgettext_lazy("quote", "Sent")
        ACCEPTED = "accepted", pgettext_lazy("quote", "Accepted")
        REFUSED = "refused", pgettext_lazy("quote", "Refused")
        EXPIRED = "expired", pgettext_lazy("quote", "Expired")

    shop = models.ForeignKey("inventory.Shop", models.PROTECT, related_name="quotes", verbose_name=_("shop"))
    number = models.CharField(_("number"), max_length=100)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    valid_until = models.DateField(pgettext_lazy("offer", "valid until"))
    currency = models.CharField(_("currency"), max_length=3)
    total = MoneyField(_("total"))
    basket = models.JSONField(_("content"))
    text = models.TextField(_("text for the customer"), blank=True, max_length=5000)
    idempotency_key = models.CharField(max_length=64, unique=True, editable=False)
    order = models.OneToOneField(
        Order, models.PROTECT, null=True, blank=True, related_name="quote", verbose_name=_("order")
    )
    revision = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("made"))
    created_by = models.CharField(_("made by"), max_length=150)
    updated_at = models.DateTimeField(_("changed"))
    sent_at = models.DateTimeField(pgettext_lazy("quote", "sent"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    class Meta:
        verbose_name = _("quote")
        verbose_name_plural = _("quotes")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["shop", "number"], name="quote_number_once"),
            models.CheckConstraint(
                condition=Q(order__isnull=True) | Q(state="accepted"), name="quote_ordered_accepted"
            ),
        ]
        indexes = [models.Index(fields=["valid_until"], condition=Q(state__in=["draft", "sent"]), name="quote_ends")]

    def __str__(self) -> str:
        return self.number
