"""What lateness costs: what buyers are given for waiting, within limits, and the complaints and fines that come."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from backoffice.fields import MoneyField, QuantityField
from orders.models.late import LatePlay
from orders.models.order import Order
from orders.models.returns import Return


class CompensationPreset(models.Model):
    """What may be offered to a buyer who waits."""

    class Kind(models.TextChoices):
        COUPON = "coupon", _("Coupon code")
        SHIPPING = "shipping", _("Shipping back")
        GIFT = "gift", _("Gift")
        REFUND = "refund", _("Partial refund")

    name = models.CharField(_("name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    amount = MoneyField(
        _("amount"), default=0,
        help_text=_("In base currency. Coupon and gift: what it costs us. Refund: what goes back."),
    )  # fmt: skip
    percent = models.PositiveSmallIntegerField(
        _("or percent of the order"), default=0, validators=[MaxValueValidator(100)]
    )
    fixed_code = models.CharField(
        _("fixed code"), max_length=60, blank=True, help_text=_("The same for everybody; leave empty to use the pool.")
    )
    sku = models.ForeignKey(
        "inventory.Sku", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("gift")
    )
    quantity = QuantityField(_("pieces of the gift"), default=Decimal(1))
    active = models.BooleanField(_("on"), default=True)

    class Meta:
        verbose_name = _("compensation preset")
        verbose_name_plural = _("compensation presets")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0, quantity__gt=0, percent__lte=100), name="preset_amounts"),
        ]

    def __str__(self) -> str:
        english = not (get_language() or "").startswith("zh")
        return self.name_en if english and self.name_en else self.name

    def clean(self) -> None:
        """Refuse a preset that would give nothing."""
        wrong: dict[str, Any] = {}
        if self.kind == self.Kind.GIFT and not self.sku_id:
            wrong["sku"] = _("Name the gift.")
        if self.kind == self.Kind.REFUND and not (self.amount or self.percent):
            wrong["amount"] = _("Say how much goes back: an amount or a percentage.")
        if self.kind == self.Kind.COUPON and self.amount is not None and not self.amount:
            wrong["amount"] = _("Say what a coupon costs us: the review counts it.")
        if wrong:
            raise ValidationError(wrong)


class CompensationLimit(models.Model):
    """How much a role may give away for one order without asking."""

    group = models.OneToOneField("auth.Group", models.CASCADE, related_name="+", verbose_name=_("role"))
    most = MoneyField(_("up to, an order"), help_text=_("In base currency, all compensations of an order together."))

    class Meta:
        verbose_name = _("limit of compensations")
        verbose_name_plural = _("limits of compensations")
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(most__gte=0), name="compensation_limit_amount")]

    def __str__(self) -> str:
        return f"{self.group} ≤ {self.most.normalize():f}"


class Compensation(models.Model):
    """Something given to a buyer for waiting; its cost is in base currency."""

    class State(models.TextChoices):
        ASKED = "asked", _("Waits for approval")
        GIVEN = "given", _("Given")
        REFUSED = "refused", _("Refused")

    order = models.ForeignKey(Order, models.PROTECT, related_name="compensations", verbose_name=_("order"))
    play = models.ForeignKey(
        LatePlay, models.PROTECT, null=True, blank=True, related_name="compensations", verbose_name=_("late play")
    )
    preset = models.ForeignKey(CompensationPreset, models.PROTECT, related_name="+", verbose_name=_("preset"))
    kind = models.CharField(_("kind"), max_length=10, choices=CompensationPreset.Kind)
    state = models.CharField(_("state"), max_length=8, choices=State)
    code = models.CharField(_("coupon code"), max_length=60, blank=True)
    amount = MoneyField(_("amount"), default=0)  # in the order's currency: what the buyer gets back
    cost = MoneyField(_("cost"), default=0)  # base currency
    cause = models.ForeignKey(
        "backoffice.IncidentCause", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("cause")
    )
    rma = models.OneToOneField(
        Return, models.PROTECT, null=True, blank=True, related_name="compensation", verbose_name=_("refund")
    )  # the money that goes back, without goods
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    created_by = models.CharField(_("by"), max_length=150)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("compensation")
        verbose_name_plural = _("compensations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["play", "order", "preset"], name="compensation_once_a_play"),
            models.CheckConstraint(condition=Q(amount__gte=0, cost__gte=0), name="compensation_amounts"),
        ]
        indexes = [models.Index(fields=["created_at"], name="compensation_created")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.code}".strip()


class CouponCode(models.Model):
    """A code of a preset's pool; given to one order, once."""

    preset = models.ForeignKey(
        CompensationPreset, models.CASCADE, related_name="codes", verbose_name=_("compensation preset")
    )
    code = models.CharField(_("coupon code"), max_length=60)
    given_to = models.OneToOneField(
        Compensation, models.PROTECT, null=True, blank=True, related_name="coupon", verbose_name=_("given to")
    )
    added_at = models.DateTimeField(_("added"), default=clock.now, editable=False)

    class Meta:
        verbose_name = _("coupon code")
        verbose_name_plural = _("coupon codes")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["code"], name="coupon_code_once")]
        indexes = [models.Index(fields=["preset", "id"], condition=Q(given_to__isnull=True), name="coupon_free")]

    def __str__(self) -> str:
        return self.code


class PenaltyEntry(models.Model):
    """A complaint, a bad review or a fine of the platform: typed in, with the order it is about and its cause."""

    class Kind(models.TextChoices):
        PENALTY = "penalty", _("Fine of the platform")
        COMPLAINT = "complaint", _("Complaint")
        REVIEW = "review", _("Bad review")

    shop = models.ForeignKey("inventory.Shop", models.PROTECT, related_name="+", verbose_name=_("shop"))
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, blank=True, related_name="penalties", verbose_name=_("order")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PENALTY)
    amount = MoneyField(_("amount"), default=0, help_text=_("In base currency; 0 when it cost nothing."))
    cause = models.ForeignKey(
        "backoffice.IncidentCause", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("cause")
    )
    happened_on = models.DateField(_("day"))
    note = models.CharField(_("note"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    created_by = models.CharField(_("by"), max_length=150, editable=False)

    class Meta:
        verbose_name = _("complaint or penalty")
        verbose_name_plural = _("complaints and penalties")
        ordering = ["-happened_on", "-id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="penalty_amount")]
        indexes = [models.Index(fields=["happened_on"], name="penalty_day")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.happened_on}"
