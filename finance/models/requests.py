"""The requests to post: what a document tells the books, frozen, until a worker has written the voucher."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from backoffice.fields import MoneyField, RateField
from finance.models.books import Voucher, VoucherKind


class PostingRequest(models.Model):
    """One document to be posted once. Written in the document's own transaction; the truth about what is pending."""

    class State(models.TextChoices):
        DUE = "due", _("To be posted")
        WAITING_RATE = "waiting_rate", _("Waiting for an exchange rate")
        POSTED = "posted", _("Posted")
        EMPTY = "empty", _("Nothing to post")
        FAILED = "failed", _("Needs a person")

    reference = models.CharField(_("document"), max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=VoucherKind)
    shop = models.ForeignKey(
        "inventory.Shop", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("shop")
    )  # null: of no shop alone, as late costs
    external_id = models.CharField(_("platform order"), max_length=200, blank=True)
    order_number = models.CharField(_("order number"), max_length=200, blank=True)
    order_key = models.CharField(max_length=200, blank=True, editable=False)
    occurred_at = models.DateTimeField(_("happened"))
    occurred_on = models.DateField(_("document date"))
    currency = models.CharField(_("currency"), max_length=10)  # as the platform wrote it: an unknown one waits here
    total = MoneyField(_("total"))  # what the buyer owes (sale) or gets back (refund), original currency
    rate = RateField(_("rate"), null=True, blank=True)
    frozen = models.JSONField(_("facts"))
    digest = models.CharField(_("digest of the facts"), max_length=64, editable=False)

    state = models.CharField(_("state"), max_length=20, choices=State, default=State.DUE)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    fence = models.BigIntegerField(_("fence"), default=0, editable=False)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True, editable=False)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error_detail = models.CharField(_("error details"), max_length=300, blank=True)
    voucher = models.OneToOneField(
        Voucher, models.PROTECT, null=True, blank=True, related_name="request", verbose_name=_("voucher")
    )
    created_at = models.DateTimeField(_("created"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("posting request")
        verbose_name_plural = _("posting requests")
        ordering = ["-id"]
        permissions = [("retry_postingrequest", _("Can let postings be tried again"))]
        indexes = [
            models.Index(fields=["shop", "external_id"], name="posting_order"),
            models.Index(fields=["order_key"], opclasses=["varchar_pattern_ops"], name="posting_order_prefix"),
            models.Index(fields=["state", "id"], name="posting_state"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="posted", voucher__isnull=False) | (~Q(state="posted") & Q(voucher__isnull=True)),
                name="posting_posted_has_voucher",
            ),
            models.CheckConstraint(
                condition=Q(rate__isnull=False) | Q(state__in=["waiting_rate", "failed", "empty"]),
                name="posting_due_has_rate",
            ),
        ]

    def __str__(self) -> str:
        return self.reference
