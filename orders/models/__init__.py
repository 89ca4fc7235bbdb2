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
from orders.models.lists import (
    ListSetting,
    OrderExport,
    OrderLabel,
    OrderPresence,
    PresaleLine,
    PresaleOffer,
    PromiseChange,
    SavedView,
    StaffNote,
)
from orders.models.order import Order, OrderContact, OrderLine, OrderLinePart, OrderVersion
from orders.models.review import CheckSetting, ReviewLog
from orders.models.rules import Backtest, Override, Rule, RuleVersion

__all__ = [
    "Backtest",
    "CheckSetting",
    "DestinationBan",
    "ListSetting",
    "ListedBuyer",
    "Order",
    "OrderContact",
    "OrderEvent",
    "OrderEventDelivery",
    "OrderExport",
    "OrderFeed",
    "OrderLabel",
    "OrderLine",
    "OrderLinePart",
    "OrderPresence",
    "OrderVersion",
    "Override",
    "PresaleLine",
    "PresaleOffer",
    "PriceFloor",
    "PromiseChange",
    "Refund",
    "RefundLine",
    "ReviewLog",
    "Rule",
    "RuleVersion",
    "SavedView",
    "Shipment",
    "ShipmentGoods",
    "ShipmentLine",
    "StaffNote",
]
