"""Where on the shelves of a warehouse a SKU lies: a help for whoever picks, no stock of its own."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from inventory.models.catalogue import Sku
from inventory.models.places import Warehouse


class ShelfPlace(models.Model):
    """The bin of a SKU in a warehouse. Pick lists walk by `sort_order`, then by the bin's own name."""

    sku = models.ForeignKey(Sku, models.CASCADE, related_name="shelf_places", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(Warehouse, models.CASCADE, related_name="shelf_places", verbose_name=_("warehouse"))
    bin = models.CharField(_("bin"), max_length=40)
    sort_order = models.PositiveIntegerField(
        _("place on the way"), default=0, help_text=_("Smaller is walked first; 0 for all goes by the bins' names.")
    )
    updated_at = models.DateTimeField(_("changed"), default=clock.now, editable=False)
    updated_by = models.CharField(_("by"), max_length=150, blank=True, editable=False)

    class Meta:
        verbose_name = _("bin of a SKU")
        verbose_name_plural = _("bins of SKUs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["sku", "warehouse"], name="shelf_place_once"),
            models.CheckConstraint(condition=~models.Q(bin=""), name="shelf_place_named"),
        ]

    def __str__(self) -> str:
        return f"{self.bin}: {self.sku}"
