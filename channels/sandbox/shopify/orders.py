"""What happens to orders in the shop: placed by buyers, edited, paid, refunded, shipped and cancelled by whoever may.

Stock moves as in a real shop: an order takes from *available* at once, a parcel takes it from *committed*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from channels.sandbox.shopify import money, shelf
from channels.sandbox.shopify.store import Record, Refused, Store, find_variant
from channels.sandbox.shopify.store import money as text

SHIPPABLE = frozenset({"OPEN", "IN_PROGRESS"})


def place(store: Store, lines: Sequence[Mapping[str, Any]], **details: Any) -> Record:
    """Place an order; each line {variant or sku, quantity, price, discount, properties, group, custom title}.

    `details`: buyer {name, email, phone}, shipping_address, billing_address, note, tags, attributes, shipping_price,
    discount_code, tip, duties, fees, paid (default true), currency_shown and shown_rate, location, risk, ship_by, test,
    source. Raises Refused when a tracked variant that may not be oversold is short.
    """
    stamp = details.get("at") or store.stamp()
    order = _blank(store, stamp, details)
    for wanted in lines:
        order["lines"].append(_line(store, order, wanted))
    if not order["lines"]:
        raise Refused("An order needs a line.")
    shelf.check_stock(store, order)
    shelf.route(store, order, details)
    store.orders[order["id"]] = order
    _tell(store, "ORDERS_CREATE", order)
    if details.get("paid", True):
        pay(store, order, at=stamp)
    return order


def pay(store: Store, order: Record, *, at: str = "") -> None:
    """Take the buyer's money for what the order costs now."""
    total = money.totals(order, now=True)["total"]
    order["transactions"].append(
        {
            "id": store.new_id("OrderTransaction"),
            "kind": "SALE",
            "status": "SUCCESS",
            "processedAt": at or store.stamp(),
            "amount": text(total),
        }
    )
    order["financial"] = "PAID"
    _tell(store, "ORDERS_PAID", order)
    touch(store, order, at=at)


def touch(store: Store, order: Record, *, at: str = "") -> None:
    """Mark the order as changed now."""
    order["updatedAt"] = at or store.stamp()
    _tell(store, "ORDERS_UPDATED", order)


def _tell(store: Store, topic: str, order: Record, part: str = "") -> None:
    store.events.append((topic, order["id"], part))


def find(store: Store, order_id: str) -> Record:
    """Return an order by global id, number or name. Raises Refused."""
    gid = order_id if order_id.startswith("gid:") else f"gid://shopify/Order/{order_id}"
    found = store.orders.get(gid) or next((o for o in store.orders.values() if o["name"] == order_id), None)
    if found is None:
        raise Refused("Order does not exist", "NOT_FOUND", ["orderId"])
    return found


def find_line(order: Record, wanted: str) -> Record:
    """Return a line by id or SKU. Raises Refused."""
    found = next((line for line in order["lines"] if wanted in (line["id"], line["sku"])), None)
    if found is None:
        raise Refused(f"There is no line {wanted!r}.")
    return found


def edit(store: Store, order: Record, *, changes: Mapping[str, int], add: Sequence[Mapping[str, Any]] = ()) -> None:
    """Edit as in the admin: `changes` {line id or SKU: new current quantity}, `add` lines as in `place`.

    Pieces taken off go back to available; new ones are taken from it.
    """
    for wanted, quantity in changes.items():
        line = find_line(order, wanted)
        delta = quantity - money.current(order, line)
        if delta < 0:
            line["removed"] -= delta
        else:
            line["quantity"] += delta
            line["added_later"] += delta
        shelf.change_open(store, order, line, delta)
    for extra in add:
        line = _line(store, order, extra)
        line["added_later"] = line["quantity"]
        order["lines"].append(line)
        shelf.change_open(store, order, line, line["quantity"])
    order["edited"] = True
    _tell(store, "ORDERS_EDITED", order)
    touch(store, order)


