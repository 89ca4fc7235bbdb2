"""The rate of a currency on a day: the latest known on or before it, so that weekends take Friday's.

Of one day a rate entered by hand wins over a published one, then the newest row wins. Rates are for one base
currency: rows recorded for another base (the setting was changed) are not read.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Case, DateField, F, IntegerField, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from backoffice.money import convert
from finance import currencies
from finance.errors import MissingRate
from finance.models import Currency, ExchangeRate

ONE = Decimal(1)
Pair = tuple[str, dt.date]


def rate(currency: str, on: dt.date) -> Decimal:
    """Return what one unit of `currency` is worth in the base currency on the day; raises MissingRate."""
    found = rates_for({(currency, on)})
    if (currency, on) not in found:
        raise MissingRate(currency, on)
    return found[currency, on]


def rates_for(wanted: Iterable[Pair]) -> dict[Pair, Decimal]:
    """Return the rates of many (currency, date) pairs in one query; pairs without a rate are left out."""
    pairs, base = set(wanted), currencies.base_code()
    found = {pair: ONE for pair in pairs if pair[0] == base}
    rest = pairs - found.keys()
    if rest:
        curves = _curves(rest, base)
        for code, day in rest:
            days, values = curves.get(code, ([], []))
            index = bisect_right(days, day)
            if index:
                found[code, day] = values[index - 1]
    return found


def to_base(amount: Decimal, currency: str, on: dt.date) -> Decimal:
    """Return the amount in the base currency, rounded to its coins; raises MissingRate."""
    return convert(amount, rate(currency, on), currencies.places(currencies.base_code()))


def _curves(pairs: set[Pair], base: str) -> dict[str, tuple[list[dt.date], list[Decimal]]]:
    """Return per currency the days and their rates that the pairs can need."""
    first: dict[str, dt.date] = {}
    last: dict[str, dt.date] = {}
    for code, day in pairs:
        first[code], last[code] = min(day, first.get(code, day)), max(day, last.get(code, day))
    curves: dict[str, tuple[list[dt.date], list[Decimal]]] = defaultdict(lambda: ([], []))
    for code, day, value in _rows(first, last, base):
        days, values = curves[code]
        if days and days[-1] == day:  # the later row of a day is the better one
            values[-1] = value
        else:
            days.append(day)
            values.append(value)
    return curves


def _rows(first: dict[str, dt.date], last: dict[str, dt.date], base: str) -> Iterable[tuple[str, dt.date, Decimal]]:
    """Read the rates from the last one on or before the first day up to the last day, worst row of a day first."""
    earliest = Case(*(When(currency_id=code, then=Value(day)) for code, day in first.items()), output_field=DateField())
    start = (
        ExchangeRate.objects.filter(currency=OuterRef("currency"), base=base, on__lte=OuterRef("earliest"))
        .order_by("-on")
        .values("on")[:1]
    )
    window = Q()
    for code, day in last.items():
        window |= Q(currency_id=code, on__lte=day)
    rows = (
        ExchangeRate.objects.filter(window, base=base)
        .annotate(earliest=earliest)
        .filter(on__gte=Coalesce(Subquery(start), F("earliest")))
    )
    return best_last(rows).values_list("currency_id", "on", "rate")


def best_last(rows: QuerySet[ExchangeRate]) -> QuerySet[ExchangeRate]:
    """Order rates by day, the one that counts last within its day."""
    rank = Case(When(source=ExchangeRate.Source.HAND, then=1), default=0, output_field=IntegerField())
    return rows.annotate(rank=rank).order_by("currency_id", "on", "rank", "id")


def latest_days() -> dict[str, dt.date]:
    """Return for each currency with rates the day of its newest one."""
    rows = ExchangeRate.objects.filter(base=currencies.base_code()).values_list("currency_id")
    return dict(rows.annotate(newest=Max("on")).order_by())


def known_codes() -> set[str]:
    """Return every code of the currencies table."""
    return set(Currency.objects.values_list("code", flat=True))
