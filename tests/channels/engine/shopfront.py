"""A tiny platform in memory with a connector: orders that take its own stock, pages, faults, a call log."""

import dataclasses
import datetime as dt
import itertools
import json
from collections import deque
from decimal import Decimal

from backoffice import clock
from channels.connectors.base import (
    Capability,
    Connector,
    ConnectorError,
    CredentialField,
    ListingPage,
    OrderPage,
    RawOrder,
    RefundReceipt,
    RemoteListing,
    RemoteStock,
    ShipmentReceipt,
    ShopIdentity,
    StockResult,
    Subscription,
    TokenSet,
    WebhookNotice,
    WriteStatus,
)
from orders.contracts import Address, IncomingLine, IncomingOrder, OrderStatus, PaymentStatus


def server_now() -> dt.datetime:
    """The platform's clock."""
    return clock.now()


ALL = frozenset(Capability) - {Capability.FILES, Capability.LOCATIONS}


@dataclasses.dataclass
class Shopfront:
    """One shop over there. `faults` are raised by the next calls of that name; `after` faults when it is done."""

    name: str = "front"
    stock: dict = dataclasses.field(default_factory=dict)  # listing id → figure
    skus: dict = dataclasses.field(default_factory=dict)  # listing id → (sku, barcode)
    orders: dict = dataclasses.field(default_factory=dict)
    parcels: list = dataclasses.field(default_factory=list)
    cancelled: list = dataclasses.field(default_factory=list)
    refunds: list = dataclasses.field(default_factory=list)
    calls: list = dataclasses.field(default_factory=list)
    faults: dict = dataclasses.field(default_factory=dict)
    after: dict = dataclasses.field(default_factory=dict)
    meanwhile: dict = dataclasses.field(default_factory=dict)  # call → function run just before it is answered
    ignore_writes: bool = False
    written: list = dataclasses.field(default_factory=list)  # (listing, figure before, after) of each applied write
    hidden: set = dataclasses.field(default_factory=set)  # orders that do not show up yet
    page_size: int = 2
    loop_at: str | None = None
    webhooks: dict = dataclasses.field(default_factory=dict)  # topic → (url, active)
    token: str = "token-0"
    ticks: itertools.count = dataclasses.field(default_factory=lambda: itertools.count(1))

    def offer(self, listing: str, sku: str, figure: int, barcode: str = "") -> None:
        """Put a listing on sale."""
        self.skus[listing], self.stock[listing] = (sku, barcode), figure

    def buy(self, *lines, order_id: str = "", paid: bool = True, take: bool = True) -> str:
        """A buyer orders (listing, pieces): the shop's own figure goes down at once, as real shops do."""
        order_id = order_id or f"o{next(self.ticks)}"
        for listing, pieces in lines if take else ():
            self.stock[listing] -= pieces
        self.orders[order_id] = {
            "id": order_id,
            "updated": clock.now().isoformat(),
            "version": 1,
            "paid": paid,
            "cancelled": False,
            "lines": [[listing, pieces] for listing, pieces in lines],
        }
        return order_id

    def edit(self, order_id: str, **changes) -> None:
        """Change an order over there."""
        order = self.orders[order_id]
        order.update(changes, updated=clock.now().isoformat(), version=order["version"] + 1)

    def fail(self, call: str, *errors, after: bool = False) -> None:
        """Let the next calls fail, before or after they were applied."""
        (self.after if after else self.faults).setdefault(call, deque()).extend(errors)

    def called(self, name: str) -> int:
        """How often a call came."""
        return sum(call == name for call, _detail in self.calls)

    def enter(self, name: str, detail=None) -> None:
        """Note a call and strike with the fault that was ordered."""
        self.calls.append((name, detail))
        if name in self.meanwhile:
            self.meanwhile.pop(name)()
        if self.faults.get(name):
            raise self.faults[name].popleft()

    def leave(self, name: str) -> None:
        """Strike after the call was applied."""
        if self.after.get(name):
            raise self.after[name].popleft()

    def raw(self, order_id: str) -> RawOrder:
        """One order as delivered."""
        order = self.orders[order_id]
        body = {**order, "skus": {listing: self.skus.get(listing, ("", "")) for listing, _pieces in order["lines"]}}
        updated = dt.datetime.fromisoformat(order["updated"])
        return RawOrder(external_id=order_id, updated_at=updated, body=json.dumps(body).encode())


