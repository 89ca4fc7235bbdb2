"""Costs that come after the goods: freight and duty shared over receipts, invoices that ask another price."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.fields import MoneyField, QuantityField, RateField
from orders.models.purchase import PurchaseLine, Supplier
from orders.models.supplied import SupplierInvoice

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class CostDocument(models.Model):
    """A cost shared over receipts of one warehouse. Written by orders.supply.costs only."""

    class Kind(models.TextChoices):
        FREIGHT = "freight", _("Freight")
        DUTY = "duty", _("Duty and import tax")
        INSURANCE = "insurance", _("Insurance")
        HANDLING = "handling", _("Handling")
        OTHER = "other", pgettext_lazy("cost", "Other")
        INVOICE = "invoice", _("Price of a supplier's invoice")

    class Basis(models.TextChoices):
        VALUE = "value", _("value of the goods")
        QUANTITY = "quantity", _("pieces")
        WEIGHT = "weight", _("weight")
        VOLUME = "volume", _("volume")
        HAND = "hand", _("amounts by hand")

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("cost", "Preview")
        POSTED = "posted", pgettext_lazy("cost", "Booked")
        UNDONE = "undone", pgettext_lazy("cost", "Undone")

    kind = models.CharField(_("kind of cost"), max_length=10, choices=Kind)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DRAFT)
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("arrived in"))
    supplier = models.ForeignKey(
        Supplier, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("supplier")
    )
    partner = models.CharField(_("who charges it"), max_length=100, blank=True)
    number = models.CharField(_("their document"), max_length=60, blank=True)
    dated = models.DateField(_("date"))
    currency = models.CharField(_("currency"), max_length=3)
    amount = MoneyField(_("amount"))
    rate = RateField(_("rate"))
    base_amount = MoneyField(_("amount in base currency"))
    basis = models.CharField(_("shared by"), max_length=10, choices=Basis, default=Basis.VALUE)
    note = models.CharField(_("note"), max_length=300, blank=True)
    late = models.CharField(max_length=10, blank=True, editable=False)  # the policy it was booked by
    invoice = models.ForeignKey(
        SupplierInvoice, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("supplier's invoice")
    )
    once = models.CharField(max_length=100, unique=True, editable=False)  # of the click that made it
    created_at = models.DateTimeField(_("created"), default=clock.now)
    created_by = models.CharField(_("by"), max_length=150, blank=True)
    posted_at = models.DateTimeField(pgettext_lazy("cost", "booked"), null=True, blank=True)
    posted_by = models.CharField(_("booked by"), max_length=150, blank=True)
    undone_at = models.DateTimeField(pgettext_lazy("cost", "undone"), null=True, blank=True)
    undone_by = models.CharField(_("undone by"), max_length=150, blank=True)

    lines: RelatedManager[CostDocumentLine]
    effects: RelatedManager[CostEffect]

    class Meta:
        verbose_name = _("late cost")
        verbose_name_plural = _("late costs")
        ordering = ["-id"]
        permissions = [("book_costdocument", _("Can book late costs and undo them"))]
        constraints = [
            models.UniqueConstraint(
                fields=["invoice"], condition=~Q(state="undone") & Q(invoice__isnull=False), name="cost_invoice_once"
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="cost_document_rate"),
        ]

    def __str__(self) -> str:
        return f"LC-{self.pk:05d}" if self.pk else str(self._meta.verbose_name)

    @property
    def reference(self) -> str:
        """The text under which its entries and vouchers stand."""
        return f"orders.costdocument:{self.pk}"


class CostDocumentLine(models.Model):
    """The share of one receipt: an entry of the stock ledger that brought goods of a purchase order."""

    document = models.ForeignKey(CostDocument, models.CASCADE, related_name="lines", verbose_name=_("late cost"))
    entry_key = models.CharField(max_length=200, editable=False)
    line = models.ForeignKey(PurchaseLine, models.PROTECT, related_name="+", verbose_name=_("line of the order"))
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"))
    received_at = models.DateTimeField(pgettext_lazy("cost", "received"))
    pieces = QuantityField(_("pieces"))
    value = MoneyField(_("value then"))
    share = MoneyField(_("share"), default=Decimal(0))

    class Meta:
        verbose_name = _("share of a late cost")
        verbose_name_plural = _("shares of late costs")
        default_permissions = ()
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["document", "entry_key"], name="cost_line_once")]

    def __str__(self) -> str:
        return f"{self.document_id}/{self.entry_key}"


class CostEffect(models.Model):
    """Where a part of it went when it was booked (or came back from when it was undone)."""

    class Kind(models.TextChoices):
        STOCK = "stock", _("value of stock")
        SOLD = "sold", _("cost of goods sold")
        DIFFERENCE = "difference", _("cost differences")

    document = models.ForeignKey(CostDocument, models.PROTECT, related_name="effects", verbose_name=_("late cost"))
    kind = models.CharField(_("went into"), max_length=10, choices=Kind)
    undo = models.BooleanField(_("undone"), default=False)
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    shop = models.ForeignKey(
        "inventory.Shop", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("shop")
    )
    reference = models.CharField(_("document"), max_length=120, blank=True)
    month = models.DateField(_("month"), null=True, blank=True)
    pieces = QuantityField(_("pieces"))
    amount = MoneyField(_("amount"))

    class Meta:
        verbose_name = _("effect of a late cost")
        verbose_name_plural = _("effects of late costs")
        default_permissions = ()
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.document_id}: {self.kind} {self.amount}"
