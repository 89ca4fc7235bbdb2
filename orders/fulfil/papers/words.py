"""Words and figures on papers: in the language of the paper, which is the shop's choice and not the clerk's."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils import timezone, translation

LANGUAGES = {"zh": ("zh-hans",), "en": ("en",), "both": ("zh-hans", "en")}


def say(language: str, text: Any) -> str:
    """Return a translatable text in the language of the paper, both joined by a slash when it is for both."""
    return _said(language, _source(text))


def _source(text: Any) -> str:
    with translation.override("en"):
        return str(text)


@lru_cache(maxsize=2_000)
def _said(language: str, source: str) -> str:
    found = []
    for code in LANGUAGES.get(language, LANGUAGES["both"]):
        with translation.override(code):
            found.append(translation.gettext(source))
    return " / ".join(dict.fromkeys(found))


def plain(value: Decimal) -> str:
    """Return a figure without needless zeros."""
    return format(value.normalize() if value else Decimal(0), "f")


def money(value: Decimal) -> str:
    """Return an amount with its two places, more only where there are more."""
    value = value.quantize(Decimal("0.01")) if value == value.quantize(Decimal("0.01")) else value.normalize()
    return f"{value:,f}"


def weight(grams: int) -> str:
    """Return grams as kilograms."""
    return f"{Decimal(grams) / 1000:.3f} kg"


def day(moment: dt.datetime | dt.date | None) -> str:
    """Return a date that is read alike everywhere."""
    if moment is None:
        return ""
    return (timezone.localtime(moment) if isinstance(moment, dt.datetime) else moment).strftime("%Y-%m-%d")
