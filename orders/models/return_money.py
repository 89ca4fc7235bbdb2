"""Money given back for returns."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import MoneyField
from orders.models.fulfilment import Refund
from orders.models.returns import Return


class ReturnRefund(models.Model):
    """Money to give back for a return: proposed, wanted from the platform, known to be given. Never twice."""

    class State(models.TextChoices):
        PROPOSED = "proposed", pgettext_lazy("refund", "Waits for approval")
        WANTED = "wanted", pgettext_lazy("refund", "Goes to the platform")
        SENDING = "sending", pgettext_lazy("refund", "Being sent")
        SENT = "sent", pgettext_lazy("refund", "Given on the platform")
        MANUAL = "manual", pgettext_lazy("refund", "To be given by hand")
        DONE = "done", pgettext_lazy("refund", "Given back")
        CANCELLED = "cancelled", pgettext_lazy("refund", "Withdrawn")

    rma = models.ForeignKey(Return, models.PROTECT, related_name="money", verbose_name=_("return"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PROPOSED)
    currency = models.CharField(_("currency"), max_length=10)
    amount = MoneyField(_("amount"))  # tax and shipping included
    tax = MoneyField(_("tax"), default=0)
    shipping = MoneyField(_("shipping"), default=0)
    deducted = MoneyField(_("deducted"), default=0)
    deduction_reason = models.CharField(_("why deducted"), max_length=300, blank=True)
    content = models.JSONField(_("lines"), default=list)  # [platform line id, units, amount, tax] as text
    problem = models.CharField(_("said by the platform"), max_length=300, blank=True)
    maybe_given = models.BooleanField(_("may have been given"), default=False)  # the platform's answer was lost
    external_id = models.CharField(_("platform id"), max_length=200, blank=True)
    refund = models.OneToOneField(
        Refund, models.PROTECT, null=True, blank=True, related_name="for_return", verbose_name=_("refund")
    )
    created_at = models.DateTimeField(_("created"))
    created_by = models.CharField(_("proposed by"), max_length=150, blank=True)
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    approved_by = models.CharField(_("approved by"), max_length=150, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    done_by = models.CharField(_("done by"), max_length=150, blank=True)
    idempotency_key = models.CharField(max_length=200, unique=True, editable=False)

    class Meta:
        verbose_name = _("money of a return")
        verbose_name_plural = _("money of returns")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, tax__gte=0, shipping__gte=0, deducted__gte=0), name="return_refund_amounts"
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(refund__isnull=False), name="return_refund_done_is_recorded"
            ),
        ]
        indexes = [
            models.Index(
                fields=["state"],
                condition=Q(state__in=["proposed", "wanted", "sending", "sent", "manual"]),
                name="return_refund_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @property
    def reference(self) -> str:
        """The name of this money in the notices to the platform."""
        return f"orders.returnrefund:{self.pk}"


OPEN_MONEY = (
    ReturnRefund.State.PROPOSED,
    ReturnRefund.State.WANTED,
    ReturnRefund.State.SENDING,
    ReturnRefund.State.SENT,
    ReturnRefund.State.MANUAL,
)
