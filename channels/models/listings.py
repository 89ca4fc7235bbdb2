"""What a shop offers and which of our goods that is; listing terms and location links are effective-dated."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.fields import QuantityField, RateField
from channels.models.accounts import Account

ONE = Decimal(1)


class ListingStatus(models.TextChoices):
    """The platform's word for a listing, in ours."""

    ACTIVE = "active", _("for sale")
    DRAFT = "draft", _("draft")
    ARCHIVED = "archived", _("archived")
    DELETED = "deleted", _("deleted")


class Listing(models.Model):
    """A sellable row on a platform, under the platform's own ids. Which SKU it is, `ListingMatch` says."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="listings", verbose_name=_("account"))
    external_id = models.CharField(_("platform's id"), max_length=200)
    stock_id = models.CharField(_("stock id"), max_length=200, blank=True)
    parent_id = models.CharField(_("product id"), max_length=200, blank=True)
    sku_text = models.CharField(_("SKU on the platform"), max_length=200, blank=True)
    sku_key = models.CharField(_("SKU, normalised"), max_length=200, blank=True)
    barcode = models.CharField(_("barcode"), max_length=100, blank=True)
    barcode_key = models.CharField(_("barcode, normalised"), max_length=100, blank=True)
    title = models.CharField(_("title"), max_length=500, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=ListingStatus.choices, default=ListingStatus.ACTIVE)
    stock_managed = models.BooleanField(_("counts stock"), default=True)
    not_pushable = models.CharField(_("stock cannot be written because"), max_length=60, blank=True)
    price = models.CharField(_("price"), max_length=40, blank=True)
    url = models.CharField(_("link"), max_length=500, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"))
    read_at = models.DateTimeField(_("last read"))
    written_at = models.DateTimeField(_("last written"), null=True, blank=True)

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        permissions = [("match_listing", _("Can say which SKU a listing is"))]
        constraints = [models.UniqueConstraint(fields=["account", "external_id"], name="listing_once")]
        indexes = [
            models.Index(fields=["account", "sku_key"], name="listing_sku"),
            models.Index(fields=["account", "barcode_key"], name="listing_barcode"),
        ]

    def __str__(self) -> str:
        return self.title or self.sku_text or self.external_id


class MatchHow(models.TextChoices):
    """How a listing was recognised."""

    SKU = "sku", _("same SKU")
    BARCODE = "barcode", _("same barcode")
    HAND = "hand", _("by hand")


class ListingMatch(models.Model):
    """Which SKU a listing was, from when to when; `quantity_per` pieces of it make one sold unit (a case of 12)."""

    listing = models.ForeignKey(Listing, models.CASCADE, related_name="matches", verbose_name=_("listing"))
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="listing_matches", verbose_name=_("SKU"))
    quantity_per = QuantityField(_("pieces per unit sold"), default=ONE)
    how = models.CharField(_("how"), max_length=10, choices=MatchHow.choices)
    valid_from = models.DateTimeField(_("from"))
    valid_to = models.DateTimeField(_("until"), null=True, blank=True)
    created_by = models.CharField(_("by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("match")
        verbose_name_plural = _("matches")
        ordering = ["-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["listing"], name="listing_one_match", condition=models.Q(valid_to__isnull=True)
            ),
            models.CheckConstraint(condition=models.Q(quantity_per__gt=0), name="match_quantity_positive"),
        ]
        indexes = [models.Index(fields=["sku"], name="match_open_sku", condition=models.Q(valid_to__isnull=True))]

    def __str__(self) -> str:
        return f"{self.listing_id} = {self.sku_id}"


class ListingClaim(models.Model):
    """One of several SKUs that a listing could be. With more than one, a person chooses."""

    listing = models.ForeignKey(Listing, models.CASCADE, related_name="claims", verbose_name=_("listing"))
    sku = models.ForeignKey("inventory.Sku", models.CASCADE, related_name="listing_claims", verbose_name=_("SKU"))
    quantity_per = QuantityField(_("pieces per unit sold"), default=ONE)
    how = models.CharField(_("how"), max_length=10, choices=MatchHow.choices)
    evidence = models.CharField(_("evidence"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        constraints = [
            models.UniqueConstraint(fields=["listing", "sku", "quantity_per", "how"], name="listing_claim_once")
        ]

    def __str__(self) -> str:
        return f"{self.listing_id} ? {self.sku_id}"


class ListingTerm(models.Model):
    """Terms of one listing on top of the shop's stock policy, effective-dated: kept back, share, cap, pause."""

    listing = models.ForeignKey(Listing, models.CASCADE, related_name="terms", verbose_name=_("listing"))
    buffer = QuantityField(_("kept back"), default=Decimal(0))
    share = RateField(_("share"), null=True, blank=True, help_text=_("0.5 offers half of what the shop may show."))
    cap = QuantityField(_("at most"), null=True, blank=True)
    paused = models.BooleanField(_("paused"), default=False)
    valid_from = models.DateTimeField(_("from"))
    valid_to = models.DateTimeField(_("until"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_by = models.CharField(_("by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("listing term")
        verbose_name_plural = _("listing terms")
        ordering = ["-valid_from"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(share__isnull=True) | models.Q(share__gte=0, share__lte=1), name="term_share_range"
            ),
            models.CheckConstraint(condition=models.Q(buffer__gte=0), name="term_buffer_positive"),
            models.CheckConstraint(
                condition=models.Q(cap__isnull=True) | models.Q(cap__gte=0), name="term_cap_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.listing_id} {self.valid_from:%Y-%m-%d}"


class RemoteLocation(models.Model):
    """A place where the platform keeps stock; the one with an empty id stands for a platform without places."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="locations", verbose_name=_("account"))
    external_id = models.CharField(_("platform's id"), max_length=200, blank=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    active = models.BooleanField(_("active"), default=True)
    whole_shop = models.BooleanField(
        _("shows the whole shop"), default=False, help_text=_("All warehouses of the shop together.")
    )
    read_at = models.DateTimeField(_("last read"))

    class Meta:
        verbose_name = _("location")
        verbose_name_plural = _("locations")
        constraints = [models.UniqueConstraint(fields=["account", "external_id"], name="location_once")]

    def __str__(self) -> str:
        return self.name or self.external_id or str(_("whole shop"))


class LocationLink(models.Model):
    """Which warehouse a platform location shows, from when to when. A warehouse stands behind one location only."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="location_links", verbose_name=_("account"))
    location = models.ForeignKey(RemoteLocation, models.CASCADE, related_name="links", verbose_name=_("location"))
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    valid_from = models.DateTimeField(_("from"))
    valid_to = models.DateTimeField(_("until"), null=True, blank=True)
    created_by = models.CharField(_("by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("location link")
        verbose_name_plural = _("location links")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "warehouse"],
                name="warehouse_one_location",
                condition=models.Q(valid_to__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.location_id} = {self.warehouse_id}"
