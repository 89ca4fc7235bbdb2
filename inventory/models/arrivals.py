"""Goods on their way: what is expected, where and when; the ledger's incoming bucket holds the same pieces."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.fields import CostField, QuantityField
from inventory.models.catalogue import Sku
from inventory.models.places import Warehouse


class ExpectedArrival(models.Model):
    """So many pieces of a SKU are expected in a warehouse on a day. Written by inventory.arrivals only."""

    class State(models.TextChoices):
        EXPECTED = "expected", pgettext_lazy("goods", "Expected")
        RECEIVED = "received", pgettext_lazy("goods", "Received")
        CANCELLED = "cancelled", pgettext_lazy("goods", "Not coming")

    sku = models.ForeignKey(Sku, models.PROTECT, db_index=False, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    quantity = QuantityField(pgettext_lazy("goods", "pieces expected"))
    received_quantity = QuantityField(pgettext_lazy("goods", "pieces received"), default=Decimal(0))
    expected_on = models.DateField(_("expected on"))
    unit_cost = CostField(_("unit cost"), null=True, blank=True)
    source = models.CharField(_("where from"), max_length=200, blank=True)  # supplier, order number, container
    owner = models.CharField(max_length=120, blank=True, editable=False)  # a document above that moves it alone
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.EXPECTED)
    turn = models.PositiveIntegerField(default=0, editable=False)  # makes the keys of its ledger entries
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    created_by = models.CharField(_("created by"), max_length=150, blank=True, editable=False)
    updated_at = models.DateTimeField(_("changed"), default=clock.now, editable=False)
    received_at = models.DateTimeField(pgettext_lazy("goods", "received at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("expected delivery")
        verbose_name_plural = _("expected deliveries")
        ordering = ["-id"]
        permissions = [("receive_expectedarrival", _("Can receive expected deliveries"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, received_quantity__gte=0), name="expected_arrival_quantities"
            ),
        ]
        indexes = [
            models.Index(fields=["sku", "expected_on"], condition=Q(state="expected"), name="expected_arrival_open")
        ]

    def __str__(self) -> str:
        return f"{self.sku} · {self.expected_on:%Y-%m-%d}"

    @property
    def left(self) -> Decimal:
        """How many pieces are still on their way."""
        return max(self.quantity - self.received_quantity, Decimal(0))

    @property
    def reference(self) -> str:
        """The text under which its ledger entries stand."""
        return f"inventory.arrival:{self.pk}"
