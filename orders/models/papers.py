"""What papers need: who we are, how each shop wants them, where a warehouse sends from, and what was printed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from backoffice.triggers import append_only
from orders.models.order import Order


class PaperLanguage(models.TextChoices):
    """In which language a paper is written."""

    ZH = "zh", _("Chinese")
    EN = "en", _("English")
    BOTH = "both", _("Chinese and English")


class SlipSize(models.TextChoices):
    """How large a packing slip is."""

    A4 = "a4", _("A4")
    LABEL = "label", _("100 × 150 mm")


class Company(models.Model):
    """The company as it stands on invoices; there is one."""

    name = models.CharField(_("company name"), max_length=200, blank=True)
    name_en = models.CharField(_("English name"), max_length=200, blank=True)
    address = models.CharField(_("address"), max_length=500, blank=True)
    tax_id = models.CharField(_("tax number"), max_length=60, blank=True)
    phone = models.CharField(_("phone"), max_length=60, blank=True)
    email = models.CharField(_("e-mail"), max_length=200, blank=True)
    bank = models.CharField(_("bank and account"), max_length=300, blank=True)
    logo_text = models.CharField(
        _("logo text"), max_length=40, blank=True, help_text=_("Large, at the top of papers, instead of a picture.")
    )
    language = models.CharField(_("language"), max_length=4, choices=PaperLanguage, default=PaperLanguage.BOTH)
    invoice_prefix = models.CharField(_("invoice prefix"), max_length=12, blank=True, default="INV-")
    invoice_note = models.CharField(_("note on invoices"), max_length=500, blank=True)
    keep_on_invoices = models.BooleanField(
        _("keep buyers on invoices"), default=False,
        help_text=_("When a person is erased, name and address stay on the invoices that were issued. Turn it on where "
                    "tax law asks for them; number and amounts stay in any case."),
    )  # fmt: skip
    erase_after_months = models.PositiveSmallIntegerField(
        _("erase buyers after (months)"), null=True, blank=True,
        help_text=_("Counted from the order. Empty: never by itself. Orders that are still to be shipped wait."),
    )  # fmt: skip
    updated_at = models.DateTimeField(_("changed"), null=True, blank=True)
    updated_by = models.CharField(_("changed by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("company on papers")
        verbose_name_plural = _("company on papers")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="company_is_one")]

    def __str__(self) -> str:
        return self.name or self.name_en or "–"


class ShopPapers(models.Model):
    """How the papers of one shop's orders look; a shop without a row has the company's language and A4."""

    shop = models.OneToOneField("inventory.Shop", models.CASCADE, related_name="papers", verbose_name=_("shop"))
    language = models.CharField(_("language"), max_length=4, choices=PaperLanguage, default=PaperLanguage.BOTH)
    slip_size = models.CharField(_("packing slip"), max_length=8, choices=SlipSize, default=SlipSize.A4)
    slip_note = models.CharField(_("note on packing slips"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("papers of a shop")
        verbose_name_plural = _("papers of shops")

    def __str__(self) -> str:
        return str(self.shop)


class SenderAddress(models.Model):
    """Where parcels of a warehouse come from: the sender on labels."""

    warehouse = models.OneToOneField(
        "inventory.Warehouse", models.CASCADE, related_name="sender", verbose_name=_("warehouse")
    )
    name = models.CharField(_("sender"), max_length=100)
    company = models.CharField(_("company"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=40)
    line1 = models.CharField(_("street"), max_length=200)
    line2 = models.CharField(_("second line"), max_length=200, blank=True)
    city = models.CharField(_("town"), max_length=100)
    region = models.CharField(_("region"), max_length=100, blank=True)
    postcode = models.CharField(_("postcode"), max_length=20, blank=True)
    country = models.CharField(_("country (two letters)"), max_length=2)

    class Meta:
        verbose_name = _("sender's address")
        verbose_name_plural = _("senders' addresses")

    def __str__(self) -> str:
        return f"{self.name}, {self.city}"


class InvoiceSeries(models.Model):
    """The last invoice number of a year; the row is locked while a number is given."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="series", verbose_name=_("company"))
    year = models.PositiveIntegerField(_("year"))
    last = models.PositiveIntegerField(_("last number"), default=0)

    class Meta:
        verbose_name = _("invoice numbers of a year")
        verbose_name_plural = _("invoice numbers by year")
        constraints = [models.UniqueConstraint(fields=["company", "year"], name="invoice_series_once")]

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class Invoice(models.Model):
    """An invoice as it was issued: what stands on it never changes, printing it again is a copy."""

    order = models.OneToOneField(Order, models.PROTECT, related_name="invoice", verbose_name=_("order"))
    company = models.ForeignKey(Company, models.PROTECT, related_name="+", verbose_name=_("company"))
    year = models.PositiveIntegerField(_("year"))
    number = models.PositiveIntegerField(_("number"))
    text = models.CharField(_("invoice number"), max_length=40)
    facts: Any = models.JSONField(_("content"), default=dict)  # orders.fulfil.papers.invoice.InvoiceFacts
    issued_at = models.DateTimeField(_("issued"))
    issued_by = models.CharField(_("issued by"), max_length=150, blank=True)
    erased_at = models.DateTimeField(_("personal data erased"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["company", "year", "number"], name="invoice_number_once")]

    def __str__(self) -> str:
        return self.text


append_only(Invoice, erasable=("facts",))


class PaperKind(models.TextChoices):
    """The papers of an order."""

    SLIP = "slip", _("Packing slip")
    LABEL = "label", _("Shipping label")
    INVOICE = "invoice", _("Invoice")


class PaperPrint(models.Model):
    """One printing of one paper: counted, and kept."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="prints", verbose_name=_("order"), db_index=False)
    kind = models.CharField(_("paper"), max_length=8, choices=PaperKind)
    at = models.DateTimeField(_("printed"))
    actor = models.CharField(_("printed by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("print")
        verbose_name_plural = _("prints")
        ordering = ["-id"]
        indexes = [models.Index(fields=["order", "kind"], name="paper_print_order")]

    def __str__(self) -> str:
        return f"{self.kind} {self.order_id}"


append_only(PaperPrint)


class PrintRun(models.Model):
    """Papers of many orders in one file, made now or by a worker; the file is there for its owner for an hour."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("owner"))
    kinds: Any = models.JSONField(_("papers"), default=list)
    order_ids: Any = models.JSONField(_("orders"), default=list)
    buy = models.CharField(_("buy labels"), max_length=20, blank=True)  # a service's key, or "cheapest"
    progress = models.ForeignKey(
        "backoffice.Progress", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("progress")
    )
    upload = models.CharField(_("file"), max_length=43, blank=True)
    outcomes: Any = models.JSONField(_("outcomes"), default=list)  # [{"order", "number", "problem"}]
    pages = models.PositiveIntegerField(_("pages"), default=0)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("print run")
        verbose_name_plural = _("print runs")
        permissions = [("print_papers", _("Can print papers with names and addresses"))]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.pk}"
