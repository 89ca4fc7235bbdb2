"""From which warehouses orders are sent: policies people keep, what parcels cost, the plans made, where returns go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import MoneyField
from backoffice.triggers import append_only
from orders.models.order import Order, OrderLine

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class RoutingPolicy(models.Model):
    """How warehouses are chosen: criteria in the order they count, which warehouse may send where, whether to split."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    active = models.BooleanField(_("on"), default=True)
    general = models.BooleanField(_("for all shops without a policy of their own"), default=False)
    criteria = models.JSONField(_("what counts, in this order"), default=list)  # [{"by": "nearest", "step": "50"}]
    priority = models.JSONField(_("preferred warehouses"), default=list, blank=True)  # ids, the first first
    lists = models.JSONField(_("which warehouse sends where"), default=list, blank=True)  # see routing.policies
    split_lines = models.BooleanField(
        _("split a line over several warehouses"), default=False,
        help_text=_("Only when no warehouse has all of it. The parts of one bundle always stay together."),
    )  # fmt: skip
    unknown_weight_g = models.PositiveIntegerField(
        _("weight of goods without a weight (g)"), default=500,
        help_text=_("Taken for a piece whose SKU has no weight, to reckon what a parcel costs."),
    )  # fmt: skip
    version = models.ForeignKey(
        "orders.RoutingPolicyVersion", models.PROTECT, null=True, editable=False, related_name="+",
        verbose_name=_("version"), db_index=False,
    )  # fmt: skip
    updated_at = models.DateTimeField(_("changed"), editable=False)
    updated_by = models.CharField(_("changed by"), max_length=150, editable=False)

    class Meta:
        verbose_name = _("routing policy")
        verbose_name_plural = _("routing policies")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["general"], condition=Q(general=True), name="routing_policy_general_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def document(self) -> dict[str, Any]:
        """Return what it says, as a version keeps it; equal policies give equal documents."""
        return {
            "name": self.name,
            "active": self.active,
            "general": self.general,
            "shops": sorted(self.shops.values_list("shop_id", flat=True)),
            "criteria": self.criteria,
            "priority": self.priority,
            "lists": self.lists,
            "split_lines": self.split_lines,
            "unknown_weight_g": self.unknown_weight_g,
        }

    shops: RelatedManager[RoutedShop]


class RoutedShop(models.Model):
    """A shop's own policy: at most one."""

    policy = models.ForeignKey(
        RoutingPolicy, models.CASCADE, related_name="shops", verbose_name=_("routing policy"), db_index=True
    )
    shop = models.OneToOneField("inventory.Shop", models.CASCADE, related_name="+", verbose_name=_("shop"))

    class Meta:
        verbose_name = _("shop with a routing policy")
        verbose_name_plural = _("shops with a routing policy")

    def __str__(self) -> str:
        return f"{self.shop_id} → {self.policy_id}"


class RoutingPolicyVersion(models.Model):
    """What a policy said from one saving to the next; a plan names the version it was made by."""

    policy = models.ForeignKey(RoutingPolicy, models.CASCADE, related_name="versions", verbose_name=_("routing policy"))
    content = models.JSONField(_("content"))
    at = models.DateTimeField(_("time"))
    by = models.CharField(_("by"), max_length=150)

    class Meta:
        verbose_name = _("version of a routing policy")
        verbose_name_plural = _("versions of routing policies")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.policy_id} v{self.pk}"


append_only(RoutingPolicyVersion)


