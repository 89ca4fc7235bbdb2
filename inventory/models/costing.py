"""What goods cost: the method of this installation, the layers of first in, first out, and what each entry took."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import MoneyField, QuantityField
from backoffice.triggers import append_only
from inventory.models.catalogue import Sku
from inventory.models.places import Warehouse


class CostSetting(models.Model):
    """How goods are valued, once per installation, and what becomes of a cost that comes late. One row."""

    class Method(models.TextChoices):
        AVERAGE = "average", _("Moving average")
        FIFO = "fifo", _("First in, first out")

    class Late(models.TextChoices):
        DIFFERENCE = "difference", _("Cost differences of the present month")
        RESTATE = "restate", _("Cost of goods sold in the month of the sale, while it is open")

    method = models.CharField(_("goods are valued by"), max_length=10, choices=Method, default=Method.AVERAGE)
    late = models.CharField(
        _("late costs of goods that are gone"), max_length=10, choices=Late, default=Late.DIFFERENCE,
        help_text=_("The part of goods that are still there goes into their value either way."),
    )  # fmt: skip
    turn = models.PositiveIntegerField(default=0, editable=False)  # counts the changes of method
    changed_at = models.DateTimeField(_("last change"), null=True, blank=True)
    changed_by = models.CharField(_("changed by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("setting of stock values")
        verbose_name_plural = _("settings of stock values")
        permissions = [("change_costmethod", _("Can change how goods are valued"))]
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="cost_setting_one_row")]

    def __str__(self) -> str:
        return str(self.get_method_display())


class CostLayer(models.Model):
    """Pieces that came in together and what is left of them. Written by inventory.costing.layers only.

    `opened_*` less what entries used is what is left. `origin` is the entry by which the goods came into the house,
    through however many transfers; `received_at` is its time and the order in which layers are used up.
    """

    sku = models.ForeignKey(Sku, models.PROTECT, db_index=False, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(
        Warehouse, models.PROTECT, db_index=False, related_name="+", verbose_name=_("warehouse")
    )
    entry_key = models.CharField(_("movement"), max_length=200)
    position = models.PositiveSmallIntegerField(default=0, editable=False)
    origin = models.CharField(_("received by"), max_length=200)
    received_at = models.DateTimeField(pgettext_lazy("cost layer", "received"))
    opened_quantity = QuantityField(_("pieces received"))
    opened_value = MoneyField(_("value received"))
    quantity = QuantityField(_("pieces left"))
    value = MoneyField(_("value left"))

    class Meta:
        verbose_name = _("cost layer")
        verbose_name_plural = _("cost layers")
        ordering = ["received_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["entry_key", "position"], name="cost_layer_once"),
            models.CheckConstraint(
                condition=Q(quantity__gte=0, value__gte=0) & (Q(quantity__gt=0) | Q(value=0)),
                name="cost_layer_not_negative",
            ),
        ]
        indexes = [
            models.Index(
                fields=["sku", "warehouse", "received_at"], condition=Q(quantity__gt=0), name="cost_layer_open"
            ),
            models.Index(fields=["origin"], name="cost_layer_origin"),
        ]

    def __str__(self) -> str:
        return f"{self.entry_key}: {self.quantity}"


class LayerUse(models.Model):
    """What an entry took out of a layer (below zero: put back into it). Append-only.

    A change of value alone has quantity 0. `source` is the entry that a return or an undo takes back.
    """

    layer = models.ForeignKey(CostLayer, models.PROTECT, related_name="uses", verbose_name=_("cost layer"))
    entry_key = models.CharField(_("movement"), max_length=200, db_index=True)
    source = models.CharField(_("takes back"), max_length=200, blank=True, default="")
    quantity = QuantityField(_("quantity"))
    value = MoneyField(_("value"), default=Decimal(0))

    class Meta:
        verbose_name = _("use of a cost layer")
        verbose_name_plural = _("uses of cost layers")
        default_permissions = ()
        indexes = [models.Index(fields=["source"], condition=~Q(source=""), name="layer_use_source")]

    def __str__(self) -> str:
        return f"{self.entry_key}: {self.quantity}"


append_only(LayerUse)
