"""Messages that leave the house: to customers from templates, to staff by their own wishes."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.secrets import EncryptedJSONField


class MessageTemplate(models.Model):
    """A text with places for the order's facts, in both languages."""

    class Purpose(models.TextChoices):
        LATE = "late", pgettext_lazy("purpose", "Late order")
        SHORTAGE = "shortage", pgettext_lazy("purpose", "Shortage")
        ADDRESS = "address", pgettext_lazy("purpose", "Address")
        RETURN = "return", pgettext_lazy("purpose", "Return")
        OTHER = "other", pgettext_lazy("purpose", "Other")

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        SMS = "sms", _("Text message")
        PLATFORM = "platform", _("Message on the platform")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose, default=Purpose.OTHER)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, default=Channel.EMAIL)
    subject_zh = models.CharField(_("subject (Chinese)"), max_length=200, blank=True)
    body_zh = models.TextField(_("text (Chinese)"), max_length=5000, blank=True)
    subject_en = models.CharField(_("subject (English)"), max_length=200, blank=True)
    body_en = models.TextField(_("text (English)"), max_length=5000, blank=True)
    html = models.BooleanField(_("also as HTML"), default=False)
    hours_between = models.PositiveIntegerField(_("not again to the same order within (hours)"), default=24)
    active = models.BooleanField(pgettext_lazy("setting", "in use"), default=True)
    updated_at = models.DateTimeField(_("last change"), null=True, blank=True, editable=False)
    updated_by = models.CharField(_("changed by"), max_length=150, blank=True, editable=False)

    class Meta:
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")
        ordering = ["purpose", "name", "id"]

    def __str__(self) -> str:
        from backoffice.messages import starters

        return starters.label_of(self)


class OutgoingMessage(models.Model):
    """One message on its way out; the row is the truth about whether it went."""

    class State(models.TextChoices):
        QUEUED = "queued", pgettext_lazy("message", "Waiting")
        SENDING = "sending", pgettext_lazy("message", "Being sent")
        SENT = "sent", pgettext_lazy("message", "Sent")
        FAILED = "failed", pgettext_lazy("message", "Tried, will be tried again")
        PARKED = "parked", pgettext_lazy("message", "Needs a person")
        BY_HAND = "by_hand", pgettext_lazy("message", "To be sent by hand")
        CANCELLED = "cancelled", pgettext_lazy("message", "Cancelled")

    channel = models.CharField(_("channel"), max_length=20)
    to = models.CharField(pgettext_lazy("message", "to"), max_length=320, blank=True)
    to_key = models.CharField(max_length=64, blank=True, editable=False)  # keyed hash: found again, and to erase
    subject = models.CharField(_("subject"), max_length=250, blank=True)
    body = models.TextField(_("text"), blank=True)
    html = models.BooleanField(_("also as HTML"), default=False)
    language = models.CharField(_("language"), max_length=10, blank=True)
    reference = models.CharField(_("about"), max_length=120, blank=True)  # "orders.order:42"
    actor = models.CharField(_("actor"), max_length=150)
    shop_id = models.BigIntegerField(_("shop"), null=True, blank=True)
    key = models.CharField(_("key"), max_length=200, unique=True)
    template = models.ForeignKey(
        MessageTemplate, models.SET_NULL, null=True, blank=True, related_name="messages", verbose_name=_("template")
    )
    staff = models.BooleanField(_("to staff"), default=False)

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    not_before = models.DateTimeField(_("not before"))
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    fence = models.BigIntegerField(_("fence"), default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    code = models.CharField(_("error code"), max_length=60, blank=True)
    answer = models.CharField(_("answer"), max_length=200, blank=True)  # the gateway's id, or the file
    created_at = models.DateTimeField(_("created"), db_index=True)
    sent_at = models.DateTimeField(pgettext_lazy("message", "sent"), null=True, blank=True)
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True)

    class Meta:
        verbose_name = _("outgoing message")
        verbose_name_plural = _("outgoing messages")
        ordering = ["-id"]
        permissions = [
            ("send_message", _("Can write to customers, and cancel or repeat messages")),
            ("reveal_message", _("Can read recipients and texts of messages unmasked")),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(state="sent", sent_at__isnull=True), name="message_sent_has_time")
        ]
        indexes = [
            models.Index(
                fields=["not_before", "id"],
                condition=Q(state__in=["queued", "failed", "sending"]),
                name="message_due",
            ),
            models.Index(fields=["reference", "template", "created_at"], name="message_reference"),
            models.Index(fields=["to_key"], condition=~Q(to_key=""), name="message_recipient"),
            models.Index(fields=["state", "-id"], name="message_state_newest"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class NoticePreference(models.Model):
    """How a member of staff wants to be told. Without a row: by e-mail, at once, at any time."""

    class Digest(models.TextChoices):
        NOW = "now", _("At once")
        HOURLY = "hourly", _("Once an hour, together")
        DAILY = "daily", _("Once a day, together")

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notice_preference", verbose_name=_("user")
    )
    email = models.BooleanField(_("by e-mail"), default=True)
    digest = models.CharField(_("how often"), max_length=8, choices=Digest, default=Digest.NOW)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_to = models.TimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("wishes for notices")
        verbose_name_plural = _("wishes for notices")

    def __str__(self) -> str:
        return str(self.user_id)


class StaffNotice(models.Model):
    """One thing one person is told once; it leaves in a message, alone or with others."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices", verbose_name=_("user"), db_index=False
    )
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(_("text"), blank=True)
    url = models.CharField(_("address"), max_length=500, blank=True)
    key = models.CharField(_("key"), max_length=200)
    created_at = models.DateTimeField(_("created"))
    due_at = models.DateTimeField(_("to be told from"), null=True, blank=True)  # null: not by e-mail, or told
    message = models.ForeignKey(
        OutgoingMessage, models.SET_NULL, null=True, blank=True, related_name="notices", verbose_name=_("message")
    )
    read_at = models.DateTimeField(_("read"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice to staff")
        verbose_name_plural = _("notices to staff")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="staff_notice_once")]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="staff_notice_due")]

    def __str__(self) -> str:
        return self.subject


class Robot(models.Model):
    """A group chat's robot that is told what a department is told."""

    class Kind(models.TextChoices):
        WECOM = "wecom", _("WeCom")
        DINGTALK = "dingtalk", _("DingTalk")
        FEISHU = "feishu", _("Feishu")

    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    departments = models.JSONField(_("departments"), default=list, blank=True)  # empty: everything
    url = EncryptedJSONField(_("webhook address"))
    secret = EncryptedJSONField(_("signing secret"), null=True, blank=True)
    active = models.BooleanField(pgettext_lazy("setting", "in use"), default=True)

    class Meta:
        verbose_name = _("group robot")
        verbose_name_plural = _("group robots")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name
