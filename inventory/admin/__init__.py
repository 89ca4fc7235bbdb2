"""Catalogue, places and stock in the admin."""

from inventory.admin import catalogue, documents, places, stock

__all__ = ["catalogue", "documents", "places", "stock"]
