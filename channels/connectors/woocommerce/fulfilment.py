"""Telling the store about parcels and cancellations. WooCommerce itself knows no parcel: a note and a status do.

The note carries our key, so a repeat finds it and neither writes nor mails a second one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from channels.connectors.base import ConnectorError, ShipmentNotice, ShipmentReceipt
from channels.connectors.woocommerce.client import StoreClient
from channels.connectors.woocommerce.order_mapping import TRACKING_ITEMS
from channels.connectors.woocommerce.reading import records, text

NOT_TO_SHIP = frozenset({"cancelled", "refunded", "failed", "trash"})
SENT_ALREADY = frozenset({"completed", "refunded"})
KEY_LENGTH = 64


def ship(client: StoreClient, notice: ShipmentNotice, *, tracking_plugin: bool, completed: str) -> ShipmentReceipt:
    """Report one parcel: a note (mailed when the buyer is to be told), the plugin's tracking, and the last status.

    `completed` is the status an order gets when nothing is left to ship. Raises ConnectorError missing_order,
    order_cancelled; `unknown` when the note or the status may stand.
    """
    order = _order(client, notice.order_id)
    status = text(order, "status")
    note_id = _note_with(client, notice.order_id, notice.idempotency_key)
    if status in NOT_TO_SHIP and not note_id:
        raise ConnectorError("order_cancelled", f"the order is {status} in the store", permanent=True)
    known = bool(note_id)
    if not known:
        note_id = _write_note(client, notice.order_id, _sentence(notice), to_buyer=notice.notify_buyer)
    changes: dict[str, Any] = {}
    if tracking_plugin and notice.tracking_number:
        changes |= _tracking(order, notice)
    if notice.completes_order and status not in {completed, *NOT_TO_SHIP}:
        changes["status"] = completed
    if changes:
        # Only what differs: a write that changes nothing still moves the order's date, and it would be pulled again.
        client.write("PUT", f"orders/{notice.order_id}", changes)
    return ShipmentReceipt(external_id=note_id, already_known=known)


def cancel(client: StoreClient, external_id: str, *, reason: str, idempotency_key: str) -> None:
    """Cancel an order; done already is success.

    The store puts the goods of a cancelled order back on its own stock and cannot be told not to: our next figure
    corrects it. Raises ConnectorError missing_order, not_cancellable.
    """
    status = text(_order(client, external_id), "status")
    if status in {"cancelled", "trash"}:
        return
    if status in SENT_ALREADY:
        raise ConnectorError("not_cancellable", f"the order is {status} in the store", permanent=True)
    if reason and not _note_with(client, external_id, idempotency_key):
        _write_note(client, external_id, f"Cancelled: {reason} ({_mark(idempotency_key)})", to_buyer=False)
    client.write("PUT", f"orders/{external_id}", {"status": "cancelled"})


def _order(client: StoreClient, external_id: str) -> Mapping[str, Any]:
    if not external_id.isdecimal():
        raise ConnectorError("missing_order", "this is no order number of the store", permanent=True)
    try:
        order = client.get(f"orders/{external_id}", {"_fields": "id,status,meta_data"})
    except ConnectorError as error:
        if error.code == "not_found":
            raise ConnectorError("missing_order", "the store does not have the order", permanent=True) from None
        raise
    if not isinstance(order, dict):
        raise ConnectorError("bad_json", "an order was expected")
    return order


def _note_with(client: StoreClient, order_id: str, key: str) -> str:
    """Return the id of the note that carries our key; "" when there is none."""
    notes = client.get(f"orders/{order_id}/notes", {"type": "any"})
    if not isinstance(notes, list):
        raise ConnectorError("bad_json", "a list of notes was expected")
    mark = f"({_mark(key)})"
    return next((str(note.get("id")) for note in notes if isinstance(note, dict) and mark in text(note, "note")), "")


def _write_note(client: StoreClient, order_id: str, sentence: str, *, to_buyer: bool) -> str:
    note = client.write("POST", f"orders/{order_id}/notes", {"note": sentence, "customer_note": to_buyer})
    if not isinstance(note, dict) or not note.get("id"):
        raise ConnectorError("bad_json", "the note was not answered", unknown=True)
    return str(note["id"])


def _mark(key: str) -> str:
    short = key if len(key) <= KEY_LENGTH and key.isascii() else hashlib.sha256(key.encode()).hexdigest()[:32]
    return f"ref {short}"


def _sentence(notice: ShipmentNotice) -> str:
    parts = ["Shipped"]
    if notice.carrier:
        parts.append(f"with {notice.carrier}")
    if notice.tracking_number:
        parts.append(f"tracking number {notice.tracking_number}")
    sentence = parts[0] + (" " if notice.carrier else ", " if len(parts) > 1 else "") + ", ".join(parts[1:])
    link = f" {notice.tracking_url}" if notice.tracking_url else ""
    return f"{sentence}.{link} ({_mark(notice.idempotency_key)})"


def _tracking(order: Mapping[str, Any], notice: ShipmentNotice) -> dict[str, Any]:
    """The tracking as the Shipment Tracking plugin keeps it, beside the parcels it has; empty when it is there."""
    rows = [row for row in records(order, "meta_data") if row.get("key") == TRACKING_ITEMS]
    items = [item for row in rows for item in (row.get("value") or ()) if isinstance(item, dict)]
    if any(item.get("tracking_number") == notice.tracking_number for item in items):
        return {}
    item = {
        "tracking_provider": "",
        "custom_tracking_provider": notice.carrier,
        "custom_tracking_link": notice.tracking_url,
        "tracking_number": notice.tracking_number,
        "date_shipped": str(int(notice.shipped_at.timestamp())),
        "tracking_id": hashlib.md5(notice.idempotency_key.encode(), usedforsecurity=False).hexdigest(),
    }
    return {"meta_data": [{"key": TRACKING_ITEMS, "value": [*items, item]}]}
