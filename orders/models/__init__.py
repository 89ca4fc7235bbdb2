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
from orders.models.packing import Handover, PackingSetting, PackItem, PackParcel, PackScan
from orders.models.review import CheckSetting, ReviewLog
from orders.models.rules import Backtest, Override, Rule, RuleVersion
from orders.models.waves import PickMode, Wave, WaveGoods, WaveOrder, WaveTemplate

__all__ = [
    "Backtest",
    "CheckSetting",
    "DestinationBan",
    "Handover",
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
    "PackItem",
    "PackParcel",
    "PackScan",
    "PackingSetting",
    "PickMode",
    "PriceFloor",
    "Refund",
    "RefundLine",
    "ReviewLog",
    "Rule",
    "RuleVersion",
    "Shipment",
    "ShipmentGoods",
    "ShipmentLine",
    "Wave",
    "WaveGoods",
    "WaveOrder",
    "WaveTemplate",
]
