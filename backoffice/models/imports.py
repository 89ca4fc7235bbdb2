"""Imports by file: the run, and each row of the file with what it would do, what it did and how to take it back."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.models.ground import Progress


class ImportRun(models.Model):
    """One file on its way in. `fingerprint` is the file's content with what was said beside it."""

    class State(models.TextChoices):
        READING = "reading", _("Being read")
        FAILED = "failed", _("Could not be read")
        PREVIEW = "preview", _("Preview")
        APPLIED = "applied", _("Imported")
        UNDONE = "undone", _("Undone")

    kind = models.CharField(_("kind"), max_length=60)  # "inventory.skus"
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.READING)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("owner"))
    options = models.JSONField(_("options"), default=dict, blank=True)
    file_name = models.CharField(_("file"), max_length=200)
    fingerprint = models.CharField(_("file's fingerprint"), max_length=64)
    upload = models.CharField(_("kept file"), max_length=64, blank=True, editable=False)  # while it is being read
    progress = models.ForeignKey(Progress, models.SET_NULL, null=True, blank=True, related_name="+", editable=False)
    sheet = models.CharField(_("sheet"), max_length=100, blank=True)
    head = models.JSONField(_("rows above"), default=list, blank=True)  # the file's rows down to its header
    places = models.JSONField(_("columns"), default=dict, blank=True)  # column → place among the cells
    refusal = models.CharField(_("refusal"), max_length=500, blank=True)
    totals_left_out = models.PositiveIntegerField(_("rows of totals left out"), default=0)
    new_count = models.PositiveIntegerField(_("new"), default=0)
    change_count = models.PositiveIntegerField(pgettext_lazy("import", "changed"), default=0)
    same_count = models.PositiveIntegerField(_("as they were"), default=0)
    bad_count = models.PositiveIntegerField(_("rows with a problem"), default=0)
    undone_count = models.PositiveIntegerField(_("rows taken back"), default=0)
    kept_count = models.PositiveIntegerField(_("rows that could not be taken back"), default=0)
    memory = models.JSONField(_("for undoing"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    applied_at = models.DateTimeField(_("imported"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "fingerprint"], condition=Q(state="applied"), name="import_file_applied_once"
            )
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def good_count(self) -> int:
        """How many rows would change something."""
        return self.new_count + self.change_count


class ImportRow(models.Model):
    """One row of the file."""

    class Outcome(models.TextChoices):
        NEW = "new", _("new")
        CHANGE = "change", pgettext_lazy("import", "changed")
        SAME = "same", _("as it was")
        BAD = "bad", _("problem")
        OUT = "out", _("left out")  # blank, or a row of totals

    run = models.ForeignKey(ImportRun, models.CASCADE, db_index=False, related_name="rows", verbose_name=_("import"))
    row = models.PositiveIntegerField(_("row"))
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices)
    cells = models.JSONField(_("cells"), default=list)  # as they stand in the file
    values = models.JSONField(_("values"), null=True, blank=True)  # column → value; none when they cannot be read
    name = models.CharField(_("name"), max_length=200, blank=True)
    changes = models.JSONField(_("changes"), default=dict, blank=True)  # column → [old, new]
    problems = models.JSONField(_("problems"), default=list, blank=True)  # [column, letter, sentence]
    applied = models.BooleanField(_("imported"), default=False)
    target = models.CharField(_("target"), max_length=120, blank=True)  # "inventory.sku:12"
    memory = models.JSONField(_("for undoing"), default=dict, blank=True)
    undone = models.BooleanField(_("undone"), default=False)
    note = models.CharField(_("why not undone"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("row of an import")
        verbose_name_plural = _("rows of an import")
        ordering = ["run_id", "row"]
        constraints = [models.UniqueConstraint(fields=["run", "row"], name="import_row_once")]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.row}"
