"""Telling subscribers: bodies signed over their raw bytes, sent by threads of their own, tried again, given up.

Source: shopify.dev "Webhooks": 5 seconds for an answer, 8 retries over 4 hours, then a subscription made through the
API is deleted; a delivery keeps its X-Shopify-Webhook-Id when it is repeated. Bodies are the REST form.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import heapq
import hmac
import itertools
import json
import threading
import time
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import requests

from channels.sandbox.shopify import money as sums
from channels.sandbox.shopify.quirks import Quirks
from channels.sandbox.shopify.store import Record, Store, number

TIMEOUTS = (1.0, 5.0)
RETRY_SECONDS = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0)
THREADS = 4
API_VERSION = "2026-10"


@dataclasses.dataclass(slots=True)
class Delivery:
    """One message on its way to one subscriber."""

    subscription: str
    uri: str
    headers: dict[str, str]
    body: bytes
    attempts: int = 0


class Messenger:
    """Sends what happened to those who subscribed."""

    def __init__(self, store: Store, quirks: Quirks, secret: str, retry_seconds: Sequence[float]) -> None:
        self.store, self.quirks, self.secret, self.retry_seconds = store, quirks, secret, tuple(retry_seconds)
        self.log: list[dict[str, Any]] = []  # what was sent and how it was answered, for tests and the state page
        self._queue: list[tuple[float, int, Delivery]] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._stopped, self._busy = False, 0
        self._held: list[Delivery] = []

    def tell(self) -> None:
        """Queue the messages for everything that happened since the last time. Call with the store's lock held."""
        events, moved = self.store.events[:], sorted(self.store.moved)
        self.store.events.clear()
        self.store.moved.clear()
        if not self.store.subscriptions:
            return
        for topic, order_id, part in events:
            order = self.store.orders.get(order_id)
            if order is not None:
                self._queue_all(topic, order_payload(order, topic, part))
        for item, location in moved:
            self._queue_all("INVENTORY_LEVELS_UPDATE", level_payload(self.store, item, location))

    def tell_other(self, topic: str, payload: Record) -> None:
        """Queue a message about something that is no order or level."""
        self._queue_all(topic, payload)

    def stop(self) -> None:
        """Send no more."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(6)

    def idle(self, seconds: float = 5.0) -> bool:
        """Wait until nothing is left to send at once; False when time ran out (retries far ahead do not count)."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self._wake:
                due = [entry for entry in self._queue if entry[0] <= time.monotonic() + 0.2]
                if not due and not self._busy:
                    return True
            time.sleep(0.01)
        return False

    def _queue_all(self, topic: str, payload: Record) -> None:
        event = str(uuid.uuid4())
        for row in list(self.store.subscriptions.values()):
            if row["topic"] == topic:
                self._put(self._delivery(row, topic, payload, event))

    def _delivery(self, row: Record, topic: str, payload: Record, event: str) -> Delivery:
        fields = row["includeFields"]
        chosen = {key: value for key, value in payload.items() if not fields or key in fields}
        body = json.dumps(chosen, ensure_ascii=False, separators=(",", ":")).encode()
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).digest()
        subject, _, verb = topic.lower().rpartition("_")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": f"{subject}/{verb}",
            "X-Shopify-Hmac-SHA256": base64.b64encode(digest).decode(),
            "X-Shopify-Shop-Domain": self.store.shop["myshopifyDomain"],
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Event-Id": event,
            "X-Shopify-Triggered-At": self.store.now().isoformat().replace("+00:00", "Z"),
        }
        return Delivery(row["id"], row["uri"], headers, body)

    def _put(self, delivery: Delivery) -> None:
        if self.quirks.on("drop_webhooks"):
            return
        if self.quirks.on("reorder_webhooks") and not self._held:
            self._held.append(delivery)  # it goes out behind the one after it
            return
        copies = 2 if self.quirks.on("duplicate_webhooks") else 1
        for one in [*[delivery] * copies, *self._held]:
            self._push(0.0 if one is delivery else 0.3, one)
        self._held.clear()

    def _push(self, wait: float, delivery: Delivery) -> None:
        with self._wake:
            heapq.heappush(self._queue, (time.monotonic() + wait, next(self._order), delivery))
            while len(self._threads) < THREADS:
                thread = threading.Thread(target=self._work, name="shop-messenger", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._wake.notify()

    def _work(self) -> None:
        session = requests.Session()
        session.trust_env = False
        while True:
            with self._wake:
                while not self._stopped and (not self._queue or self._queue[0][0] > time.monotonic()):
                    self._wake.wait(self._queue[0][0] - time.monotonic() if self._queue else None)
                if self._stopped:
                    return
                delivery = heapq.heappop(self._queue)[2]
                self._busy += 1
            try:
                self._send(session, delivery)
            finally:
                with self._wake:
                    self._busy -= 1

    def _send(self, session: requests.Session, delivery: Delivery) -> None:
        delivery.attempts += 1
        try:
            answer = session.post(
                delivery.uri, data=delivery.body, headers=delivery.headers, timeout=TIMEOUTS, allow_redirects=False
            )
            status, done = answer.status_code, 200 <= answer.status_code < 300
        except requests.RequestException:
            status, done = 0, False
        self.log.append(
            {
                "topic": delivery.headers["X-Shopify-Topic"],
                "id": delivery.headers["X-Shopify-Webhook-Id"],
                "uri": delivery.uri,
                "status": status,
                "attempt": delivery.attempts,
            }
        )
        if not done:
            self._failed(delivery)

    def _failed(self, delivery: Delivery) -> None:
        if delivery.attempts <= len(self.retry_seconds):
            self._push(self.retry_seconds[delivery.attempts - 1], delivery)
            return
        with self.store.lock:
            self.store.subscriptions.pop(delivery.subscription, None)
            self.store.stamp()


def order_payload(order: Record, topic: str, part: str) -> Record:
    """Return what a message about an order holds, in the REST form."""
    if topic == "ORDERS_EDITED":
        return {"order_edit": {"id": number(order["id"]), "order_id": number(order["id"])}}
    if topic in {"REFUNDS_CREATE", "FULFILLMENTS_CREATE"}:
        record = next(row for row in [*order["refunds"], *order["fulfillments"]] if row["id"] == part)
        common = {"id": number(part), "admin_graphql_api_id": part, "order_id": number(order["id"])}
        return {**common, "created_at": record["createdAt"]}
    address = order["shippingAddress"] or {}
    return {
        "id": number(order["id"]),
        "admin_graphql_api_id": order["id"],
        "name": order["name"],
        "created_at": order["createdAt"],
        "updated_at": order["updatedAt"],
        "cancelled_at": order["cancelledAt"],
        "currency": order["currencyCode"],
        "financial_status": order["financial"].lower(),
        "current_total_price": str(sums.totals(order, now=True)["total"].quantize(Decimal("0.01"))),
        "email": order["email"],
        "shipping_address": {"name": address.get("name"), "zip": address.get("zip")},
        "line_items": [
            {"id": number(line["id"]), "sku": line["sku"], "quantity": line["quantity"]} for line in order["lines"]
        ],
    }


def level_payload(store: Store, item: str, location: str) -> Record:
    """Return what a message about a stock level holds."""
    level = store.items[item]["levels"][location]
    gid = f"gid://shopify/InventoryLevel/{number(location)}?inventory_item_id={number(item)}"
    return {
        "inventory_item_id": number(item),
        "location_id": number(location),
        "available": level["available"],
        "updated_at": level["updatedAt"],
        "admin_graphql_api_id": gid,
    }
