"""Webhooks as a real store sends them: signed, with the state at delivery, no retry, switched off after failures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import queue
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from channels.sandbox.woocommerce.catalogue import own_link
from channels.sandbox.woocommerce.rest import RestError
from channels.sandbox.woocommerce.shop import Row, Shop

EVENTS = {
    "order": ("created", "updated", "deleted", "restored"),
    "product": ("created", "updated", "deleted", "restored"),
    "coupon": ("created", "updated", "deleted", "restored"),
    "customer": ("created", "updated", "deleted"),
}
HOOKS = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "product.created": ["woocommerce_process_product_meta", "woocommerce_new_product"],
    "product.updated": [
        "woocommerce_process_product_meta",
        "woocommerce_update_product",
        "woocommerce_update_product_variation",
    ],
}
MOST_FAILURES = 5
TAKEN = frozenset({*range(200, 300), 301, 302})
AGENT = "WooCommerce/11.0.1 Hookshot (WordPress/7.0.4)"
WORKERS = 4

Payload = Callable[[str, int], Any]  # (resource, id) → the JSON to send


class Webhooks:
    """The webhooks of one shop and the threads that deliver them. `delay` is in seconds."""

    def __init__(self, shop: Shop, payload: Payload, *, delay: float = 0.0, timeout: float = 5.0) -> None:
        self.shop, self.payload, self.delay, self.timeout = shop, payload, delay, timeout
        self.base = "http://sandbox"
        self.log: list[Row] = []
        self._queue: queue.Queue[tuple[float, int, str, int]] = queue.Queue()
        self._started = False

    @property
    def rows(self) -> dict[int, Row]:
        """All webhooks by id."""
        return self.shop["webhooks"]

    def get(self, number: int) -> Row:
        """Return a webhook. Raises RestError 404."""
        row = self.rows.get(number)
        if row is None:
            raise RestError("woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.", 404)
        return row

    def create(self, given: Mapping[str, Any]) -> Row:
        """Make a webhook and ping its address. Raises RestError on a wrong topic or address."""
        topic, address = str(given.get("topic", "")), str(given.get("delivery_url", ""))
        resource, _, event = topic.partition(".")
        if event not in EVENTS.get(resource, ()) and resource != "action":
            raise RestError(
                "woocommerce_rest_shop_webhook_invalid_topic", "Webhook topic is required and must be valid.", 400
            )
        if not address.startswith(("http://", "https://")):
            message = "Webhook delivery URL must be a valid URL starting with http:// or https://."
            raise RestError("woocommerce_rest_shop_webhook_invalid_delivery_url", message, 400)
        number, now = self.shop.next_id("webhook"), self.shop.now()
        row = {
            "id": number,
            "name": given.get("name") or f"Webhook created on {now}",
            "status": given.get("status") or "active",
            "topic": topic,
            "delivery_url": address,
            "secret": given.get("secret") or secrets.token_urlsafe(24),
            "created": now,
            "modified": None,
            "failures": 0,
        }
        self.rows[number] = row
        self._put("ping", number, 0)
        self.shop.touch()
        return row

    def update(self, row: Row, given: Mapping[str, Any]) -> Row:
        """Change a webhook; switched on again it starts without failures."""
        if given.get("status") == "active" and row["status"] != "active":
            row["failures"] = 0
        for name in ("name", "status", "topic", "delivery_url", "secret"):
            if given.get(name) is not None:
                row[name] = given[name]
        row["modified"] = self.shop.now()
        self.shop.touch()
        return row

    def shown(self, row: Row, base: str) -> Row:
        """Return the webhook as the API shows it: never its secret."""
        place, (resource, _, event) = f"{base}/wp-json/wc/v3/webhooks", row["topic"].partition(".")
        return {
            "id": row["id"],
            "name": row["name"],
            "status": row["status"],
            "topic": row["topic"],
            "resource": resource,
            "event": event,
            "hooks": HOOKS.get(row["topic"], []),
            "delivery_url": row["delivery_url"],
            "date_created": self.shop.local(row["created"]),
            "date_created_gmt": row["created"],
            "date_modified": self.shop.local(row["modified"]),
            "date_modified_gmt": row["modified"],
            "_links": {"self": [own_link(f"{place}/{row['id']}")], "collection": [{"href": place}]},
        }

    def tell(self, topic: str, number: int) -> None:
        """Queue a delivery for every active webhook of the topic; what is queued goes out even if paused later."""
        for row in list(self.rows.values()):
            if row["status"] == "active" and row["topic"] == topic:
                self._put(topic, row["id"], number)

    def idle(self, seconds: float = 5.0) -> bool:
        """Wait until everything queued was delivered or given up; False when it takes longer."""
        until = time.monotonic() + seconds
        while self._queue.unfinished_tasks:
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True

    def _put(self, topic: str, webhook_id: int, number: int) -> None:
        if not self._started:
            self._started = True
            for place in range(WORKERS):
                threading.Thread(target=self._deliver_all, name=f"hooks-{place}", daemon=True).start()
        self._queue.put((time.monotonic() + self.delay, webhook_id, topic, number))

    def _deliver_all(self) -> None:
        while True:
            due, webhook_id, topic, number = self._queue.get()
            try:
                time.sleep(max(0.0, due - time.monotonic()))
                row = self.rows.get(webhook_id)
                if row is not None:
                    self._deliver(row, topic, number)
            finally:
                self._queue.task_done()

    def _deliver(self, row: Row, topic: str, number: int) -> None:
        if topic == "ping":
            headers, body = {"Content-Type": "application/x-www-form-urlencoded"}, f"webhook_id={row['id']}".encode()
        else:
            with self.shop.lock:
                value = (
                    self.payload(topic.partition(".")[0], number) if not topic.endswith(".deleted") else {"id": number}
                )
                # PHP escapes slashes and everything outside ASCII.
                body = json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()
            headers = self._headers(row, topic, body)
        status = self._post(row["delivery_url"], headers, body)
        with self.shop.lock:
            self.log.append({"webhook": row["id"], "topic": topic, "resource": number, "status": status})
            del self.log[:-200]
            if topic != "ping":
                self._count(row, status)

    def _headers(self, row: Row, topic: str, body: bytes) -> dict[str, str]:
        resource, _, event = topic.partition(".")
        signature = base64.b64encode(hmac.new(row["secret"].encode(), body, hashlib.sha256).digest()).decode()
        # The same within a second, however many deliveries: a real store's ids do not tell them apart.
        moment = f"{row['id']}{int(self.shop.clock().timestamp())}"
        return {
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": f"{self.base}/",
            "X-WC-Webhook-Topic": topic,
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": signature,
            "X-WC-Webhook-ID": str(row["id"]),
            "X-WC-Webhook-Delivery-ID": hashlib.sha256(moment.encode()).hexdigest()[:32],
        }

    def _count(self, row: Row, status: int) -> None:
        row["failures"] = 0 if status in TAKEN else row["failures"] + 1
        if row["failures"] >= MOST_FAILURES:
            row["status"] = "disabled"
        self.shop.touch()

    def _post(self, address: str, headers: Mapping[str, str], body: bytes) -> int:
        """Post once; 0 when nobody answered."""
        parts = urlsplit(address)
        try:
            if parts.scheme == "https":
                context = ssl.create_default_context()
                line: http.client.HTTPConnection = http.client.HTTPSConnection(
                    parts.hostname or "", parts.port, timeout=self.timeout, context=context
                )
            else:
                line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=self.timeout)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            line.request("POST", path, body, {"User-Agent": AGENT, "Accept": "*/*", "Connection": "close", **headers})
            status = line.getresponse().status
            line.close()
        except (OSError, http.client.HTTPException, ValueError):
            return 0
        return status
