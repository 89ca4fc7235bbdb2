"""What the orders app keeps: orders and their versions, rules and reviews, parcels, refunds, and the news of them."""

from orders.models.changes import (
    Gift,
    MergeCircle,
    MergeGroup,
    MergeMember,
    NumberRange,
    OrderPart,
    OrderPartLine,
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
from orders.models.routing import (
    GoodsGone,
    RateRow,
    RateTable,
    ReturnRule,
    RoutedShop,
    RoutingPlan,
    RoutingPolicy,
    RoutingPolicyVersion,
)
from orders.models.rule_works import RuleWork
from orders.models.rules import Backtest, Override, Rule, RuleVersion

__all__ = [
    "Backtest",
    "CheckSetting",
    "DestinationBan",
    "Gift",
    "GoodsGone",
    "ListSetting",
    "ListedBuyer",
    "MergeCircle",
    "MergeGroup",
    "MergeMember",
    "NumberRange",
    "Order",
    "OrderContact",
    "OrderEvent",
    "OrderEventDelivery",
    "OrderExport",
    "OrderFeed",
    "OrderLabel",
    "OrderLine",
    "OrderLinePart",
    "OrderPart",
    "OrderPartLine",
    "OrderPresence",
    "OrderVersion",
    "Override",
    "PresaleLine",
    "PresaleOffer",
    "PriceFloor",
    "Quote",
    "RateRow",
    "RateTable",
    "PromiseChange",
    "Refund",
    "RefundLine",
    "ReturnRule",
    "ReviewLog",
    "RoutedShop",
    "RoutingPlan",
    "RoutingPolicy",
    "RoutingPolicyVersion",
    "Rule",
    "RuleVersion",
    "RuleWork",
    "SavedView",
    "Shipment",
    "ShipmentGoods",
    "ShipmentLine",
    "StaffNote",
]
