"""Assembly (组装) and disassembly (拆卸): a SKU that lies ready made, what it is built from, and each time it was."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.fields import MoneyField, QuantityField
from inventory.models.catalogue import Sku
from inventory.models.places import Warehouse

PERSON = settings.AUTH_USER_MODEL


class RecipePart(models.Model):
    """How many of a part one pre-built piece takes. Each assembly keeps what it took, so a recipe may change."""

    built = models.ForeignKey(
        Sku, models.PROTECT, db_index=False, related_name="recipe", verbose_name=_("pre-built SKU")
    )
    part = models.ForeignKey(Sku, models.PROTECT, related_name="recipe_of", verbose_name=_("part"))
    quantity = QuantityField(_("pieces in one"))

    class Meta:
        verbose_name = _("recipe part")
        verbose_name_plural = _("recipe parts")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["built", "part"], name="recipe_part_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="recipe_part_quantity_positive"),
            models.CheckConstraint(condition=~Q(built=F("part")), name="recipe_part_not_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.part} × {self.quantity.normalize():f}"


class Assembly(models.Model):
    """So many pieces built from parts, or taken apart, in one warehouse. Written by inventory.assembling only."""

    class Kind(models.TextChoices):
        BUILD = "build", pgettext_lazy("assembly", "Assemble")
        APART = "apart", pgettext_lazy("assembly", "Take apart")

    class State(models.TextChoices):
        POSTED = "posted", pgettext_lazy("assembly", "Posted")
        UNDONE = "undone", pgettext_lazy("assembly", "Undone")

    number = models.CharField(pgettext_lazy("assembly", "number"), max_length=20, unique=True, null=True)  # noqa: DJ001 — unique
    kind = models.CharField(_("kind"), max_length=5, choices=Kind)
    state = models.CharField(_("state"), max_length=6, choices=State, default=State.POSTED)
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name=_("pre-built SKU"))
    quantity = QuantityField(_("quantity"))
    labour = MoneyField(_("labour cost"), default=Decimal(0))
    value = MoneyField(_("value"), default=Decimal(0))
    note = models.CharField(_("note"), max_length=300, blank=True)
    once = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    created_by = models.ForeignKey(PERSON, models.PROTECT, null=True, related_name="+", verbose_name=_("created by"))
    undone_at = models.DateTimeField(pgettext_lazy("assembly", "undone"), null=True, blank=True)
    undone_by = models.ForeignKey(
        PERSON, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("undone by")
    )

    class Meta:
        verbose_name = _("assembly")
        verbose_name_plural = _("assemblies")
        ordering = ["-id"]
        permissions = [("assemble", _("Can assemble and take apart"))]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0, labour__gte=0, value__gte=0), name="assembly_figures"),
        ]

    def __str__(self) -> str:
        return self.number or f"#{self.pk}"

    @property
    def reference(self) -> str:
        """The text under which its ledger entries stand."""
        return f"inventory.assembly:{self.pk}"


class AssemblyLine(models.Model):
    """What one part gave or got: pieces and value, both positive."""

    assembly = models.ForeignKey(
        Assembly, models.CASCADE, db_index=False, related_name="lines", verbose_name=_("assembly")
    )
    part = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name=_("part"))
    quantity = QuantityField(_("quantity"))
    value = MoneyField(_("value"), default=Decimal(0))

    class Meta:
        verbose_name = _("assembly line")
        verbose_name_plural = _("assembly lines")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["assembly", "part"], name="assembly_line_part_once")]

    def __str__(self) -> str:
        return f"{self.part} × {self.quantity.normalize():f}"