def refund(
    store: Store,
    order: Record,
    lines: Sequence[tuple[str, int, str]],
    *,
    amount: str | None = None,
    shipping: str = "0",
    note: str = "",
) -> Record:
    """Refund; `lines` are (line, pieces, restock type NO_RESTOCK, CANCEL or RETURN). `amount` overrides the sum."""
    rows, sum_ = [], Decimal(shipping)
    for wanted, count, restock in lines:
        line = find_line(order, wanted)
        if count > money.current(order, line):
            raise Refused("Refund quantity cannot refund more items than were purchased")
        rows.append(_refund_row(store, order, line, count, restock))
        sum_ += Decimal(rows[-1]["subtotal"]) + (0 if order["taxesIncluded"] else Decimal(rows[-1]["tax"]))
    done: Record = {
        "id": store.new_id("Refund"),
        "createdAt": store.stamp(),
        "note": note or None,
        "lines": rows,
        "shipping": text(shipping),
        "amount": text(amount if amount is not None else sum_),
    }
    order["refunds"].append(done)
    for row in rows:
        _take_back(store, order, row)
    order["financial"] = "REFUNDED" if money.totals(order, now=True)["total"] <= 0 else "PARTIALLY_REFUNDED"
    _tell(store, "REFUNDS_CREATE", order, done["id"])
    touch(store, order)
    return done


def refund_by_api(store: Store, order: Record, given: Mapping[str, Any]) -> Record:
    """Refund as `refundCreate` does: money out of payments that hold it. Raises Refused before anything has changed."""
    rows = list(given.get("transactions") or ())
    _check_money(order, rows, over=bool(given.get("allowOverRefunding")))
    lines = [
        (row["lineItemId"], row["quantity"], row.get("restockType") or "NO_RESTOCK")
        for row in given.get("refundLineItems") or ()
    ]
    shipping = str((given.get("shipping") or {}).get("amount") or "0")
    sum_ = sum((Decimal(str(row["amount"])) for row in rows), Decimal(0))
    done = refund(store, order, lines, amount=text(sum_), shipping=shipping, note=given.get("note") or "")
    for row in rows:
        order["transactions"].append(
            {
                "id": store.new_id("OrderTransaction"),
                "kind": "REFUND",
                "status": "SUCCESS",
                "processedAt": done["createdAt"],
                "amount": text(Decimal(str(row["amount"]))),
                "parent": row.get("parentId"),
                "gateway": row["gateway"],
            }
        )
    return done


def _check_money(order: Record, rows: Sequence[Mapping[str, Any]], *, over: bool) -> None:
    for row in rows:
        amount, parent = Decimal(str(row["amount"])), row.get("parentId")
        paid = next((one for one in order["transactions"] if one["id"] == parent), None)
        if row["kind"] != "REFUND" or paid is None or paid["kind"] not in {"SALE", "CAPTURE"}:
            raise Refused("Transactions require a parent_id when refunding")
        gone = (Decimal(one["amount"]) for one in order["transactions"] if one.get("parent") == parent)
        if amount <= 0 or (amount > Decimal(paid["amount"]) - sum(gone, Decimal(0)) and not over):
            raise Refused("Refund amount cannot exceed the amount available to refund")


def cancel(store: Store, order: Record, *, reason: str, restock: bool, refund_money: bool = False) -> None:
    """Cancel an order. Raises Refused when it is cancelled already or on its way."""
    if order["cancelledAt"]:
        raise Refused("Order has already been cancelled", "INVALID", ["orderId"])
    if any(parcel["status"] != "CANCELLED" for parcel in order["fulfillments"]):
        raise Refused("Cannot cancel an order that has fulfillments", "INVALID", ["orderId"])
    for line in order["lines"]:
        if count := money.current(order, line):
            shelf.change_open(store, order, line, -count, restock=restock)
            line["removed"] += count
    order["cancelledAt"] = order["closedAt"] = store.stamp()
    order["cancelReason"] = reason
    if order["financial"] == "PENDING":
        order["financial"] = "VOIDED"
    elif refund_money:
        order["financial"] = "REFUNDED"
    _tell(store, "ORDERS_CANCELLED", order)
    touch(store, order)


