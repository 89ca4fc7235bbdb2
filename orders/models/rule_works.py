"""What rules set going beyond their verdict: written with the review, done right after, each once an order."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class RuleWork(models.Model):
    """One thing a rule wants done to one order; whatever reviews follow, it is done at most once."""

    class State(models.TextChoices):
        DUE = "due", pgettext_lazy("state", "due")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")
        MISSED = "missed", _("no longer possible")

    order = models.ForeignKey(
        "orders.Order", models.CASCADE, related_name="rule_works", verbose_name=_("order"), db_index=False
    )
    rule = models.PositiveBigIntegerField(_("rule"))
    name = models.CharField(_("name of the rule"), max_length=100)
    kind = models.CharField(_("what it does"), max_length=20)  # a code of orders.desk.rules.works
    params = models.JSONField(_("details"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DUE)
    message = models.CharField(_("outcome"), max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    made_at = models.DateTimeField(_("set going"))
    not_before = models.DateTimeField(_("not before"))
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)

    class Meta:
        verbose_name = _("work of a rule")
        verbose_name_plural = _("works of rules")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["order", "rule", "kind"], name="rule_work_once_an_order")]
        indexes = [models.Index(fields=["not_before"], condition=Q(state="due"), name="rule_work_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.order_id}"
