"""Transfers between warehouses: planned, picked, sent, received; goods under way stay counted and keep their value."""
