"""Catalogue, places and stock in the admin."""

from inventory.admin import catalogue, documents, places, shelves, stock

__all__ = ["catalogue", "documents", "places", "shelves", "stock"]
