"""One round through everything the connector can do, so that every document goes over the wire."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from channels.connectors.base import RefundNotice, RefundRow, ShipmentNotice, StockKey, StockWrite
from channels.connectors.shopify import ShopifyConnector
from channels.sandbox.shopify import ShopifySandbox
from tests.channels.shopify.conftest import ADDRESS, LONG_AGO


def do_everything(shop: ShopifySandbox, connector: ShopifyConnector) -> None:
    """Read and write all there is, with lists long enough to overflow."""
    connector.test_connection()
    connector.list_locations()
    for index in range(6):
        shop.store.locations.setdefault(f"gid://shopify/Location/{index + 90_000}", _place(index))
        shop.set_stock("TOTE", 1, f"gid://shopify/Location/{index + 90_000}")
    listings = [listing for page in connector.pull_listings() for listing in page.listings]
    _orders(shop)
    for page in connector.pull_orders(since=LONG_AGO):
        for raw in page.orders:
            connector.parse_order(raw.body)
    connector.pull_order(raw.external_id)
    _stock(connector, listings[0])
    _parcels(shop, connector)
    connector.ensure_webhooks("http://127.0.0.1:9/hooks/1")
    connector.list_webhooks()


def _place(index: int) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Location/{index + 90_000}",
        "name": f"Place {index}",
        "isActive": True,
        "fulfillsOnlineOrders": False,
        "isFulfillmentService": False,
        "countryCode": "US",
    }


def _orders(shop: ShopifySandbox) -> None:
    many = [{"sku": f"X{index}", "custom": True, "price": "1.00", "quantity": 2} for index in range(12)]
    shop.place_order([{"sku": "TOTE"}], shipping_address=ADDRESS, buyer={"name": "Ann Bell", "email": "a@example.com"})
    long = shop.place_order(many, shipping_price="5")
    shop.fulfil_order(long["id"], {"company": "UPS", "number": "1Z", "url": None})
    refunded = shop.place_order(many)
    shop.refund_order(refunded["id"], [(line["id"], 1, "CANCEL") for line in refunded["lines"]], shipping="0")


def _stock(connector: ShopifyConnector, listing: Any) -> None:
    location = next(iter(listing.quantities))
    key = StockKey(listing_id=listing.external_id, stock_id=listing.stock_id, location_id=location)
    connector.read_stock([key])
    figure = listing.quantities[location]
    connector.push_stock([StockWrite(key=key, quantity=figure + 1, expected=figure, idempotency_key="everything")])


def _parcels(shop: ShopifySandbox, connector: ShopifyConnector) -> None:
    many = [{"sku": f"Y{index}", "custom": True, "price": "1.00"} for index in range(45)]
    order = shop.place_order(many)
    notice = ShipmentNotice(
        order_id=order["id"],
        lines=tuple((line["id"], 1) for line in order["lines"]),
        carrier="DHL",
        tracking_number="JD0001",
        tracking_url="https://dhl.example/JD0001",
        shipped_at=dt.datetime.now(dt.UTC),
        idempotency_key="parcel-1",
    )
    connector.ship(notice)
    connector.refund(
        RefundNotice(
            order_id=order["id"],
            amount=Decimal("1.00"),
            currency="USD",
            lines=(RefundRow(line_id=order["lines"][0]["id"], quantity=1, amount=Decimal("1.00"), tax=Decimal(0)),),
            shipping=Decimal("0.00"),
            note="R10001",
            idempotency_key="refund-1",
        )
    )
    cancelled = shop.place_order([{"sku": "MUG"}])
    connector.cancel_order(cancelled["id"], reason="customer", idempotency_key="cancel-1")
