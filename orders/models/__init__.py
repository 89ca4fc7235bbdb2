"""What the orders app keeps: orders and their versions, rules and reviews, parcels, refunds, and the news of them."""

from orders.models.carriers import (
    CarrierAccount,
    CarrierCredential,
    CarrierService,
    GivenNumber,
    Label,
    Manifest,
    LabelRange,
    CarrierRate,
    TrackingEvent,
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
from orders.models.papers import (
    Company,
    Invoice,
    InvoiceSeries,
    PaperKind,
    PaperLanguage,
    PaperPrint,
    PrintRun,
    SenderAddress,
    ShopPapers,
    SlipSize,
)
from orders.models.review import CheckSetting, ReviewLog
from orders.models.rules import Backtest, Override, Rule, RuleVersion

__all__ = [
    "Backtest",
    "CarrierAccount",
    "CarrierCredential",
    "CarrierService",
    "CheckSetting",
    "Company",
    "DestinationBan",
    "GivenNumber",
    "Invoice",
    "InvoiceSeries",
    "Label",
    "ListedBuyer",
    "Manifest",
    "LabelRange",
    "Order",
    "OrderContact",
    "OrderEvent",
    "OrderEventDelivery",
    "OrderFeed",
    "OrderLine",
    "OrderLinePart",
    "OrderVersion",
    "Override",
    "PaperKind",
    "PaperLanguage",
    "PaperPrint",
    "PriceFloor",
    "PrintRun",
    "CarrierRate",
    "Refund",
    "RefundLine",
    "ReviewLog",
    "Rule",
    "RuleVersion",
    "SenderAddress",
    "Shipment",
    "ShipmentGoods",
    "ShipmentLine",
    "ShopPapers",
    "SlipSize",
    "TrackingEvent",
]
