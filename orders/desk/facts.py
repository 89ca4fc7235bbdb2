"""What the checks look at: one order, frozen, without a database behind it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from backoffice.secrets import keyed_hash
from orders.contracts import Address

if TYPE_CHECKING:
    from orders.desk.rules.book import Outcome
    from orders.desk.rules.values import OrderValues

REPLACING = ("exchange", "reissue")  # Order.Kind
KEY = 32  # digits of a hash an order keeps
_NOT_DIGITS = re.compile("[^0-9]+")


@dataclasses.dataclass(slots=True)
class LineFacts:
    """One line. `wanted` is pieces of the SKU still to be shipped, in thousandths."""

    line_id: int
    position: int
    label: str  # how a clerk knows it: our code, else the platform's, else the title
    sku_id: int | None
    wanted: int
    stocked: bool
    match_code: str = ""
    bundle: bool = False
    parts: tuple[tuple[int, Decimal], ...] = ()  # (part's SKU id, pieces per bundle)
    quantity: int = 0  # units of the line as the platform counts, in thousandths
    title: str = ""
    unit_price: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    total: Decimal = Decimal(0)
    pack: Decimal = Decimal(1)
    own: bool = False  # a gift: the buyer did not order it
    # The warehouses to ask, as planned (orders.fulfil.routing). None: the shop's order; empty: nobody finds it.
    route: tuple[int, ...] | None = None
    spread: bool = False  # planned from several of them
    waits: dt.datetime | None = None  # sold in presale: takes no stock before (orders.desk.presale)
    oversold: bool = False  # more was sold in presale than promised

    @property
    def bookable(self) -> bool:
        """Whether stock can be asked for it: matched, wanted, and a bundle only whole and with parts."""
        if not self.stocked or self.sku_id is None or self.wanted <= 0:
            return False
        return not self.bundle or (bool(self.parts) and self.wanted % 1000 == 0)


@dataclasses.dataclass(frozen=True, slots=True)
class History:
    """What was there before an order: orders of its buyer, those of them with a refund, orders to its address."""

    orders: int = 0
    refunded: int = 0
    same_day: int = 0  # to the same address within a day


@dataclasses.dataclass(slots=True)
class Facts:
    """One order as the checks see it. Hashes stand for personal data in everything that is stored."""

    order_id: int
    version_id: int | None
    shop_id: int
    currency: str
    currency_known: bool
    total: Decimal
    payment: str
    placed_at: dt.datetime
    address: Address | None
    phone: str
    buyer_note: str
    seller_note: str
    tags: tuple[str, ...]
    test: bool
    closed: bool
    lines: list[LineFacts]
    warehouses: tuple[int, ...]
    number: str = ""
    buyer_hash: str = ""
    phone_hash: str = ""
    address_hash: str = ""
    duplicate_key: str = ""
    duplicate_of: tuple[int, str] | None = None  # (order id, number)
    shortages: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    buyer_name: str = ""
    email: str = ""
    risk: str = ""
    shipping_method: str = ""
    discount_total: Decimal = Decimal(0)
    taxes_included: bool = False
    base_rate: Decimal | None = None  # from the order's currency into ours; None while no rate is known
    billing_country: str = ""
    # What the house knows beyond the order, by the code of the check that asks (orders.desk.surroundings).
    known: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)
    history: History | None = None  # of the buyer and the address; only where the risk makes it worth reading
    values: OrderValues | None = None  # what the rules ask; orders.desk.rules.background brings it
    outcome: Outcome | None = None  # what the rules said
    kind: str = ""  # Order.Kind
    origin_id: int | None = None  # the order it replaces
    routed: bool = False  # the routing is asked before its goods are reserved: policies, or goods reported as gone
    routing_policy: int | None = None  # what a rule or a person wants of the routing
    routing_warehouse: int | None = None
    no_route: bool = False  # its policy lets no warehouse send there
    presold: dict[int, tuple[int, dt.datetime]] = dataclasses.field(default_factory=dict)  # new presale lines

    @property
    def keys(self) -> tuple[str, str, str]:
        """Buyer, phone and address as the order keeps them, to be found again."""
        return self.buyer_hash[:KEY], self.phone_hash[:KEY], self.address_hash[:KEY]

    @property
    def replaces(self) -> bool:
        """Whether it is sent for another order: that it costs nothing and resembles that order is meant so."""
        return self.kind in REPLACING

    @property
    def country(self) -> str:
        """The country the parcel goes to."""
        return self.address.country.strip().upper() if self.address else ""


def billing_country(billing: Address | None) -> str:
    """Return the country of the invoice's address; empty when the platform tells none."""
    return billing.country.strip().upper()[:2] if billing is not None else ""


def add_hashes(facts: Facts, *, buyer_id: str, email: str, buyer_phone: str) -> None:
    """Fill in the keyed hashes: they tell the same buyer, phone and address again after the data are purged."""
    address = facts.address
    digits = _NOT_DIGITS.sub("", facts.phone)
    facts.phone_hash = keyed_hash(digits[-9:], purpose="phone") if digits else ""
    if address is not None and not address.masked:
        text = f"{address.country} {address.postcode} {address.line1} {address.line2}"
        facts.address_hash = keyed_hash(text, purpose="address")
    identity = email or buyer_id or _NOT_DIGITS.sub("", buyer_phone)[-9:]
    facts.buyer_hash = keyed_hash(identity, purpose="buyer") or facts.phone_hash or facts.address_hash
    if facts.buyer_hash:
        facts.duplicate_key = _duplicate_key(facts)


def _duplicate_key(facts: Facts) -> str:
    """The same buyer and the same goods, in whatever order they stand."""
    goods = sorted(
        f"{line.sku_id or line.label} {line.quantity}" for line in facts.lines if line.quantity and not line.own
    )
    return keyed_hash(f"{facts.buyer_hash} {'; '.join(goods)}", purpose="duplicate")[:32] if goods else ""


def frozen(facts: Facts, verdicts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts as the review log keeps them: no name, no address, no note."""
    return {
        "shop": facts.shop_id,
        "currency": facts.currency,
        "total": format(facts.total, "f"),
        "payment": facts.payment,
        "country": facts.country,
        "placed_at": facts.placed_at.isoformat(),
        "buyer": facts.buyer_hash,
        "phone": facts.phone_hash,
        "address": facts.address_hash,
        "masked": bool(facts.address and facts.address.masked),
        "test": facts.test,
        "closed": facts.closed,
        "duplicate_of": facts.duplicate_of[0] if facts.duplicate_of else None,
        **({"known": facts.known} if facts.known else {}),
        **({"kind": facts.kind, "origin": facts.origin_id} if facts.kind else {}),
        **({"history": dataclasses.astuple(facts.history)} if facts.history else {}),
        "lines": [
            {"line": line.line_id, "sku": line.sku_id, "wanted": line.wanted, "stocked": line.stocked}
            for line in facts.lines
        ],
        **verdicts,
    }
