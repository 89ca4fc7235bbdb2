"""Webhooks: whether a call is really Shopify's, which order it is about, and the subscriptions that should stand.

A call is signed by base64(HMAC-SHA256(client secret, raw body)); it carries no time that is signed, so an old call can
be repeated: who gets the notice must know the delivery id. Source: shopify.dev "Verify webhook deliveries".
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from backoffice.calls.answers import load_json
from channels.connectors.base import ConnectorError, Subscription, WebhookNotice
from channels.connectors.shopify import documents
from channels.connectors.shopify.client import GraphQLClient
from channels.connectors.shopify.gids import gid
from channels.connectors.shopify.listings import node_pages

TOPICS = (
    "orders/create",
    "orders/updated",
    "orders/edited",
    "orders/cancelled",
    "orders/delete",
    "refunds/create",
    "inventory_levels/update",
    "products/delete",
    "app/uninstalled",
)
KINDS = {
    "orders": "order",
    "refunds": "order",
    "fulfillments": "order",
    "order_transactions": "order",
    "returns": "order",
    "inventory_levels": "stock",
    "inventory_items": "stock",
    "products": "listing",
}
# Less of the buyer's data over the wire: the notice only needs to know which order to pull.
FIELDS = {"orders": ["id", "admin_graphql_api_id", "updated_at"], "refunds": ["id", "admin_graphql_api_id", "order_id"]}


def verify(headers: Mapping[str, str], body: bytes, *, secrets: Iterable[str], shop_domain: str = "") -> WebhookNotice:
    """Check a call and say what it is about. Several secrets may hold while one is being replaced.

    Raises ConnectorError: no_secret; bad_signature; wrong_shop (rightly signed, but of another shop that has the same
    app); bad_webhook.
    """
    plain = {name.lower(): value for name, value in headers.items()}
    _check_signature(plain.get("x-shopify-hmac-sha256", ""), body, [secret for secret in secrets if secret])
    topic, delivery_id = plain.get("x-shopify-topic", "").strip(), plain.get("x-shopify-webhook-id", "").strip()
    sender = plain.get("x-shopify-shop-domain", "").strip().lower()
    if shop_domain and sender != shop_domain.lower():
        raise ConnectorError("wrong_shop", "the call is about another shop", permanent=True)
    if not topic or not delivery_id:
        raise ConnectorError("bad_webhook", "the call names no topic or delivery", permanent=True)
    return WebhookNotice(
        topic=topic,
        kind="uninstalled" if topic == "app/uninstalled" else KINDS.get(topic.partition("/")[0], "other"),
        delivery_id=delivery_id,
        resource_id=_order_id(topic, body),
        event_id=plain.get("x-shopify-event-id", ""),
        shop_id=sender,
        triggered_at=_moment(plain.get("x-shopify-triggered-at", "")),
    )


def listed(client: GraphQLClient) -> tuple[Subscription, ...]:
    """Return all subscriptions of our app in this shop; Shopify deletes one whose calls failed eight times."""
    return tuple(
        _subscription(node)
        for nodes in node_pages(client, documents.WEBHOOKS, "webhookSubscriptions")
        for node in nodes
    )


def ensure(client: GraphQLClient, callback_url: str, topics: Collection[str] = TOPICS) -> tuple[Subscription, ...]:
    """Create the subscriptions that are missing for this URL and return all that stand."""
    standing = listed(client)
    here = {subscription.topic for subscription in standing if subscription.url == callback_url}
    missing = [topic for topic in topics if topic not in here]
    for topic in missing:
        _subscribe(client, topic, callback_url)
    return listed(client) if missing else standing


def _check_signature(given: str, body: bytes, secrets: list[str]) -> None:
    if not secrets:
        raise ConnectorError("no_secret", "the app's client secret is not set", permanent=True)
    try:
        claimed = base64.b64decode(given.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        claimed = b""
    expected = [hmac.new(secret.encode(), body, hashlib.sha256).digest() for secret in secrets]
    # Every secret is tried, so that the time taken does not tell which one came close.
    matches = [hmac.compare_digest(digest, claimed) for digest in expected]
    if not any(matches):
        raise ConnectorError("bad_signature", "the signature does not fit", permanent=True)


def _order_id(topic: str, body: bytes) -> str:
    """Return the order's global id if the body tells it: a hint only, so an odd body is no error."""
    subject = topic.partition("/")[0]
    if KINDS.get(subject) != "order":
        return ""
    try:
        payload = load_json(body)
    except ValueError:
        return ""
    if topic == "orders/edited" and isinstance(payload, dict):
        payload = payload.get("order_edit")
    if not isinstance(payload, dict):
        return ""
    if subject == "orders" and topic != "orders/edited":
        return gid("Order", payload.get("admin_graphql_api_id")) or gid("Order", payload.get("id"))
    order = payload.get("order")
    return gid("Order", payload.get("order_id")) or gid("Order", order.get("id") if isinstance(order, dict) else None)


def _moment(value: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.astimezone(dt.UTC) if moment.tzinfo else None


def _subscription(node: Any) -> Subscription:
    if not isinstance(node, dict) or not node.get("id"):
        raise ConnectorError("bad_answer", "a subscription without an id")
    return Subscription(
        external_id=str(node["id"]), topic=_header_form(str(node.get("topic"))), url=str(node.get("uri"))
    )


def _header_form(topic: str) -> str:
    """Return `ORDERS_CREATE` as the `orders/create` that stands in the calls' header."""
    subject, _, event = topic.lower().rpartition("_")
    return f"{subject}/{event}"


def _subscribe(client: GraphQLClient, topic: str, callback_url: str) -> None:
    subscription: dict[str, Any] = {"uri": callback_url, "format": "JSON"}
    if fields := FIELDS.get(topic.partition("/")[0]) if topic != "orders/edited" else None:
        subscription["includeFields"] = fields
    variables = {"topic": topic.replace("/", "_").upper(), "subscription": subscription}
    payload = client.run(documents.SUBSCRIBE, variables, write=True).data.get("webhookSubscriptionCreate")
    if not isinstance(payload, dict):
        raise ConnectorError("bad_answer", "the subscription was not answered", unknown=True)
    said = "; ".join(str(error.get("message")) for error in payload.get("userErrors") or () if isinstance(error, dict))
    # A repeat after a lost answer is told that the address is taken: by us.
    if said and "taken" not in said.lower():
        raise ConnectorError("subscription_refused", client.safe(f"{topic}: {said}"), permanent=True)
