"""Webhooks: who may call, what a call is about, and keeping the subscriptions alive.

A webhook only says what to pull. WooCommerce sends the state at the time of delivery, repeats delivery ids within a
second, sends a signed error object for what was deleted meanwhile, and switches a webhook off after five failures.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from backoffice.calls.answers import load_json
from backoffice.calls.signing import verify_base64
from channels.connectors.base import ConnectorError, Subscription, WebhookNotice
from channels.connectors.woocommerce.client import StoreClient, gmt, shop_key
from channels.connectors.woocommerce.reading import Raw, text

TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored", "product.updated")
PING = re.compile(rb"webhook_id=\d{1,20}")
PAGE = 100


def verify(headers: Mapping[str, str], body: bytes, *, secret: str) -> WebhookNotice:
    """Check the signature over the raw body. Only the unsigned ping passes without, and it says nothing.

    Raises ConnectorError "bad_signature".
    """
    given = {name.lower(): value for name, value in headers.items()}
    signature = given.get("x-wc-webhook-signature", "")
    if not signature and PING.fullmatch(body):
        return WebhookNotice(topic="ping", kind="ping", delivery_id=f"ping:{body.decode()[11:]}")
    if not verify_base64(secret, body, signature):
        raise ConnectorError("bad_signature", "the call is not signed with this account's secret", permanent=True)
    return _notice(given, body)


def listed(client: StoreClient) -> tuple[Subscription, ...]:
    """Return the webhooks of the store."""
    return tuple(_subscription(row) for row in _rows(client))


def ensure(client: StoreClient, callback_url: str, topics: Sequence[str], *, secret: str) -> tuple[Subscription, ...]:
    """Create what is missing for this address and switch on what was switched off; returns the webhooks of it.

    Raises ConnectorError "no_webhook_secret".
    """
    if not secret:
        raise ConnectorError("no_webhook_secret", "the account has no webhook secret", permanent=True)
    standing = {
        text(row, "topic"): row
        for row in sorted(_rows(client), key=lambda row: text(row, "status") == "active")
        if text(row, "delivery_url") == callback_url
    }
    found = []
    for topic in topics:
        row = standing.get(topic)
        if row is None:
            wanted = {"name": f"Yiku {topic}", "topic": topic, "delivery_url": callback_url, "secret": secret}
            row = _written(client.write("POST", "webhooks", wanted))
        elif text(row, "status") != "active":
            row = _written(client.write("PUT", f"webhooks/{row['id']}", {"status": "active", "secret": secret}))
        found.append(_subscription(row))
    return tuple(found)


def _notice(given: Mapping[str, str], body: bytes) -> WebhookNotice:
    topic = given.get("x-wc-webhook-topic", "")
    try:
        content = load_json(body)
    except ValueError:
        content = None
    raw: Raw = content if isinstance(content, dict) else {}
    resource_id = _resource_id(raw)
    return WebhookNotice(
        topic=topic,
        kind=_kind(topic) if resource_id else "other",
        # One id is used for all deliveries of a webhook within a second: only with the body does it name one.
        delivery_id=f"{given.get('x-wc-webhook-delivery-id', '')}:{hashlib.sha256(body).hexdigest()[:16]}",
        event_id=f"{topic}:{resource_id}" if resource_id else "",
        resource_id=resource_id,
        shop_id=_sender(given.get("x-wc-webhook-source", "")),
        triggered_at=gmt(raw.get("date_modified_gmt")),
    )


def _sender(source: str) -> str:
    """The shop that says it calls; the header is not signed, so one that is no address is none."""
    try:
        return shop_key(source) if source else ""
    except ValueError:
        return ""


def _kind(topic: str) -> str:
    resource, _, event = topic.partition(".")
    if resource == "order":
        return "order"
    if resource == "product":
        # Also sent after every sale: the figure has changed, and perhaps the rest.
        return "stock" if event == "updated" else "listing"
    return "other"


def _resource_id(raw: Raw) -> str:
    """The id the call is about; the error object sent for a deleted thing has none."""
    own, parent = text(raw, "id"), text(raw, "parent_id")
    if not own.isdecimal():
        return ""
    return f"{parent}:{own}" if text(raw, "type") == "variation" and parent not in {"", "0"} else own


def _rows(client: StoreClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for page in range(1, 100):
        found = client.get("webhooks", {"per_page": PAGE, "page": page, "orderby": "id", "order": "asc"})
        if not isinstance(found, list):
            raise ConnectorError("bad_json", "a list of webhooks was expected")
        rows += [row for row in found if isinstance(row, dict) and row.get("id")]
        if len(found) < PAGE:
            break
    return rows


def _written(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict) or not row.get("id"):
        raise ConnectorError("bad_json", "the webhook was not answered", unknown=True)
    return row


def _subscription(row: Mapping[str, Any]) -> Subscription:
    return Subscription(
        external_id=str(row["id"]),
        topic=text(row, "topic"),
        url=text(row, "delivery_url"),
        active=text(row, "status") == "active",
    )
