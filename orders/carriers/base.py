"""The contract every carrier adapter keeps: no Django, no database, dataclasses in and out.

An adapter gets a `CarrierConfig` and an `HttpClient`, and raises `CarrierError`. `buy`, `void` and `manifest` take a
key: the same key again, after a time-out or a crash, must give the same answer and cost nothing more. What a carrier
cannot do is absent from `capabilities`.
"""

from __future__ import annotations

import abc
import dataclasses
import datetime as dt
import enum
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from backoffice.calls.errors import CallError, HttpClient

CarrierError = CallError  # code, message, permanent, unknown, retry_after, auth


class Capability(enum.StrEnum):
    """What an adapter can do; the desk and the admin ask, never guess."""

    RATES = "rates"  # tells prices
    VOID = "void"  # takes a label back over there
    TRACK = "track"  # tells what becomes of a parcel
    MANIFEST = "manifest"  # wants to be told what is handed over
    OWN_LABEL = "own_label"  # gives a finished picture or PDF of the label
    NUMBERS = "numbers"  # takes tracking numbers from our ranges
    CALLS = "calls"  # calls a server: has an address, can be tested


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A sender or a recipient."""

    name: str
    company: str = ""
    phone: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One parcel: grams and millimetres."""

    weight_g: int
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A price for one service."""

    service: str
    amount: Decimal
    currency: str
    days: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LabelRequest:
    """What a label is bought with. `key` is the same for every try."""

    key: str
    service: str
    sender: Place
    recipient: Place
    piece: Piece
    reference: str = ""  # our order number
    note: str = ""
    parcel: int = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A label. `data` holds what is printed on it (`route`, `station`, `qr`), `pdf` the carrier's own file if any."""

    number: str
    reference: str = ""
    amount: Decimal | None = None
    currency: str = ""
    data: Mapping[str, str] = dataclasses.field(default_factory=dict)
    pdf: bytes = b""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One thing a carrier tells of a parcel. `code`: accepted, moving, out, delivered, problem, back."""

    number: str
    external_id: str
    code: str
    at: dt.datetime
    place: str = ""
    text: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RateLine:
    """A price of our own table, for adapters without a server; empty fields stand for all."""

    service: str
    country: str
    region: str
    postcode: str
    up_to_g: int
    price: Decimal
    more_per_kg: Decimal | None
    currency: str
    days: int | None = None
    most_weight_g: int | None = None


class Numbers(Protocol):
    """Gives tracking numbers out of our ranges."""

    def give(self, *, service: str, key: str) -> str:
        """Return a number for a request, the same for the same key. Raises CarrierError no_numbers."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CarrierConfig:
    """All an adapter may know of its account. `clock` gives aware UTC."""

    account: str
    base_url: str
    credentials: Mapping[str, str] = dataclasses.field(repr=False, default_factory=dict)
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rates: Sequence[RateLine] = ()
    numbers: Numbers | None = None
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """One input of the credentials form."""

    name: str
    label: str
    secret: bool = True


class Carrier(abc.ABC):
    """An adapter for one account."""

    label: ClassVar[str]
    capabilities: ClassVar[frozenset[Capability]]
    credential_fields: ClassVar[tuple[CredentialField, ...]] = ()

    def __init__(self, config: CarrierConfig, http: HttpClient) -> None:
        self.config, self.http = config, http

    @abc.abstractmethod
    def rates(self, *, sender: Place, recipient: Place, piece: Piece) -> Sequence[Rate]:
        """Return the price of each service that takes the parcel there."""

    @abc.abstractmethod
    def buy(self, request: LabelRequest) -> Bought:
        """Buy a label. Raises CarrierError bad_address, too_heavy, no_service, no_numbers or of the call."""

    def void(self, *, number: str, reference: str, key: str) -> None:  # noqa: B027 - may have nothing to do
        """Take a label back; one that is void already is no error. Raises CarrierError handed_over (permanent)."""

    def track(self, numbers: Sequence[str]) -> Sequence[News]:
        """Return all the carrier knows of these parcels; at most `most_tracked` numbers a call."""
        return ()

    most_tracked: ClassVar[int] = 50

    def manifest(self, *, numbers: Sequence[str], key: str) -> str:
        """Tell what is handed over; returns the carrier's number of the list."""
        return ""

    def check(self) -> str:
        """Make a harmless call and return who answered. Raises CarrierError."""
        return self.label
