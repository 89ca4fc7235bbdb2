"""What came in: how far each account was read, each run, each delivered text, each webhook, each thing that failed."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from channels.models.accounts import Account


class PollState(models.Model):
    """How far the orders of an account were read. A killed walk goes on from `page_cursor`.

    Walks are numbered. Whatever was seen on the platform while walk n was the newest is *covered* once a walk with a
    higher number is complete: then every order that existed at that moment has been taken in. No clock is compared.
    """

    account = models.OneToOneField(Account, models.CASCADE, related_name="poll", verbose_name=_("account"))
    covered_until = models.DateTimeField(_("orders complete until"), null=True, blank=True)
    walk = models.BigIntegerField(_("walk"), default=0)  # the newest walk that was started
    completed_walk = models.BigIntegerField(_("completed walk"), default=0)
    walking = models.BooleanField(_("walk unfinished"), default=False)
    walk_since = models.DateTimeField(_("this walk asks since"), null=True, blank=True)
    walk_until = models.DateTimeField(_("this walk covers until"), null=True, blank=True)
    page_cursor = models.TextField(_("next page"), blank=True)
    seen_cursors = models.JSONField(_("pages seen"), default=list, blank=True)
    page_starts = models.PositiveIntegerField(_("starts of this page"), default=0)
    suspect = models.CharField(_("order being read"), max_length=200, blank=True)
    deep_at = models.DateTimeField(_("last deep look"), null=True, blank=True)
    last_ok_at = models.DateTimeField(_("last complete walk"), null=True, blank=True)

    class Meta:
        verbose_name = _("reading position")
        verbose_name_plural = _("reading positions")

    def __str__(self) -> str:
        return f"orders of account {self.account_id}"


class PollRun(models.Model):
    """One visit to a platform for orders or listings: what was asked, what came, how it ended."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="poll_runs", verbose_name=_("account"))
    kind = models.CharField(_("kind"), max_length=20)  # orders | sweep | one | listings | file
    trigger = models.CharField(_("started by"), max_length=20)  # timer | hook | button | push | file
    started_at = models.DateTimeField(_("started"), db_index=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    since = models.DateTimeField(_("asked since"), null=True, blank=True)
    walk = models.BigIntegerField(_("walk"), default=0)
    resumed = models.BooleanField(_("resumed"), default=False)
    pages = models.PositiveIntegerField(_("pages"), default=0)
    seen = models.PositiveIntegerField(_("rows seen"), default=0)
    fresh = models.PositiveIntegerField(_("new texts"), default=0)
    created = models.PositiveIntegerField(_("new orders"), default=0)
    changed = models.PositiveIntegerField(_("changed orders"), default=0)
    parked = models.PositiveIntegerField(_("to the error queue"), default=0)
    outcome = models.CharField(_("outcome"), max_length=20, blank=True)  # ok | failed | put_off | lost
    code = models.CharField(_("code"), max_length=60, blank=True)
    server_time = models.DateTimeField(_("platform's clock"), null=True, blank=True)
    clock_skew = models.IntegerField(_("clock difference (seconds)"), null=True, blank=True)

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        ordering = ["-id"]
        indexes = [models.Index(fields=["account", "-id"], name="poll_run_account")]

    def __str__(self) -> str:
        return f"{self.kind} {self.account_id} {self.started_at:%Y-%m-%d %H:%M:%S}"


class InboundPayload(models.Model):
    """One order text exactly as delivered (secrets blotted out), once per content. The body expires, the hash stays."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="payloads", verbose_name=_("account"))
    kind = models.CharField(_("kind"), max_length=20, default="order")
    external_id = models.CharField(_("platform's id"), max_length=200)
    sha256 = models.CharField(_("hash"), max_length=64)
    body = models.TextField(_("text"), blank=True)
    size = models.PositiveIntegerField(_("size"), default=0)
    platform_updated_at = models.DateTimeField(_("changed on the platform"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"))
    expires_at = models.DateTimeField(_("text kept until"), null=True, blank=True)
    run = models.ForeignKey(PollRun, models.SET_NULL, null=True, blank=True, verbose_name=_("visit"))

    class Meta:
        verbose_name = _("delivered text")
        verbose_name_plural = _("delivered texts")
        ordering = ["-id"]
        permissions = [("reveal_inboundpayload", _("Can see the delivered text with personal data"))]
        constraints = [
            models.UniqueConstraint(fields=["account", "kind", "external_id", "sha256"], name="payload_once")
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="payload_expiry", condition=models.Q(expires_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"


class ArrivalState(models.TextChoices):
    """What became of a webhook call."""

    WAITING = "waiting", _("waiting")
    DONE = "done", _("done")
    FAILED = "failed", _("needs a person")


class WebhookArrival(models.Model):
    """A verified webhook call. It only names what to fetch; the same delivery twice is one row."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="arrivals", verbose_name=_("account"))
    delivery_id = models.CharField(_("delivery"), max_length=200)
    event_id = models.CharField(_("event"), max_length=200, blank=True)
    topic = models.CharField(_("topic"), max_length=80, blank=True)
    kind = models.CharField(_("kind"), max_length=20)
    resource_id = models.CharField(_("about"), max_length=200, blank=True)
    triggered_at = models.DateTimeField(_("triggered"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"))
    repeats = models.PositiveIntegerField(_("repeats"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=ArrivalState.choices, default=ArrivalState.WAITING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"))
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    code = models.CharField(_("code"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["account", "delivery_id"], name="arrival_once")]
        indexes = [
            models.Index(fields=["account", "not_before"], name="arrival_open", condition=models.Q(state="waiting"))
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.resource_id}"


class WebhookRefusal(models.Model):
    """How many calls were refused, by reason and day: all that is ever stored of them."""

    platform = models.CharField(_("platform"), max_length=30)
    account_number = models.BigIntegerField(_("account"), default=0)  # 0: the address named no account of ours
    code = models.CharField(_("reason"), max_length=60)
    day = models.DateField(_("day"))
    count = models.PositiveBigIntegerField(_("calls"), default=0)
    last_at = models.DateTimeField(_("last"))

    class Meta:
        verbose_name = _("refused webhooks")
        verbose_name_plural = _("refused webhooks")
        constraints = [
            models.UniqueConstraint(fields=["platform", "account_number", "code", "day"], name="refusal_once")
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.code}: {self.count}"


class ErrorState(models.TextChoices):
    """Where an entry of the error queue stands."""

    OPEN = "open", _("open")
    RESOLVED = "resolved", _("resolved")
    IGNORED = "ignored", _("ignored")


class SyncError(models.Model):
    """One thing that did not work and waits here instead of getting lost. Seen again, it is the same row."""

    kind = models.CharField(_("about"), max_length=20)  # order | listing | stock | tracking | hook | account | token
    account = models.ForeignKey(Account, models.CASCADE, related_name="sync_errors", verbose_name=_("account"))
    reference = models.CharField(_("reference"), max_length=200, blank=True)
    code = models.CharField(_("code"), max_length=60)
    message = models.CharField(_("said by the platform"), max_length=500, blank=True)
    permanent = models.BooleanField(_("needs a person"), default=False)
    payload = models.ForeignKey(InboundPayload, models.SET_NULL, null=True, blank=True, verbose_name=_("text"))
    params = models.JSONField(_("details"), default=dict, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=1)
    retry_at = models.DateTimeField(_("tried again"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=ErrorState.choices, default=ErrorState.OPEN)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("sync error")
        verbose_name_plural = _("error queue")
        ordering = ["-last_seen_at"]
        permissions = [("rerun_syncerror", _("Can run entries of the error queue again"))]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "account", "reference"], name="sync_error_open_once", condition=models.Q(state="open")
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.reference}"
