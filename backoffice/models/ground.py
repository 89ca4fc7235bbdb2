"""People, audit trail, task attempts, heartbeats, leases, progress, API keys."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.secrets import EncryptedJSONField


class User(AbstractUser):
    """A person who logs in. Roles are groups (backoffice.roles); shops and warehouses are inventory.Access rows."""

    language = models.CharField(_("language"), max_length=10, blank=True, choices=settings.LANGUAGES)
    time_zone = models.CharField(_("time zone"), max_length=40, blank=True)
    # On the user, so that no request asks the database a second time whether a code is wanted.
    two_factor_at = models.DateTimeField(_("two-factor sign-in since"), null=True, blank=True, editable=False)

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")  # type: ignore[assignment]
        verbose_name_plural = _("users")  # type: ignore[assignment]


class SecondFactor(models.Model):
    """What a person's authenticator app shares with us. It counts once `User.two_factor_at` is set."""

    user = models.OneToOneField(User, models.CASCADE, related_name="second_factor", verbose_name=_("user"))
    secret = EncryptedJSONField(_("secret"))
    created_at = models.DateTimeField(_("created"))
    last_step = models.BigIntegerField(_("last time step used"), default=0)  # a code, and what is older, counts once
    failures = models.PositiveIntegerField(_("wrong codes"), default=0)
    wait_until = models.DateTimeField(_("no code before"), null=True, blank=True)

    class Meta:
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")

    def __str__(self) -> str:
        return str(self.user_id)


class BackupCode(models.Model):
    """One of ten codes for the day the telephone is gone: stored hashed, shown once, used once."""

    factor = models.ForeignKey(
        SecondFactor, models.CASCADE, related_name="backup_codes", verbose_name=_("second factor")
    )
    digest = models.CharField(_("hash"), max_length=64)
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    class Meta:
        verbose_name = _("back-up code")
        verbose_name_plural = _("back-up codes")
        constraints = [models.UniqueConstraint(fields=["factor", "digest"], name="backup_code_once")]

    def __str__(self) -> str:
        return str(self.pk)


class AuditEntry(models.Model):
    """Who changed what, when, from what to what. Append-only: triggers refuse UPDATE and DELETE."""

    at = models.DateTimeField(_("time"), db_index=True)
    actor = models.CharField(_("actor"), max_length=150)  # "user:7 wang", "api:3 erp", "task:push"
    action = models.CharField(_("action"), max_length=60)  # "order.approve", "stock.adjust"
    target = models.CharField(_("target"), max_length=120, db_index=True)  # "orders.order:42"
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    before = models.JSONField(_("before"), default=dict, blank=True)
    after = models.JSONField(_("after"), default=dict, blank=True)
    address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"


class Heartbeat(models.Model):
    """The last sign of life of a process; health is its age, never that the process exists."""

    name = models.CharField(_("process"), max_length=120, unique=True)  # "dispatcher@host:pid"
    kind = models.CharField(_("kind"), max_length=20, db_index=True)  # web | worker | dispatcher | supervisor
    beat_at = models.DateTimeField(_("last sign of life"))
    started_at = models.DateTimeField(_("started"))
    detail = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name


class Lease(models.Model):
    """A named right to work alone, for a time. `fence` grows with each holder; an older fence may write no more."""

    name = models.CharField(_("name"), max_length=120, unique=True)  # "pull:account:3"
    holder = models.CharField(_("holder"), max_length=120, blank=True)
    fence = models.BigIntegerField(_("fence"), default=0)
    until = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self) -> str:
        return self.name


class TaskAttempt(models.Model):
    """One start of one piece of background work, written before the work: a killed worker leaves its trace."""

    name = models.CharField(_("task"), max_length=120, db_index=True)  # "pull:account:3"
    started_at = models.DateTimeField(_("started"), db_index=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=40, blank=True)  # ok | failed | parked | lost
    code = models.CharField(_("code"), max_length=60, blank=True)
    worker = models.CharField(_("worker"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("task attempt")
        verbose_name_plural = _("task attempts")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class Progress(models.Model):
    """How far a long job is, for the progress bar; the page may be closed meanwhile."""

    kind = models.CharField(_("job"), max_length=60)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, verbose_name=_("owner"))
    done = models.BigIntegerField(_("done"), default=0)
    total = models.BigIntegerField(_("total"), default=0)
    state = models.CharField(_("state"), max_length=20, default="running")  # running | done | failed
    message = models.CharField(_("message"), max_length=300, blank=True)
    result = models.JSONField(_("result"), default=dict, blank=True)
    started_at = models.DateTimeField(_("started"))
    updated_at = models.DateTimeField(_("updated"))

    class Meta:
        verbose_name = _("progress")
        verbose_name_plural = _("progress")

    def __str__(self) -> str:
        return f"{self.kind} {self.done}/{self.total}"


class Upload(models.Model):
    """A file sent for import, under a random name; only its owner can confirm it, and it is gone within the hour."""

    token = models.CharField(_("token"), max_length=43, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("owner"))
    purpose = models.CharField(_("purpose"), max_length=60)  # "inventory.count"
    path = models.CharField(_("file"), max_length=120)
    original_name = models.CharField(_("original name"), max_length=200)
    size = models.BigIntegerField(_("size"))
    created_at = models.DateTimeField(_("created"), db_index=True)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")

    def __str__(self) -> str:
        return self.original_name


class ApiKey(models.Model):
    """A key for one integration: shown once, stored hashed, scoped, expiring, revocable at once."""

    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(_("prefix"), max_length=12, unique=True)
    digest = models.CharField(_("hash"), max_length=64, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(_("created"))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name=_("created by"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    per_minute = models.PositiveIntegerField(_("requests a minute"), default=600)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return self.name


class IdempotentReply(models.Model):
    """The first answer to an Idempotency-Key, given again to every repeat with the same request."""

    key = models.ForeignKey(ApiKey, models.CASCADE, verbose_name=_("API key"))
    idempotency_key = models.CharField(_("idempotency key"), max_length=200)
    request_digest = models.CharField(_("request"), max_length=64)
    status = models.PositiveSmallIntegerField(_("status"), null=True)  # null while the first request runs
    body = models.JSONField(_("answer"), null=True)
    created_at = models.DateTimeField(_("created"), db_index=True)

    class Meta:
        verbose_name = _("idempotent reply")
        verbose_name_plural = _("idempotent replies")
        constraints = [models.UniqueConstraint(fields=["key", "idempotency_key"], name="idempotent_reply_once")]

    def __str__(self) -> str:
        return self.idempotency_key


class ApiUsage(models.Model):
    """Requests of one key in one minute: the throttle all web processes share."""

    key = models.ForeignKey(ApiKey, models.CASCADE, verbose_name=_("API key"))
    minute = models.BigIntegerField(_("minute"))  # minutes since 1970
    count = models.PositiveIntegerField(_("requests"), default=0)

    class Meta:
        verbose_name = _("API usage")
        verbose_name_plural = _("API usage")
        constraints = [models.UniqueConstraint(fields=["key", "minute"], name="api_usage_once")]

    def __str__(self) -> str:
        return f"{self.key_id} {self.minute}: {self.count}"
