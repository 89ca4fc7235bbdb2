"""Suppliers (供应商) and purchase orders (采购单): what is bought from whom, on what terms."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.fields import CostField, MoneyField, QuantityField, RateField

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from orders.models.supplied import PurchaseReceipt, SupplierInvoice, SupplierReturn

PERSON = settings.AUTH_USER_MODEL
CODE = RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", _("Use letters, digits, “-”, “_” and “.” only."))
CURRENCY = RegexValidator(r"^[A-Z]{3}$", _("Three capital letters, such as CNY."))


class Supplier(models.Model):
    """Whom goods are bought from. How long they really take is measured from receipts (orders.supply.lead_times)."""

    code = models.CharField(pgettext_lazy("identifier", "code"), max_length=40, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=200)
    contact = models.CharField(_("contact"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    address = models.CharField(_("address"), max_length=300, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="CNY", validators=[CURRENCY])
    lead_days = models.PositiveSmallIntegerField(
        _("stated lead time (days)"), default=14, help_text=_("Counts until three deliveries have been measured.")
    )
    minimum_order = MoneyField(
        _("minimum order"), default=Decimal(0), help_text=_("In the supplier's currency; 0: none.")
    )
    measured_mean = models.FloatField(_("measured lead time (days)"), null=True, editable=False)
    measured_sd = models.FloatField(_("its spread (days)"), null=True, editable=False)
    measured_count = models.PositiveIntegerField(_("deliveries measured"), default=0, editable=False)
    active = models.BooleanField(_("active"), default=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    items: RelatedManager[SupplierItem]

    class Meta:
        verbose_name = _("supplier")
        verbose_name_plural = _("suppliers")
        ordering = ["code"]
        constraints = [models.CheckConstraint(condition=Q(minimum_order__gte=0), name="supplier_minimum")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class SupplierItem(models.Model):
    """What a supplier sells of our SKUs, and on what terms."""

    supplier = models.ForeignKey(Supplier, models.CASCADE, related_name="items", verbose_name=_("supplier"))
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"))
    supplier_code = models.CharField(_("supplier's code"), max_length=100, blank=True)
    price = CostField(_("price"), help_text=_("Of one piece, in the supplier's currency."))
    minimum = QuantityField(_("minimum quantity"), default=Decimal(0))
    pack_size = QuantityField(_("pack size"), default=Decimal(1), help_text=_("Ordered in multiples of it."))
    preferred = models.BooleanField(_("preferred"), default=False)
    active = models.BooleanField(_("active"), default=True)

    breaks: RelatedManager[PriceBreak]

    class Meta:
        verbose_name = _("supplier's SKU")
        verbose_name_plural = _("suppliers' SKUs")
        ordering = ["supplier_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["supplier", "sku"], name="supplier_sku_once"),
            models.UniqueConstraint(fields=["sku"], condition=Q(preferred=True), name="supplier_preferred_once"),
            models.CheckConstraint(
                condition=Q(price__gte=0, minimum__gte=0, pack_size__gt=0), name="supplier_item_figures"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.supplier} · {self.sku}"


class PriceBreak(models.Model):
    """From so many pieces on, each costs less."""

    item = models.ForeignKey(SupplierItem, models.CASCADE, related_name="breaks", verbose_name=_("supplier's SKU"))
    quantity = QuantityField(_("from pieces"))
    price = CostField(_("price"))

    class Meta:
        verbose_name = _("price break")
        verbose_name_plural = _("price breaks")
        ordering = ["item_id", "quantity"]
        constraints = [
            models.UniqueConstraint(fields=["item", "quantity"], name="price_break_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0, price__gte=0), name="price_break_figures"),
        ]

    def __str__(self) -> str:
        return f"≥ {self.quantity.normalize():f}: {self.price.normalize():f}"


class PurchaseSetting(models.Model):
    """How this house buys: one row, which also hands out the numbers of its documents."""

    class Scope(models.TextChoices):
        WAREHOUSE = "warehouse", _("each warehouse by itself")
        COMPANY = "company", _("the company as a whole")

    prefix = models.CharField(_("numbers begin with"), max_length=10, default="PO", validators=[CODE])
    next_number = models.PositiveIntegerField(_("next number"), default=1)
    tolerance = RateField(
        _("over-receipt taken"), default=Decimal("0.05"), help_text=_("Share of what was ordered: 0.05 is 5 %.")
    )
    scope = models.CharField(_("demand is counted for"), max_length=10, choices=Scope, default=Scope.WAREHOUSE)
    warehouse = models.ForeignKey(
        "inventory.Warehouse", models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("the company's goods arrive in"), help_text=_("Needed when demand is counted as a whole."),
    )  # fmt: skip
    service_level = RateField(
        _("service level"), default=Decimal("0.95"),
        help_text=_("How often goods should last until the next delivery: 0.95 is 19 times of 20."),
    )  # fmt: skip
    history_days = models.PositiveSmallIntegerField(_("days of history"), default=180)
    review_days = models.PositiveSmallIntegerField(_("days between two orders"), default=14)

    class Meta:
        verbose_name = _("setting of purchasing")
        verbose_name_plural = _("settings of purchasing")
        constraints = [
            models.CheckConstraint(
                condition=Q(service_level__gte=Decimal("0.5"), service_level__lt=1, tolerance__gte=0, tolerance__lte=1),
                name="purchase_setting_shares",
            ),
            models.CheckConstraint(
                condition=Q(history_days__gte=14, history_days__lte=1096, review_days__gte=1, review_days__lte=366),
                name="purchase_setting_days",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Purchasing"))


class PurchaseLimit(models.Model):
    """Up to how much a role or a person orders alone, in the base currency; more waits for approval."""

    role = models.CharField(_("role"), max_length=40, blank=True)  # a name of backoffice.roles
    person = models.ForeignKey(
        PERSON, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    amount = MoneyField(_("amount"))

    class Meta:
        verbose_name = _("limit of purchases")
        verbose_name_plural = _("limits of purchases")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(role="", person__isnull=False) | (~Q(role="") & Q(person__isnull=True)))
                & Q(amount__gte=0),
                name="purchase_limit_of_one",
            ),
            models.UniqueConstraint(fields=["role"], condition=~Q(role=""), name="purchase_limit_role_once"),
            models.UniqueConstraint(
                fields=["person"], condition=Q(person__isnull=False), name="purchase_limit_person_once"
            ),
        ]

    def __str__(self) -> str:
        return self.role or str(self.person)


class PurchaseOrder(models.Model):
    """An order to a supplier. Written by orders.supply only."""

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("purchase", "Draft")
        WAITING = "waiting", pgettext_lazy("purchase", "Waiting for approval")
        ORDERED = "ordered", pgettext_lazy("purchase", "Ordered")
        PARTLY = "partly", pgettext_lazy("purchase", "Partly received")
        RECEIVED = "received", pgettext_lazy("purchase", "Received")
        CLOSED = "closed", pgettext_lazy("purchase", "Closed")
        CANCELLED = "cancelled", pgettext_lazy("purchase", "Cancelled")

    class Source(models.TextChoices):
        DESK = "desk", _("Entered here")
        REPLENISH = "replenish", _("Suggested")
        LATE = "late", _("Late play")

    number = models.CharField(_("purchase order"), max_length=30, unique=True)
    supplier = models.ForeignKey(Supplier, models.PROTECT, related_name="orders", verbose_name=_("supplier"))
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("arrives in"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    source = models.CharField(_("source"), max_length=10, choices=Source, default=Source.DESK)
    currency = models.CharField(_("currency"), max_length=3)
    total = MoneyField(_("total"), default=Decimal(0))
    base_total = MoneyField(_("total in base currency"), null=True, blank=True)
    expected_on = models.DateField(_("expected on"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    revision = models.PositiveIntegerField(default=1, editable=False)  # what an approver has seen
    once = models.CharField(max_length=100, unique=True, editable=False)  # of the click that made it
    created_at = models.DateTimeField(_("created"), default=clock.now)
    created_by = models.CharField(_("by"), max_length=150, blank=True)
    submitted_by = models.CharField(_("handed in by"), max_length=150, blank=True)
    approved_by = models.CharField(_("approved by"), max_length=150, blank=True)
    ordered_at = models.DateTimeField(pgettext_lazy("purchase", "ordered"), null=True, blank=True)
    updated_at = models.DateTimeField(_("last change"), default=clock.now)
    updated_by = models.CharField(_("changed by"), max_length=150, blank=True)

    lines: RelatedManager[PurchaseLine]
    receipts: RelatedManager[PurchaseReceipt]
    sent_back: RelatedManager[SupplierReturn]
    invoices: RelatedManager[SupplierInvoice]

    class Meta:
        verbose_name = _("purchase order")
        verbose_name_plural = _("purchase orders")
        ordering = ["-id"]
        permissions = [
            ("approve_purchaseorder", _("Can order any amount and approve purchase orders")),
            ("receive_purchaseorder", _("Can receive purchased goods and send them back")),
            ("price_purchaseorder", _("Can see purchase prices")),
        ]
        indexes = [models.Index(fields=["state", "expected_on"], name="purchase_state")]

    def __str__(self) -> str:
        return self.number

    @property
    def reference(self) -> str:
        """Its name in logs and as owner of its expected deliveries."""
        return f"orders.purchaseorder:{self.pk}"


AWAITED = (PurchaseOrder.State.ORDERED, PurchaseOrder.State.PARTLY)
EDITABLE = (PurchaseOrder.State.DRAFT,)


class PurchaseLine(models.Model):
    """Pieces of one SKU at one price. Refused pieces went back with the driver: the supplier still owes them."""

    order = models.ForeignKey(
        PurchaseOrder, models.CASCADE, related_name="lines", verbose_name=_("purchase order"), db_index=False
    )
    row = models.PositiveSmallIntegerField(_("row"))
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"))
    supplier_code = models.CharField(_("supplier's code"), max_length=100, blank=True)
    quantity = QuantityField(_("ordered quantity"))
    price = CostField(_("price"))
    accepted = QuantityField(_("accepted"), default=Decimal(0))
    damaged = QuantityField(_("damaged"), default=Decimal(0))
    refused = QuantityField(pgettext_lazy("purchase", "refused"), default=Decimal(0))
    returned = QuantityField(_("sent back from the shelf"), default=Decimal(0))
    damaged_returned = QuantityField(_("sent back damaged"), default=Decimal(0))
    arrival = models.OneToOneField(
        "inventory.ExpectedArrival", models.PROTECT, null=True, related_name="+", verbose_name=_("expected delivery")
    )

    class Meta:
        verbose_name = _("line of a purchase order")
        verbose_name_plural = _("lines of a purchase order")
        ordering = ["order_id", "row"]
        constraints = [
            models.UniqueConstraint(fields=["order", "sku"], name="purchase_line_sku_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, price__gte=0, accepted__gte=0, damaged__gte=0, refused__gte=0),
                name="purchase_line_figures",
            ),
            models.CheckConstraint(
                condition=Q(returned__gte=0, returned__lte=F("accepted"), damaged_returned__gte=0,
                            damaged_returned__lte=F("damaged")),
                name="purchase_line_returned",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.sku} × {self.quantity.normalize():f}"

    @property
    def came(self) -> Decimal:
        """Pieces that are in the house: on the shelf or kept apart."""
        return self.accepted + self.damaged

    @property
    def left(self) -> Decimal:
        """Pieces still awaited."""
        return max(self.quantity - self.came, Decimal(0))
