"""A steady stream of orders, as buyers would send them: for the demo and for measuring. Repeatable for one seed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from channels.sandbox.shopify.store import Record, Refused, Store

BUYERS = (
    ("Ava Martin", "88 Queen Street", "Toronto", "ON", "M5H 2N2", "CA"),
    ("Noah Fischer", "Torstraße 12", "Berlin", "BE", "10119", "DE"),
    ("Emma Johnson", "221 Oak Avenue", "Portland", "OR", "97205", "US"),
    ("Liam Brown", "14 Harbour Road", "Bristol", "", "BS1 4QA", "GB"),
    ("陈晓燕", "南京西路 1601 号", "上海市", "上海", "200040", "CN"),
    ("李志强", "天河路 208 号", "广州市", "广东", "510620", "CN"),
    ("Chloé Dubois", "5 rue des Lilas", "Lyon", "", "69003", "FR"),
    ("佐藤 美咲", "銀座 4-6-16", "中央区", "東京都", "104-0061", "JP"),
)
NOTES = ("", "", "", "", "", "Please gift wrap", "加急，谢谢", "Leave with the neighbour")


def random_details(chance: random.Random) -> Record:
    """Return buyer, address and note of an order."""
    name, street, city, region, postcode, country = chance.choice(BUYERS)
    address = {
        "name": name,
        "address1": street,
        "city": city,
        "province": region,
        "zip": postcode,
        "countryCode": country,
        "phone": f"+1555{chance.randrange(10**7):07}",
    }
    buyer = {"name": name, "email": f"buyer{chance.randrange(10**5)}@example.com", "phone": address["phone"]}
    return {"buyer": buyer, "shipping_address": address, "note": chance.choice(NOTES) or None, "shipping_price": "5.00"}


def random_lines(store: Store, chance: random.Random) -> list[Record]:
    """Return one to three lines of what can be bought now; none when all is sold out."""
    with store.lock:
        open_variants = [row["id"] for row in store.variants.values() if _sellable(store, row)]
    chosen = chance.sample(open_variants, min(len(open_variants), chance.choice((1, 1, 1, 2, 2, 3))))
    return [{"variant": variant, "quantity": 1} for variant in chosen]


class OrderStream:
    """A thread that places orders at an even pace."""

    def __init__(self, store: Store, place: Callable[..., Record], rate: float, seed: int = 0) -> None:
        self.store, self.place, self.pause = store, place, 1 / rate
        self.chance = random.Random(seed)
        self.placed = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shop-stream", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the order in hand."""
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += self.pause
            lines: list[Any] = random_lines(self.store, self.chance)
            try:
                if lines:
                    self.place(lines, **random_details(self.chance))
                    self.placed += 1
            except Refused:
                continue  # somebody else bought the last one meanwhile


def _sellable(store: Store, row: Record) -> bool:
    item, product = store.items[row["item"]], store.products[row["product"]]
    if product["status"] != "ACTIVE" or row["requiresComponents"]:
        return False
    have = sum(level["available"] for level in item["levels"].values())
    return not item["tracked"] or row["inventoryPolicy"] == "CONTINUE" or have > 0
