"""The contract every platform connector keeps: no Django, no database, dataclasses in and out.

A connector gets a `ConnectorConfig` and an `HttpClient`, and raises `ConnectorError`. Pulling gives raw documents;
`parse_order` turns one raw document into an `IncomingOrder` without any network, so that a payload in the error
queue can be run again years later. What a platform cannot do is absent from `capabilities`.
"""

from __future__ import annotations

import abc
import dataclasses
import datetime as dt
import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from backoffice.calls.errors import CallError, HttpClient
from backoffice.calls.errors import HttpResponse as HttpResponse
from orders.contracts import IncomingOrder


class Capability(enum.StrEnum):
    """What a connector can do; the engine and the admin ask, never guess."""

    PULL_ORDERS = "pull_orders"
    PULL_LISTINGS = "pull_listings"
    PUSH_STOCK = "push_stock"
    READ_STOCK = "read_stock"
    COMPARE_AND_SWAP = "compare_and_swap"  # the platform refuses a write whose expected figure is stale
    LOCATIONS = "locations"  # stock is kept per location over there
    FULFIL = "fulfil"
    CANCEL = "cancel"
    REFUND = "refund"  # money can be given back through the API
    WEBHOOKS = "webhooks"
    WEBHOOK_SUBSCRIPTIONS = "webhook_subscriptions"  # can be listed and created through the API
    TOKEN_REFRESH = "token_refresh"  # noqa: S105 - the name of a capability
    FILES = "files"  # orders come from uploaded files only


ConnectorError = CallError  # the same for every server of others: platforms, carriers


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorConfig:
    """All a connector may know of its account. `clock` gives aware UTC and is injected in simulations."""

    account: str  # our own key of the account, for logs and idempotency keys
    base_url: str
    credentials: Mapping[str, str] = dataclasses.field(repr=False)
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    sleep: Callable[[float], None] | None = None  # waits inside one call (throttling); None: raise with retry_after


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """One input of the connect form."""

    name: str
    label: str
    secret: bool = True
    required: bool = True
    help: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShopIdentity:
    """Who answered: the platform's own identity of the shop, and what is missing for full work."""

    external_id: str
    name: str
    currency: str = ""
    timezone: str = ""
    country: str = ""
    missing_permissions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    server_time: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RawOrder:
    """One order exactly as delivered: `body` is the JSON text that `parse_order` reads."""

    external_id: str
    updated_at: dt.datetime | None
    body: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """A page of raw orders. `next_cursor` None ends the walk; the same cursor twice is a loop and an error."""

    orders: tuple[RawOrder, ...]
    next_cursor: str | None
    server_time: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLocation:
    """A place where the platform keeps stock."""

    external_id: str
    name: str
    country: str = ""
    active: bool = True
    fulfils_orders: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RemoteListing:
    """A sellable row on the platform. `external_id` names the sellable unit, `stock_id` what stock calls want.

    For Shopify: variant gid and inventory item gid. For WooCommerce: `product` or `product:variation` ids.
    """

    external_id: str
    stock_id: str
    sku: str
    title: str
    parent_id: str = ""
    barcode: str = ""
    status: str = "active"  # active | draft | archived | deleted
    stock_managed: bool = True
    not_pushable: str = ""  # a code when a stock write would be ignored or refused (e.g. "stock_not_managed")
    price: Decimal | None = None
    url: str = ""
    quantities: Mapping[str, int] = dataclasses.field(default_factory=dict)  # location id ("" without) → figure shown


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ListingPage:
    """A page of listings."""

    listings: tuple[RemoteListing, ...]
    next_cursor: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StockKey:
    """Whose figure: listing and location (location "" where the platform has none)."""

    listing_id: str
    stock_id: str
    location_id: str = ""
    parent_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StockWrite:
    """An absolute figure to publish. `expected` is what we last saw there (None: no check)."""

    key: StockKey
    quantity: int
    expected: int | None
    idempotency_key: str


