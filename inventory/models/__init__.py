"""The stock's tables: catalogue, places, stock and documents."""

from inventory.models.arrivals import ExpectedArrival
from inventory.models.assembly import Assembly, AssemblyLine, RecipePart
from inventory.models.catalogue import Barcode, BundlePart, Pack, Product, Sku, Tracking
from inventory.models.costing import CostLayer, CostSetting, LayerUse
from inventory.models.documents import StockDocument, StockDocumentLine
from inventory.models.floor import Bin, FloorAction
from inventory.models.lots import UNKNOWN, Lot, LotBalance, LotBlock, LotChoice, LotMovement, LotSetting
from inventory.models.places import Access, Shop, ShopWarehouse, StockPolicy, Warehouse
from inventory.models.shelves import ShelfPlace
from inventory.models.stock import (
    Balance,
    Bucket,
    Reason,
    Reservation,
    StockChange,
    StockChangeDelivery,
    StockEntry,
)
from inventory.models.stocktakes import (
    Stocktake,
    StocktakeCount,
    StocktakeLimit,
    StocktakeLine,
    StocktakeNewLot,
    StocktakeSheet,
)
from inventory.models.transfers import Transfer, TransferLine, TransferReceipt, TransferReceiptLine
from inventory.models.trust import (
    AlertKind,
    AuditFinding,
    AuditRepair,
    AuditRun,
    AuditSetting,
    GhostReservation,
    KeptReservation,
    StockAlert,
    StockAlertRule,
)

__all__ = [
    "UNKNOWN",
    "Access",
    "AlertKind",
    "Assembly",
    "AssemblyLine",
    "AuditFinding",
    "AuditRepair",
    "AuditRun",
    "AuditSetting",
    "Balance",
    "Barcode",
    "Bin",
    "Bucket",
    "BundlePart",
    "CostLayer",
    "CostSetting",
    "ExpectedArrival",
    "FloorAction",
    "GhostReservation",
    "KeptReservation",
    "LayerUse",
    "Lot",
    "LotBalance",
    "LotBlock",
    "LotChoice",
    "LotMovement",
    "LotSetting",
    "Pack",
    "Product",
    "Reason",
    "RecipePart",
    "Reservation",
    "ShelfPlace",
    "Shop",
    "ShopWarehouse",
    "Sku",
    "StockAlert",
    "StockAlertRule",
    "StockChange",
    "StockChangeDelivery",
    "StockDocument",
    "StockDocumentLine",
    "StockEntry",
    "StockPolicy",
    "Stocktake",
    "StocktakeCount",
    "StocktakeLimit",
    "StocktakeLine",
    "StocktakeNewLot",
    "StocktakeSheet",
    "Tracking",
    "Transfer",
    "TransferLine",
    "TransferReceipt",
    "TransferReceiptLine",
    "Warehouse",
]
