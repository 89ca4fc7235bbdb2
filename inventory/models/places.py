"""Where goods lie and where they are sold, and who may see which of them."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.fields import QuantityField, RateField

CODE = RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", _("Use letters, digits, “-”, “_” and “.” only."))


class Warehouse(models.Model):
    """A place where goods lie."""

    class Kind(models.TextChoices):
        OWN = "own", _("Own")
        OVERSEAS = "overseas", _("Overseas")
        THIRD_PARTY = "third_party", _("Third party")
        STORE = "store", _("Store")
        PLATFORM = "platform", _("Run by a platform")
        TRANSIT = "transit", _("On its way between warehouses")

    code = models.CharField(pgettext_lazy("identifier", "code"), max_length=40, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.OWN)
    country = models.CharField(_("country (two letters)"), max_length=2, blank=True)
    region = models.CharField(_("region"), max_length=60, blank=True)
    latitude = models.FloatField(
        _("latitude"), null=True, blank=True,
        validators=[MinValueValidator(-90), MaxValueValidator(90)],
        help_text=_("Degrees, north is above zero. Without it the region or the country is taken for the distance."),
    )  # fmt: skip
    longitude = models.FloatField(
        _("longitude"), null=True, blank=True,
        validators=[MinValueValidator(-180), MaxValueValidator(180)],
        help_text=_("Degrees, east is above zero."),
    )  # fmt: skip
    time_zone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai")
    read_only = models.BooleanField(
        _("read only"), default=False, help_text=_("Stock here is kept by somebody else; it is shown, never sold from.")
    )
    active = models.BooleanField(_("active"), default=True)
    adjust_limit = QuantityField(
        _("adjustment limit"),
        null=True,
        blank=True,
        help_text=_("A warehouse clerk posts differences up to this many pieces a row; more needs the owner."),
    )

    class Meta:
        verbose_name = _("warehouse")
        verbose_name_plural = _("warehouses")
        ordering = ["code"]
        constraints = [
            # Goods under way lie in one account: counted and valued like stock, never sold from, never counted.
            models.UniqueConstraint(fields=["kind"], condition=Q(kind="transit"), name="warehouse_one_transit"),
            models.CheckConstraint(
                condition=~Q(kind="transit") | Q(active=False, read_only=True), name="warehouse_transit_is_no_shelf"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Shop(models.Model):
    """A place where goods are sold; how its platform is reached is the channel account's matter."""

    code = models.CharField(pgettext_lazy("identifier", "code"), max_length=40, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    country = models.CharField(_("country (two letters)"), max_length=2, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai")
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("shop")
        verbose_name_plural = _("shops")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class EffectiveDated(models.Model):
    """A row that is true from one moment to another. To change it, close it and open the next (inventory.dated)."""

    valid_from = models.DateTimeField(_("valid from"), default=clock.now)
    valid_to = models.DateTimeField(_("valid to"), null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="%(class)s_ends_later"
            )
        ]


class ShopWarehouse(EffectiveDated):
    """A shop sells from a warehouse; the smaller the priority, the sooner goods are taken there."""

    shop = models.ForeignKey(Shop, models.PROTECT, related_name="warehouse_links", verbose_name=_("shop"))
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="shop_links", verbose_name=_("warehouse"))
    priority = models.PositiveSmallIntegerField(_("priority"), default=10)

    class Meta(EffectiveDated.Meta):
        verbose_name = _("shop's warehouse")
        verbose_name_plural = _("shops' warehouses")
        ordering = ["shop_id", "priority", "warehouse_id"]
        constraints = [
            *EffectiveDated.Meta.constraints,
            models.UniqueConstraint(
                fields=["shop", "warehouse"], condition=Q(valid_to__isnull=True), name="shop_warehouse_open_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shop} ← {self.warehouse}"


class StockPolicy(EffectiveDated):
    """What part of the stock a shop may show. The most specific row wins whole; any matching pause pauses."""

    shop = models.ForeignKey(
        Shop, models.PROTECT, null=True, blank=True, related_name="policies", verbose_name=_("shop (empty: all)")
    )
    sku = models.ForeignKey(
        "inventory.Sku",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="policies",
        verbose_name=_("SKU (empty: all)"),
    )
    buffer = QuantityField(_("buffer"), default=Decimal(0), help_text=_("Pieces kept back."))
    share = RateField(_("share"), default=Decimal(1), help_text=_("1 shows everything, 0.5 half of it."))
    cap = QuantityField(_("at most"), null=True, blank=True)
    stop_below = QuantityField(
        _("stop selling below"), default=Decimal(0), help_text=_("Show 0 when fewer than this many would be shown.")
    )
    presale = QuantityField(_("presale"), default=Decimal(0), help_text=_("Pieces sold before they are here."))
    paused = models.BooleanField(_("paused"), default=False)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_by = models.CharField(_("changed by"), max_length=150, blank=True, editable=False)

    class Meta(EffectiveDated.Meta):
        verbose_name = _("stock policy")
        verbose_name_plural = _("stock policies")
        ordering = ["-id"]
        constraints = [
            *EffectiveDated.Meta.constraints,
            models.UniqueConstraint(
                Coalesce("shop", 0),
                Coalesce("sku", 0),
                condition=Q(valid_to__isnull=True),
                name="stock_policy_open_once",
            ),
            models.CheckConstraint(
                condition=Q(buffer__gte=0, stop_below__gte=0, presale__gte=0) & (Q(cap__isnull=True) | Q(cap__gte=0)),
                name="stock_policy_not_negative",
            ),
            models.CheckConstraint(condition=Q(share__gte=0, share__lte=1), name="stock_policy_share_0_to_1"),
        ]

    def __str__(self) -> str:
        return f"{self.shop or '*'} / {self.sku or '*'}"


class Access(models.Model):
    """Which shops and warehouses a person or an API key sees. No row: none. A superuser sees all."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="access", verbose_name=_("person")
    )
    api_key = models.OneToOneField(
        "backoffice.ApiKey", models.CASCADE, null=True, blank=True, related_name="access", verbose_name=_("API key")
    )
    all_shops = models.BooleanField(_("all shops"), default=False)
    all_warehouses = models.BooleanField(_("all warehouses"), default=False)
    shops = models.ManyToManyField(Shop, blank=True, related_name="+", verbose_name=_("shops"))
    warehouses = models.ManyToManyField(Warehouse, blank=True, related_name="+", verbose_name=_("warehouses"))

    class Meta:
        verbose_name = _("access to shops and warehouses")
        verbose_name_plural = _("access to shops and warehouses")
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, api_key__isnull=True) | Q(user__isnull=True, api_key__isnull=False),
                name="access_of_one_principal",
            )
        ]

    def __str__(self) -> str:
        return str(self.user or self.api_key)
