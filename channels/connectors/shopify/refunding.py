"""Giving money back through Shopify: found again before it is given, under one key, out of the payments it came by."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from channels.connectors.base import ConnectorError, RefundNotice, RefundReceipt
from channels.connectors.shopify import documents
from channels.connectors.shopify.client import GraphQLClient
from channels.connectors.shopify.gids import gid
from channels.connectors.shopify.orders import NODES_PER_CALL

PAYMENTS = frozenset({"SALE", "CAPTURE"})
NOTE_LIMIT = 200
ZERO = Decimal(0)


def refund(client: GraphQLClient, notice: RefundNotice) -> RefundReceipt:
    """Give money back to what the buyer paid with. Goods are not restocked there: our own stock decides.

    Raises ConnectorError: missing_order, other_currency, not_refundable, refund_refused; `unknown` when it may stand.
    """
    order_id = gid("Order", notice.order_id)
    order = client.run(documents.REFUND_STATE, {"id": order_id}).data.get("order") if order_id else None
    if not isinstance(order, dict):
        raise ConnectorError("missing_order", "Shopify does not have the order", permanent=True)
    known = _known(client, order, notice.idempotency_key)
    if known:
        return RefundReceipt(external_id=known, already_known=True)
    if order.get("presentmentCurrencyCode") not in (None, "", order.get("currencyCode")):
        message = "the buyer paid in another currency than the shop's: give it back in Shopify's own admin"
        raise ConnectorError("other_currency", message, permanent=True)
    payload = client.run(
        documents.REFUND, {"input": _input(order_id, order, notice), "key": notice.idempotency_key}, write=True
    ).data.get("refundCreate")
    return RefundReceipt(external_id=_made(client, payload))


def _made(client: GraphQLClient, payload: Any) -> str:
    if not isinstance(payload, dict):
        raise ConnectorError("bad_answer", "the refund was not answered", unknown=True)
    errors = payload.get("userErrors") or []
    if errors:
        told = "; ".join(str(error.get("message")) for error in errors if isinstance(error, dict))
        raise ConnectorError("refund_refused", client.safe(told), permanent=True)
    made = payload.get("refund")
    if not isinstance(made, dict) or not made.get("id"):
        raise ConnectorError("bad_answer", "a refund without an id", unknown=True)
    return str(made["id"])


def mark(key: str) -> str:
    """Return what ends the note of a refund of ours, so that a repeat finds it when Shopify forgot the key."""
    return f"(ref {key})"


def _known(client: GraphQLClient, order: Mapping[str, Any], key: str) -> str:
    ids = [str(head["id"]) for head in order.get("refunds") or () if isinstance(head, dict)]
    nodes = client.run_nodes(documents.REFUNDS, ids, {}, most=NODES_PER_CALL) if ids else []
    found = (node for node in nodes if isinstance(node, dict) and mark(key) in str(node.get("note") or ""))
    return next((str(node["id"]) for node in found), "")


def _input(order_id: str, order: Mapping[str, Any], notice: RefundNotice) -> dict[str, Any]:
    made: dict[str, Any] = {
        "orderId": order_id,
        "note": f"{notice.note[:NOTE_LIMIT]} {mark(notice.idempotency_key)}".strip(),
        "notify": notice.notify_buyer,
        "refundLineItems": [
            {"lineItemId": row.line_id, "quantity": row.quantity, "restockType": "NO_RESTOCK"}
            for row in notice.lines
            if row.quantity
        ],
        "transactions": _transactions(order_id, order, notice.amount),
    }
    if notice.shipping:
        made["shipping"] = {"amount": str(notice.shipping)}
    return made


def _transactions(order_id: str, order: Mapping[str, Any], amount: Decimal) -> list[dict[str, Any]]:
    """Return from which payments the money goes back: the first first, each for what of it is left."""
    rows = [row for row in order.get("transactions") or () if isinstance(row, dict) and row.get("status") == "SUCCESS"]
    made, rest = [], amount
    for row in (row for row in rows if row.get("kind") in PAYMENTS):
        part = min(_amount(row) - _given(rows, row), rest)
        if part > 0:
            parent = {"orderId": order_id, "parentId": row["id"], "gateway": row.get("gateway") or "manual"}
            made.append({**parent, "amount": str(part), "kind": "REFUND"})
            rest -= part
    if rest > 0:
        raise ConnectorError("not_refundable", "the payments there do not hold that much any more", permanent=True)
    return made


def _given(rows: list[dict[str, Any]], payment: Mapping[str, Any]) -> Decimal:
    mine = (row for row in rows if row.get("kind") == "REFUND" and _parent(row) == payment.get("id"))
    return sum((_amount(row) for row in mine), ZERO)


def _parent(row: Mapping[str, Any]) -> Any:
    parent = row.get("parentTransaction")
    return parent.get("id") if isinstance(parent, dict) else None


def _amount(row: Mapping[str, Any]) -> Decimal:
    try:
        return Decimal(str(row["amountSet"]["shopMoney"]["amount"]))
    except (KeyError, TypeError, InvalidOperation):
        raise ConnectorError("bad_answer", "a payment without an amount") from None
