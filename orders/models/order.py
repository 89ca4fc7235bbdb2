"""An order of a shop: its state with us, its lines, its buyer, and every version the platform delivered."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import MoneyField, QuantityField, RateField
from backoffice.triggers import append_only

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from orders.models.rule_works import RuleWork


class Department(models.TextChoices):
    """Who has to act on a held order."""

    DESK = "desk", _("Order desk")
    WAREHOUSE = "warehouse", _("Warehouse")
    BUYING = "buying", _("Buying")
    SERVICE = "service", _("Customer service")
    FINANCE = "finance", _("Bookkeeping")
    OWNER = "owner", _("Owner")


class Order(models.Model):
    """One order of one shop. `state` is the one word a person needs; how it came to it stands in the logs."""

    class State(models.TextChoices):
        UNPAID = "unpaid", _("Waiting for payment")
        HELD = "held", pgettext_lazy("order state", "Held")
        APPROVED = "approved", _("To be shipped")
        PARTLY_SHIPPED = "partly_shipped", _("Partly shipped")
        SHIPPED = "shipped", _("Shipped")
        CANCELLED = "cancelled", _("Cancelled")
        HISTORY = "history", _("Before go-live")

    class Payment(models.TextChoices):
        PENDING = "pending", _("Not paid")
        AUTHORIZED = "authorized", _("Payment authorised")
        PARTIALLY_PAID = "partially_paid", _("Partly paid")
        PAID = "paid", _("Paid")
        PARTIALLY_REFUNDED = "partially_refunded", _("Partly refunded")
        REFUNDED = "refunded", _("Refunded")
        VOIDED = "voided", _("Payment cancelled")

    class Kind(models.TextChoices):
        PLATFORM = "", pgettext_lazy("kind of order", "From the shop")
        MANUAL = "manual", pgettext_lazy("kind of order", "Entered here")
        EXCHANGE = "exchange", pgettext_lazy("kind of order", "Exchange")
        REISSUE = "reissue", pgettext_lazy("kind of order", "Sent again")

    shop = models.ForeignKey(
        "inventory.Shop", models.PROTECT, related_name="orders", verbose_name=_("shop"), db_index=False
    )
    external_id = models.CharField(_("platform id"), max_length=200)
    number = models.CharField(_("order number"), max_length=200)
    number_key = models.CharField(max_length=200, editable=False)  # orders.search.number_key(number)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.HELD)
    payment = models.CharField(_("payment"), max_length=20, choices=Payment, default=Payment.PENDING)

    currency = models.CharField(_("currency"), max_length=10)  # as the platform wrote it; unknown ones are held
    goods_total = MoneyField(_("goods"), default=0)
    discount_total = MoneyField(_("discount"), default=0)
    shipping_total = MoneyField(_("shipping"), default=0)
    tax_total = MoneyField(_("tax"), default=0)
    fee_total = MoneyField(_("fees"), default=0)
    rounding = MoneyField(_("rounding"), default=0)
    total = MoneyField(_("total"))
    base_total = MoneyField(_("total in base currency"), null=True, blank=True)  # null: no rate was known
    taxes_included = models.BooleanField(_("prices include tax"), default=False)

    placed_at = models.DateTimeField(_("ordered"))
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    cancelled_here = models.BooleanField(_("cancelled here"), default=False)  # the platform does not bring it back
    closed = models.BooleanField(_("finished on the platform"), default=False)
    cancel_reason = models.CharField(_("reason of the cancellation"), max_length=200, blank=True)
    platform_updated_at = models.DateTimeField(_("changed on the platform"))
    ship_by = models.DateTimeField(_("ship by"), null=True, blank=True)
    demand_expires_at = models.DateTimeField(_("goods kept until"), null=True, blank=True)  # unpaid orders only
    received_at = models.DateTimeField(_("first received"))
    updated_at = models.DateTimeField(_("last change"))
    approved_at = models.DateTimeField(pgettext_lazy("time", "approved"), null=True, blank=True)
    shipped_at = models.DateTimeField(_("shipped at"), null=True, blank=True)

    # Why somebody has to look at it: a check's code, or one of orders.desk.holds. Held orders have one; an order in
    # another state may have one too (changed on the platform after it was shipped): it is listed, but not stopped.
    hold_code = models.CharField(_("reason"), max_length=40, blank=True)
    hold_note = models.CharField(_("note on the hold"), max_length=300, blank=True)
    hold_department = models.CharField(_("department"), max_length=16, choices=Department, blank=True)
    held_since = models.DateTimeField(_("held since"), null=True, blank=True)

    accepted_version = models.ForeignKey(
        "orders.OrderVersion",
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("accepted version"),
        db_index=False,
    )
    pending_version = models.ForeignKey(
        "orders.OrderVersion",
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("edit waiting"),
        db_index=False,
    )
    duplicate_key = models.CharField(max_length=32, blank=True, editable=False)  # keyed hash of buyer and goods
    test = models.BooleanField(_("test order"), default=False)
    risk = models.CharField(_("risk"), max_length=40, blank=True)
    shipping_method = models.CharField(_("delivery method"), max_length=200, blank=True)
    tags = models.JSONField(_("tags"), default=list, blank=True)
    marks = models.JSONField(_("marks"), default=list, blank=True)  # ours, by rules and people; tags are the platform's
    priority = models.PositiveSmallIntegerField(_("priority"), default=0)  # 0 is usual, 9 goes first
    own_ship_by = models.DateTimeField(_("ship by, our own rule"), null=True, blank=True)  # `ship_by` has the earlier
    hold_until = models.DateTimeField(_("held until"), null=True, blank=True)  # then it is reviewed again by itself
    # What a rule or a person wants of the routing, beyond the shop's policy (orders.fulfil.routing.prefer).
    routing_policy = models.ForeignKey(
        "orders.RoutingPolicy", models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        verbose_name=_("routing policy for this order"),
    )  # fmt: skip
    carrier_service = models.ForeignKey(
        "orders.CarrierService", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False,
        verbose_name=_("carrier wished for this order"),
    )  # fmt: skip
    routing_warehouse = models.ForeignKey(
        "inventory.Warehouse", models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        verbose_name=_("warehouse wished for this order"),
    )  # fmt: skip
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)  # presale goods leave from then on
    promised_on = models.DateField(_("promised for"), null=True, blank=True)  # a short order's; see PromiseChange
    # The earliest of the platform's promise, our rules and the shop's handling time (orders.late.due writes it).
    due_at = models.DateTimeField(_("has to leave by"), null=True, blank=True)
    # Keyed hashes: the same buyer, phone and address are known again after the personal data are purged.
    buyer_key = models.CharField(max_length=32, blank=True, editable=False)
    phone_key = models.CharField(max_length=32, blank=True, editable=False)
    address_key = models.CharField(max_length=32, blank=True, editable=False)
    url = models.CharField(_("address on the platform"), max_length=1000, blank=True)
    # Orders of our own are known to no platform: nothing is reported there. `origin` is what an order replaces.
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.PLATFORM, db_default="", blank=True)
    origin = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="followers", verbose_name=_("made from order"),
        db_index=False,
    )  # fmt: skip
    revision = models.PositiveIntegerField(default=0, editable=False)  # grows with each change by a person

    lines: RelatedManager[OrderLine]
    versions: RelatedManager[OrderVersion]
    rule_works: RelatedManager[RuleWork]
    contact: OrderContact

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-placed_at", "-id"]
        permissions = [
            ("decide_order", _("Can approve, hold and cancel orders")),
            ("ship_order", _("Can ship orders")),
            ("see_buyer", _("Can see who bought, masked")),
            ("reveal_buyer", _("Can uncover names, phones and addresses (each time is recorded)")),
            ("erase_person", _("Can erase a buyer's personal data for good")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["shop", "external_id"], name="order_once_a_shop"),
            models.CheckConstraint(
                condition=Q(held_since__isnull=True, hold_code="") | (Q(held_since__isnull=False) & ~Q(hold_code="")),
                name="order_hold_has_reason_and_time",
            ),
            models.CheckConstraint(condition=~Q(state="held", hold_code=""), name="order_held_for_a_reason"),
        ]
        indexes = [
            models.Index(fields=["-placed_at", "-id"], name="order_newest"),
            models.Index(fields=["shop", "-placed_at", "-id"], name="order_shop_newest"),
            models.Index(
                fields=["state", "-placed_at", "-id"],
                condition=Q(state__in=["unpaid", "held", "approved", "partly_shipped", "cancelled"]),
                name="order_state_newest",
            ),
            models.Index(fields=["hold_department", "held_since"], condition=~Q(hold_code=""), name="order_held"),
            models.Index(fields=["updated_at", "id"], name="order_changed"),
            models.Index(fields=["number_key"], opclasses=["varchar_pattern_ops"], name="order_number_prefix"),
            models.Index(fields=["duplicate_key"], condition=~Q(duplicate_key=""), name="order_duplicate"),
            models.Index(fields=["ship_by"], condition=Q(state__in=["approved", "partly_shipped"]), name="order_due"),
            models.Index(fields=["-placed_at", "-id"], condition=Q(priority__gt=0), name="order_raised"),
            models.Index(fields=["ship_by"], condition=Q(ship_by__isnull=False), name="order_ship_by"),
            models.Index(
                fields=["hold_code", "placed_at"],
                condition=Q(hold_code__in=["short_stock", "presale"]),
                name="order_waits_for_goods",
            ),
            models.Index(
                fields=["due_at", "id"],
                condition=Q(state__in=["held", "approved", "partly_shipped"]),
                name="order_late",
            ),
            models.Index(fields=["hold_until"], condition=Q(hold_until__isnull=False), name="order_hold_ends"),
            models.Index(fields=["buyer_key", "placed_at"], condition=~Q(buyer_key=""), name="order_buyer"),
            models.Index(fields=["phone_key", "placed_at"], condition=~Q(phone_key=""), name="order_phone"),
            models.Index(fields=["address_key", "placed_at"], condition=~Q(address_key=""), name="order_address"),
            models.Index(fields=["origin"], condition=Q(origin__isnull=False), name="order_origin"),
            models.Index(
                fields=["demand_expires_at"], condition=Q(demand_expires_at__isnull=False), name="order_expiring"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def promise(self) -> dt.datetime | None:
        """By when the parcel was promised; a promise for the end of time is none, and cannot be shown in every zone."""
        return self.ship_by if self.ship_by is not None and self.ship_by.year < 2200 else None

    @property
    def open(self) -> bool:
        """Whether work is left on it."""
        return self.state in OPEN_STATES


OPEN_STATES = (Order.State.UNPAID, Order.State.HELD, Order.State.APPROVED, Order.State.PARTLY_SHIPPED)


class OrderContact(models.Model):
    """Who bought and where it goes: personal data, apart from the order so that a list never loads it."""

    order = models.OneToOneField(Order, models.CASCADE, related_name="contact", primary_key=True)
    buyer_id = models.CharField(_("buyer id on the platform"), max_length=200, blank=True)
    buyer_name = models.CharField(_("buyer"), max_length=300, blank=True)
    email = models.CharField(_("e-mail"), max_length=320, blank=True)
    phone = models.CharField(_("phone"), max_length=100, blank=True)
    shipping = models.JSONField(_("delivery address"), default=dict, blank=True)  # fields of contracts.Address
    billing = models.JSONField(_("billing address"), default=dict, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    buyer_note = models.TextField(_("note of the buyer"), blank=True)
    seller_note = models.TextField(_("note of the seller"), blank=True)
    address_fixed = models.BooleanField(_("address corrected here"), default=False)  # later versions keep it
    erased_at = models.DateTimeField(_("personal data erased"), null=True, blank=True, editable=False)

    name_key = models.CharField(max_length=100, blank=True, editable=False)  # orders.search.name_key
    email_key = models.CharField(max_length=100, blank=True, editable=False)
    phone_key = models.CharField(max_length=40, blank=True, editable=False)

    class Meta:
        verbose_name = _("buyer and address")
        verbose_name_plural = _("buyers and addresses")
        indexes = [
            models.Index(fields=["name_key"], opclasses=["varchar_pattern_ops"], name="contact_name_prefix"),
            models.Index(fields=["email_key"], opclasses=["varchar_pattern_ops"], name="contact_email_prefix"),
            models.Index(fields=["phone_key"], opclasses=["varchar_pattern_ops"], name="contact_phone_prefix"),
            models.Index(fields=["country", "order"], name="contact_country"),
        ]

    def __str__(self) -> str:
        return str(self.order_id)


class OrderVersion(models.Model):
    """The order as one delivery brought it: canonical text of contracts.IncomingOrder, kept whatever becomes of it."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        WAITING = "waiting", _("Waits for a person")
        REJECTED = "rejected", _("Rejected")
        SUPERSEDED = "superseded", _("Overtaken by a newer one")
        STALE = "stale", _("Older than what we had")

    order = models.ForeignKey(Order, models.CASCADE, related_name="versions", verbose_name=_("order"), db_index=False)
    number = models.PositiveIntegerField(_("version"))
    digest = models.CharField(_("digest"), max_length=64)
    platform_updated_at = models.DateTimeField(_("changed on the platform"))
    delivered_at = models.DateTimeField(_("delivered"))
    content = models.TextField(_("content"))  # contracts.to_json
    source_ref = models.CharField(_("source"), max_length=120, blank=True)  # "channels.payload:42"
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome)
    erased_at = models.DateTimeField(_("personal data erased"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("order version")
        verbose_name_plural = _("order versions")
        ordering = ["order_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["order", "digest"], name="version_digest_once"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} v{self.number}"


class OrderLine(models.Model):
    """One line. Quantities count what the buyer ordered; `pack` turns them into pieces of the SKU."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines", verbose_name=_("order"), db_index=False)
    external_id = models.CharField(_("platform id"), max_length=200)
    position = models.PositiveIntegerField(_("position"))
    sku = models.ForeignKey(
        "inventory.Sku", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("SKU")
    )
    sku_code = models.CharField(_("SKU on the platform"), max_length=200, blank=True)
    listing_id = models.CharField(_("listing"), max_length=200, blank=True)
    barcode = models.CharField(_("barcode"), max_length=100, blank=True)
    title = models.CharField(_("title"), max_length=500, blank=True)
    quantity = QuantityField(_("wanted"))  # now: cancelled and refunded unshipped goods are off
    ordered_quantity = QuantityField(pgettext_lazy("quantity", "ordered"))
    shipped_quantity = QuantityField(_("shipped"), default=0)
    pack = QuantityField(_("pieces per unit"), default=1)  # a listing may stand for a case of 12
    unit_price = MoneyField(_("unit price"), default=0)
    discount = MoneyField(_("discount"), default=0)
    tax = MoneyField(_("tax"), default=0)
    tax_rate = RateField(_("tax rate"), null=True, blank=True)
    total = MoneyField(_("line total"), default=0)
    platform_fulfilled = models.BooleanField(_("shipped by the platform"), default=False)
    stocked = models.BooleanField(_("takes stock"), default=True)  # False: gift card, virtual, platform-fulfilled
    match_code = models.CharField(_("match"), max_length=40, blank=True)  # why there is no SKU
    # Added here (a gift): no version of the platform takes it away, and the platform is never told of it.
    own = models.BooleanField(_("added here"), default=False, db_default=False)
    properties = models.JSONField(_("properties"), default=dict, blank=True)

    parts: RelatedManager[OrderLinePart]

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["order_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["order", "external_id"], name="line_once_an_order"),
            models.CheckConstraint(
                condition=Q(quantity__gte=0, ordered_quantity__gte=0, pack__gt=0), name="line_quantities"
            ),
            models.CheckConstraint(
                condition=Q(shipped_quantity__gte=0, shipped_quantity__lte=F("ordered_quantity")),
                name="line_never_overshipped",
            ),
        ]
        indexes = [
            # Orders that wait for a match are found by what the platform calls the goods.
            models.Index(
                fields=["listing_id"], condition=Q(sku__isnull=True, stocked=True), name="line_unmatched_listing"
            ),
            models.Index(fields=["sku_code"], condition=Q(sku__isnull=True, stocked=True), name="line_unmatched_code"),
        ]

    def __str__(self) -> str:
        return self.title or self.sku_code or self.external_id

    @property
    def reference(self) -> str:
        """The name of this line in the stock ledger."""
        return line_reference(self.pk)


class OrderLinePart(models.Model):
    """What one bundle on a line consisted of when the order came: frozen, whatever the bundle becomes."""

    line = models.ForeignKey(OrderLine, models.CASCADE, related_name="parts", verbose_name=_("line"), db_index=False)
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"))
    quantity = QuantityField(_("pieces per bundle"))

    class Meta:
        verbose_name = _("part of a bundle")
        verbose_name_plural = _("parts of a bundle")
        constraints = [
            models.UniqueConstraint(fields=["line", "sku"], name="line_part_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="line_part_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku_id}"


def line_reference(line_id: int) -> str:
    """Return the name of a line in the stock ledger."""
    return f"orders.line:{line_id}"


def order_reference(order_id: int) -> str:
    """Return the name of an order in logs and as a reservation group."""
    return f"orders.order:{order_id}"


append_only(OrderVersion, allow_update_columns=("outcome",), erasable=("content",))
