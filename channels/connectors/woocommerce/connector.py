"""The WooCommerce connector: wc/v3, one store an account. docs/platforms/woocommerce.md says what it needs and can."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from channels.connectors.base import (
    Capability,
    Connector,
    ConnectorConfig,
    ConnectorError,
    CredentialField,
    HttpClient,
    ListingPage,
    OrderPage,
    RawOrder,
    RefundNotice,
    RefundReceipt,
    RemoteStock,
    ShipmentNotice,
    ShipmentReceipt,
    ShopIdentity,
    StockKey,
    StockResult,
    StockWrite,
    Subscription,
    WebhookNotice,
)
from channels.connectors.woocommerce import (
    connection,
    fulfilment,
    listings,
    order_mapping,
    refunding,
    stock,
    webhooks,
)
from channels.connectors.woocommerce.client import StoreClient
from channels.connectors.woocommerce.order_walk import OrderWalk, read_order
from channels.connectors.woocommerce.reading import bad_order
from orders.contracts import IncomingOrder

MOST_PER_PAGE = 100


class WooCommerceConnector(Connector):
    """One WooCommerce store.

    `config.options`: statuses (a plugin's own status → one of WooCommerce's, e.g. {"packed": "processing"}),
    completed_status (given to an order when nothing is left to ship, default completed), tracking_plugin (true: also
    fill the Shipment Tracking plugin), meta_fields (order meta keys kept in `extra`), order_page_size (at most 100),
    read_back (default true), refunds_on_paper (true: a refund is only written down there and the owner pays it by other
    means; default false: the store's payment plugin gives it).
    """

    platform: ClassVar[str] = "woocommerce"
    label: ClassVar[str] = "WooCommerce"
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.PULL_ORDERS,
            Capability.PULL_LISTINGS,
            Capability.PUSH_STOCK,
            Capability.READ_STOCK,
            Capability.FULFIL,
            Capability.CANCEL,
            Capability.REFUND,
            Capability.WEBHOOKS,
            Capability.WEBHOOK_SUBSCRIPTIONS,
        }
    )
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            name="consumer_key",
            label="Consumer key",
            secret=False,
            help="WooCommerce → Settings → Advanced → REST API → Add key, permissions “Read/Write”. Begins with ck_.",
        ),
        CredentialField(
            name="consumer_secret", label="Consumer secret", help="Shown once with the key; begins with cs_."
        ),
        CredentialField(
            name="webhook_secret",
            label="Webhook secret",
            required=False,
            help="Any long random text. Needed for webhooks; without it orders are found by asking only.",
        ),
    )
    order_page_size: ClassVar[int] = MOST_PER_PAGE
    stock_batch_size: ClassVar[int] = stock.MOST_IN_BATCH
    webhook_topics: ClassVar[tuple[str, ...]] = webhooks.TOPICS

    def __init__(self, config: ConnectorConfig, http: HttpClient) -> None:
        super().__init__(config, http)
        self.client = StoreClient(config, http)

    def test_connection(self) -> ShopIdentity:
        """Ask who answers, and whether the key may write; changes nothing."""
        return connection.identify(self.client)

    def parse_order(self, body: bytes) -> IncomingOrder:
        """Turn {"order": …, "refunds": […]} into an `IncomingOrder`; pure."""
        options = self.config.options
        try:
            return order_mapping.parse(
                body,
                statuses=options.get("statuses") or {},
                meta_fields=frozenset(options.get("meta_fields") or ()),
                root=self.client.root if self.config.base_url else "",
            )
        except (ArithmeticError, AttributeError, TypeError, ValueError):
            raise bad_order("a field is of a kind that WooCommerce does not document") from None

    def pull_orders(self, *, since: dt.datetime, cursor: str | None = None) -> Iterator[OrderPage]:
        """Walk all orders changed at or after `since`, then those in the trash; check-out drafts are left out."""
        return OrderWalk(self.client, since=since, cursor=cursor, page_size=self._page_size()).pages()

    def pull_order(self, external_id: str) -> RawOrder | None:
        """Fetch one order now, trashed ones included; None when there is none or a buyer is still typing it."""
        return read_order(self.client, external_id)

    def pull_listings(self, *, cursor: str | None = None) -> Iterator[ListingPage]:
        """Walk all products and variations with the figure each shows now."""
        return listings.pages(self.client, cursor=cursor)

    def read_stock(self, keys: Sequence[StockKey]) -> tuple[RemoteStock, ...]:
        """The figures shown now, one result a key, same order."""
        return listings.read_stock(self.client, keys)

    def push_stock(self, writes: Sequence[StockWrite]) -> tuple[StockResult, ...]:
        """Publish absolute figures and read them back; a figure that moved since we saw it is left alone."""
        return stock.push(self.client, writes, read_back=bool(self.config.options.get("read_back", True)))

    def ship(self, notice: ShipmentNotice) -> ShipmentReceipt:
        """Report one parcel as a note; the last one completes the order."""
        return fulfilment.ship(
            self.client,
            notice,
            tracking_plugin=bool(self.config.options.get("tracking_plugin", False)),
            completed=str(self.config.options.get("completed_status") or "completed"),
        )

    def cancel_order(self, external_id: str, *, reason: str, idempotency_key: str) -> None:
        """Cancel the order; the store restocks it by itself, which our next figure corrects."""
        fulfilment.cancel(self.client, external_id, reason=reason, idempotency_key=idempotency_key)

    def refund(self, notice: RefundNotice) -> RefundReceipt:
        """Refund the order without restocking it there; one that stands there already is only confirmed."""
        return refunding.refund(self.client, notice, payment=not self.config.options.get("refunds_on_paper", False))

    def verify_webhook(self, *, headers: Mapping[str, str], body: bytes) -> WebhookNotice:
        """Check a call's signature over its raw body; the unsigned ping passes as kind "ping"."""
        return webhooks.verify(headers, body, secret=self._webhook_secret())

    def list_webhooks(self) -> tuple[Subscription, ...]:
        """All webhooks of the store, whoever made them."""
        return webhooks.listed(self.client)

    def ensure_webhooks(self, callback_url: str) -> tuple[Subscription, ...]:
        """Create what is missing of `webhook_topics` for this URL and switch on what the store switched off."""
        return webhooks.ensure(self.client, callback_url, self.webhook_topics, secret=self._webhook_secret())

    def _webhook_secret(self) -> str:
        return self.config.credentials.get("webhook_secret", "").strip()

    def _page_size(self) -> int:
        wanted: Any = self.config.options.get("order_page_size", self.order_page_size)
        if not str(wanted).isdecimal():
            raise ConnectorError("bad_option", "order_page_size is no number", permanent=True)
        return max(1, min(int(wanted), MOST_PER_PAGE))
