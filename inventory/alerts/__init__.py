"""Alerts about stock: low, out, too much, slow, below zero in a shop, expiring; one open row a SKU, place and kind."""
