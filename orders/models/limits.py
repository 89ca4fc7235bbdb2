"""What the checks compare orders with: buyers people know, places goods may not go to, prices that are too low."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.fields import MoneyField


class ListedBuyer(models.Model):
    """Somebody to stop, or somebody to trust. What they are known by is kept as a keyed hash, and a masked hint."""

    class Side(models.TextChoices):
        BLOCKED = "blocked", pgettext_lazy("buyer", "Blocked")
        TRUSTED = "trusted", pgettext_lazy("buyer", "Trusted")

    class By(models.TextChoices):
        BUYER = "buyer", _("buyer (e-mail or platform id)")
        PHONE = "phone", _("phone")
        ADDRESS = "address", _("delivery address")
        DOMAIN = "domain", _("domain of the e-mail")

    side = models.CharField(_("list"), max_length=10, choices=Side, default=Side.BLOCKED)
    by = models.CharField(_("known by"), max_length=10, choices=By)
    key = models.CharField(max_length=64, editable=False)  # as Order.buyer_key and its neighbours; a domain in clear
    hint = models.CharField(_("who"), max_length=100, blank=True, editable=False)  # masked
    reason = models.CharField(_("why"), max_length=300)
    until = models.DateTimeField(_("valid until"), null=True, blank=True)
    order = models.ForeignKey(
        "orders.Order", models.PROTECT, null=True, related_name="+", editable=False, verbose_name=_("order")
    )
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    created_by = models.CharField(_("by"), max_length=150, editable=False)

    class Meta:
        verbose_name = _("blocked or trusted buyer")
        verbose_name_plural = _("blocked and trusted buyers")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["by", "key", "side"], name="listed_buyer_once")]

    def __str__(self) -> str:
        return f"{self.get_side_display()}: {self.hint or self.get_by_display()}"


class DestinationBan(models.Model):
    """Goods that must not be sent to some countries, or only to some."""

    class Mode(models.TextChoices):
        NEVER = "never", _("Never to these countries")
        ONLY = "only", _("Only to these countries")

    sku = models.ForeignKey(
        "inventory.Sku", models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("SKU")
    )
    category = models.CharField(_("category"), max_length=100, blank=True)
    brand = models.CharField(_("brand"), max_length=100, blank=True)
    hs_prefix = models.CharField(_("HS code begins with"), max_length=20, blank=True)
    mode = models.CharField(_("rule"), max_length=10, choices=Mode, default=Mode.NEVER)
    countries = models.JSONField(_("countries"), default=list)  # ISO codes
    reason = models.CharField(_("why"), max_length=300)
    active = models.BooleanField(_("on"), default=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    created_by = models.CharField(_("by"), max_length=150, editable=False)

    class Meta:
        verbose_name = _("forbidden destination")
        verbose_name_plural = _("forbidden destinations")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(sku__isnull=False) | ~Q(category="") | ~Q(brand="") | ~Q(hs_prefix=""),
                name="ban_names_goods",
            )
        ]

    def __str__(self) -> str:
        return self.goods

    @property
    def goods(self) -> str:
        """Which goods, in a few words."""
        hs_code = f"HS {self.hs_prefix}" if self.hs_prefix else ""
        named = (self.sku.code if self.sku else "", self.category, self.brand, hs_code)
        return " · ".join(part for part in named if part)

    def clean(self) -> None:
        """Refuse a ban that names no goods or no country."""
        wrong: dict[str, Any] = {}
        if not (self.sku_id or self.category or self.brand or self.hs_prefix):
            wrong["sku"] = _("Name the goods: a SKU, a category, a brand or the beginning of an HS code.")
        if not self.countries:
            wrong["countries"] = _("Name at least one country.")
        if wrong:
            raise ValidationError(wrong)


class PriceFloor(models.Model):
    """The least a piece may be sold for, after discounts, in base currency; in one shop or in all."""

    sku = models.ForeignKey("inventory.Sku", models.CASCADE, related_name="+", verbose_name=_("SKU"))
    shop = models.ForeignKey(
        "inventory.Shop", models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("shop"),
        help_text=_("Leave empty for all shops. A shop's own floor goes before it."),
    )  # fmt: skip
    price = MoneyField(_("least price of a piece"))
    updated_at = models.DateTimeField(_("changed"), editable=False)
    updated_by = models.CharField(_("by"), max_length=150, editable=False)

    class Meta:
        verbose_name = _("least price")
        verbose_name_plural = _("least prices")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["sku", "shop"], name="floor_once_a_shop"),
            models.UniqueConstraint(fields=["sku"], condition=Q(shop__isnull=True), name="floor_once_for_all"),
            models.CheckConstraint(condition=Q(price__gt=0), name="floor_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} ≥ {self.price.normalize():f}"
