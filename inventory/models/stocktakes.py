"""Stocktakes (盘点): what is to be counted, by whom, what each count said, and what became of the differences."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.fields import CostField, MoneyField, QuantityField, RateField
from inventory.models.catalogue import Product, Sku
from inventory.models.lots import LONGEST, UNKNOWN, Lot
from inventory.models.places import Warehouse

PERSON = settings.AUTH_USER_MODEL


class Stocktake(models.Model):
    """One count of a warehouse or a part of it. `state` moves forward; only a recount takes it back to counting."""

    class Kind(models.TextChoices):
        FULL = "full", pgettext_lazy("stocktake", "Everything")
        PARTIAL = "partial", pgettext_lazy("stocktake", "A part")
        CYCLE = "cycle", pgettext_lazy("stocktake", "Cycle count")

    class Cycle(models.TextChoices):
        A = "A", _("A: the SKUs that make 80 % of what was sold")
        B = "B", _("B: the next 15 %")
        C = "C", _("C: the rest")
        ZERO = "Z", _("Zero confirmation: shelves that should be empty")

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("stocktake", "Draft")
        COUNTING = "counting", pgettext_lazy("stocktake", "Counting")
        COUNTED = "counted", pgettext_lazy("stocktake", "Counted")
        REVIEW = "review", pgettext_lazy("stocktake", "Under review")
        POSTED = "posted", pgettext_lazy("stocktake", "Posted")
        UNDONE = "undone", pgettext_lazy("stocktake", "Undone")
        CANCELLED = "cancelled", pgettext_lazy("stocktake", "Cancelled")

    number = models.CharField(pgettext_lazy("stocktake", "number"), max_length=20, unique=True, null=True)  # noqa: DJ001 — unique
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.FULL)
    blind = models.BooleanField(
        _("blind"), default=False, help_text=_("Who counts does not see what the system says until counting is over.")
    )
    category = models.CharField(_("category"), max_length=100, blank=True)
    bin_prefix = models.CharField(_("bins that begin with"), max_length=40, blank=True)
    product = models.ForeignKey(
        Product, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("product")
    )
    supplier = models.CharField(_("supplier (as in expected deliveries)"), max_length=100, blank=True)
    cycle = models.CharField(_("class"), max_length=1, choices=Cycle, blank=True)
    people: models.ManyToManyField[Any, Any] = models.ManyToManyField(
        PERSON, blank=True, related_name="+", verbose_name=_("who counts")
    )
    note = models.CharField(_("note"), max_length=300, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    round = models.PositiveSmallIntegerField(_("round"), default=1)
    snapshot_at = models.DateTimeField(_("snapshot"), null=True, blank=True)
    line_count = models.PositiveIntegerField(_("lines"), default=0)
    counted_count = models.PositiveIntegerField(_("lines counted"), default=0)
    difference_count = models.PositiveIntegerField(_("lines with a difference"), default=0)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    created_by = models.ForeignKey(PERSON, models.PROTECT, null=True, related_name="+", verbose_name=_("created by"))
    submitted_at = models.DateTimeField(_("counting closed"), null=True, blank=True)
    submitted_by = models.ForeignKey(
        PERSON, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("counting closed by")
    )
    posted_at = models.DateTimeField(_("posted"), null=True, blank=True)
    posted_by = models.ForeignKey(
        PERSON, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("posted by")
    )
    ended_at = models.DateTimeField(_("cancelled or undone"), null=True, blank=True)
    ended_by = models.ForeignKey(
        PERSON, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("cancelled or undone by")
    )
    progress = models.ForeignKey(
        "backoffice.Progress", models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    class Meta:
        verbose_name = _("stocktake")
        verbose_name_plural = _("stocktakes")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind="cycle") | Q(cycle=""), name="stocktake_class_only_of_cycle"),
        ]

    def __str__(self) -> str:
        return self.number or f"#{self.pk}"

    @property
    def reference(self) -> str:
        """The text under which its ledger entries stand."""
        return f"inventory.stocktake:{self.pk}"

    @property
    def open(self) -> bool:
        """True while its SKUs are kept from other stocktakes."""
        return self.state in OPEN_STATES

    @property
    def hidden(self) -> bool:
        """True while whoever counts must not see the system's figures."""
        return self.blind and self.state in (self.State.DRAFT, self.State.COUNTING)


OPEN_STATES = ("counting", "counted", "review")


