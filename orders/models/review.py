"""The review log and the settings of the built-in checks."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.triggers import append_only
from orders.models.order import Department, Order, OrderVersion


class ReviewLog(models.Model):
    """One review: the facts as they were, what the checks found, and what a person decided later.

    Facts hold no personal data, only keyed hashes of buyer, phone and address, so that they outlive its purge.
    """

    class Verdict(models.TextChoices):
        APPROVED = "approved", _("Approved")
        HELD = "held", pgettext_lazy("order state", "Held")

    class PersonVerdict(models.TextChoices):
        NONE = "", _("None")
        APPROVED = "approved", _("Approved")
        HELD = "held", pgettext_lazy("order state", "Held")
        CANCELLED = "cancelled", _("Cancelled")
        FIXED = "fixed", _("Corrected")
        REVIEW = "review", _("Sent to review again")

    order = models.ForeignKey(Order, models.PROTECT, related_name="reviews", verbose_name=_("order"))
    version = models.ForeignKey(
        OrderVersion, models.PROTECT, null=True, related_name="+", verbose_name=_("version"), db_index=False
    )
    at = models.DateTimeField(_("time"))
    rules_version = models.CharField(_("rules"), max_length=20)
    facts = models.JSONField(_("facts"))
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict)
    findings = models.JSONField(_("findings"), default=list)
    person_verdict = models.CharField(
        _("decision"), max_length=10, choices=PersonVerdict, blank=True, default=PersonVerdict.NONE
    )
    person = models.CharField(_("person"), max_length=150, blank=True)
    person_reason = models.CharField(_("reason"), max_length=300, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("review log")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.order_id} {self.verdict}"


append_only(ReviewLog, allow_update_columns=("person_verdict", "person", "person_reason", "decided_at"))


class CheckSetting(models.Model):
    """How one built-in check is set: on or off, who owns what it holds, and its parameters."""

    code = models.CharField(_("check"), max_length=40, unique=True)  # a code of orders.desk.checks.CHECKS
    enabled = models.BooleanField(_("on"), default=True)
    department = models.CharField(_("department"), max_length=16, choices=Department, default=Department.DESK)
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    updated_at = models.DateTimeField(_("changed"), null=True, blank=True)
    updated_by = models.CharField(_("changed by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("built-in check")
        verbose_name_plural = _("built-in checks")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code
