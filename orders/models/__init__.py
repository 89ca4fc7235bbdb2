"""What the orders app keeps: orders and their versions, rules and reviews, parcels, refunds, and the news of them."""

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
from orders.models.limits import DestinationBan, ListedBuyer, PriceFloor
from orders.models.order import Order, OrderContact, OrderLine, OrderLinePart, OrderVersion
from orders.models.returns import (
    RefundLimit,
    Return,
    ReturnDecision,
    ReturnGoods,
    ReturnLine,
    ReturnPhoto,
    ReturnPlace,
    ReturnPolicy,
    ReturnReason,
    ReturnReceipt,
    ReturnRefund,
    StrayParcel,
)
from orders.models.review import CheckSetting, ReviewLog
from orders.models.rules import Backtest, Override, Rule, RuleVersion

__all__ = [
    "Backtest",
    "CheckSetting",
    "DestinationBan",
    "ListedBuyer",
    "Order",
    "OrderContact",
    "OrderEvent",
    "OrderEventDelivery",
    "OrderFeed",
    "OrderLine",
    "OrderLinePart",
    "OrderVersion",
    "Override",
    "PriceFloor",
    "Refund",
    "RefundLimit",
    "RefundLine",
    "Return",
    "ReturnDecision",
    "ReturnGoods",
    "ReturnLine",
    "ReturnPhoto",
    "ReturnPlace",
    "ReturnPolicy",
    "ReturnReason",
    "ReturnReceipt",
    "ReturnRefund",
    "ReviewLog",
    "Rule",
    "RuleVersion",
    "Shipment",
    "ShipmentGoods",
    "ShipmentLine",
    "StrayParcel",
]
