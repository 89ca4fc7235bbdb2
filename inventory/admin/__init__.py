"""Catalogue, places and stock in the admin."""

from inventory.admin import arrivals, catalogue, documents, floor, places, shelves, stock, stocktakes

__all__ = ["arrivals", "catalogue", "documents", "floor", "places", "shelves", "stock", "stocktakes"]