FRONTS: dict[str, Shopfront] = {}


class SwapConnector(Connector):
    """Speaks to a Shopfront with compare-and-swap, as Shopify does."""

    platform, label, capabilities = "swapshop", "Swap shop", ALL
    credential_fields = (CredentialField(name="key", label="Key"),)
    stock_batch_size, order_page_size = 3, 2
    webhook_topics = ("orders/updated", "stock")

    @property
    def front(self) -> Shopfront:
        return FRONTS[self.config.base_url]

    def test_connection(self):
        self.front.enter("test")
        return ShopIdentity(external_id=self.front.name, name=self.front.name, server_time=clock.now())

    def parse_order(self, body):
        data = json.loads(body)
        if data.get("broken"):
            raise ConnectorError("bad_order", "no total", permanent=True)
        return incoming(data)

    def pull_orders(self, *, since, cursor=None):
        start = int(cursor or 0)
        while True:
            self.front.enter("pull_orders", (since, start))
            known = sorted(
                (order for order in self.front.orders.values() if order["id"] not in self.front.hidden),
                key=lambda order: (order["updated"], order["id"]),
            )
            mine = [order["id"] for order in known if dt.datetime.fromisoformat(order["updated"]) >= since]
            page = mine[start : start + self.front.page_size]
            following = start + self.front.page_size
            more = str(following) if following < len(mine) else None
            if self.front.loop_at is not None and more is not None:
                more = self.front.loop_at
            yield OrderPage(
                orders=tuple(self.front.raw(one) for one in page), next_cursor=more, server_time=server_now()
            )
            self.front.leave("pull_orders")
            if more is None:
                return
            start = int(more)

    def pull_order(self, external_id):
        self.front.enter("pull_order", external_id)
        return self.front.raw(external_id) if external_id in self.front.orders else None

    def pull_listings(self, *, cursor=None):
        self.front.enter("pull_listings")
        yield ListingPage(
            listings=tuple(
                RemoteListing(
                    external_id=listing,
                    stock_id=f"s-{listing}",
                    sku=sku,
                    barcode=barcode,
                    title=f"Listing {listing}",
                    quantities={"": self.front.stock[listing]},
                )
                for listing, (sku, barcode) in self.front.skus.items()
            ),
            next_cursor=None,
        )

    def read_stock(self, keys):
        self.front.enter("read_stock", [key.listing_id for key in keys])
        found = tuple(RemoteStock(key=key, quantity=self.front.stock.get(key.listing_id)) for key in keys)
        self.front.leave("read_stock")
        return found

    def push_stock(self, writes):
        self.front.enter("push_stock", [(write.key.listing_id, write.quantity, write.expected) for write in writes])
        results = tuple(self.write(one) for one in writes)
        self.front.leave("push_stock")
        return results

    def write(self, one):
        before = self.front.stock.get(one.key.listing_id)
        if one.expected is not None and before != one.expected:
            return StockResult(key=one.key, status=WriteStatus.STALE, observed=before)
        return self.set(one, before)

    def set(self, one, before):
        if self.front.ignore_writes:
            return StockResult(key=one.key, status=WriteStatus.IGNORED, observed=before)
        self.front.written.append((one.key.listing_id, before, one.quantity))
        self.front.stock[one.key.listing_id] = one.quantity
        return StockResult(key=one.key, status=WriteStatus.APPLIED, observed=one.quantity)

    def ship(self, notice):
        self.front.enter("ship", notice.order_id)
        known = [parcel for parcel in self.front.parcels if parcel.idempotency_key == notice.idempotency_key]
        if not known:
            self.front.parcels.append(notice)
        self.front.leave("ship")
        return ShipmentReceipt(external_id=f"p-{notice.tracking_number}", already_known=bool(known))

    def cancel_order(self, external_id, *, reason, idempotency_key):
        self.front.enter("cancel_order", external_id)
        self.front.cancelled.append(external_id)
        self.front.leave("cancel_order")

    def refund(self, notice):
        self.front.enter("refund", notice.order_id)
        known = [one for one in self.front.refunds if one.idempotency_key == notice.idempotency_key]
        if not known:
            self.front.refunds.append(notice)
        self.front.leave("refund")
        return RefundReceipt(external_id=f"r-{notice.idempotency_key[:8]}", already_known=bool(known))

    def verify_webhook(self, *, headers, body):
        plain = {name.lower(): value for name, value in headers.items()}
        if plain.get("x-key") != self.config.credentials["key"]:
            raise ConnectorError("bad_signature", permanent=True)
        return WebhookNotice(delivery_id=plain["x-delivery"], **json.loads(body))

    def list_webhooks(self):
        self.front.enter("list_webhooks")
        return tuple(
            Subscription(external_id=topic, topic=topic, url=url, active=active)
            for topic, (url, active) in self.front.webhooks.items()
        )

    def ensure_webhooks(self, callback_url):
        self.front.enter("ensure_webhooks", callback_url)
        self.front.webhooks |= dict.fromkeys(self.webhook_topics, (callback_url, True))
        return self.list_webhooks()

    def refresh_token(self):
        self.front.enter("refresh_token", self.config.credentials.get("refresh", ""))
        self.front.token = f"token-{next(self.front.ticks)}"
        fresh = TokenSet(values={"refresh": self.front.token}, expires_at=clock.now() + dt.timedelta(hours=1))
        self.front.leave("refresh_token")
        return fresh


