"""The connector contract over the dictionaries of `platform.py`: what a real connector would be for a real shop."""

import datetime as dt
import json
from decimal import Decimal

from channels.connectors.base import (
    Capability,
    Connector,
    ConnectorError,
    ListingPage,
    OrderPage,
    RawOrder,
    RemoteListing,
    RemoteLocation,
    RemoteStock,
    ShipmentReceipt,
    ShopIdentity,
    StockResult,
    WebhookNotice,
    WriteStatus,
)
from orders.contracts import (
    Address,
    Buyer,
    IncomingFulfilment,
    IncomingLine,
    IncomingOrder,
    IncomingRefund,
    IncomingRefundLine,
    OrderStatus,
    PaymentStatus,
)
from tests.simulation.platform import Busy, Lost

PLATFORMS = {}  # base_url → Platform
COMMON = {
    Capability.PULL_ORDERS,
    Capability.PULL_LISTINGS,
    Capability.PUSH_STOCK,
    Capability.READ_STOCK,
    Capability.FULFIL,
    Capability.CANCEL,
    Capability.WEBHOOKS,
}


class _Simulated(Connector):
    """What both simulated platforms share."""

    order_page_size = 5
    stock_batch_size = 4
    webhook_topics = ("orders/updated",)

    @property
    def there(self):
        """The platform behind this account."""
        return PLATFORMS[self.config.base_url]

    def _call(self, name, *args):
        try:
            return getattr(self.there, name)(*args)
        except Busy as busy:
            raise ConnectorError("busy", retry_after=busy.wait) from None
        except Lost as lost:
            wrote = name in ("api_write", "api_ship", "api_cancel")
            raise ConnectorError("timeout", unknown=wrote or lost.applied) from None

    def test_connection(self):
        return ShopIdentity(external_id=self.there.name, name=self.there.name, currency="CNY")

    def pull_orders(self, *, since, cursor=None):
        while True:
            rows, cursor = self._call("api_orders", since, cursor, self.order_page_size)
            yield OrderPage(orders=tuple(_raw(row) for row in rows), next_cursor=cursor)
            if cursor is None:
                return

    def pull_order(self, external_id):
        row = self._call("api_order", external_id)
        return None if row is None else _raw(row)

    def pull_listings(self, *, cursor=None):
        rows = self._call("api_listings")
        yield ListingPage(listings=tuple(self._listing(key, row) for key, row in rows.items()), next_cursor=None)

    def _listing(self, key, row):
        return RemoteListing(
            external_id=key,
            stock_id=f"s-{key}",
            sku=row["sku"],
            title=row["title"],
            barcode=row["barcode"],
            price=Decimal(row["price"]),
            quantities=dict(row["stock"]),
        )

    def read_stock(self, keys):
        figures = self._call("api_read", [(key.listing_id, key.location_id) for key in keys])
        return tuple(RemoteStock(key=key, quantity=figure) for key, figure in zip(keys, figures, strict=True))

    def push_stock(self, writes):
        rows = [
            (one.key.listing_id, one.key.location_id, one.quantity, one.expected, one.idempotency_key) for one in writes
        ]
        answers = self._call("api_write", rows)
        return tuple(self._answer(one, *answer) for one, answer in zip(writes, answers, strict=True))

    @staticmethod
    def _answer(write, status, observed):
        if status in ("rejected", "gone"):
            gone = status == "gone"
            return StockResult(
                key=write.key, status=WriteStatus.REJECTED, observed=observed, code=status, permanent=gone
            )
        return StockResult(key=write.key, status=WriteStatus(status), observed=observed)

    def ship(self, notice):
        parcel, known = self._call(
            "api_ship", notice.order_id, list(notice.lines), notice.tracking_number, notice.idempotency_key
        )
        if parcel is None:
            raise ConnectorError("not_shippable", permanent=True)
        return ShipmentReceipt(external_id=parcel, already_known=known)

    def cancel_order(self, external_id, *, reason, idempotency_key):
        self._call("api_cancel", external_id)

    def verify_webhook(self, *, headers, body):
        data = json.loads(body)
        return WebhookNotice(
            topic="orders/updated", kind="order", delivery_id=data["delivery"], resource_id=data["order"]
        )

    def parse_order(self, body):
        return parse(json.loads(body))


class ComparingConnector(_Simulated):
    """Keeps stock per location and refuses a figure whose expectation is stale."""

    platform = "sim_comparing"
    label = "Simulated, comparing"
    capabilities = frozenset(COMMON | {Capability.COMPARE_AND_SWAP, Capability.LOCATIONS})

    def list_locations(self):
        return tuple(RemoteLocation(external_id=name, name=name) for name in self.there.locations)


class PlainConnector(_Simulated):
    """One figure a listing; whoever writes last is right."""

    platform = "sim_plain"
    label = "Simulated, plain"
    capabilities = frozenset(COMMON)


def _raw(row):
    body = json.dumps(
        {**row, "placed": row["placed"].isoformat(), "updated": row["updated"].isoformat(), "visible_at": ""}
    )
    return RawOrder(external_id=row["id"], updated_at=row["updated"], body=body.encode())


def parse(row):
    """Turn a document into the contract's order."""
    lines = tuple(_line(line) for line in row["lines"])
    total = sum((line.total for line in lines), Decimal(0))
    paid = PaymentStatus.PAID if row["paid"] else PaymentStatus.PENDING
    placed = dt.datetime.fromisoformat(row["placed"])
    return IncomingOrder(
        external_id=row["id"],
        number=row["id"],
        placed_at=placed,
        updated_at=dt.datetime.fromisoformat(row["updated"]),
        currency="CNY",
        total=total,
        lines=lines,
        status=OrderStatus(row["status"]),
        payment=PaymentStatus.PARTIALLY_REFUNDED if row["refunds"] and row["paid"] else paid,
        paid_at=placed if row["paid"] else None,
        taxes_included=True,
        buyer=Buyer(external_id=row["id"], name="王静怡", phone=row["phone"]),
        shipping=Address(
            name="王静怡",
            line1=row["street"],
            city="杭州市",
            region="浙江省",
            postcode="310012",
            country=row["country"],
            phone=row["phone"],
        ),
        buyer_note=row["note"],
        refunds=tuple(_refund(one) for one in row["refunds"]),
        fulfilments=tuple(_parcel(one) for one in row["parcels"]),
    )


def _line(line):
    price = Decimal(line["price"])
    return IncomingLine(
        external_id=line["id"],
        sku=line["sku"],
        title=f"Item {line['sku']}",
        quantity=Decimal(line["quantity"]),
        ordered_quantity=Decimal(line["ordered"]),
        unit_price=price,
        total=price * line["quantity"],
        listing_id=line["listing"],
        barcode=line["barcode"],
    )


def _parcel(one):
    lines = tuple((line, Decimal(pieces)) for line, pieces in one["lines"])
    return IncomingFulfilment(external_id=one["id"], tracking_numbers=(one["tracking"],), lines=lines)


def _refund(one):
    amount = Decimal(one["price"]) * one["pieces"]
    line = IncomingRefundLine(
        line_external_id=one["line"], quantity=Decimal(one["pieces"]), amount=amount, restock=one["restock"]
    )
    return IncomingRefund(
        external_id=one["id"], refunded_at=dt.datetime.fromisoformat(one["at"]), amount=amount, lines=(line,)
    )
