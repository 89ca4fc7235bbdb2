"""Currencies and their dated rates to the base currency."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import RateField


class Currency(models.Model):
    """A currency by its ISO 4217 code; `places` is what its smallest coin needs (JPY 0, CNY 2, KWD 3)."""

    code = models.CharField(_("code"), max_length=3, primary_key=True)
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    places = models.PositiveSmallIntegerField(_("decimal places"), default=2)

    class Meta:
        verbose_name = _("currency")
        verbose_name_plural = _("currencies")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=Q(places__lte=4), name="currency_places_fit_money"),
        ]

    def __str__(self) -> str:
        return self.code


class ExchangeRate(models.Model):
    """What one unit of a currency is worth in the base currency from a day on, until a later day's rate.

    Rows are never changed: a correction is a newer row of the same day. Of one day a rate entered by hand wins over a
    published one, then the newest row wins (finance.rates).
    """

    class Source(models.TextChoices):
        HAND = "hand", pgettext_lazy("rate source", "By hand")
        ECB = "ecb", _("European Central Bank")

    currency = models.ForeignKey(Currency, models.PROTECT, related_name="rates", verbose_name=_("currency"))
    on = models.DateField(_("date"))
    rate = RateField(_("rate to the base currency"))
    source = models.CharField(_("source"), max_length=10, choices=Source, default=Source.HAND)
    base = models.CharField(_("base currency"), max_length=3)
    recorded_at = models.DateTimeField(_("recorded"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("recorded by")
    )

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        ordering = ["-on", "currency_id", "-id"]
        indexes = [models.Index(fields=["currency", "-on"], name="rate_currency_on")]
        constraints = [models.CheckConstraint(condition=Q(rate__gt=0), name="rate_positive")]

    def __str__(self) -> str:
        return f"{self.currency_id} {self.on}: {self.rate.normalize():f}"
