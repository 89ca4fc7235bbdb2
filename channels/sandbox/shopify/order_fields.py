"""The fields of orders, their lines, parcels, refunds and fulfilment orders, most of them derived."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from channels.sandbox.shopify import money as sums
from channels.sandbox.shopify.paging import connect
from channels.sandbox.shopify.resolvers import RESOLVERS, Context, Resolver, field, in_order
from channels.sandbox.shopify.store import Record, money


def bag(order: Record, amount: Any) -> Record:
    """Return a MoneyBag of an amount in the shop's money."""
    shown = sums.cents(Decimal(str(amount)) * Decimal(order["shown_rate"]), order)
    return {
        "shopMoney": {"amount": money(amount), "currencyCode": order["currencyCode"]},
        "presentmentMoney": {"amount": money(shown), "currencyCode": order["presentmentCurrencyCode"]},
    }


def _order_total(which: str, now: bool) -> Resolver:
    return lambda context, order: bag(order, sums.totals(order, now=now)[which])


for _name, _which, _now in (
    ("currentTotalPriceSet", "total", True),
    ("currentSubtotalPriceSet", "subtotal", True),
    ("currentTotalTaxSet", "tax", True),
    ("currentTotalDiscountsSet", "discount", True),
    ("currentShippingPriceSet", "shipping", True),
    ("totalPriceSet", "total", False),
    ("originalTotalPriceSet", "total", False),
    ("subtotalPriceSet", "subtotal", False),
    ("totalTaxSet", "tax", False),
    ("totalDiscountsSet", "discount", False),
    ("totalShippingPriceSet", "shipping", False),
):
    RESOLVERS["Order", _name] = _order_total(_which, _now)


def _order_amount(key: str, nullable: bool = False) -> Resolver:
    return lambda context, order: None if nullable and not Decimal(order[key]) else bag(order, order[key])


RESOLVERS["Order", "totalTipReceivedSet"] = _order_amount("tip")
RESOLVERS["Order", "currentTotalDutiesSet"] = _order_amount("duties", nullable=True)
RESOLVERS["Order", "currentTotalAdditionalFeesSet"] = _order_amount("fees", nullable=True)


@field("Order", "totalRefundedSet")
def _order_refunded(context: Context, order: Record) -> Any:
    return bag(order, sums.refunded_amount(order))


@field("Order", "totalCashRoundingAdjustment")
def _cash_rounding(context: Context, order: Record) -> Any:
    return {"paymentSet": bag(order, order["cash_rounding"]), "refundSet": bag(order, 0)}


@field("Order", "customAttributes")
def _order_attributes(context: Context, order: Record) -> Any:
    return order["attributes"]


@field("Order", "displayFinancialStatus")
def _financial(context: Context, order: Record) -> str:
    return str(order["financial"])


@field("Order", "displayFulfillmentStatus")
def _fulfilment_status(context: Context, order: Record) -> str:
    if any(head["status"] == "ON_HOLD" for head in order["fulfillment_orders"]):
        return "ON_HOLD"
    left = sum(row["remainingQuantity"] for head in order["fulfillment_orders"] for row in head["lines"])
    if any(parcel["status"] != "CANCELLED" for parcel in order["fulfillments"]):
        return "PARTIALLY_FULFILLED" if left else "FULFILLED"
    return "UNFULFILLED"


@field("Order", "risk")
def _risk(context: Context, order: Record) -> Any:
    return {"recommendation": order["risk"], "assessments": []}


@field("Order", "discountCodes")
def _codes(context: Context, order: Record) -> Any:
    return order["codes"]


@field("Order", "paymentGatewayNames")
def _gateways(context: Context, order: Record) -> Any:
    return order["gateways"]


@field("Order", "transactions")
def _transactions(context: Context, order: Record, first: int | None = None, **args: Any) -> Any:
    return [in_order(order, row) for row in order["transactions"][:first]]


@field("OrderTransaction", "gateway")
def _gateway(context: Context, row: Record) -> Any:
    return row.get("gateway") or row["_order"]["gateways"][0]


@field("OrderTransaction", "amountSet")
def _transaction_amount(context: Context, row: Record) -> Any:
    return bag(row["_order"], row["amount"])


@field("OrderTransaction", "parentTransaction")
def _transaction_parent(context: Context, row: Record) -> Any:
    parent = next((one for one in row["_order"]["transactions"] if one["id"] == row.get("parent")), None)
    return in_order(row["_order"], parent) if parent else None


@field("Order", "shippingLines")
def _shipping_lines(context: Context, order: Record, **args: Any) -> Any:
    line = {**order["shipping"], "id": f"{order['id']}#shipping", "isRemoved": False}
    return connect([line] if order["shipping"]["title"] else [], args)


@field("Order", "lineItems")
def _lines(context: Context, order: Record, **args: Any) -> Any:
    return connect([in_order(order, line) for line in order["lines"]], args)


@field("Order", "fulfillments")
def _parcels(context: Context, order: Record, first: int | None = None, **args: Any) -> Any:
    return [in_order(order, parcel) for parcel in order["fulfillments"][:first]]


