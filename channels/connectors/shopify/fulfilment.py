"""Reporting parcels and cancelling orders. A repeat after a lost answer finds what was done and leaves it at that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from channels.connectors.base import ConnectorError, ShipmentNotice, ShipmentReceipt
from channels.connectors.shopify import documents
from channels.connectors.shopify.client import GraphQLClient
from channels.connectors.shopify.gids import gid
from channels.connectors.shopify.order_mapping import DEAD_FULFILMENTS
from channels.connectors.shopify.orders import LINES_PER_CALL, NODES_PER_CALL, read_fulfilment_orders

CLOCK_SLACK = dt.timedelta(minutes=10)
NOTE_LIMIT = 255  # of the staff note on a cancellation
# Names Shopify knows and makes links for, exactly as it spells them ("capitalization matters"). Others pass unchanged.
CARRIERS = {
    "4px": "4PX",
    "递四方": "4PX",
    "china post": "China Post",
    "中国邮政": "China Post",
    "dhl": "DHL Express",
    "dhl express": "DHL Express",
    "ems": "EMS",
    "fedex": "FedEx",
    "royal mail": "Royal Mail",
    "sf": "SF Express",
    "sf express": "SF Express",
    "顺丰": "SF Express",
    "顺丰速运": "SF Express",
    "ups": "UPS",
    "usps": "USPS",
    "yunexpress": "YunExpress",
    "云途": "YunExpress",
}
REASONS = {
    "customer": "CUSTOMER",
    "declined": "DECLINED",
    "fraud": "FRAUD",
    "inventory": "INVENTORY",
    "out_of_stock": "INVENTORY",
    "staff": "STAFF",
}

Pieces = dict[str, int]


def ship(client: GraphQLClient, notice: ShipmentNotice) -> ShipmentReceipt:
    """Report one parcel, over as many fulfilment orders as its goods stand on.

    Raises ConnectorError: missing_order, not_fulfillable, on_hold, refused; `unknown` when the parcel may stand.
    """
    order_id = gid("Order", notice.order_id)
    order = _order(client, order_id)
    known = _known(client, order, notice)
    heads = read_fulfilment_orders(client, order_id)
    wanted = dict_of(notice.lines) or _remaining(heads)
    missing = {line: count - known.lines.get(line, 0) for line, count in wanted.items()}
    missing = {line: count for line, count in missing.items() if count > 0}
    if not missing:
        if known.first:
            return ShipmentReceipt(external_id=known.first, already_known=True)
        raise ConnectorError("not_fulfillable", "nothing is left to ship on Shopify", permanent=True)
    first = known.first
    for group in _groups(heads, missing, prefer=notice.location_id):
        external_id = _create(client, group, notice)
        first = first or external_id
    return ShipmentReceipt(external_id=first)


def cancel(client: GraphQLClient, external_id: str, *, reason: str, notify: bool, refund: bool) -> None:
    """Cancel an order without restocking it there. One that is cancelled already is done.

    Shopify works the cancellation off later; the order's next version tells. Raises ConnectorError "cancel_refused".
    """
    order_id = gid("Order", external_id)
    if _order(client, order_id).get("cancelledAt"):
        return
    variables = {
        "orderId": order_id,
        "reason": REASONS.get(reason.strip().lower(), "OTHER"),
        "notify": notify,
        "note": reason[:NOTE_LIMIT],
        "refund": {"originalPaymentMethodsRefund": True} if refund else None,
    }
    payload = client.run(documents.CANCEL, variables, write=True).data.get("orderCancel")
    if not isinstance(payload, dict):
        raise ConnectorError("bad_answer", "the cancellation was not answered", unknown=True)
    errors = payload.get("orderCancelUserErrors") or []
    if errors and not _order(client, order_id).get("cancelledAt"):
        raise ConnectorError("cancel_refused", client.safe(_sentences(errors)), permanent=True)


class _Known:
    """The parcels that Shopify has under this notice's tracking number: the first one's id, and pieces per line."""

    def __init__(self) -> None:
        self.first, self.lines = "", Pieces()

    def add(self, external_id: str, lines: Pieces) -> None:
        self.first = self.first or external_id
        for line, count in lines.items():
            self.lines[line] = self.lines.get(line, 0) + count


def dict_of(lines: Iterable[tuple[str, int]]) -> Pieces:
    """Return pieces per line id, the same line named twice added up."""
    pieces = Pieces()
    for line, count in lines:
        pieces[line] = pieces.get(line, 0) + count
    return pieces


def _order(client: GraphQLClient, order_id: str) -> dict[str, Any]:
    order = client.run(documents.ORDER_STATE, {"id": order_id}).data.get("order") if order_id else None
    if not isinstance(order, dict):
        raise ConnectorError("missing_order", "Shopify does not have the order", permanent=True)
    return order


def _known(client: GraphQLClient, order: Mapping[str, Any], notice: ShipmentNotice) -> _Known:
    known, ids = _Known(), [head["id"] for head in order.get("fulfillments") or ()]
    for parcel in client.run_nodes(documents.FULFILMENTS, ids, {}, most=NODES_PER_CALL):
        if not isinstance(parcel, dict) or parcel.get("status") in DEAD_FULFILMENTS:
            continue
        lines = _parcel_lines(client, parcel)
        if _same_parcel(parcel, lines, notice):
            known.add(str(parcel["id"]), lines)
    return known


def _parcel_lines(client: GraphQLClient, parcel: dict[str, Any]) -> Pieces:
    path = ("fulfillment", "fulfillmentLineItems")
    nodes = client.whole(documents.FULFILMENT_LINES, {"id": parcel["id"]}, parcel, path, most=LINES_PER_CALL)
    return dict_of((str(node["lineItem"]["id"]), int(node.get("quantity") or 0)) for node in nodes)


def _same_parcel(parcel: Mapping[str, Any], lines: Pieces, notice: ShipmentNotice) -> bool:
    numbers = {_plain(info.get("number")) for info in parcel.get("trackingInfo") or ()} - {""}
    if notice.tracking_number.strip():
        return _plain(notice.tracking_number) in numbers
    # Without a number only the goods and the time can tell a repeat from a second parcel.
    try:
        created = dt.datetime.fromisoformat(str(parcel.get("createdAt")))
    except ValueError:
        return False
    return not numbers and lines == dict_of(notice.lines) and created >= notice.shipped_at - CLOCK_SLACK


def _plain(number: Any) -> str:
    return "".join(str(number or "").split()).casefold()


def _remaining(heads: list[dict[str, Any]]) -> Pieces:
    return dict_of(
        (str(line["lineItem"]["id"]), int(line["remainingQuantity"]))
        for head in heads
        if _can_ship(head)
        for line in head["lineItems"]["nodes"]
    )


def _can_ship(head: Mapping[str, Any]) -> bool:
    return any(action.get("action") == "CREATE_FULFILLMENT" for action in head.get("supportedActions") or ())


def _groups(heads: list[dict[str, Any]], missing: Pieces, *, prefer: str) -> list[list[dict[str, Any]]]:
    """Spread the goods over the fulfilment orders that can ship; one group a location, as one call may only have one.

    Raises ConnectorError when some goods stand on none: on_hold when a hold is why, else not_fulfillable.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    open_heads = sorted((head for head in heads if _can_ship(head)), key=lambda head: _location(head) != prefer)
    for head in open_heads:
        rows = []
        for line in head["lineItems"]["nodes"]:
            line_id = str(line["lineItem"]["id"])
            count = min(missing.get(line_id, 0), int(line["remainingQuantity"]))
            if count > 0:
                rows.append({"id": line["id"], "quantity": count})
                missing[line_id] -= count
        if rows:
            groups.setdefault(_location(head), []).append(
                {"fulfillmentOrderId": head["id"], "fulfillmentOrderLineItems": rows}
            )
    short = sorted(line for line, count in missing.items() if count > 0)
    if not short:
        return list(groups.values())
    if any(head.get("status") in {"ON_HOLD", "SCHEDULED"} for head in heads):
        raise ConnectorError("on_hold", "Shopify holds the order back: release the hold there first", permanent=True)
    raise ConnectorError("not_fulfillable", f"not open to ship on Shopify: {', '.join(short)}", permanent=True)


