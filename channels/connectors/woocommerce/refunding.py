"""Giving money back through the store. The refund carries our key, so a repeat finds it and gives nothing again."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from backoffice.money import allocate
from channels.connectors.base import ConnectorError, RefundNotice, RefundReceipt, RefundRow
from channels.connectors.woocommerce.client import StoreClient
from channels.connectors.woocommerce.reading import amount, records, text

MARK = "_yiku_refund"
PAGE = 100
NO_GATEWAY = "automatic refunds"
REFUSED = "woocommerce_rest_cannot_create_order_refund"


def refund(client: StoreClient, notice: RefundNotice, *, payment: bool, places: int = 2) -> RefundReceipt:
    """Refund an order without restocking it there.

    With `payment` the store's payment plugin gives the money back; without, the refund is only written down, for a
    store whose owner pays by other means. Raises ConnectorError: missing_order, gateway_refuses (the plugin cannot,
    nothing was given), refund_refused; `unknown` when it may stand.
    """
    order = _order(client, notice.order_id)
    known = _known(client, notice)
    if known:
        return RefundReceipt(external_id=known, already_known=True)
    body = {
        "amount": str(notice.amount),
        "reason": notice.note[:200],
        "api_refund": payment,
        "api_restock": False,
        "line_items": [row for one in notice.lines if (row := _line(order, one, places))],
        "meta_data": [{"key": MARK, "value": notice.idempotency_key}],
    }
    try:
        made = client.write("POST", f"orders/{notice.order_id}/refunds", body)
    except ConnectorError as error:
        raise _told(error) from None
    if not isinstance(made, dict) or not made.get("id"):
        raise ConnectorError("bad_json", "the refund was not answered", unknown=True)
    return RefundReceipt(external_id=str(made["id"]))


def _told(error: ConnectorError) -> ConnectorError:
    """Return the store's refusal in our words: it says 500 for what it will never do."""
    if NO_GATEWAY in error.message:
        return ConnectorError("gateway_refuses", error.message, permanent=True)
    if REFUSED in f"{error.code} {error.message}" or "Invalid refund amount" in error.message:
        return ConnectorError("refund_refused", error.message, permanent=True)
    return error


def _order(client: StoreClient, external_id: str) -> Mapping[str, Any]:
    if not external_id.isdecimal():
        raise ConnectorError("missing_order", "this is no order number of the store", permanent=True)
    try:
        order = client.get(f"orders/{external_id}", {"_fields": "id,status,line_items"})
    except ConnectorError as error:
        if error.code == "not_found":
            raise ConnectorError("missing_order", "the store does not have the order", permanent=True) from None
        raise
    if not isinstance(order, dict):
        raise ConnectorError("bad_json", "an order was expected")
    return order


def _known(client: StoreClient, notice: RefundNotice) -> str:
    for page in range(1, 100):
        rows = client.get(f"orders/{notice.order_id}/refunds", {"per_page": PAGE, "page": page})
        if not isinstance(rows, list):
            raise ConnectorError("bad_json", "a list of refunds was expected")
        for row in (row for row in rows if isinstance(row, dict)):
            if any(text(meta, "value") == notice.idempotency_key for meta in _marks(row)):
                return text(row, "id")
        if len(rows) < PAGE:
            break
    return ""


def _marks(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [meta for meta in records(dict(row), "meta_data") if meta.get("key") == MARK]


def _line(order: Mapping[str, Any], one: RefundRow, places: int) -> dict[str, Any] | None:
    """Return a line as the store wants it: net, and the tax on each of the taxes that the line bears."""
    line = next((row for row in records(dict(order), "line_items") if text(row, "id") == one.line_id), None)
    if line is None:
        return None
    taxes = [row for row in records(line, "taxes") if text(row, "id")]
    shares = allocate(one.tax, [abs(amount(row, "total")) for row in taxes], places) if taxes else []
    net = one.amount - sum(shares, Decimal(0))
    return {
        "id": int(one.line_id),
        "quantity": one.quantity,
        "refund_total": str(net),
        "refund_tax": [
            {"id": int(text(row, "id")), "refund_total": str(part)} for row, part in zip(taxes, shares, strict=True)
        ],
    }
