"""What the orders app keeps: orders and their versions, the review log, parcels, refunds and the news about them."""

from orders.models.feed import OrderFeed
from orders.models.fulfilment import (
    OrderEvent,
    OrderEventDelivery,
    Refund,
    RefundLine,
    Shipment,
    ShipmentGoods,
    ShipmentLine,
)
from orders.models.order import Order, OrderContact, OrderLine, OrderLinePart, OrderVersion
from orders.models.review import CheckSetting, ReviewLog

__all__ = [
    "CheckSetting",
    "Order",
    "OrderContact",
    "OrderEvent",
    "OrderEventDelivery",
    "OrderFeed",
    "OrderLine",
    "OrderLinePart",
    "OrderVersion",
    "Refund",
    "RefundLine",
    "ReviewLog",
    "Shipment",
    "ShipmentGoods",
    "ShipmentLine",
]