@field("Order", "refunds")
def _refunds(context: Context, order: Record, first: int | None = None) -> Any:
    return [in_order(order, refund) for refund in order["refunds"][:first]]


@field("Order", "fulfillmentOrders")
def _heads(context: Context, order: Record, **args: Any) -> Any:
    return connect([in_order(order, head) for head in order["fulfillment_orders"]], args)


@field("LineItem", "currentQuantity")
def _current(context: Context, line: Record) -> int:
    return sums.current(line["_order"], line)


@field("LineItem", "unfulfilledQuantity")
def _unfulfilled(context: Context, line: Record) -> int:
    return sums.remaining(line["_order"], line)


@field("LineItem", "originalUnitPriceSet")
def _unit_price(context: Context, line: Record) -> Any:
    return bag(line["_order"], line["price"])


@field("LineItem", "discountAllocations")
def _allocations(context: Context, line: Record) -> Any:
    return [{"allocatedAmountSet": bag(line["_order"], part["amount"])} for part in line["discounts"]]


@field("LineItem", "taxLines")
def _tax_lines(context: Context, line: Record, first: int | None = None) -> Any:
    taxes = line["taxes"][:first]
    return [{**part, "rate": float(part["rate"]), "priceSet": bag(line["_order"], part["amount"])} for part in taxes]


@field("LineItem", "customAttributes")
def _line_attributes(context: Context, line: Record) -> Any:
    return line["attributes"]


@field("LineItem", "lineItemGroup")
def _group(context: Context, line: Record) -> Any:
    return line["group"]


@field("LineItem", "variant")
def _line_variant(context: Context, line: Record) -> Any:
    return context.store.variants.get(line["variant"] or "")


@field("LineItem", "product")
def _line_product(context: Context, line: Record) -> Any:
    return context.store.products.get(line["product"] or "")


@field("MailingAddress", "countryCodeV2")
def _country(context: Context, address: Record) -> Any:
    return address.get("countryCode")


def _address_part(key: str) -> Resolver:
    return lambda context, address: address.get(key)


for _name in ("name", "company", "address1", "address2", "city", "province", "provinceCode", "zip", "country", "phone"):
    RESOLVERS["MailingAddress", _name] = _address_part(_name)


def _line_of(order: Record, line_id: str) -> Record:
    return in_order(order, next(line for line in order["lines"] if line["id"] == line_id))


@field("Fulfillment", "trackingInfo")
def _tracking(context: Context, parcel: Record, first: int | None = None) -> Any:
    return parcel["tracking"][:first]


@field("Fulfillment", "fulfillmentLineItems")
def _parcel_lines(context: Context, parcel: Record, **args: Any) -> Any:
    return connect([{**row, "_order": parcel["_order"]} for row in parcel["lines"]], args)


@field("FulfillmentLineItem", "lineItem")
@field("RefundLineItem", "lineItem")
@field("FulfillmentOrderLineItem", "lineItem")
def _row_line(context: Context, row: Record) -> Any:
    return _line_of(row["_order"], row["line"])


@field("Refund", "processedAt", "updatedAt")
def _refund_time(context: Context, refund: Record) -> Any:
    return refund["createdAt"]


@field("Refund", "totalRefundedSet")
def _refund_total(context: Context, refund: Record) -> Any:
    return bag(refund["_order"], refund["amount"])


@field("Refund", "refundLineItems")
def _refund_lines(context: Context, refund: Record, **args: Any) -> Any:
    return connect([{**row, "_order": refund["_order"]} for row in refund["lines"]], args)


@field("RefundLineItem", "subtotalSet")
def _refund_subtotal(context: Context, row: Record) -> Any:
    return bag(row["_order"], row["subtotal"])


@field("RefundLineItem", "totalTaxSet")
def _refund_tax(context: Context, row: Record) -> Any:
    return bag(row["_order"], row["tax"])


@field("Refund", "refundShippingLines")
def _refund_shipping(context: Context, refund: Record, **args: Any) -> Any:
    order, amount = refund["_order"], Decimal(refund["shipping"])
    left = sums.part_of_shipping(order, amount)
    row = {"subtotalAmountSet": bag(order, amount), "taxAmountSet": bag(order, left)}
    return connect([row] if amount else [], args)


@field("FulfillmentOrder", "assignedLocation")
def _assigned(context: Context, head: Record) -> Any:
    place = context.store.locations.get(head["location"])
    return {"location": place, "name": (place or {}).get("name", ""), "countryCode": (place or {}).get("countryCode")}


@field("FulfillmentOrder", "supportedActions")
def _actions(context: Context, head: Record) -> Any:
    names = {"OPEN": ["CREATE_FULFILLMENT", "HOLD"], "IN_PROGRESS": ["CREATE_FULFILLMENT"]}
    if head["status"] == "ON_HOLD":
        return [{"action": "RELEASE_HOLD"}]
    return [{"action": name} for name in names.get(head["status"], ())]


@field("FulfillmentOrder", "lineItems")
def _head_lines(context: Context, head: Record, **args: Any) -> Any:
    return connect([{**row, "_order": head["_order"]} for row in head["lines"]], args)
