"""The stock's tables: catalogue, places, stock and documents."""

from inventory.models.arrivals import ExpectedArrival
from inventory.models.assembly import Assembly, AssemblyLine, RecipePart
from inventory.models.catalogue import Barcode, BundlePart, Pack, Product, Sku
from inventory.models.documents import StockDocument, StockDocumentLine
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
    StocktakeSheet,
)
from inventory.models.transfers import Transfer, TransferLine, TransferReceipt, TransferReceiptLine

__all__ = [
    "Access",
    "Assembly",
    "AssemblyLine",
    "Balance",
    "Barcode",
    "Bucket",
    "BundlePart",
    "ExpectedArrival",
    "Pack",
    "Product",
    "Reason",
    "RecipePart",
    "Reservation",
    "ShelfPlace",
    "Shop",
    "ShopWarehouse",
    "Sku",
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
    "StocktakeSheet",
    "Transfer",
    "TransferLine",
    "TransferReceipt",
    "TransferReceiptLine",
    "Warehouse",
]
