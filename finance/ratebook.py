"""Write rates: by hand, or from the ECB's file with a preview. The only writer of ExchangeRate."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction

from backoffice import audit
from backoffice.clock import now
from backoffice.locks import locked_rows
from backoffice.waking import wake
from finance import currencies, ecb
from finance.errors import UnknownCurrency
from finance.models import Currency, ExchangeRate
from finance.posting.requesting import WAKE

Source = ExchangeRate.Source


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What the import does with one rate: `before` is the ECB rate already kept for the day, if any."""

    currency: str
    on: dt.date
    rate: Decimal
    before: Decimal | None
    known: bool

    @property
    def adds(self) -> bool:
        """A row will be written: the currency is ours and the figure is new."""
        return self.known and self.rate != self.before


@transaction.atomic
def set_rate(*, currency: str, on: dt.date, rate: Decimal, user: Any = None) -> ExchangeRate:
    """Enter a rate by hand; it wins over a published one of the day. Raises UnknownCurrency."""
    if not Currency.objects.filter(code=currency).exists():
        raise UnknownCurrency(currency)
    row = ExchangeRate.objects.create(**_columns(currency, on, rate, Source.HAND, user))
    audit.record(action="books.rate", target=row, after={"currency": currency, "on": str(on), "rate": f"{rate:f}"})
    wake(WAKE)
    return row


def preview(data: bytes) -> list[Step]:
    """Return what an import of the file would do, writing nothing; raises BadRates."""
    base = currencies.base_code()
    found = ecb.read(data, base)
    kept = _kept({rate.on for rate in found}, base)
    known = set(currencies.places_by_code())
    return [Step(x.currency, x.on, x.rate, kept.get((x.currency, x.on)), x.currency in known) for x in found]


@transaction.atomic
def import_rates(*, data: bytes, user: Any = None) -> list[Step]:
    """Keep the rates of an ECB file; a repeat adds nothing. Returns the steps; raises BadRates before any write."""
    locked_rows(Currency.objects.filter(code=ecb.EURO))  # two imports at once would both add the same rows
    steps = preview(data)
    new = [step for step in steps if step.adds]
    rows = [ExchangeRate(**_columns(step.currency, step.on, step.rate, Source.ECB, user)) for step in new]
    ExchangeRate.objects.bulk_create(rows, batch_size=1000)
    if new:
        _record(new)
        wake(WAKE)
    return steps


def fetch_and_import(url: str = "") -> list[Step]:
    """Download the ECB's file and keep its rates; raises BadRates."""
    return import_rates(data=ecb.fetch(url))


def _record(new: Sequence[Step]) -> None:
    days = sorted({step.on.isoformat() for step in new})
    after = {"rates": len(new), "from": days[0], "to": days[-1]}
    audit.record(action="books.import_rates", target="finance.exchangerate:ecb", after=after)


def _kept(days: set[dt.date], base: str) -> dict[tuple[str, dt.date], Decimal]:
    """Return the newest ECB rate kept per currency and day."""
    rows = ExchangeRate.objects.filter(source=Source.ECB, base=base, on__gte=min(days), on__lte=max(days))
    return {(code, on): rate for code, on, rate in rows.order_by("id").values_list("currency_id", "on", "rate")}


def _columns(currency: str, on: dt.date, rate: Decimal, source: str, user: Any) -> dict[str, Any]:
    return {
        "currency_id": currency,
        "on": on,
        "rate": rate,
        "source": source,
        "base": currencies.base_code(),
        "recorded_at": now(),
        "recorded_by": user,
    }
