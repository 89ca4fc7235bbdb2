"""Files that people attached to documents: who, when, what it is called, and who took it away again and why."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Attachment(models.Model):
    """One file of one document of any floor, named as the audit trail names it. Written by backoffice.attachments only.

    Taken away, its row stays, for the history; the file is gone.
    """

    owner = models.CharField(_("document"), max_length=120)  # "inventory.stockdocument:42"
    token = models.CharField(max_length=64, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=5)  # jpg | png | webp | pdf
    size = models.PositiveIntegerField(_("bytes"))
    digest = models.CharField(_("fingerprint"), max_length=64, editable=False)  # of the file as it was sent
    priced = models.BooleanField(_("shows prices"), default=False)
    at = models.DateTimeField(_("time"))
    by = models.CharField(_("by"), max_length=150, blank=True)
    removed_at = models.DateTimeField(pgettext_lazy("attachment", "removed"), null=True, blank=True)
    removed_by = models.CharField(pgettext_lazy("attachment", "removed by"), max_length=150, blank=True)
    removed_why = models.CharField(_("why"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["id"]
        default_permissions = ()
        indexes = [models.Index(fields=["owner"], name="attachment_owner")]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "digest"], condition=Q(removed_at__isnull=True), name="attachment_once"
            )
        ]

    def __str__(self) -> str:
        return self.name
