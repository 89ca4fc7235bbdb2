"""The Shopify connector: Admin GraphQL, one app in one shop. docs/platforms/shopify.md says what it needs and can."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from channels.connectors.base import (
    Capability,
    Connector,
    ConnectorConfig,
    ConnectorError,
    HttpClient,
    ListingPage,
    OrderPage,
    RawOrder,
    RefundNotice,
    RefundReceipt,
    RemoteLocation,
    RemoteStock,
    ShipmentNotice,
    ShipmentReceipt,
    ShopIdentity,
    StockKey,
    StockResult,
    StockWrite,
    Subscription,
    TokenSet,
    WebhookNotice,
)
from channels.connectors.shopify import (
    auth,
    documents,
    fulfilment,
    listings,
    order_mapping,
    refunding,
    stock,
    webhooks,
)
from channels.connectors.shopify.client import Answer, GraphQLClient
from channels.connectors.shopify.orders import OrderReader
from orders.contracts import IncomingOrder

NEEDED_SCOPES = (
    "read_orders",
    "write_orders",
    "read_products",
    "read_inventory",
    "write_inventory",
    "read_locations",
    "read_merchant_managed_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
)
USEFUL_SCOPES = {
    "read_all_orders": "orders older than 60 days cannot be read without read_all_orders",
    "read_customers": "the buyer's name and id stay empty without read_customers",
}


class ShopifyConnector(Connector):
    """One Shopify shop.

    `config.options`: api_version (default 2026-10), shop_domain (x.myshopify.com; taken from the base URL when that is
    one), own_locations (fulfilment-service locations whose stock is ours), read_back (default true), cancel_refunds and
    cancel_notifies (default false), order_page_size (at most 250).
    """

    platform: ClassVar[str] = "shopify"
    label: ClassVar[str] = "Shopify"
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability) - {Capability.FILES}
    credential_fields = auth.FIELDS
    order_page_size: ClassVar[int] = 50
    stock_batch_size: ClassVar[int] = 100
    webhook_topics = webhooks.TOPICS

    def __init__(self, config: ConnectorConfig, http: HttpClient) -> None:
        super().__init__(config, http)
        self.client = GraphQLClient(config, http)
        host = urlsplit(config.base_url).hostname or ""
        # Empty when neither the options nor the base URL tell it (a sandbox): then no call is refused for its shop.
        self.shop_domain = str(config.options.get("shop_domain") or (host if host.endswith(".myshopify.com") else ""))
        self.own_locations = frozenset(config.options.get("own_locations", ()))

    def test_connection(self) -> ShopIdentity:
        """Ask who answers and which scopes the app has."""
        answer = self.client.run(documents.SHOP, {})
        shop, installation = answer.data.get("shop"), answer.data.get("currentAppInstallation")
        if not isinstance(shop, dict) or not isinstance(installation, dict) or not shop.get("myshopifyDomain"):
            raise ConnectorError("bad_answer", "the shop does not say who it is")
        return _identity(shop, _scopes(installation), answer)

    def parse_order(self, body: bytes) -> IncomingOrder:
        """Turn one raw order into an `IncomingOrder`; pure."""
        shop_url = f"https://{self.shop_domain}" if self.shop_domain else ""
        return order_mapping.parse(body, own_locations=self.own_locations, shop_url=shop_url)

    def pull_orders(self, *, since: dt.datetime, cursor: str | None = None) -> Iterator[OrderPage]:
        """Walk all orders updated at or after `since`; each order comes whole, whatever its length."""
        return self._reader().pages(since=since, cursor=cursor)

    def pull_order(self, external_id: str) -> RawOrder | None:
        """Fetch one order now, by global id or number."""
        return self._reader().one(external_id)

    def list_locations(self) -> tuple[RemoteLocation, ...]:
        """All locations, closed ones included."""
        return listings.locations(self.client)

    def pull_listings(self, *, cursor: str | None = None) -> Iterator[ListingPage]:
        """Walk all variants with their figures per location."""
        return listings.pages(self.client, cursor=cursor)

    def read_stock(self, keys: Sequence[StockKey]) -> tuple[RemoteStock, ...]:
        """The available figures shown now, one result a key, same order."""
        return stock.read(self.client, keys)

    def push_stock(self, writes: Sequence[StockWrite]) -> tuple[StockResult, ...]:
        """Publish absolute figures, compared with what we last saw, and read them back."""
        return stock.push(self.client, writes, read_back=bool(self.config.options.get("read_back", True)))

    def ship(self, notice: ShipmentNotice) -> ShipmentReceipt:
        """Report one parcel; a parcel that stands there already is only confirmed."""
        return fulfilment.ship(self.client, notice)

    def cancel_order(self, external_id: str, *, reason: str, idempotency_key: str) -> None:
        """Cancel the order there without restocking; an order is cancelled once, so no key needs to be sent."""
        fulfilment.cancel(
            self.client,
            external_id,
            reason=reason,
            notify=bool(self.config.options.get("cancel_notifies", False)),
            refund=bool(self.config.options.get("cancel_refunds", False)),
        )

    def refund(self, notice: RefundNotice) -> RefundReceipt:
        """Give money back to what the buyer paid with; one that stands there already is only confirmed."""
        return refunding.refund(self.client, notice)

    def verify_webhook(self, *, headers: Mapping[str, str], body: bytes) -> WebhookNotice:
        """Check a call's signature over its raw body, and that it is about this shop."""
        credentials = self.config.credentials
        secrets = (credentials.get("client_secret", ""), credentials.get("previous_client_secret", ""))
        return webhooks.verify(headers, body, secrets=secrets, shop_domain=self.shop_domain)

    def list_webhooks(self) -> tuple[Subscription, ...]:
        """The subscriptions our app has in the shop now."""
        return webhooks.listed(self.client)

    def ensure_webhooks(self, callback_url: str) -> tuple[Subscription, ...]:
        """Create what is missing of `webhook_topics` for this URL; returns all."""
        return webhooks.ensure(self.client, callback_url, self.webhook_topics)

    def token_expires_at(self) -> dt.datetime | None:
        """When the access token runs out; None for the lasting token of an older custom app."""
        return auth.expires_at(self.config)

    def refresh_token(self) -> TokenSet:
        """Trade the refresh token, or the client credentials, for new tokens."""
        return auth.renew(self.config, self.http)

    def _reader(self) -> OrderReader:
        wanted = self.config.options.get("order_page_size", self.order_page_size)
        return OrderReader(self.client, page_size=max(1, min(int(wanted), 250)))


def _scopes(installation: Mapping[str, Any]) -> set[str]:
    handles = {str(scope.get("handle")) for scope in installation.get("accessScopes") or () if isinstance(scope, dict)}
    # A write scope includes reading, whether or not Shopify lists both.
    return handles | {f"read_{handle.removeprefix('write_')}" for handle in handles if handle.startswith("write_")}


def _identity(shop: Mapping[str, Any], scopes: set[str], answer: Answer) -> ShopIdentity:
    address = shop.get("billingAddress") or {}
    return ShopIdentity(
        external_id=str(shop["myshopifyDomain"]),
        name=str(shop.get("name") or ""),
        currency=str(shop.get("currencyCode") or ""),
        timezone=str(shop.get("ianaTimezone") or ""),
        country=str(address.get("countryCodeV2") or ""),
        missing_permissions=tuple(scope for scope in NEEDED_SCOPES if scope not in scopes),
        warnings=tuple(warning for scope, warning in USEFUL_SCOPES.items() if scope not in scopes),
        server_time=answer.server_time,
    )
