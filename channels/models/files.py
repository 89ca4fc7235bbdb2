"""An uploaded file of orders: previewed first, taken in when a person says so."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from channels.models.accounts import Account


class OrderFile(models.Model):
    """A file of orders on its way in. Only its uploader may confirm it; unconfirmed rows go after a while."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="order_files", verbose_name=_("account"))
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("uploaded by"))
    uploaded_at = models.DateTimeField(_("uploaded"))
    name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(_("hash"), max_length=64)
    orders = models.JSONField(_("orders"), default=list)  # raw orders as text; emptied when taken in
    problems = models.JSONField(_("problems"), default=list, blank=True)
    row_count = models.PositiveIntegerField(_("rows"), default=0)
    order_count = models.PositiveIntegerField(_("orders"), default=0)
    taken_at = models.DateTimeField(_("taken in"), null=True, blank=True)
    result = models.JSONField(_("result"), default=dict, blank=True)
    progress = models.ForeignKey(
        "backoffice.Progress", models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = _("order file")
        verbose_name_plural = _("order files")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name