class WriteStatus(enum.StrEnum):
    """What became of one row of a stock write."""

    APPLIED = "applied"
    STALE = "stale"  # the platform's figure is no longer `expected`: read, pull orders, decide again
    IGNORED = "ignored"  # answered as done, but the read-back shows another figure
    REJECTED = "rejected"
    UNKNOWN = "unknown"  # may have been applied: read back before repeating


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StockResult:
    """The outcome of one row; `observed` is the figure the platform showed afterwards, if it said."""

    key: StockKey
    status: WriteStatus
    observed: int | None = None
    code: str = ""
    message: str = ""
    permanent: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RemoteStock:
    """A figure read on the platform; `quantity` None when the listing is not stocked there or gone."""

    key: StockKey
    quantity: int | None
    updated_at: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentNotice:
    """A parcel to report. `idempotency_key` is ours; `lines` are (platform line id, pieces)."""

    order_id: str
    lines: tuple[tuple[str, int], ...]
    carrier: str
    tracking_number: str
    tracking_url: str = ""
    shipped_at: dt.datetime
    idempotency_key: str
    completes_order: bool = True  # nothing is left to ship after this parcel
    location_id: str = ""
    notify_buyer: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentReceipt:
    """What the platform made of a parcel; `already_known` when it had it before (a repeat after a lost answer)."""

    external_id: str
    already_known: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RefundRow:
    """Units of one line whose money goes back: `amount` with its `tax`."""

    line_id: str
    quantity: int
    amount: Decimal
    tax: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RefundNotice:
    """Money to give back, `amount` altogether. Goods are never put back on the platform's own stock by it."""

    order_id: str
    amount: Decimal
    currency: str
    lines: tuple[RefundRow, ...] = ()
    shipping: Decimal = Decimal(0)  # of `amount`
    note: str = ""
    idempotency_key: str
    notify_buyer: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RefundReceipt:
    """What the platform made of a refund; `already_known` when it had it before (a repeat after a lost answer)."""

    external_id: str
    already_known: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WebhookNotice:
    """A verified call. It only names what to pull; its content is never trusted as the order."""

    topic: str
    kind: str  # order | stock | listing | ping | uninstalled | other
    delivery_id: str
    resource_id: str = ""  # the platform's order id for kind "order"
    event_id: str = ""
    shop_id: str = ""  # the shop the call says it is from
    triggered_at: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A webhook as the platform lists it."""

    external_id: str
    topic: str
    url: str
    active: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """New credential values to store before their first use."""

    values: Mapping[str, str] = dataclasses.field(repr=False)
    expires_at: dt.datetime | None = None
    refresh_expires_at: dt.datetime | None = None


class Connector(abc.ABC):
    """Base of all connectors. Methods outside the declared capabilities raise `ConnectorError("unsupported")`."""

    platform: ClassVar[str]
    label: ClassVar[str]
    capabilities: ClassVar[frozenset[Capability]]
    credential_fields: ClassVar[tuple[CredentialField, ...]] = ()
    order_page_size: ClassVar[int] = 50
    stock_batch_size: ClassVar[int] = 100
    overlap: ClassVar[dt.timedelta] = dt.timedelta(minutes=10)
    webhook_topics: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: ConnectorConfig, http: HttpClient) -> None:
        self.config, self.http = config, http

    @abc.abstractmethod
    def test_connection(self) -> ShopIdentity:
        """Call the platform once and say who answered and which permissions are missing."""

    @abc.abstractmethod
    def parse_order(self, body: bytes) -> IncomingOrder:
        """Turn one raw order into an `IncomingOrder`; pure. Raises `ConnectorError("bad_order", permanent=True)`."""

    def pull_orders(self, *, since: dt.datetime, cursor: str | None = None) -> Iterator[OrderPage]:
        """Walk all orders updated at or after `since` (inclusive, any status), oldest first, from `cursor` if given."""
        raise self._unsupported("pull_orders")

    def pull_order(self, external_id: str) -> RawOrder | None:
        """Fetch one order now; None when the platform does not have it."""
        raise self._unsupported("pull_order")

    def list_locations(self) -> tuple[RemoteLocation, ...]:
        """All places where the platform keeps stock."""
        raise self._unsupported("list_locations")

    def pull_listings(self, *, cursor: str | None = None) -> Iterator[ListingPage]:
        """Walk all listings with the figure each shows now."""
        raise self._unsupported("pull_listings")

    def read_stock(self, keys: Sequence[StockKey]) -> tuple[RemoteStock, ...]:
        """The figures shown now, one result a key, same order."""
        raise self._unsupported("read_stock")

    def push_stock(self, writes: Sequence[StockWrite]) -> tuple[StockResult, ...]:
        """Publish absolute figures (at most `stock_batch_size`), one result a write, same order.

        One bad row never sinks the others. A time-out gives UNKNOWN rows or raises with `unknown=True`.
        """
        raise self._unsupported("push_stock")

    def ship(self, notice: ShipmentNotice) -> ShipmentReceipt:
        """Report one parcel. Repeating the same notice must not make a second parcel."""
        raise self._unsupported("ship")

    def cancel_order(self, external_id: str, *, reason: str, idempotency_key: str) -> None:
        """Cancel the order on the platform without restocking there; done already is success."""
        raise self._unsupported("cancel_order")

    def refund(self, notice: RefundNotice) -> RefundReceipt:
        """Give money back to the buyer, as the platform itself would. Repeating the same notice gives it once.

        A permanent error means that nothing was given and a person has to; `unknown` that it may have been.
        """
        raise self._unsupported("refund")

    def verify_webhook(self, *, headers: Mapping[str, str], body: bytes) -> WebhookNotice:
        """Check a call's signature in constant time. Raises `ConnectorError("bad_signature", permanent=True)`."""
        raise self._unsupported("verify_webhook")

    def list_webhooks(self) -> tuple[Subscription, ...]:
        """The subscriptions that stand on the platform now."""
        raise self._unsupported("list_webhooks")

    def ensure_webhooks(self, callback_url: str) -> tuple[Subscription, ...]:
        """Create what is missing of `webhook_topics` for this URL, re-enable what was disabled; returns all."""
        raise self._unsupported("ensure_webhooks")

    def token_expires_at(self) -> dt.datetime | None:
        """When the access token in the credentials runs out; None for keys that do not."""
        return None

    def refresh_token(self) -> TokenSet:
        """Trade the refresh token for a new pair. The caller stores it before first use."""
        raise self._unsupported("refresh_token")

    def _unsupported(self, what: str) -> ConnectorError:
        return ConnectorError("unsupported", f"{self.platform} has no {what}", permanent=True)
