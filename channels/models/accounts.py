"""How a shop's platform is reached: the account, its secrets, and the rows that pace the calls to it."""

from __future__ import annotations

import secrets as random_secrets
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.secrets import EncryptedJSONField


class AccountState(models.TextChoices):
    """Whether we talk to the platform at all."""

    ACTIVE = "active", _("active")
    PAUSED = "paused", _("paused by a person")
    REFUSED = "refused", _("log-in refused")


def new_hook_token() -> str:
    """Return the unguessable part of an account's webhook address."""
    return random_secrets.token_urlsafe(24)


class Account(models.Model):
    """One shop on one platform. `external_shop_id` is the platform's own identity, so nobody connects a shop twice."""

    shop = models.OneToOneField("inventory.Shop", models.PROTECT, related_name="account", verbose_name=_("shop"))
    platform = models.CharField(_("platform"), max_length=30)
    name = models.CharField(_("name"), max_length=120)
    base_url = models.CharField(_("address"), max_length=300, blank=True)
    external_shop_id = models.CharField(_("platform's shop id"), max_length=200, null=True, blank=True)  # noqa: DJ001 — unique, and unknown until the first test
    shop_name = models.CharField(_("name on the platform"), max_length=200, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=AccountState.choices, default=AccountState.ACTIVE)
    state_code = models.CharField(_("reason"), max_length=60, blank=True)
    write_enabled = models.BooleanField(_("write to the platform"), default=False)
    writes_held_at = models.DateTimeField(_("writes held since"), null=True, blank=True)
    writes_held_because = models.CharField(_("writes held because"), max_length=60, blank=True)
    go_live_at = models.DateTimeField(
        _("go-live cut-off"),
        null=True,
        blank=True,
        help_text=_("Orders placed before this moment are kept as history and take no stock."),
    )
    poll_seconds = models.PositiveIntegerField(_("ask for orders every (seconds)"), default=30)
    zero_brake = models.PositiveIntegerField(
        _("brake"),
        default=20,
        help_text=_("When more listings than this would go to zero within ten minutes, a person is asked first."),
    )
    heal_drift = models.BooleanField(
        _("correct drift"), default=True, help_text=_("Write our figure again when the platform shows another.")
    )
    hook_token = models.CharField(
        _("webhook token"), max_length=64, unique=True, default=new_hook_token, editable=False
    )
    options = models.JSONField(_("options"), default=dict, blank=True)
    payload_days = models.PositiveIntegerField(
        _("keep raw orders (days)"), default=60, help_text=_("The delivered texts hold personal data.")
    )
    missing_permissions = models.JSONField(_("missing permissions"), default=list, blank=True, editable=False)
    clock_skew = models.IntegerField(_("clock difference (seconds)"), null=True, blank=True, editable=False)
    subscribed_at = models.DateTimeField(_("webhooks subscribed"), null=True, blank=True, editable=False)
    checked_at = models.DateTimeField(_("connection tested"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("shop account")
        verbose_name_plural = _("shop accounts")
        ordering = ["name"]
        permissions = [
            ("set_credential", _("Can set the credentials of a shop account")),
            ("switch_writes", _("Can turn writing to a platform on and off")),
            ("sync_account", _("Can start reading and checking a shop now")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["platform", "external_shop_id"], name="account_one_per_remote_shop")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def writes(self) -> bool:
        """True when stock and parcels may be written over there now."""
        return self.write_enabled and self.writes_held_at is None and self.state == AccountState.ACTIVE


class Credential(models.Model):
    """The secrets of one account, encrypted. Set by a form, used by connectors, never shown again."""

    account = models.OneToOneField(Account, models.CASCADE, related_name="credential", verbose_name=_("account"))
    secrets: Any = EncryptedJSONField(_("secrets"))
    previous: Any = EncryptedJSONField(_("secrets before the last refresh"), null=True, blank=True)
    # Keyed hash of platform, address and secrets: the same log-in cannot be entered for two shops.
    fingerprint = models.CharField(_("fingerprint"), max_length=64, unique=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    refresh_expires_at = models.DateTimeField(_("refresh token expires"), null=True, blank=True)
    updated_at = models.DateTimeField(_("set"))
    updated_by = models.CharField(_("set by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        default_permissions = ()

    def __str__(self) -> str:
        return f"credential of account {self.account_id}"


class CallBudget(models.Model):
    """What may still be called on an account now, shared by all processes: a token bucket, a wait, a breaker."""

    account = models.OneToOneField(Account, models.CASCADE, related_name="budget", verbose_name=_("account"))
    tokens = models.FloatField(_("calls left"), default=0)
    refilled_at = models.DateTimeField(_("refilled"), null=True, blank=True)
    not_before = models.DateTimeField(_("no call before"), null=True, blank=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    open_until = models.DateTimeField(_("breaker open until"), null=True, blank=True)
    last_code = models.CharField(_("last fault"), max_length=60, blank=True)
    last_ok_at = models.DateTimeField(_("last answer"), null=True, blank=True)

    class Meta:
        verbose_name = _("call budget")
        verbose_name_plural = _("call budgets")

    def __str__(self) -> str:
        return f"budget of account {self.account_id}"


class DueWork(models.Model):
    """When a regular job of an account is due next, and whether it was handed to a worker."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="due_work", verbose_name=_("account"))
    kind = models.CharField(_("job"), max_length=20)  # orders | sweep | listings | drift | hooks | token
    due_at = models.DateTimeField(_("due"))
    queued_until = models.DateTimeField(_("handed over until"), null=True, blank=True)
    ended_at = models.DateTimeField(_("last run"), null=True, blank=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    code = models.CharField(_("last fault"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("regular job")
        verbose_name_plural = _("regular jobs")
        constraints = [models.UniqueConstraint(fields=["account", "kind"], name="due_work_once")]
        indexes = [models.Index(fields=["due_at"], name="due_work_due")]

    def __str__(self) -> str:
        return f"{self.kind} of account {self.account_id}"
