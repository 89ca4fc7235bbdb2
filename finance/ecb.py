"""The European Central Bank's reference rates: read the XML, turn it to the base currency, fetch it.

Source: https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/ — one `Cube time=…`
per day (the daily file has one, the 90-day file many), in it one `Cube currency=… rate=…` for what a euro buys.
Published on working days about 16:00 CET; days without rates take the last ones before them.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError

import requests
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from backoffice.fields import RateField, rounded
from finance.errors import BadRates

DAILY = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"
HOSTS = {"www.ecb.europa.eu"}
MOST_BYTES = 8_000_000  # the whole history since 1999 is about 7 MB
SECONDS = (5, 20)  # to connect, between two reads
SECONDS_IN_ALL = 60
EURO = "EUR"
CUBE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"


@dataclasses.dataclass(frozen=True, slots=True)
class BaseRate:
    """What one unit of a currency is worth in the base currency on a day."""

    currency: str
    on: dt.date
    rate: Decimal


def read(data: bytes, base: str) -> list[BaseRate]:
    """Return the rates of a file in the base currency, oldest day first; raises BadRates with the reason."""
    if len(data) > MOST_BYTES:
        raise BadRates(_("The file is larger than %(detail)s MB."), str(MOST_BYTES // 1_000_000))
    days = [day for day in _root(data).iter(CUBE) if day.get("time")]
    if not days:
        raise BadRates(_("This is not the ECB's file of reference rates: it holds no dated rates."))
    found = [rate for day in days for rate in _day(day, base)]
    return sorted(found, key=lambda rate: (rate.on, rate.currency))


def _root(data: bytes) -> Element:
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise BadRates(_("The file is not readable XML.")) from error
    return root


def _day(day: Element, base: str) -> Iterator[BaseRate]:
    try:
        on = dt.date.fromisoformat(day.get("time", ""))
    except ValueError as error:
        raise BadRates(_("“%(detail)s” is not a date."), day.get("time", "")[:20]) from error
    per_euro = {EURO: Decimal(1), **dict(_per_euro(cube) for cube in day)}
    if base not in per_euro:
        raise BadRates(_("The file has no rate for the base currency on %(detail)s."), on.isoformat())
    for currency, rate in per_euro.items():
        if currency != base:
            yield BaseRate(currency, on, _in_base(per_euro[base], rate, currency))


def _per_euro(cube: Element) -> tuple[str, Decimal]:
    currency, text = cube.get("currency", ""), cube.get("rate", "")
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal(0)
    if len(currency) != 3 or not rate.is_finite() or rate <= 0:
        raise BadRates(_("“%(detail)s” is not a rate."), f"{currency} {text}"[:40])
    return currency, rate


def _in_base(base_per_euro: Decimal, per_euro: Decimal, currency: str) -> Decimal:
    rate = rounded(base_per_euro / per_euro, RateField.places)
    if rate <= 0 or rate >= 10**8:
        raise BadRates(_("The rate of %(detail)s is too small or too large to be kept."), currency)
    return rate


def fetch(url: str = "") -> bytes:
    """Download a file of rates; raises BadRates when the address is not the ECB's or the answer is no use."""
    address = url or str(getattr(settings, "ECB_URL", DAILY))
    _refuse_strange(address)
    try:
        with requests.get(address, timeout=SECONDS, stream=True, allow_redirects=False) as reply:
            if reply.status_code != 200:
                raise BadRates(_("The address answered with status %(detail)s."), str(reply.status_code))
            return _bounded(reply)
    except requests.RequestException as error:
        raise BadRates(_("The address did not answer (%(detail)s)."), type(error).__name__) from error


def _refuse_strange(address: str) -> None:
    """Only the ECB over https, or a host that the server's own setting EGRESS_ALLOW names."""
    parts = urlsplit(address)
    allowed = parts.hostname in settings.EGRESS_ALLOW or parts.netloc in settings.EGRESS_ALLOW
    official = parts.scheme == "https" and parts.netloc in HOSTS
    if not official and not (allowed and parts.scheme in {"http", "https"}):
        raise BadRates(_("Rates are only fetched from %(detail)s."), ", ".join(sorted(HOSTS)))


def _bounded(reply: Any) -> bytes:
    """Read at most MOST_BYTES, unpacked, in SECONDS_IN_ALL: a trickle must not hold the worker."""
    until = time.monotonic() + SECONDS_IN_ALL
    data = bytearray()
    for block in reply.iter_content(65_536):
        data += block
        if len(data) > MOST_BYTES or time.monotonic() > until:
            raise BadRates(_("The answer was too large or too slow."))
    return bytes(data)