class RateTable(models.Model):
    """What a carrier takes for a parcel, by where it goes and what it weighs."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    currency = models.CharField(_("currency"), max_length=3)
    warehouses = models.JSONField(_("from these warehouses"), default=list, blank=True)  # ids; none: from all
    active = models.BooleanField(_("on"), default=True)
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_to = models.DateField(_("valid to"), null=True, blank=True)  # this day included
    updated_at = models.DateTimeField(_("changed"), editable=False)
    updated_by = models.CharField(_("changed by"), max_length=150, editable=False)

    class Meta:
        verbose_name = _("rate table")
        verbose_name_plural = _("rate tables")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="rate_table_ends_later",
            )
        ]

    def __str__(self) -> str:
        return self.name


class RateRow(models.Model):
    """One step of one zone: parcels up to a weight cost the base, and so much for each kilogram beyond the first.

    The zone is a country, narrowed by a region or by how the postcode begins; `*` is everywhere else.
    """

    table = models.ForeignKey(RateTable, models.CASCADE, related_name="rows", verbose_name=_("rate table"))
    country = models.CharField(_("country"), max_length=2)  # ISO code, or *
    region = models.CharField(_("region"), max_length=60, blank=True)
    postcode = models.CharField(_("postcode begins with"), max_length=12, blank=True)
    up_to_g = models.PositiveIntegerField(_("up to (g)"), default=0, help_text=_("0: whatever it weighs."))
    base = MoneyField(_("base price"))
    first_g = models.PositiveIntegerField(_("weight in the base price (g)"), default=0)
    per_kg = MoneyField(_("each further kg"), default=0)
    step_g = models.PositiveIntegerField(_("rounded up to (g)"), default=0)  # 1000: begun kilograms count whole

    class Meta:
        verbose_name = _("row of a rate table")
        verbose_name_plural = _("rows of rate tables")
        ordering = ["table_id", "country", "region", "postcode", "up_to_g"]
        constraints = [
            models.UniqueConstraint(fields=["table", "country", "region", "postcode", "up_to_g"], name="rate_row_once"),
            models.CheckConstraint(condition=Q(base__gte=0, per_kg__gte=0), name="rate_row_not_negative"),
        ]

    def __str__(self) -> str:
        zone = " ".join(part for part in (self.country, self.region, self.postcode) if part)
        return f"{zone} ≤ {self.up_to_g} g" if self.up_to_g else zone


class RoutingPlan(models.Model):
    """From where an order was to be sent, what else could have been, and why not. The newest one holds."""

    class Why(models.TextChoices):
        REVIEW = "review", pgettext_lazy("routing", "Review")
        APPROVED = "approved", pgettext_lazy("routing", "Approval")
        REROUTED = "rerouted", pgettext_lazy("routing", "Re-routed by hand")
        GONE = "gone", pgettext_lazy("routing", "Goods not found")

    order = models.ForeignKey(Order, models.PROTECT, related_name="plans", verbose_name=_("order"))
    at = models.DateTimeField(_("time"))
    actor = models.CharField(_("by"), max_length=150)
    why = models.CharField(_("when it was made"), max_length=10, choices=Why)
    policy = models.ForeignKey(
        RoutingPolicy, models.PROTECT, null=True, related_name="+", verbose_name=_("routing policy"), db_index=False
    )
    version = models.ForeignKey(
        RoutingPolicyVersion, models.PROTECT, null=True, related_name="+", verbose_name=_("version"), db_index=False
    )
    complete = models.BooleanField(_("complete"))
    warehouses = models.JSONField(_("warehouses"), default=list)  # ids, in the order of the parcels
    cost = MoneyField(pgettext_lazy("parcel", "cost"), null=True, blank=True)  # base currency; null: not known
    content = models.JSONField(_("content"))  # parcels, missing, alternatives: see routing.plans

    class Meta:
        verbose_name = _("routing plan")
        verbose_name_plural = _("routing plans")
        ordering = ["-id"]
        permissions = [
            ("reroute_order", _("Can send orders from other warehouses")),
            ("report_gone", _("Can say that reserved goods are not to be found")),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.why}"


append_only(RoutingPlan)


class GoodsGone(models.Model):
    """Goods the figures show in a warehouse and nobody finds there: no plan counts on them until somebody looked."""

    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="+", verbose_name=_("order line"))
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    quantity = models.CharField(_("pieces"), max_length=30)
    at = models.DateTimeField(_("reported"))
    by = models.CharField(_("by"), max_length=150)
    closed_at = models.DateTimeField(_("looked into"), null=True, blank=True)
    closed_by = models.CharField(_("looked into by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("goods not found")
        verbose_name_plural = _("goods not found")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["line", "sku", "warehouse"], condition=Q(closed_at__isnull=True), name="gone_open_once"
            )
        ]
        indexes = [
            models.Index(fields=["sku", "warehouse"], condition=Q(closed_at__isnull=True), name="gone_open"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} @ {self.warehouse}"


class ReturnRule(models.Model):
    """Where goods of some orders go back to; the address told to the buyer stands at the warehouse (ReturnPlace)."""

    shop = models.ForeignKey(
        "inventory.Shop", models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("shop"),
        help_text=_("Leave empty for all shops."),
    )  # fmt: skip
    country = models.CharField(_("from this country"), max_length=2, blank=True, help_text=_("Empty: from anywhere."))
    region = models.CharField(_("from this region"), max_length=60, blank=True)
    warehouse = models.ForeignKey(
        "inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("goods go back to")
    )
    active = models.BooleanField(_("on"), default=True)
    updated_at = models.DateTimeField(_("changed"), editable=False)
    updated_by = models.CharField(_("changed by"), max_length=150, editable=False)

    class Meta:
        verbose_name = _("return rule")
        verbose_name_plural = _("return rules")
        ordering = ["country", "region", "id"]
        constraints = [
            models.UniqueConstraint(
                Coalesce("shop", 0), "country", "region", condition=Q(active=True), name="return_rule_once"
            ),
            models.CheckConstraint(condition=Q(region="") | ~Q(country=""), name="return_region_has_country"),
        ]

    def __str__(self) -> str:
        zone = " ".join(part for part in (self.country, self.region) if part) or "*"
        return f"{zone} → {self.warehouse_id}"