def fulfil(store: Store, order: Record, rows: Sequence[tuple[Record, Record, int]], tracking: Record | None) -> Record:
    """Make a parcel of (fulfilment order, its line, pieces). Raises Refused before anything has changed."""
    for head, row, count in rows:
        if head["status"] not in SHIPPABLE:
            raise Refused(f"Fulfillment order {money_id(head)} has an unfulfillable status= {head['status'].lower()}.")
        if not 0 < count <= row["remainingQuantity"]:
            raise Refused("Invalid fulfillment order line item quantity requested.")
    parcel: Record = {
        "id": store.new_id("Fulfillment"),
        "status": "SUCCESS",
        "createdAt": store.stamp(),
        "tracking": [tracking] if tracking else [],
        "lines": [],
    }
    for head, row, count in rows:
        row["remainingQuantity"] -= count
        parcel["lines"].append({"id": store.new_id("FulfillmentLineItem"), "line": row["line"], "quantity": count})
        shelf.commit(store, find_line(order, row["line"]), head["location"], -count)
        if not any(line["remainingQuantity"] for line in head["lines"]):
            head["status"] = "CLOSED"
        elif head["status"] == "OPEN":
            head["status"] = "IN_PROGRESS"
    order["fulfillments"].append(parcel)
    if not any(line["remainingQuantity"] for head in order["fulfillment_orders"] for line in head["lines"]):
        order["closedAt"] = parcel["createdAt"]
    _tell(store, "FULFILLMENTS_CREATE", order, parcel["id"])
    touch(store, order)
    return parcel


def fulfil_all(store: Store, order: Record, tracking: Record | None = None) -> Record:
    """Ship everything that is left, as the seller would in Shopify's own admin."""
    rows = [
        (head, row, row["remainingQuantity"])
        for head in order["fulfillment_orders"]
        if head["status"] in SHIPPABLE
        for row in head["lines"]
        if row["remainingQuantity"]
    ]
    if not rows:
        raise Refused("There is nothing to fulfil.")
    return fulfil(store, order, rows, tracking)


def hold(store: Store, order: Record, *, on: bool = True) -> None:
    """Put the open fulfilment orders on hold, or release them."""
    before, after = ("OPEN", "ON_HOLD") if on else ("ON_HOLD", "OPEN")
    for head in order["fulfillment_orders"]:
        if head["status"] == before:
            head["status"] = after
    touch(store, order)


def money_id(head: Record) -> str:
    """Return the number of a fulfilment order, as Shopify's sentences name it."""
    return str(head["id"].rpartition("/")[2])


