"""Catalogue, places and stock in the admin."""

from inventory.admin import arrivals, assemblies, catalogue, documents, places, shelves, stock, stocktakes, transfers

__all__ = [
    "arrivals",
    "assemblies",
    "catalogue",
    "documents",
    "places",
    "shelves",
    "stock",
    "stocktakes",
    "transfers",
]
