"""What we tell the platforms: figures wanted, sent and seen; brakes, drift, parcels."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.triggers import append_only
from channels.models.accounts import Account
from channels.models.listings import Listing, RemoteLocation


class JobState(models.TextChoices):
    """Where the publication of one listing at one location stands."""

    IDLE = "idle", _("up to date")
    DUE = "due", _("to be sent")
    SENDING = "sending", _("being sent")
    UNKNOWN = "unknown", _("answer lost")
    PARKED = "parked", _("needs a person")


class BrakeState(models.TextChoices):
    """What a person decided about a batch that would zero many listings."""

    WAITING = "waiting", _("waits for a decision")
    APPROVED = "approved", _("approved")
    DENIED = "denied", _("denied")


class PushBrake(models.Model):
    """A batch held back because it would have put too many listings to zero."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="brakes", verbose_name=_("account"))
    state = models.CharField(_("state"), max_length=10, choices=BrakeState.choices, default=BrakeState.WAITING)
    limit = models.PositiveIntegerField(_("limit"))
    created_at = models.DateTimeField(_("since"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("brake")
        verbose_name_plural = _("brakes")
        ordering = ["-id"]
        permissions = [("decide_brake", _("Can decide about held batches"))]
        constraints = [
            models.UniqueConstraint(fields=["account"], name="brake_one_waiting", condition=models.Q(state="waiting"))
        ]

    def __str__(self) -> str:
        return f"brake {self.pk}"


class PushJob(models.Model):
    """The figure of one listing at one location: how often it was asked for (`wanted`), what is confirmed, what shows.

    `shown` is the last figure known over there and `shown_walk` the newest walk then started: the figure may serve as
    the base of a write once all orders behind it are known (`shown_covered`, or a later walk has been completed).
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="push_jobs", verbose_name=_("account"))
    listing = models.ForeignKey(Listing, models.CASCADE, related_name="push_jobs", verbose_name=_("listing"))
    location = models.ForeignKey(RemoteLocation, models.CASCADE, related_name="push_jobs", verbose_name=_("location"))
    wanted = models.BigIntegerField(_("asked"), default=1)
    confirmed = models.BigIntegerField(_("confirmed"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=JobState.choices, default=JobState.DUE)
    cause = models.CharField(_("cause"), max_length=40, blank=True)
    due_since = models.DateTimeField(_("due since"), null=True, blank=True)
    not_before = models.DateTimeField(_("not before"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    fence = models.BigIntegerField(_("fence"), default=0)
    lease_until = models.DateTimeField(_("being sent until"), null=True, blank=True)
    desired = models.IntegerField(_("our figure"), null=True, blank=True)
    sent = models.IntegerField(_("last sent"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    shown = models.IntegerField(_("shown there"), null=True, blank=True)
    shown_at = models.DateTimeField(_("seen"), null=True, blank=True)
    shown_walk = models.BigIntegerField(_("walk when seen"), default=0)
    shown_covered = models.BooleanField(_("all orders behind it known"), default=False)
    verify_at = models.DateTimeField(_("read again"), null=True, blank=True)
    brake = models.ForeignKey(PushBrake, models.SET_NULL, null=True, blank=True, verbose_name=_("brake"))
    brake_cleared = models.BooleanField(_("brake cleared"), default=False)
    code = models.CharField(_("code"), max_length=60, blank=True)
    message = models.CharField(_("said by the platform"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("stock publication")
        verbose_name_plural = _("stock publications")
        permissions = [("requeue_pushjob", _("Can have a figure written again"))]
        constraints = [models.UniqueConstraint(fields=["listing", "location"], name="push_job_once")]
        indexes = [
            models.Index(
                fields=["account", "not_before"],
                name="push_job_open",
                condition=models.Q(state__in=["due", "sending", "unknown"]),
            ),
            models.Index(
                fields=["account", "verify_at"], name="push_job_verify", condition=models.Q(verify_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.listing_id}@{self.location_id}"


class PublicationLog(models.Model):
    """One decision to publish a figure, with the inputs frozen; written before the call, answered once after it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="publications", verbose_name=_("account"))
    listing = models.ForeignKey(Listing, models.PROTECT, related_name="publications", verbose_name=_("listing"))
    location = models.ForeignKey(RemoteLocation, models.PROTECT, related_name="+", verbose_name=_("location"))
    mode = models.CharField(_("mode"), max_length=10)  # live | dry | same (shown already, nothing sent) | held
    sequence = models.BigIntegerField(_("sequence"))
    cause = models.CharField(_("cause"), max_length=40, blank=True)
    inputs = models.JSONField(_("inputs"))
    desired = models.IntegerField(_("our figure"))
    expected = models.IntegerField(_("expected there"), null=True, blank=True)
    sent = models.IntegerField(pgettext_lazy("quantity", "sent"), null=True, blank=True)
    idempotency_key = models.UUIDField(_("idempotency key"), default=uuid.uuid4, unique=True, editable=False)
    decided_at = models.DateTimeField(_("decided"))
    status = models.CharField(_("answer"), max_length=20, blank=True)
    observed = models.IntegerField(_("shown afterwards"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    code = models.CharField(_("code"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("publication")
        verbose_name_plural = _("publication log")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["listing", "location", "-decided_at"], name="publication_look_back"),
            models.Index(fields=["account", "-id"], name="publication_account"),
        ]

    def __str__(self) -> str:
        return f"{self.listing_id}@{self.location_id} {self.desired}"


append_only(PublicationLog, allow_update_columns=("status", "observed", "answered_at", "code"))


class PlatformObservation(models.Model):
    """A figure that a platform showed at a moment. Insert-only: the oversell replay reads it."""

    listing = models.ForeignKey(Listing, models.PROTECT, related_name="observations", verbose_name=_("listing"))
    location = models.ForeignKey(RemoteLocation, models.PROTECT, related_name="+", verbose_name=_("location"))
    quantity = models.IntegerField(_("figure"), null=True, blank=True)
    seen_at = models.DateTimeField(_("seen"))
    source = models.CharField(_("source"), max_length=20)  # listings | before | answer | readback | drift

    class Meta:
        verbose_name = _("observed figure")
        verbose_name_plural = _("observed figures")
        ordering = ["-id"]
        indexes = [models.Index(fields=["listing", "location", "-seen_at"], name="observation_look_back")]

    def __str__(self) -> str:
        return f"{self.listing_id}@{self.location_id} {self.quantity}"


append_only(PlatformObservation)


class DriftRun(models.Model):
    """One comparison of all figures of an account with ours."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="drift_runs", verbose_name=_("account"))
    trigger = models.CharField(_("started by"), max_length=20)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    compared = models.PositiveIntegerField(_("compared"), default=0)
    in_flight = models.PositiveIntegerField(_("on their way"), default=0)
    drifted = models.PositiveIntegerField(_("drifted"), default=0)
    outcome = models.CharField(_("outcome"), max_length=20, blank=True)
    code = models.CharField(_("code"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("drift check")
        verbose_name_plural = _("drift checks")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"drift {self.account_id} {self.started_at:%Y-%m-%d %H:%M}"


class DriftState(models.TextChoices):
    """What became of a difference."""

    OPEN = "open", _("open")
    HEALING = "healing", _("being corrected")
    RESOLVED = "resolved", _("resolved")


class DriftFinding(models.Model):
    """A platform shows another figure than it should, and no order or pending write explains it."""

    run = models.ForeignKey(DriftRun, models.SET_NULL, null=True, blank=True, verbose_name=_("drift check"))
    account = models.ForeignKey(Account, models.CASCADE, related_name="drift", verbose_name=_("account"))
    listing = models.ForeignKey(Listing, models.CASCADE, related_name="drift", verbose_name=_("listing"))
    location = models.ForeignKey(RemoteLocation, models.CASCADE, related_name="+", verbose_name=_("location"))
    kind = models.CharField(_("kind"), max_length=20)  # changed | ignored | missing
    ours = models.IntegerField(_("our figure"))
    theirs = models.IntegerField(_("shown there"), null=True, blank=True)
    last_sent = models.IntegerField(_("last sent"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=DriftState.choices, default=DriftState.OPEN)
    found_at = models.DateTimeField(_("found"))
    last_seen_at = models.DateTimeField(_("last seen"))
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    class Meta:
        verbose_name = _("drift")
        verbose_name_plural = _("drift")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["listing", "location"],
                name="drift_open_once",
                condition=models.Q(state__in=["open", "healing"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.listing_id}: {self.ours} ≠ {self.theirs}"


class NoticeState(models.TextChoices):
    """Where a message about an order stands."""

    DUE = "due", _("to be sent")
    SENDING = "sending", _("being sent")
    UNKNOWN = "unknown", _("answer lost")
    DONE = "done", _("done")
    PARKED = "parked", _("needs a person")


class OrderNotice(models.Model):
    """A parcel or a cancellation to report to the platform, once. The key is ours and is sent with every try."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="notices", verbose_name=_("account"))
    order = models.ForeignKey("orders.Order", models.PROTECT, related_name="notices", verbose_name=_("order"))
    kind = models.CharField(_("kind"), max_length=10)  # ship | cancel
    reference = models.CharField(_("reference"), max_length=100)  # "orders.shipment:12", "orders.order:7"
    key = models.UUIDField(_("idempotency key"), default=uuid.uuid4, unique=True, editable=False)
    content = models.JSONField(_("content"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=NoticeState.choices, default=NoticeState.DUE)
    not_before = models.DateTimeField(_("not before"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    fence = models.BigIntegerField(_("fence"), default=0)
    lease_until = models.DateTimeField(_("being sent until"), null=True, blank=True)
    external_id = models.CharField(_("platform's id"), max_length=200, blank=True)
    already_known = models.BooleanField(_("was known there"), default=False)
    code = models.CharField(_("code"), max_length=60, blank=True)
    message = models.CharField(_("said by the platform"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"))
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    class Meta:
        verbose_name = _("message about an order")
        verbose_name_plural = _("messages about orders")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["account", "kind", "reference"], name="notice_once")]
        indexes = [
            models.Index(
                fields=["account", "not_before"],
                name="notice_open",
                condition=models.Q(state__in=["due", "sending", "unknown"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
