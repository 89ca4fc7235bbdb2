"""Catalogue, places and stock in the admin."""

from inventory.admin import arrivals, catalogue, documents, places, stock

__all__ = ["arrivals", "catalogue", "documents", "places", "stock"]
