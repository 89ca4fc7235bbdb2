"""The warehouse floor: which bins a warehouse has, and what was done with a phone, by whom and when."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.fields import QuantityField
from inventory.models.arrivals import ExpectedArrival
from inventory.models.catalogue import Sku
from inventory.models.places import Warehouse


class Bin(models.Model):
    """A bin of a warehouse. A warehouse without any uses whatever name is typed for a bin."""

    warehouse = models.ForeignKey(
        Warehouse, models.CASCADE, related_name="bins", verbose_name=_("warehouse"), db_index=False
    )
    name = models.CharField(_("bin"), max_length=40)
    pick_order = models.PositiveIntegerField(
        _("place on the way"), default=0, help_text=_("Smaller is walked first; 0 for all goes by the bins' names.")
    )
    put_order = models.PositiveIntegerField(
        _("filled in this order"), default=0, help_text=_("Which empty bin is proposed first for goods that come in.")
    )
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("bin")
        verbose_name_plural = _("bins")
        ordering = ["warehouse_id", "pick_order", "name"]
        constraints = [
            models.UniqueConstraint("warehouse", Lower("name"), name="bin_once"),
            models.CheckConstraint(condition=~Q(name=""), name="bin_named"),
        ]

    def __str__(self) -> str:
        return self.name


class FloorAction(models.Model):
    """One thing done on a phone. `key` is the phone's own: sent twice, it is done once."""

    class Kind(models.TextChoices):
        RECEIVE = "receive", pgettext_lazy("floor", "Delivery received")
        FREE = "free", pgettext_lazy("floor", "Received without a delivery")
        BIN = "bin", pgettext_lazy("floor", "Moved to another bin")
        MOVE = "move", pgettext_lazy("floor", "Moved to another warehouse")

    key = models.CharField(_("key"), max_length=64, unique=True)
    kind = models.CharField(_("what"), max_length=8, choices=Kind)
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    destination = models.ForeignKey(
        Warehouse, models.PROTECT, null=True, related_name="+", verbose_name=_("to warehouse"), db_index=False
    )
    quantity = QuantityField(_("pieces"), null=True)
    from_bin = models.CharField(_("from bin"), max_length=40, blank=True)
    to_bin = models.CharField(_("to bin"), max_length=40, blank=True)
    arrival = models.ForeignKey(
        ExpectedArrival, models.SET_NULL, null=True, related_name="+", verbose_name=_("expected delivery"),
        db_index=False,
    )  # fmt: skip
    reference = models.CharField(_("document"), max_length=100, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("who"), db_index=False
    )
    scanned_at = models.DateTimeField(_("on the phone"))
    done_at = models.DateTimeField(_("done"), default=clock.now)

    class Meta:
        verbose_name = _("phone action")
        verbose_name_plural = _("done with a phone")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.sku}"
