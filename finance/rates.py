"""The rate of a currency on a day: the latest known on or before it, so that weekends take Friday's.

Of one day a rate entered by hand wins over a published one, then the newest row wins. Rates are for one base
currency: rows recorded for another base (the setting was changed) are not read.
"""

from __future__ import annotations

import datetime as dt
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Max

from backoffice.fields import RateField
from backoffice.money import convert
from finance import currencies
from finance.errors import MissingRate
from finance.models import Currency, ExchangeRate

ONE = Decimal(1)
RATE = RateField()
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
    """Read the rates from the last one on or before the first day up to the last day, worst row of a day first.

    Written out: building this with the ORM takes longer than running it, and every page of orders asks.
    """
    source, parameters = _asked([(code, day, last[code]) for code, day in first.items()])
    sql = (
        'SELECT r.currency_id, r."on", r.rate '  # noqa: S608 — no input
        f'FROM {source} JOIN finance_exchangerate r ON r.currency_id = w.code AND r."on" <= w.last '
        'WHERE r.base = %s AND r."on" >= COALESCE((SELECT MAX(e."on") FROM finance_exchangerate e '
        'WHERE e.currency_id = w.code AND e.base = %s AND e."on" <= w.first), w.first) '
        'ORDER BY r.currency_id, r."on", CASE WHEN r.source = %s THEN 1 ELSE 0 END, r.id'
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, base, base, ExchangeRate.Source.HAND.value])
        for code, day, value in cursor.fetchall():
            yield code, day if isinstance(day, dt.date) else dt.date.fromisoformat(day), RATE.unscale(value)


def _asked(rows: list[tuple[str, dt.date, dt.date]]) -> tuple[str, list[Any]]:
    """Return a FROM item `w(code, first, last)` and its parameters."""
    if connection.vendor == "postgresql":
        columns = [list(column) for column in zip(*rows, strict=True)]
        return "unnest(%s::text[], %s::date[], %s::date[]) AS w(code, first, last)", columns
    named = ", ".join(f"json_extract(value, '$[{at}]') AS {name}" for at, name in enumerate(("code", "first", "last")))
    return f"(SELECT {named} FROM json_each(%s)) AS w", [json.dumps(rows, default=str)]  # noqa: S608 — no input


def latest_days() -> dict[str, dt.date]:
    """Return for each currency with rates the day of its newest one."""
    rows = ExchangeRate.objects.filter(base=currencies.base_code()).values_list("currency_id")
    return dict(rows.annotate(newest=Max("on")).order_by())


def known_codes() -> set[str]:
    """Return every code of the currencies table."""
    return set(Currency.objects.values_list("code", flat=True))
