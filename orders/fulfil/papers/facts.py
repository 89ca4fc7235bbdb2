"""What stands on each paper, as plain values: whoever has them can draw it, whatever part of the house they are of."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

ZERO = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CompanyFacts:
    """Who writes."""

    name: str = ""
    name_en: str = ""
    address: str = ""
    tax_id: str = ""
    phone: str = ""
    email: str = ""
    bank: str = ""
    logo_text: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AddressFacts:
    """A person and a place."""

    name: str = ""
    company: str = ""
    phone: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""

    @property
    def lines(self) -> list[str]:
        """The address as it is written below the name."""
        town = " ".join(part for part in (self.postcode, self.city, self.region) if part)
        return [part for part in (self.company, self.line1, self.line2, town, self.country) if part.strip()]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PaperLine:
    """One line of goods; prices only where the paper shows them. Money is in the paper's currency."""

    sku: str
    title: str
    quantity: Decimal
    bin: str = ""
    unit_price: Decimal = ZERO
    discount: Decimal = ZERO
    tax_rate: Decimal | None = None
    tax: Decimal = ZERO
    total: Decimal = ZERO
    parts: Sequence[tuple[str, Decimal]] = ()  # of a bundle: (SKU, pieces)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SlipFacts:
    """A packing slip: what lies in the parcel."""

    number: str
    shop: str
    placed_at: dt.datetime
    recipient: AddressFacts
    lines: Sequence[PaperLine]
    company: CompanyFacts = CompanyFacts()
    buyer_note: str = ""
    note: str = ""
    method: str = ""
    tracking: str = ""
    language: str = "both"
    small: bool = False  # 100 × 150 mm instead of A4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LabelFacts:
    """A shipping label."""

    carrier: str
    service: str
    number: str
    sender: AddressFacts
    recipient: AddressFacts
    reference: str
    weight_g: int
    parcel: int = 1
    parcels: int = 1
    route: str = ""
    station: str = ""
    qr: str = ""
    note: str = ""
    printed_at: dt.datetime | None = None
    language: str = "both"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFacts:
    """An invoice as issued."""

    text: str
    issued_on: dt.date
    order: str
    ordered_on: dt.date
    company: CompanyFacts
    customer: AddressFacts
    lines: Sequence[PaperLine]
    currency: str
    goods: Decimal
    discount: Decimal
    shipping: Decimal
    fees: Decimal
    tax: Decimal
    total: Decimal
    taxes_included: bool
    taxes: Sequence[tuple[str, Decimal, Decimal]] = ()  # (rate as text, net, tax)
    customer_tax_id: str = ""
    paid: str = ""
    note: str = ""
    language: str = "both"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PickRow:
    """One stop of a pick list; `totes` says how many go into which tote or order."""

    bin: str
    sku: str
    title: str
    quantity: Decimal
    totes: Mapping[str, Decimal] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PickListFacts:
    """A pick list; rows come in the order of the walk."""

    number: str
    warehouse: str
    rows: Sequence[PickRow]
    orders: int = 0
    picker: str = ""
    made_at: dt.datetime | None = None
    language: str = "both"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """One parcel handed over."""

    number: str
    order: str
    service: str
    country: str
    postcode: str
    weight_g: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFacts:
    """What a carrier takes along."""

    title: str
    carrier: str
    carrier_ref: str
    warehouse: str
    day: dt.date
    rows: Sequence[ManifestRow]
    company: CompanyFacts = CompanyFacts()
    language: str = "both"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QuoteFacts:
    """An offer to a customer."""

    number: str
    made_on: dt.date
    valid_until: dt.date | None
    company: CompanyFacts
    customer: AddressFacts
    lines: Sequence[PaperLine]
    currency: str
    goods: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal
    total: Decimal
    taxes_included: bool = False
    note: str = ""
    terms: str = ""
    language: str = "both"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReturnFacts:
    """What a customer puts into a parcel that comes back."""

    number: str  # of the return
    order: str
    made_on: dt.date
    customer: AddressFacts
    back_to: AddressFacts
    lines: Sequence[PaperLine]
    company: CompanyFacts = CompanyFacts()
    reason: str = ""
    instructions: str = ""
    send_by: dt.date | None = None
    language: str = "both"
