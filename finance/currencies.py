"""Which currencies there are, how many decimals each has, and which one the books are kept in."""

from __future__ import annotations

import gettext as gnu_gettext
from functools import cache

import pycountry
from django.conf import settings

from finance.errors import UnknownCurrency
from finance.models import Currency

# ISO 4217 table A.1, column “Minor unit”, where it is not 2.
PLACES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
# Metals, funds and test codes have no coins: nobody sells in them.
NOT_MONEY = "XAG XAU XPD XPT XBA XBB XBC XBD XDR XSU XTS XUA XXX"


def base_code() -> str:
    """Return the currency the books are kept in (setting BASE_CURRENCY)."""
    return str(getattr(settings, "BASE_CURRENCY", "CNY"))


def places_by_code() -> dict[str, int]:
    """Return every known currency with its decimals, in one query."""
    return dict(Currency.objects.values_list("code", "places"))


def places(code: str) -> int:
    """Return the decimals of one currency; raises UnknownCurrency."""
    found = Currency.objects.filter(code=code).values_list("places", flat=True).first()
    if found is None:
        raise UnknownCurrency(code)
    return int(found)


def iso_places(code: str) -> int:
    """Return the decimals ISO 4217 gives a currency."""
    return next((count for count, codes in PLACES.items() if code in codes.split()), 2)


@cache
def _chinese() -> gnu_gettext.NullTranslations:
    return gnu_gettext.translation("iso4217", pycountry.LOCALES_DIR, languages=["zh_CN"], fallback=True)


def seed_currencies() -> int:
    """Add the ISO currencies that are missing; keeps what is there. Returns how many were added."""
    known = set(Currency.objects.values_list("code", flat=True))
    fresh = [x for x in pycountry.currencies if x.alpha_3 not in known and x.alpha_3 not in NOT_MONEY.split()]
    rows = [
        Currency(code=x.alpha_3, name=_chinese().gettext(x.name), name_en=x.name, places=iso_places(x.alpha_3))
        for x in fresh
    ]
    return len(Currency.objects.bulk_create(rows, ignore_conflicts=True))
