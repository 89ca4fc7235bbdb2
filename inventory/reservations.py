"""Demand and reservations: who may have which goods, decided for whole pages at once and never below zero.

A reference (an order line) first books demand, then turns it into a reservation, then consumes it. Everything is
decided under the locks of the balances it touches; each call is one transaction with a constant number of statements.
This is the door for the floors above; the rooms behind it are `demand`, `reserving` and `goods`.
"""

from inventory.arriving import book_and_reserve
from inventory.demand import book_demand, change_demand, expire_demand, set_expiry
from inventory.goods import Consumed, Held, PutBack, consume, out_key, put_back, release, unreserve
from inventory.reserving import ReserveResult, Shortage, reserve, reserve_one
from inventory.wants import Want

__all__ = [
    "Consumed",
    "Held",
    "PutBack",
    "ReserveResult",
    "Shortage",
    "Want",
    "book_and_reserve",
    "book_demand",
    "change_demand",
    "consume",
    "expire_demand",
    "out_key",
    "put_back",
    "release",
    "reserve",
    "reserve_one",
    "set_expiry",
    "unreserve",
]
