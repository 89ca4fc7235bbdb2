"""Catalogue, places and stock in the admin."""

from inventory.admin import (
    alerts,
    arrivals,
    audits,
    catalogue,
    documents,
    floor,
    ghosts,
    places,
    shelves,
    stock,
    stocktakes,
)

__all__ = [
    "alerts",
    "arrivals",
    "audits",
    "catalogue",
    "documents",
    "floor",
    "ghosts",
    "places",
    "shelves",
    "stock",
    "stocktakes",
]
