"""How a house takes goods back: reasons, the rules of each shop, places with their address, what a role may refund."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from backoffice.fields import MoneyField


class ReturnReason(models.Model):
    """Why buyers send things back: a list that each house keeps as it likes."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    place = models.PositiveSmallIntegerField(_("place"), default=100)
    active = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("return reason")
        verbose_name_plural = _("return reasons")
        ordering = ["place", "id"]

    def __str__(self) -> str:
        english = not (get_language() or "").startswith("zh")
        return self.name_en if english and self.name_en else self.name


class ReturnPolicy(models.Model):
    """How one shop takes goods back."""

    shop = models.OneToOneField("inventory.Shop", models.CASCADE, related_name="return_policy", verbose_name=_("shop"))
    inspect = models.BooleanField(
        _("goods come back through inspection"),
        default=False,
        help_text=_("On: goods that the platform puts back on the shelf wait here until somebody has looked at them."),
    )
    days = models.PositiveSmallIntegerField(
        _("days until it should be here"), default=14, help_text=_("Counted from the approval; later it is overdue.")
    )

    class Meta:
        verbose_name = _("rules of a shop's returns")
        verbose_name_plural = _("rules of the shops' returns")
        ordering = ["shop__code"]

    def __str__(self) -> str:
        return str(self.shop)


class ReturnPlace(models.Model):
    """Where a warehouse takes returns: its address for the slip, and the shelf for what cannot be sold."""

    warehouse = models.OneToOneField(
        "inventory.Warehouse", models.CASCADE, related_name="return_place", verbose_name=_("warehouse")
    )
    takes_returns = models.BooleanField(_("takes returns"), default=True)
    recipient = models.CharField(_("recipient"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    line1 = models.CharField(_("street"), max_length=200, blank=True)
    line2 = models.CharField(_("second line"), max_length=200, blank=True)
    city = models.CharField(_("town"), max_length=100, blank=True)
    region = models.CharField(_("region"), max_length=100, blank=True)
    postcode = models.CharField(_("postcode"), max_length=20, blank=True)
    country = models.CharField(_("country (two letters)"), max_length=2, blank=True)
    note = models.CharField(_("note for the buyer"), max_length=300, blank=True)
    quarantine = models.OneToOneField(
        "inventory.Warehouse",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="quarantine_of",
        verbose_name=_("shelf for goods not for sale"),
        help_text=_("A warehouse of its own that no shop sells from. Left empty, it is made when it is first needed."),
    )

    class Meta:
        verbose_name = _("place that takes returns")
        verbose_name_plural = _("places that take returns")
        ordering = ["warehouse__code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quarantine__isnull=True) | ~Q(quarantine=F("warehouse")), name="return_place_apart"
            )
        ]

    def __str__(self) -> str:
        return str(self.warehouse)

    @property
    def in_one_line(self) -> str:
        """The address as lists show it; empty while nobody has written one."""
        parts = (self.recipient, self.line1, self.line2, self.city, self.postcode, self.country)
        return ", ".join(part for part in parts if part) if self.line1 else ""


class RefundLimit(models.Model):
    """Up to how much a role gives back by itself, per return and in the base currency; more needs approval."""

    role = models.CharField(_("role"), max_length=40, unique=True)  # a name of backoffice.roles
    amount = MoneyField(_("amount"))

    class Meta:
        verbose_name = _("refund limit")
        verbose_name_plural = _("refund limits")
        ordering = ["role"]
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="refund_limit_amount")]

    def __str__(self) -> str:
        return self.role
