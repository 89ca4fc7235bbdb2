"""What was decided about pieces that came back, and where they lie since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import CostField, QuantityField
from orders.models.fulfilment import ShipmentGoods
from orders.models.returns import ReturnLine

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class ReturnDecision(models.Model):
    """What was decided about some units: where they went, and at what cost. A later one may follow on it."""

    class Verdict(models.TextChoices):
        RESTOCK = "restock", pgettext_lazy("returned goods", "Back on the shelf")
        DAMAGED = "damaged", pgettext_lazy("returned goods", "Damaged, kept apart")
        SCRAP = "scrap", pgettext_lazy("returned goods", "Scrap")
        SUPPLIER = "supplier", pgettext_lazy("returned goods", "To the supplier")
        REPAIR = "repair", pgettext_lazy("returned goods", "To be repaired")

    return_line = models.ForeignKey(
        ReturnLine, models.PROTECT, related_name="decisions", verbose_name=_("line of a return")
    )
    verdict = models.CharField(_("decision"), max_length=10, choices=Verdict)
    quantity = QuantityField(_("quantity"))
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="followed_by", verbose_name=_("follows on")
    )
    open_quantity = QuantityField(_("still apart"), default=0)  # of this decision, not decided further
    cost_value = CostField(_("cost"), default=0)  # base currency
    reason = models.CharField(_("why"), max_length=300, blank=True)
    at = models.DateTimeField(_("time"))
    by = models.CharField(_("by"), max_length=150, blank=True)
    idempotency_key = models.CharField(max_length=200, unique=True, editable=False)

    goods: RelatedManager[ReturnGoods]

    class Meta:
        verbose_name = _("decision on returned goods")
        verbose_name_plural = _("decisions on returned goods")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, open_quantity__gte=0, open_quantity__lte=F("quantity")),
                name="return_decision_quantity",
            )
        ]
        indexes = [
            models.Index(fields=["verdict", "id"], condition=Q(open_quantity__gt=0), name="return_apart"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.quantity}"

    @property
    def reference(self) -> str:
        """The name of this decision in the stock ledger and the books."""
        return f"orders.returndecision:{self.pk}"


APART = (ReturnDecision.Verdict.DAMAGED, ReturnDecision.Verdict.SUPPLIER, ReturnDecision.Verdict.REPAIR)


class ReturnGoods(models.Model):
    """The pieces a decision moved (parts, for a bundle): where they lie, and what of them is still there."""

    decision = models.ForeignKey(
        ReturnDecision, models.CASCADE, related_name="goods", verbose_name=_("decision"), db_index=False
    )
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    sent = models.ForeignKey(ShipmentGoods, models.PROTECT, null=True, related_name="+", verbose_name=_("sent as"))
    quantity = QuantityField(_("pieces"))
    cost_value = CostField(_("cost"))
    left_quantity = QuantityField(_("pieces still apart"), default=0)
    left_value = CostField(_("their cost"), default=0)

    class Meta:
        verbose_name = _("goods of a decision")
        verbose_name_plural = _("goods of a decision")
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, left_quantity__gte=0, left_quantity__lte=F("quantity")),
                name="return_goods_quantity",
            ),
            models.CheckConstraint(
                condition=Q(left_value__gte=0, left_value__lte=F("cost_value")), name="return_goods_value"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku_id} @ {self.warehouse_id}"
