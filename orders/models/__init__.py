"""What the orders app keeps: orders and their versions, rules and reviews, parcels, refunds, and the news of them."""

from orders.models.compensation import (
    Compensation,
    CompensationLimit,
    CompensationPreset,
    CouponCode,
    PenaltyEntry,
    RefundWish,
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
from orders.models.late import (
    LateOrder,
    LatePlay,
    LateWeek,
    PlayMessage,
    PlayOrder,
    ShipPolicy,
    SupplyDraft,
)
from orders.models.limits import DestinationBan, ListedBuyer, PriceFloor
from orders.models.order import Order, OrderContact, OrderLine, OrderLinePart, OrderVersion
from orders.models.review import CheckSetting, ReviewLog
from orders.models.rules import Backtest, Override, Rule, RuleVersion

__all__ = [
    "Backtest",
    "CheckSetting",
    "Compensation",
    "CompensationLimit",
    "CompensationPreset",
    "CouponCode",
    "DestinationBan",
    "LateOrder",
    "LatePlay",
    "LateWeek",
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
    "PenaltyEntry",
    "PlayMessage",
    "PlayOrder",
    "PriceFloor",
    "Refund",
    "RefundLine",
    "RefundWish",
    "ReviewLog",
    "Rule",
    "RuleVersion",
    "ShipPolicy",
    "Shipment",
    "ShipmentGoods",
    "ShipmentLine",
    "SupplyDraft",
]
