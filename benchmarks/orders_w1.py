"""The W1 work: platform-order pages, SKU list and opening stock, always the same for the same seed.

10,000 orders of 1 to 4 lines (40, 30, 20, 10 %: 2.0 on average), distinct SKUs inside one order, 2,000 SKUs with Zipf
(s = 1) popularity, quantity 1 (85 %), 2 (12 %) or 3 (3 %), in JSON pages of 100, shaped like a platform's answer.
Opening stock at three warehouses in order of preference: half the demand, half the demand, the demand + 5, so that the
first warehouse runs dry for every SKU and the fallback is used; 20 SKUs get only half of their demand in all, so that
some orders must end short and stock must not go below zero.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import json
import random
from decimal import Decimal
from typing import Any

FIRST = [
    "Ana", "Ben", "Chloe", "Dimitri", "Élodie", "Fatma", "Göran", "Hana", "Iris", "José", "Kenji", "Łukasz", "Mara",
    "Noor", "Olga", "Pál", "Quinn", "Rosa", "Sören", "Tuğba",
]  # fmt: skip
LAST = [
    "Müller", "Smith", "García", "Nowak", "Rossi", "Dubois", "Jensen", "Kovács", "Novák", "Silva", "Popescu",
    "Ivanov", "Haddad", "Tanaka", "O'Brien",
]  # fmt: skip
CITIES = [
    ("Lyon", "FR", "69001"),
    ("Köln", "DE", "50667"),
    ("Gdańsk", "PL", "80-001"),
    ("Porto", "PT", "4000-001"),
    ("Leeds", "GB", "LS1 4DY"),
    ("Wien", "AT", "1010"),
    ("Malmö", "SE", "211 11"),
    ("Brno", "CZ", "602 00"),
]
CURRENCY = {"FR": "EUR", "DE": "EUR", "PL": "PLN", "PT": "EUR", "GB": "GBP", "AT": "EUR", "SE": "SEK", "CZ": "CZK"}
TAX = {"FR": "0.20", "DE": "0.19", "PL": "0.23", "PT": "0.23", "GB": "0.20", "AT": "0.20", "SE": "0.25", "CZ": "0.21"}
NOTES = ["", "", "", "Please leave at the door", "Gift – no invoice in parcel"]


@dataclasses.dataclass(frozen=True)
class Work:
    """Pages of JSON text, the SKU codes, and the pieces of each SKU at the three warehouses."""

    pages: list[str]
    skus: list[str]
    stock: list[tuple[int, int, int]]
    orders: int


class Generator:
    """Makes one work; `tag` keeps buyers and numbers of several works apart: the same in two shops are held."""

    def __init__(self, *, orders: int, skus: int, page: int, seed: int, tag: str) -> None:
        self.count, self.page, self.tag = orders, page, tag
        self.random = random.Random(seed)
        self.skus = [f"SKU-{i:05d}" for i in range(1, skus + 1)]
        self.price = {sku: Decimal(self.random.randrange(300, 20000)) / 100 for sku in self.skus}
        self.cumulative = list(itertools.accumulate(1 / rank for rank in range(1, skus + 1)))
        self.demand = dict.fromkeys(self.skus, 0)

    def work(self) -> Work:
        """Return the pages and the stock they need."""
        pages = [self._page(first) for first in range(0, self.count, self.page)]
        return Work(pages, self.skus, [self._stock(rank, sku) for rank, sku in enumerate(self.skus, 1)], self.count)

    def _page(self, first: int) -> str:
        orders = [self._order(i) for i in range(first, min(first + self.page, self.count))]
        return json.dumps({"page": first // self.page + 1, "orders": orders}, ensure_ascii=False)

    def _stock(self, rank: int, sku: str) -> tuple[int, int, int]:
        wanted = self.demand[sku]
        return (wanted // 2, 0, 0) if rank % 100 == 0 else (wanted // 2, wanted // 2, wanted + 5)

    def _pick(self) -> str:
        return self.skus[bisect.bisect_left(self.cumulative, self.random.random() * self.cumulative[-1])]

    def _order(self, i: int) -> dict[str, Any]:
        draw = self.random
        first, last = draw.choice(FIRST), draw.choice(LAST)
        city, country, postcode = draw.choice(CITIES)
        chosen = self._distinct(draw.choices((1, 2, 3, 4), (40, 30, 20, 10))[0])
        lines, goods, tax = [], Decimal(0), Decimal(0)
        for number, sku in enumerate(chosen, 1):
            quantity = draw.choices((1, 2, 3), (85, 12, 3))[0]
            self.demand[sku] += quantity
            line_tax = (self.price[sku] * quantity * Decimal(TAX[country])).quantize(Decimal("0.01"))
            goods += self.price[sku] * quantity
            tax += line_tax
            lines.append(self._line(i, number, sku, quantity, country, line_tax))
        day = i * 30 // max(self.count, 1)
        at = f"2026-10-{day + 1:02d}T{draw.randrange(24):02d}:{draw.randrange(60):02d}:{draw.randrange(60):02d}Z"
        return {
            "id": str(5_000_000_000 + i),
            "name": f"#{self.tag.lower()}{100000 + i}",
            "created_at": at,
            "currency": CURRENCY[country],
            "financial_status": "paid",
            "note": draw.choice(NOTES),
            "customer": {
                "first_name": first,
                "last_name": last,
                "email": f"{self.tag}{i}@buyer.example",
                "phone": f"+33 6 {i:08d}",
            },
            "shipping_address": {
                "name": f"{first} {last}",
                "address1": f"{draw.randrange(1, 200)} Rue de l'Exemple",
                "address2": "",
                "city": city,
                "zip": postcode,
                "country_code": country,
            },
            "subtotal_price": str(goods),
            "shipping_price": "4.90",
            "total_tax": str(tax),
            "total_price": str(goods + tax + Decimal("4.90")),
            "line_items": lines,
            "source_url": f"https://shop.example/orders/{5_000_000_000 + i}",
            "tags": ["bench"],
            "test": True,
        }

    def _distinct(self, count: int) -> list[str]:
        chosen: list[str] = []
        while len(chosen) < count:
            sku = self._pick()
            if sku not in chosen:
                chosen.append(sku)
        return chosen

    def _line(self, i: int, number: int, sku: str, quantity: int, country: str, tax: Decimal) -> dict[str, Any]:
        return {
            "id": f"{i}-{number}",
            "sku": sku,
            "title": f"Product {sku} blue/large",
            "quantity": quantity,
            "price": str(self.price[sku]),
            "tax_rate": TAX[country],
            "tax": str(tax),
        }


def generate(*, orders: int = 10_000, skus: int = 2_000, page: int = 100, seed: int = 42, tag: str = "") -> Work:
    """Return the work; the same arguments give the same text."""
    return Generator(orders=orders, skus=skus, page=page, seed=seed, tag=tag).work()