def _blank(store: Store, stamp: str, details: Mapping[str, Any]) -> Record:
    number, buyer = store.new_number(), details.get("buyer") or {}
    shop, address = store.shop, details.get("shipping_address")
    return {
        "id": store.new_id("Order"),
        "name": f"#{number}",
        "number": number,
        "createdAt": stamp,
        "processedAt": details.get("processed_at") or stamp,
        "updatedAt": stamp,
        "visibleAt": "",
        "cancelledAt": None,
        "cancelReason": None,
        "closedAt": None,
        "note": details.get("note"),
        "tags": sorted(details.get("tags", ())),
        "attributes": [{"key": k, "value": v} for k, v in dict(details.get("attributes") or {}).items()],
        "email": buyer.get("email"),
        "phone": buyer.get("phone"),
        "customer": {"id": store.new_id("Customer"), "displayName": buyer["name"]} if buyer.get("name") else None,
        "currencyCode": shop["currencyCode"],
        "presentmentCurrencyCode": details.get("currency_shown") or shop["currencyCode"],
        "shown_rate": str(details.get("shown_rate", "1")),
        "taxesIncluded": bool(details.get("taxes_included", shop["taxes_included"])),
        "financial": "PENDING",
        "test": bool(details.get("test", False)),
        "edited": False,
        "sourceName": details.get("source", "web"),
        "codes": [details["discount_code"]] if details.get("discount_code") else [],
        "gateways": ["bogus"],
        "risk": details.get("risk", "NONE"),
        "ship_by": details.get("ship_by"),
        "shippingAddress": address,
        "billingAddress": details.get("billing_address") or address,
        "shipping": {
            "title": details.get("shipping_method", "Standard"),
            "code": "standard",
            "price": text(details.get("shipping_price", "0")),
            "tax": text(details.get("shipping_tax", "0")),
        },
        "tip": text(details.get("tip", "0")),
        "duties": text(details.get("duties", "0")),
        "fees": text(details.get("fees", "0")),
        "cash_rounding": text(details.get("cash_rounding", "0")),
        "lines": [],
        "fulfillment_orders": [],
        "fulfillments": [],
        "refunds": [],
        "transactions": [],
    }


def _line(store: Store, order: Record, wanted: Mapping[str, Any]) -> Record:
    variant = find_variant(store, wanted["variant"]) if wanted.get("variant") else None
    if variant is None and wanted.get("sku") and not wanted.get("custom"):
        variant = find_variant(store, wanted["sku"])
    product = store.products[variant["product"]] if variant else {}
    count, price = int(wanted.get("quantity", 1)), Decimal(str(wanted.get("price", (variant or {}).get("price", "0"))))
    if count < 1:
        raise Refused("Quantity must be at least 1.")
    reduction = Decimal(str(wanted.get("discount", "0")))
    rate = Decimal(str(wanted.get("tax_rate", store.shop["tax_rate"])))
    net = price * count - reduction
    taxed = money.cents(net * rate / (1 + rate) if order["taxesIncluded"] else net * rate, order)
    return {
        "id": store.new_id("LineItem"),
        "variant": variant["id"] if variant else None,
        "product": product.get("id"),
        "title": wanted.get("title") or product.get("title", "Custom item"),
        "variantTitle": None if not variant or variant["title"] == "Default Title" else variant["title"],
        "sku": wanted.get("sku") or (variant or {}).get("sku"),
        "quantity": count,
        "removed": 0,
        "added_later": 0,
        "price": text(price),
        "discounts": [{"amount": text(reduction)}] if reduction else [],
        "taxes": [{"title": "Tax", "rate": str(rate), "amount": text(taxed)}] if rate else [],
        "requiresShipping": bool(wanted.get("requires_shipping", (variant or {}).get("requiresShipping", True))),
        "isGiftCard": bool(product.get("isGiftCard", False)),
        "attributes": [{"key": k, "value": v} for k, v in dict(wanted.get("properties") or {}).items()],
        "group": wanted.get("group"),
        "location": wanted.get("location"),
    }


def _refund_row(store: Store, order: Record, line: Record, count: int, restock: str) -> Record:
    return {
        "id": store.new_id("RefundLineItem"),
        "line": line["id"],
        "quantity": count,
        "restockType": restock,
        "restocked": restock != "NO_RESTOCK",
        "subtotal": text(money.line_total(order, line, count)),
        "tax": text(money.part_of(order, line, money.tax(line), count)),
    }


def _take_back(store: Store, order: Record, row: Record) -> None:
    """Let refunded pieces that had not left close their fulfilment order lines; returned ones go on the shelf."""
    line = find_line(order, row["line"])
    unshipped = 0 if row["restockType"] == "RETURN" else min(row["quantity"], money.remaining(order, line))
    if unshipped:
        shelf.change_open(store, order, line, -unshipped, restock=row["restocked"])
    if row["restockType"] == "RETURN":
        shelf.set_free(store, line, shelf.ship_from(store, line, 1), row["quantity"])
