"""Rules that people build, and the versions of them that were published."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.triggers import append_only


class Rule(models.Model):
    """A rule as it stands on the desk. Orders are judged by the published versions alone (RuleVersion)."""

    name = models.CharField(_("name"), max_length=100)
    place = models.PositiveIntegerField(_("place"), default=100)  # the lower, the earlier it is tried
    enabled = models.BooleanField(_("on"), default=True)
    dry = models.BooleanField(_("only try it out"), default=False)
    stop = models.BooleanField(_("try no rule after it"), default=False)
    since = models.DateTimeField(_("valid from"), null=True, blank=True)
    until = models.DateTimeField(_("valid until"), null=True, blank=True)
    shops = models.JSONField(_("shops"), default=list, blank=True)  # ids; none: all
    countries = models.JSONField(_("countries"), default=list, blank=True)
    categories = models.JSONField(_("categories of goods"), default=list, blank=True)
    conditions = models.JSONField(_("conditions"), default=dict, blank=True)  # see orders.desk.rules.conditions
    deeds = models.JSONField(_("what it does"), default=list, blank=True)  # see orders.desk.rules.deeds
    created_at = models.DateTimeField(_("created"), editable=False)
    updated_at = models.DateTimeField(_("changed"), editable=False)
    updated_by = models.CharField(_("changed by"), max_length=150, blank=True, editable=False)

    class Meta:
        verbose_name = _("review rule")
        verbose_name_plural = _("review rules")
        ordering = ["place", "id"]
        permissions = [("publish_rule", _("Can publish review rules and roll them back"))]

    def __str__(self) -> str:
        return self.name

    def document(self) -> dict[str, Any]:
        """Return the rule as it is published; equal rules give equal documents."""
        return {
            "id": self.pk,
            "name": self.name,
            "place": self.place,
            "dry": self.dry,
            "stop": self.stop,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "shops": sorted(map(int, self.shops)),
            "countries": sorted(map(str, self.countries)),
            "categories": sorted(map(str, self.categories)),
            "conditions": self.conditions,
            "deeds": self.deeds,
        }


class RuleVersion(models.Model):
    """All rules that were on when somebody published them. The newest is in force; none is ever changed."""

    content = models.JSONField(_("rules"))  # documents of Rule, in their order
    digest = models.CharField(_("digest"), max_length=64)
    published_at = models.DateTimeField(_("published"))
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("published by")
    )
    note = models.CharField(_("note"), max_length=300, blank=True)
    rolled_back_to = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", verbose_name=_("rolled back to")
    )

    class Meta:
        verbose_name = _("published rules")
        verbose_name_plural = _("published rules")
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(_("Version %d") % self.pk)


append_only(RuleVersion)


class Override(models.Model):
    """Findings of one code that a person lets pass for a buyer, an address or a shop, for a time."""

    class Scope(models.TextChoices):
        BUYER = "buyer", _("this buyer")
        ADDRESS = "address", _("this address")
        SHOP = "shop", _("this shop")

    code = models.CharField(_("reason"), max_length=40)  # a check's code, or "rule:7"
    name = models.CharField(_("rule"), max_length=100, blank=True)
    scope = models.CharField(_("scope"), max_length=10, choices=Scope)
    key = models.CharField(max_length=32, editable=False)  # keyed hash of buyer or address, or the shop's id
    shop = models.ForeignKey("inventory.Shop", models.PROTECT, related_name="+", verbose_name=_("shop"))
    order = models.ForeignKey("orders.Order", models.PROTECT, related_name="overrides", verbose_name=_("order"))
    until = models.DateTimeField(_("valid until"))
    reason = models.CharField(_("why"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"))
    created_by = models.CharField(_("by"), max_length=150)
    used = models.PositiveIntegerField(_("orders it let pass"), default=0)

    class Meta:
        verbose_name = _("standing exception")
        verbose_name_plural = _("standing exceptions")
        ordering = ["-id"]
        indexes = [models.Index(fields=["scope", "key", "until"], name="override_found")]

    def __str__(self) -> str:
        return f"{self.code} {self.scope}"


class Backtest(models.Model):
    """A set of rules run over past orders as they were then, beside what people did with them."""

    rules = models.JSONField(_("rules"))  # documents, as they would be published
    digest = models.CharField(_("digest"), max_length=64)
    days = models.PositiveIntegerField(_("days"))
    started_at = models.DateTimeField(_("started"))
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("by"))
    progress = models.ForeignKey("backoffice.Progress", models.SET_NULL, null=True, editable=False, related_name="+")
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    result = models.JSONField(_("result"), default=dict, blank=True)  # see orders.desk.rules.backtest
    differing = models.JSONField(_("orders that differ"), default=list, blank=True)

    class Meta:
        verbose_name = _("test on past orders")
        verbose_name_plural = _("tests on past orders")
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(_("%d days") % self.days)