class PlainConnector(SwapConnector):
    """The same shop without compare-and-swap, as WooCommerce is: it reads, and then it writes whatever shows."""

    platform, label, capabilities = "plainshop", "Plain shop", ALL - {Capability.COMPARE_AND_SWAP}

    def push_stock(self, writes):
        self.front.enter("compare", [write.key.listing_id for write in writes])
        moved = {
            one.key.listing_id
            for one in writes
            if one.expected is not None and self.front.stock.get(one.key.listing_id) != one.expected
        }
        self.front.leave("compare")
        self.front.enter("push_stock", [(write.key.listing_id, write.quantity, write.expected) for write in writes])
        results = tuple(
            StockResult(key=one.key, status=WriteStatus.STALE, observed=self.front.stock.get(one.key.listing_id))
            if one.key.listing_id in moved
            else self.set(one, self.front.stock.get(one.key.listing_id))
            for one in writes
        )
        self.front.leave("push_stock")
        return results


def incoming(data: dict) -> IncomingOrder:
    """The order as intake wants it: a complete German address, so that every check passes."""
    updated = dt.datetime.fromisoformat(data["updated"])
    lines = tuple(
        IncomingLine(
            external_id=f"{data['id']}-{index}",
            sku=data["skus"][listing][0],
            barcode=data["skus"][listing][1],
            listing_id=listing,
            title=f"Listing {listing}",
            quantity=Decimal(pieces),
            unit_price=Decimal(10),
            total=Decimal(10 * pieces),
        )
        for index, (listing, pieces) in enumerate(data["lines"])
    )
    address = Address(
        name="Anna Weber", line1="Hauptstr. 5", city="Hamburg", postcode="20095", country="DE", phone="+49 40 1234567"
    )
    return IncomingOrder(
        external_id=data["id"],
        number=data["id"].upper(),
        placed_at=updated,
        updated_at=updated,
        currency="EUR",
        total=sum((line.total for line in lines), Decimal(0)),
        lines=lines,
        status=OrderStatus.CANCELLED if data["cancelled"] else OrderStatus.OPEN,
        payment=PaymentStatus.PAID if data["paid"] else PaymentStatus.PENDING,
        shipping=address,
    )
