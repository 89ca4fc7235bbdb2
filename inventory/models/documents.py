"""Stock documents: why a person changed stock, line by line; posted once, undone by a reversing document."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from backoffice.fields import CostField, QuantityField
from inventory.models.catalogue import Sku
from inventory.models.places import Warehouse
from inventory.models.stock import Reason


class StockDocument(models.Model):
    """An adjustment, a count, opening stock or a receipt. `state` moves forward only."""

    class Kind(models.TextChoices):
        ADJUSTMENT = "adjustment", _("Adjustment")
        COUNT = "count", _("Stock count")
        OPENING = "opening", _("Opening stock")
        RECEIPT = "receipt", _("Receipt")

    class State(models.TextChoices):
        READING = "reading", _("Being read")
        FAILED = "failed", _("Could not be read")
        DRAFT = "draft", _("Preview")
        PROPOSED = "proposed", _("Proposed")
        POSTED = "posted", _("Posted")
        UNDONE = "undone", _("Undone")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.DRAFT)
    warehouse = models.ForeignKey(
        Warehouse, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("warehouse (empty: several)")
    )
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    note = models.CharField(_("note"), max_length=300, blank=True)
    counted_at = models.DateTimeField(
        _("counted at"), null=True, blank=True, help_text=_("Movements after this moment are taken into account.")
    )
    file_name = models.CharField(_("file"), max_length=200, blank=True)
    file_digest = models.CharField(_("file's fingerprint"), max_length=64, blank=True, db_index=True)
    upload = models.CharField(_("kept file"), max_length=64, blank=True, editable=False)  # while it is being read
    progress = models.ForeignKey(
        "backoffice.Progress", models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    sheet = models.CharField(_("sheet"), max_length=100, blank=True)
    problems = models.JSONField(_("problems"), default=list, blank=True, editable=False)
    problem_count = models.PositiveIntegerField(_("rows with a problem"), default=0)
    uncounted = models.PositiveIntegerField(_("rows left empty"), default=0)
    line_count = models.PositiveIntegerField(_("lines"), default=0)
    difference_count = models.PositiveIntegerField(_("lines with a difference"), default=0)
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reversed_by", verbose_name=_("undoes")
    )
    created_at = models.DateTimeField(_("created"), default=clock.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("created by")
    )
    proposed_at = models.DateTimeField(_("proposed"), null=True, blank=True)
    posted_at = models.DateTimeField(_("posted"), null=True, blank=True)
    posted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("posted by")
    )

    class Meta:
        verbose_name = _("stock document")
        verbose_name_plural = _("stock documents")
        ordering = ["-id"]
        permissions = [
            ("count_stock", _("Can upload counts and post small differences")),
            ("approve_stockdocument", _("Can post any difference and undo documents")),
            ("see_cost", _("Can see what goods cost")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def open(self) -> bool:
        """True while it waits for somebody to post or drop it."""
        return self.state in (self.State.DRAFT, self.State.PROPOSED)

    @property
    def reference(self) -> str:
        """The text under which its ledger entries stand."""
        return f"inventory.document:{self.pk}"


class StockDocumentLine(models.Model):
    """One SKU in one warehouse: what the system said, what was counted, and the difference that is posted."""

    document = models.ForeignKey(
        StockDocument, models.CASCADE, db_index=False, related_name="lines", verbose_name=_("document")
    )
    row = models.PositiveIntegerField(_("row"), help_text=_("The row in the file, or the number of the line."))
    sku = models.ForeignKey(Sku, models.PROTECT, db_index=False, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(
        Warehouse, models.PROTECT, db_index=False, related_name="+", verbose_name=_("warehouse")
    )
    system_quantity = QuantityField(_("system"), null=True, blank=True)
    counted_quantity = QuantityField(_("counted"), null=True, blank=True)
    difference = QuantityField(_("difference"), default=Decimal(0))
    unit_cost = CostField(_("unit cost"), null=True, blank=True)
    lots = models.JSONField(_("lots"), null=True, blank=True)  # [[number, "pieces"], …] as somebody said them

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        ordering = ["document_id", "row"]
        constraints = [
            models.UniqueConstraint(fields=["document", "row"], name="document_line_row_once"),
            models.UniqueConstraint(fields=["document", "sku", "warehouse"], name="document_line_place_once"),
            models.CheckConstraint(
                condition=Q(counted_quantity__isnull=True) | Q(counted_quantity__gte=0), name="document_line_counted"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document_id}/{self.row}"
