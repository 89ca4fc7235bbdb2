"""What the orders app keeps: orders and their versions, rules and reviews, parcels, refunds, and the news of them."""

from orders.models.changes import (
    Gift,
    MergeCircle,
    MergeGroup,
    MergeMember,
    NumberRange,
    OrderPart,
    OrderPartLine,
    OwnOrder,
    Quote,
)
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
from orders.models.review import CheckSetting, ReviewLog
from orders.models.rules import Backtest, Override, Rule, RuleVersion

__all__ = [
    "Backtest",
    "CheckSetting",
    "DestinationBan",
    "Gift",
    "ListedBuyer",
    "MergeCircle",
    "MergeGroup",
    "MergeMember",
    "NumberRange",
    "Order",
    "OrderContact",
    "OrderEvent",
    "OrderEventDelivery",
    "OrderFeed",
    "OrderLine",
    "OrderLinePart",
    "OrderPart",
    "OrderPartLine",
    "OrderVersion",
    "Override",
    "OwnOrder",
    "PriceFloor",
    "Quote",
    "Refund",
    "RefundLine",
    "ReviewLog",
    "Rule",
    "RuleVersion",
    "Shipment",
    "ShipmentGoods",
    "ShipmentLine",
]
