"""Parcels nobody announced, and the pictures of what came."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.models.returns import Return


class StrayParcel(models.Model):
    """A parcel nobody announced, or goods in one that belong to no line: they wait until somebody knows whose."""

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("unknown parcel", "Waits")
        MATCHED = "matched", pgettext_lazy("unknown parcel", "Belongs to a return")
        QUARANTINED = "quarantined", pgettext_lazy("unknown parcel", "Booked apart")

    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.WAITING)
    carrier = models.CharField(_("carrier"), max_length=100, blank=True)
    tracking_number = models.CharField(_("tracking number"), max_length=200, blank=True)
    tracking_key = models.CharField(max_length=200, blank=True, editable=False)
    note = models.CharField(_("what is written on it"), max_length=500, blank=True)
    rma = models.ForeignKey(
        Return, models.PROTECT, null=True, blank=True, related_name="strays", verbose_name=_("return")
    )
    goods = models.JSONField(_("goods"), default=list)  # [SKU id, code, pieces as text], once booked
    at = models.DateTimeField(_("arrived"))
    by = models.CharField(_("by"), max_length=150, blank=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.CharField(_("settled by"), max_length=150, blank=True)
    idempotency_key = models.CharField(max_length=200, unique=True, editable=False)

    class Meta:
        verbose_name = _("unknown parcel")
        verbose_name_plural = _("unknown parcels")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tracking_key"], condition=~Q(tracking_key="") & Q(state="waiting"), name="stray_parcel_once"
            )
        ]

    def __str__(self) -> str:
        return self.tracking_number or f"#{self.pk}"

    @property
    def reference(self) -> str:
        """The name of this parcel in the stock ledger."""
        return f"orders.strayparcel:{self.pk}"


class ReturnPhoto(models.Model):
    """A picture of what came: kept under a random name, shown only to who may see the return or the parcel."""

    rma = models.ForeignKey(
        Return, models.CASCADE, null=True, blank=True, related_name="photos", verbose_name=_("return")
    )
    stray = models.ForeignKey(
        StrayParcel, models.CASCADE, null=True, blank=True, related_name="photos", verbose_name=_("unknown parcel")
    )
    token = models.CharField(max_length=64, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=5)  # jpg | png
    size = models.PositiveIntegerField(_("bytes"))
    at = models.DateTimeField(_("time"))
    by = models.CharField(_("by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("photo of a return")
        verbose_name_plural = _("photos of returns")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rma__isnull=False) | Q(stray__isnull=False), name="return_photo_of_something"
            )
        ]

    def __str__(self) -> str:
        return self.token[:8]