class StocktakeLine(models.Model):
    """One SKU of a stocktake: the system at the snapshot and at the count, what was counted, the difference.

    Of a tracked SKU each lot has its own line; `lot` is empty for goods that are not tracked.
    """

    stocktake = models.ForeignKey(
        Stocktake, models.CASCADE, related_name="lines", verbose_name=_("stocktake"), db_index=False
    )
    sku = models.ForeignKey(Sku, models.PROTECT, db_index=False, related_name="+", verbose_name=_("SKU"))
    lot = models.ForeignKey(
        Lot, models.PROTECT, null=True, blank=True, db_index=False, related_name="+", verbose_name=_("lot")
    )
    warehouse = models.ForeignKey(
        Warehouse, models.PROTECT, db_index=False, related_name="+", verbose_name=_("warehouse")
    )
    open = models.BooleanField(_("open"), default=True)
    bin = models.CharField(_("bin"), max_length=40, blank=True)
    walk = models.PositiveIntegerField(_("place on the way"), default=0)
    round = models.PositiveSmallIntegerField(_("round"), default=1)
    snapshot_quantity = QuantityField(_("at the snapshot"), default=Decimal(0))
    unit_cost = CostField(_("unit cost"), null=True, blank=True)
    counted_quantity = QuantityField(_("counted"), null=True, blank=True)
    counted_at = models.DateTimeField(_("counted at"), null=True, blank=True)
    conflict = models.BooleanField(_("two counts disagree"), default=False)
    system_quantity = QuantityField(_("system at the count"), null=True, blank=True)
    difference = QuantityField(_("difference"), default=Decimal(0))
    value = MoneyField(_("value of the difference"), default=Decimal(0))

    class Meta:
        verbose_name = _("stocktake line")
        verbose_name_plural = _("stocktake lines")
        ordering = ["stocktake_id", "walk", "id"]
        indexes = [models.Index(fields=["stocktake", "walk", "id"], name="stocktake_line_walk")]
        constraints = [
            models.UniqueConstraint(
                fields=["stocktake", "sku"], condition=Q(lot__isnull=True), name="stocktake_line_once"
            ),
            models.UniqueConstraint(
                fields=["stocktake", "sku", "lot"], condition=Q(lot__isnull=False), name="stocktake_lot_line_once"
            ),
            models.UniqueConstraint(
                fields=["sku", "warehouse"], condition=Q(open=True, lot__isnull=True), name="stocktake_sku_open_once"
            ),
            models.UniqueConstraint(
                fields=["sku", "warehouse", "lot"],
                condition=Q(open=True, lot__isnull=False),
                name="stocktake_lot_open_once",
            ),
            models.CheckConstraint(
                condition=Q(counted_quantity__isnull=True) | Q(counted_quantity__gte=0), name="stocktake_line_counted"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stocktake_id}/{self.sku_id}"


class StocktakeSheet(models.Model):
    """A file that came back: read into a preview, then taken once or dropped."""

    class State(models.TextChoices):
        READING = "reading", _("Being read")
        FAILED = "failed", _("Could not be read")
        PREVIEW = "preview", _("Preview")
        TAKEN = "taken", pgettext_lazy("count sheet", "Taken")

    stocktake = models.ForeignKey(Stocktake, models.CASCADE, related_name="sheets", verbose_name=_("stocktake"))
    round = models.PositiveSmallIntegerField(_("round"), default=1)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.READING)
    file_name = models.CharField(_("file"), max_length=200, blank=True)
    file_digest = models.CharField(_("file's fingerprint"), max_length=64, blank=True)
    upload = models.CharField(_("kept file"), max_length=64, blank=True, editable=False)
    counted_at = models.DateTimeField(_("counted at"))
    problems = models.JSONField(_("problems"), default=list, blank=True, editable=False)
    problem_count = models.PositiveIntegerField(_("rows with a problem"), default=0)
    row_count = models.PositiveIntegerField(_("rows"), default=0)
    uncounted = models.PositiveIntegerField(_("rows left empty"), default=0)
    difference_count = models.PositiveIntegerField(_("rows with a difference"), default=0)
    doubled_count = models.PositiveIntegerField(_("rows counted before"), default=0)
    progress = models.ForeignKey(
        "backoffice.Progress", models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(_("uploaded"), default=clock.now)
    created_by = models.ForeignKey(PERSON, models.PROTECT, null=True, related_name="+", verbose_name=_("uploaded by"))
    taken_at = models.DateTimeField(_("taken"), null=True, blank=True)

    class Meta:
        verbose_name = _("count sheet")
        verbose_name_plural = _("count sheets")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["stocktake", "file_digest"],
                condition=Q(state="taken") & ~Q(file_digest=""),
                name="stocktake_sheet_taken_once",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name or f"#{self.pk}"


class StocktakeNewLot(models.Model):
    """A lot that a sheet names and nobody has seen: it becomes a lot, with a line, when the sheet is taken."""

    sheet = models.ForeignKey(
        StocktakeSheet, models.CASCADE, related_name="new_lots", verbose_name=_("sheet"), db_index=False
    )
    sku = models.ForeignKey(Sku, models.PROTECT, db_index=False, related_name="+", verbose_name=_("SKU"))
    number = models.CharField(_("lot or serial number"), max_length=LONGEST, blank=True)
    number_key = models.CharField(_("number for matching"), max_length=100, blank=True, editable=False)
    expires_on = models.DateField(_("expires on"), null=True, blank=True)
    row = models.PositiveIntegerField(_("row"), default=0)

    class Meta:
        verbose_name = _("new lot of a sheet")
        verbose_name_plural = _("new lots of sheets")
        ordering = ["sheet_id", "row"]
        constraints = [
            models.UniqueConstraint(fields=["sheet", "sku", "number_key"], name="stocktake_new_lot_once_a_sheet"),
        ]
        indexes = [models.Index(fields=["sku", "number_key"], name="stocktake_new_lot_name")]

    def __str__(self) -> str:
        return self.number or str(UNKNOWN)


class StocktakeCount(models.Model):
    """One figure somebody counted, from a sheet or a phone. Only active ones of the line's round count.

    A sheet's row of a lot that is not made yet has no line before the sheet is taken. The database itself holds the
    line, which holds the stocktake; the sheet is held by `stocktakes.sheets` while its rows are written: asking for
    both again took as long as writing the row. Each index is paid for by every row of a sheet, so there are few.
    """

    stocktake = models.ForeignKey(
        Stocktake, models.CASCADE, related_name="counts", verbose_name=_("stocktake"), db_index=False,
        db_constraint=False,
    )  # fmt: skip
    line = models.ForeignKey(
        StocktakeLine, models.CASCADE, null=True, related_name="counts", verbose_name=_("line"), db_index=False
    )
    new_lot = models.ForeignKey(
        StocktakeNewLot,
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="counts",
        verbose_name=_("new lot"),
        db_index=False,
        db_constraint=False,
    )  # fmt: skip — both go with their sheet
    sheet = models.ForeignKey(
        StocktakeSheet, models.CASCADE, null=True, blank=True, related_name="counts", verbose_name=_("sheet"),
        db_index=False, db_constraint=False,
    )  # fmt: skip
    row = models.PositiveIntegerField(_("row"), default=0)
    round = models.PositiveSmallIntegerField(_("round"), default=1)
    bin = models.CharField(_("bin"), max_length=40, blank=True)
    quantity = QuantityField(_("counted"))
    counted_at = models.DateTimeField(_("counted at"))
    active = models.BooleanField(_("counts"), default=False)
    system_quantity = QuantityField(_("system"), null=True, blank=True)
    difference = QuantityField(_("difference"), default=Decimal(0))
    doubled = models.BooleanField(_("counted before"), default=False)
    barcode = models.CharField(_("barcode"), max_length=64, null=True, blank=True)  # noqa: DJ001 — most rows have none
    each = QuantityField(_("pieces in one"), null=True, blank=True)
    key = models.CharField(_("key"), max_length=64, null=True, blank=True)  # noqa: DJ001 — unique
    person = models.ForeignKey(
        PERSON, models.PROTECT, null=True, related_name="+", verbose_name=_("who counted"),
        db_index=False,
    )  # fmt: skip

    class Meta:
        verbose_name = _("count of a line")
        verbose_name_plural = _("counts of lines")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["sheet", "row"], name="stocktake_count_sheet"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["line", "sheet", "bin"], name="stocktake_count_once_a_sheet"),
            models.UniqueConstraint(
                fields=["new_lot", "bin"], condition=Q(new_lot__isnull=False), name="stocktake_new_lot_count_once"
            ),
            models.UniqueConstraint(
                fields=["stocktake", "key"], condition=Q(key__isnull=False), name="stocktake_count_key_once"
            ),
            models.CheckConstraint(
                condition=Q(line__isnull=False) | Q(new_lot__isnull=False), name="stocktake_count_of_something"
            ),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="stocktake_count_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.quantity}"

    @property
    def sku(self) -> Sku:
        """What was counted."""
        of: Any = self.line or self.new_lot
        return of.sku

    @property
    def lot(self) -> Lot | StocktakeNewLot | None:
        """The lot that was counted, of tracked goods; one that is not made yet as it will be."""
        return self.line.lot if self.line else self.new_lot

    @property
    def scanned(self) -> Decimal | None:
        """How many times the barcode stands for the pieces, where it is that of a pack."""
        return self.quantity / self.each if self.each else None


class StocktakeLimit(models.Model):
    """Above which difference of one SKU a second person has to approve a stocktake of the warehouse."""

    warehouse = models.OneToOneField(
        Warehouse, models.CASCADE, related_name="stocktake_limit", verbose_name=_("warehouse")
    )
    quantity = QuantityField(_("more pieces than"), null=True, blank=True)
    value = MoneyField(_("more value than"), null=True, blank=True, help_text=_("In the base currency."))
    percent = RateField(
        _("larger share than"), null=True, blank=True, help_text=_("Of what the system says: 0.05 is 5 %.")
    )

    class Meta:
        verbose_name = _("limit of stocktakes")
        verbose_name_plural = _("limits of stocktakes")
        ordering = ["warehouse_id"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(quantity__isnull=True) | Q(quantity__gte=0))
                & (Q(value__isnull=True) | Q(value__gte=0))
                & (Q(percent__isnull=True) | Q(percent__gte=0)),
                name="stocktake_limit_not_negative",
            )
        ]

    def __str__(self) -> str:
        return str(self.warehouse)
