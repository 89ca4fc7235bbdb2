"""Replenishment (补货): days that do not count as usual demand, runs over all SKUs, and what each run found."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import CostField, QuantityField, RateField
from orders.models.purchase import PurchaseOrder, Supplier


class PromotionDays(models.Model):
    """Days whose demand is left out of the history: a sale, a fair, a stunt. Without a SKU: of all SKUs."""

    name = models.CharField(_("name"), max_length=100)
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    sku = models.ForeignKey(
        "inventory.Sku", models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("SKU (empty: all)")
    )

    class Meta:
        verbose_name = _("promotion days")
        verbose_name_plural = _("promotion days")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(last__gte=F("first")), name="promotion_days_in_order")]

    def __str__(self) -> str:
        return self.name


class ReplenishRun(models.Model):
    """One look at every SKU. What is shown is the newest that came to its end."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("owner")
    )
    progress = models.ForeignKey("backoffice.Progress", models.SET_NULL, null=True, editable=False, related_name="+")
    scope = models.CharField(_("demand is counted for"), max_length=10)
    service_level = RateField(_("service level"))
    history_days = models.PositiveSmallIntegerField(_("days of history"))
    review_days = models.PositiveSmallIntegerField(_("days between two orders"))
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("replenishment run")
        verbose_name_plural = _("replenishment runs")
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"#{self.pk}"


class ReplenishRow(models.Model):
    """One SKU in one place as a run saw it: every number of the formula, what to order, or why nothing."""

    class Verdict(models.TextChoices):
        ORDER = "order", pgettext_lazy("replenishment", "Order")
        ENOUGH = "enough", pgettext_lazy("replenishment", "Enough is here or coming")
        NO_DEMAND = "no_demand", pgettext_lazy("replenishment", "Nothing was sold")
        NO_HISTORY = (
            "no_history",
            pgettext_lazy("replenishment", "No day to judge by: always out of stock or on promotion"),
        )
        NO_SUPPLIER = "no_supplier", pgettext_lazy("replenishment", "No supplier sells it")

    run = models.ForeignKey(ReplenishRun, models.CASCADE, related_name="rows", db_index=False, verbose_name=_("run"))
    sku = models.ForeignKey("inventory.Sku", models.CASCADE, db_index=False, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(
        "inventory.Warehouse", models.CASCADE, null=True, db_index=False, related_name="+", verbose_name=_("warehouse")
    )
    supplier = models.ForeignKey(Supplier, models.CASCADE, null=True, related_name="+", verbose_name=_("supplier"))
    verdict = models.CharField(pgettext_lazy("replenishment", "verdict"), max_length=12, choices=Verdict)
    sold = QuantityField(_("sold"), default=0)
    days = models.PositiveSmallIntegerField(_("days counted"), default=0)
    out_days = models.PositiveSmallIntegerField(_("days out of stock"), default=0)
    promotion_days = models.PositiveSmallIntegerField(_("promotion days"), default=0)
    mean = models.FloatField(_("daily demand"), default=0)
    sd = models.FloatField(_("its spread"), default=0)
    lead = models.FloatField(_("lead time (days)"), default=0)
    lead_sd = models.FloatField(_("its spread (days)"), default=0)
    lead_measured = models.BooleanField(_("measured"), default=False)
    z = models.FloatField(_("z"), default=0)
    safety = QuantityField(_("safety stock"), default=0)
    reorder_point = QuantityField(_("reorder point"), default=0)
    order_up_to = QuantityField(_("order up to"), default=0)
    on_hand = QuantityField(_("on hand"), default=0)
    wanted = QuantityField(_("ordered by buyers"), default=0)
    incoming = QuantityField(_("incoming"), default=0)
    drafted = QuantityField(_("in draft purchase orders"), default=0)
    quantity = QuantityField(pgettext_lazy("replenishment", "to order"), default=0)
    price = CostField(_("price"), default=0)
    chance = models.FloatField(_("chance to run out before delivery"), default=0)
    why = models.CharField(max_length=12, blank=True, editable=False)  # what raised the quantity: minimum, pack, break
    purchase = models.ForeignKey(
        PurchaseOrder, models.SET_NULL, null=True, related_name="+", verbose_name=_("purchase order")
    )

    class Meta:
        verbose_name = _("replenishment suggestion")
        verbose_name_plural = _("replenishment suggestions")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["run", "verdict", "id"], name="replenish_verdict"),
            models.Index(fields=["sku", "run"], name="replenish_sku"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.get_verdict_display()}"

    @property
    def position(self) -> Decimal:
        """Pieces that are here and coming, less what buyers wait for."""
        return self.on_hand - self.wanted + self.incoming + self.drafted
