"""Work over many orders that takes longer than a page may: what was asked, and what became of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class DeskRun(models.Model):
    """One such work, done now or by a worker; it is its owner's alone."""

    class Kind(models.TextChoices):
        REROUTE = "reroute", _("Re-route orders")
        MONTH = "month", pgettext_lazy("work", "Count the month in review")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("owner"))
    kind = models.CharField(_("work"), max_length=10, choices=Kind)
    params = models.JSONField(_("asked"), default=dict)
    result = models.JSONField(_("result"), default=dict, blank=True)
    progress = models.ForeignKey("backoffice.Progress", models.SET_NULL, null=True, editable=False, related_name="+")
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("long work of the desk")
        verbose_name_plural = _("long works of the desk")
        default_permissions = ()
        indexes = [models.Index(fields=["owner", "kind", "started_at"], name="desk_run_own")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
