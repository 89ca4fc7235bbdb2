"""Carriers: what an adapter must do, which there are, their prices and numbers.

`price` and `prices` are the pure price of a table, for routing; `orders.carriers.registry.rate_lines` reads a table.
"""

from orders.carriers.pricing import price, prices

__all__ = ["price", "prices"]