def _location(head: Mapping[str, Any]) -> str:
    return str(((head.get("assignedLocation") or {}).get("location") or {}).get("id") or "")


def _create(client: GraphQLClient, group: list[dict[str, Any]], notice: ShipmentNotice) -> str:
    tracking = {
        "company": CARRIERS.get(notice.carrier.strip().casefold(), notice.carrier.strip()),
        "number": notice.tracking_number.strip(),
        "url": notice.tracking_url.strip(),
    }
    fulfilment: dict[str, Any] = {"lineItemsByFulfillmentOrder": group, "notifyCustomer": notice.notify_buyer}
    if any(tracking.values()):
        fulfilment["trackingInfo"] = {name: value for name, value in tracking.items() if value}
    payload = client.run(documents.FULFIL, {"fulfillment": fulfilment}, write=True).data.get("fulfillmentCreate")
    if not isinstance(payload, dict):
        raise ConnectorError("bad_answer", "the parcel was not answered", unknown=True)
    if payload.get("userErrors"):
        raise ConnectorError("refused", client.safe(_sentences(payload["userErrors"])), permanent=True)
    created = payload.get("fulfillment")
    if not isinstance(created, dict) or not created.get("id"):
        raise ConnectorError("bad_answer", "a parcel without an id", unknown=True)
    return str(created["id"])


def _sentences(errors: Any) -> str:
    messages = (error.get("message") for error in errors if isinstance(error, dict))
    return "; ".join(str(message) for message in messages if message)
