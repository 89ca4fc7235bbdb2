"""What is sold: products, their SKUs, packs, barcodes and what a bundle is made of."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from backoffice.fields import MoneyField, QuantityField
from inventory import codes


class Product(models.Model):
    """A style (款): what the SKUs below it have in common."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("On sale")
        ARCHIVED = "archived", _("Archived")

    name = models.CharField(_("name"), max_length=200)
    name_en = models.CharField(_("English name"), max_length=200, blank=True)
    brand = models.CharField(_("brand"), max_length=100, blank=True)
    category = models.CharField(_("category"), max_length=100, blank=True, db_index=True)
    image = models.URLField(_("picture (address)"), max_length=500, blank=True)
    description = models.TextField(_("description"), blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class Tracking(models.IntegerChoices):
    """How the goods of a SKU are told apart."""

    NONE = 0, _("Not tracked")
    LOT = 1, _("By lot")
    EXPIRY = 2, _("By lot with expiry date")
    SERIAL = 3, _("By serial number")


class Sku(models.Model):
    """What is counted, sold and matched. `code_key` is the code after normalising, and unique.

    `tracking` is changed by `inventory.lots.switching` only, which books the goods that lie there to lots.
    """

    class Kind(models.TextChoices):
        STOCKED = "stocked", _("Stocked")
        BUNDLE = "bundle", _("Bundle")
        VIRTUAL = "virtual", _("Without stock")

    product = models.ForeignKey(Product, models.PROTECT, related_name="skus", verbose_name=_("product"))
    code = models.CharField(_("SKU code"), max_length=100)
    code_key = models.CharField(_("code for matching"), max_length=100, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=200)
    name_en = models.CharField(_("English name"), max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.STOCKED)
    weight_g = models.PositiveIntegerField(_("weight (g)"), null=True, blank=True)
    length_mm = models.PositiveIntegerField(_("length (mm)"), null=True, blank=True)
    width_mm = models.PositiveIntegerField(_("width (mm)"), null=True, blank=True)
    height_mm = models.PositiveIntegerField(_("height (mm)"), null=True, blank=True)
    hs_code = models.CharField(_("HS code"), max_length=20, blank=True)
    origin = models.CharField(_("country of origin"), max_length=2, blank=True)
    list_price = MoneyField(_("list price"), null=True, blank=True)
    low_stock = QuantityField(_("low stock from"), null=True, blank=True)
    tracking = models.PositiveSmallIntegerField(
        _("lots and serials"), choices=Tracking.choices, default=Tracking.NONE, editable=False
    )
    shelf_life_days = models.PositiveIntegerField(
        _("shelf life (days)"), null=True, blank=True, validators=[MaxValueValidator(36500)],
        help_text=_("Goods received get today plus these days as expiry date, unless somebody says otherwise."),
    )  # fmt: skip
    ship_days = models.PositiveIntegerField(
        _("days a lot must still be good when it is shipped"), null=True, blank=True,
        validators=[MaxValueValidator(3650)], help_text=_("Empty: the house's number."),
    )  # fmt: skip
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("SKU")
        verbose_name_plural = _("SKUs")
        ordering = ["code_key"]
        constraints = [models.CheckConstraint(condition=~Q(code_key=""), name="sku_code_not_empty")]

    def __str__(self) -> str:
        return self.code

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.code_key = codes.checked(self.code)
        fields = kwargs.get("update_fields")
        if fields is not None and "code" in fields:
            kwargs["update_fields"] = {*fields, "code_key"}
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Refuse an empty or taken code with a sentence."""
        self.code = codes.display(self.code)
        self.code_key = codes.checked(self.code)
        taken = Sku.objects.filter(code_key=self.code_key).exclude(pk=self.pk).first()
        if taken:
            message = _("SKU code “%(code)s” already exists (as “%(taken)s”).")
            raise ValidationError({"code": ValidationError(message, params={"code": self.code, "taken": taken.code})})


class Pack(models.Model):
    """A unit bigger than one: a case of 12 is 12 singles of its SKU."""

    sku = models.ForeignKey(Sku, models.CASCADE, related_name="packs", verbose_name=_("SKU"))
    name = models.CharField(_("name"), max_length=60)
    quantity = QuantityField(_("pieces in it"))

    class Meta:
        verbose_name = _("pack")
        verbose_name_plural = _("packs")
        constraints = [
            models.UniqueConstraint(fields=["sku", "name"], name="pack_name_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="pack_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.name} × {self.quantity.normalize():f}"


class Barcode(models.Model):
    """A code printed on the goods; the same code never stands for two SKUs."""

    sku = models.ForeignKey(Sku, models.CASCADE, related_name="barcodes", verbose_name=_("SKU"))
    code = models.CharField(_("barcode"), max_length=64, unique=True)
    pack = models.ForeignKey(
        Pack, models.SET_NULL, null=True, blank=True, related_name="barcodes", verbose_name=_("pack")
    )

    class Meta:
        verbose_name = _("barcode")
        verbose_name_plural = _("barcodes")

    def __str__(self) -> str:
        return self.code

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.code = codes.checked(self.code, field="code")
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Normalise, and refuse a pack of another SKU."""
        self.code = codes.checked(self.code, field="code")
        if self.pack is not None and self.pack.sku_id != self.sku_id:
            raise ValidationError({"pack": _("This pack belongs to another SKU.")})


class BundlePart(models.Model):
    """How many of a part one bundle holds, from when to when. Changed by closing the row and opening another."""

    bundle = models.ForeignKey(Sku, models.PROTECT, related_name="parts", verbose_name=_("bundle"))
    part = models.ForeignKey(Sku, models.PROTECT, related_name="part_of", verbose_name=_("part"))
    quantity = QuantityField(_("pieces in one bundle"))
    valid_from = models.DateTimeField(_("valid from"), default=clock.now)
    valid_to = models.DateTimeField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("bundle part")
        verbose_name_plural = _("bundle parts")
        constraints = [
            models.UniqueConstraint(
                fields=["bundle", "part"], condition=Q(valid_to__isnull=True), name="bundle_part_open_once"
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="bundle_part_quantity_positive"),
            models.CheckConstraint(condition=~Q(bundle=F("part")), name="bundle_part_not_itself"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="bundle_part_ends_later"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.part} × {self.quantity.normalize():f}"
