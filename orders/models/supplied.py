"""What became of a purchase order: deliveries counted in (收货), goods sent back (退供), invoices of the supplier."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import CostField, MoneyField, QuantityField
from orders.models.purchase import PurchaseLine, PurchaseOrder, Supplier

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

PERSON = settings.AUTH_USER_MODEL


class PurchaseReceipt(models.Model):
    """One delivery that came for a purchase order, and who inspected it."""

    order = models.ForeignKey(PurchaseOrder, models.PROTECT, related_name="receipts", verbose_name=_("purchase order"))
    slip = models.CharField(_("delivery note"), max_length=60, blank=True)
    slip_key = models.CharField(max_length=60, blank=True, editable=False)
    note = models.CharField(_("note"), max_length=300, blank=True)
    at = models.DateTimeField(_("time"))
    by = models.CharField(_("by"), max_length=150, blank=True)
    key = models.CharField(max_length=100, unique=True, editable=False)

    rows: RelatedManager[PurchaseReceiptLine]

    class Meta:
        verbose_name = _("purchase receipt")
        verbose_name_plural = _("purchase receipts")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["order", "slip_key"], condition=~Q(slip_key=""), name="purchase_slip_once")
        ]

    def __str__(self) -> str:
        return self.slip or f"#{self.pk}"


class PurchaseReceiptLine(models.Model):
    """What of a line came with a delivery."""

    receipt = models.ForeignKey(PurchaseReceipt, models.CASCADE, related_name="rows", verbose_name=_("receipt"))
    line = models.ForeignKey(PurchaseLine, models.PROTECT, related_name="+", verbose_name=_("line"))
    accepted = QuantityField(_("accepted"), default=Decimal(0))
    damaged = QuantityField(_("damaged"), default=Decimal(0))
    refused = QuantityField(pgettext_lazy("purchase", "refused"), default=Decimal(0))

    class Meta:
        verbose_name = _("line of a receipt")
        verbose_name_plural = _("lines of a receipt")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["receipt", "line"], name="purchase_receipt_line_once")]

    def __str__(self) -> str:
        return f"{self.receipt_id}/{self.line_id}"


class SupplierReturn(models.Model):
    """Goods that went back to the supplier, at what they cost here. Its lines never change."""

    order = models.ForeignKey(PurchaseOrder, models.PROTECT, related_name="sent_back", verbose_name=_("purchase order"))
    number = models.CharField(_("number"), max_length=40, unique=True)
    reason = models.CharField(_("reason"), max_length=300)
    at = models.DateTimeField(_("time"))
    by = models.CharField(_("by"), max_length=150, blank=True)
    key = models.CharField(max_length=100, unique=True, editable=False)

    rows: RelatedManager[SupplierReturnLine]

    class Meta:
        verbose_name = _("return to a supplier")
        verbose_name_plural = _("returns to suppliers")
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.number

    @property
    def reference(self) -> str:
        """The text under which its ledger entries stand."""
        return f"orders.supplierreturn:{self.pk}"


class SupplierReturnLine(models.Model):
    """Pieces of a line that went back, and their cost."""

    sent = models.ForeignKey(SupplierReturn, models.CASCADE, related_name="rows", verbose_name=_("return"))
    line = models.ForeignKey(PurchaseLine, models.PROTECT, related_name="+", verbose_name=_("line"))
    quantity = QuantityField(_("pieces"))
    damaged = models.BooleanField(_("damaged"), default=False)
    cost_value = MoneyField(_("cost"))

    class Meta:
        verbose_name = _("line of a return to a supplier")
        verbose_name_plural = _("lines of returns to suppliers")
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="supplier_return_pieces")]

    def __str__(self) -> str:
        return f"{self.sent_id}/{self.line_id}"


class SupplierInvoice(models.Model):
    """What the supplier asks for a purchase order; compared with what was agreed and what came.

    An invoice over several orders is one row for each of them: parts 1, 2 and on of the same number.
    """

    order = models.ForeignKey(PurchaseOrder, models.PROTECT, related_name="invoices", verbose_name=_("purchase order"))
    supplier = models.ForeignKey(Supplier, models.PROTECT, related_name="+", verbose_name=_("supplier"))
    number = models.CharField(_("invoice number"), max_length=60)
    part = models.PositiveSmallIntegerField(pgettext_lazy("invoice", "part"), default=1)
    issued_on = models.DateField(_("date"))
    note = models.CharField(_("note"), max_length=300, blank=True)
    at = models.DateTimeField(_("time"))
    by = models.CharField(_("by"), max_length=150, blank=True)
    undone_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    undone_by = models.CharField(_("taken back by"), max_length=150, blank=True)

    rows: RelatedManager[SupplierInvoiceLine]

    class Meta:
        verbose_name = _("supplier's invoice")
        verbose_name_plural = _("suppliers' invoices")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["supplier", "number", "part"], condition=Q(undone_at__isnull=True), name="supplier_invoice_once"
            )
        ]

    def __str__(self) -> str:
        return self.number


class SupplierInvoiceLine(models.Model):
    """What is asked for a line."""

    invoice = models.ForeignKey(SupplierInvoice, models.CASCADE, related_name="rows", verbose_name=_("invoice"))
    line = models.ForeignKey(PurchaseLine, models.PROTECT, related_name="+", verbose_name=_("line"))
    quantity = QuantityField(_("quantity"))
    price = CostField(_("price"))
    tax = MoneyField(_("tax"), null=True, blank=True)  # as the paper says; no cost

    class Meta:
        verbose_name = _("line of a supplier's invoice")
        verbose_name_plural = _("lines of suppliers' invoices")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["invoice", "line"], name="supplier_invoice_line_once")]

    def __str__(self) -> str:
        return f"{self.invoice_id}/{self.line_id}"
