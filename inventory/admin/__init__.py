"""Catalogue, places and stock in the admin."""

from inventory.admin import (
    alerts,
    arrivals,
    assemblies,
    attached,
    audits,
    catalogue,
    costing,
    documents,
    floor,
    ghosts,
    lots,
    places,
    shelves,
    stock,
    stocktakes,
    transfers,
)

__all__ = [
    "alerts",
    "arrivals",
    "assemblies",
    "attached",
    "audits",
    "catalogue",
    "costing",
    "documents",
    "floor",
    "ghosts",
    "lots",
    "places",
    "shelves",
    "stock",
    "stocktakes",
    "transfers",
]
