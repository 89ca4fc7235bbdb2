"""Buyers of the sandbox shop: who they are, one purchase, and a steady stream of them."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from channels.sandbox.woocommerce.catalogue import Catalogue
from channels.sandbox.woocommerce.ordering import Ordering
from channels.sandbox.woocommerce.shop import Row, Shop

PEOPLE: dict[str, tuple[Row, ...]] = {
    "DE": (
        {"first_name": "Anna", "last_name": "Schmidt", "address_1": "Lindenstraße 12", "city": "Berlin",
         "postcode": "10969", "country": "DE", "phone": "+49 30 901820"},
        {"first_name": "Jonas", "last_name": "Weber", "address_1": "Marktplatz 3", "city": "Freiburg",
         "postcode": "79098", "country": "DE", "phone": "+49 761 2010"},
        {"first_name": "Lena", "last_name": "Fischer", "address_1": "Elbchaussee 88", "city": "Hamburg",
         "postcode": "22763", "country": "DE", "phone": "+49 40 428280"},
    ),
    "FR": (
        {"first_name": "Zoé", "last_name": "Martin", "address_1": "12 rue de la Paix", "city": "Lyon",
         "postcode": "69001", "country": "FR", "phone": "+33 4 72 10 30 30"},
    ),
    "GB": (
        {"first_name": "Oliver", "last_name": "Hughes", "address_1": "4 Castle Street", "city": "Bristol",
         "postcode": "BS1 3XF", "country": "GB", "phone": "+44 117 922 2000"},
    ),
    "CN": (
        {"first_name": "伟", "last_name": "王", "address_1": "中山北路 198 号 3 幢 502 室", "city": "杭州市",
         "state": "CN12", "postcode": "310006", "country": "CN", "phone": "+86 138 0013 8000"},
        {"first_name": "芳", "last_name": "李", "address_1": "天河路 385 号 1201 室", "city": "广州市",
         "state": "CN20", "postcode": "510620", "country": "CN", "phone": "+86 139 0020 0300"},
    ),
}  # fmt: skip
NOTES = ("", "", "", "", "", "", "Please ring twice.", "Bitte beim Nachbarn abgeben.", "麻烦包装好一点，谢谢")


class SoldOut(Exception):
    """The shop does not have so many; its check-out refuses."""

    def __init__(self, sku: str, left: int) -> None:
        super().__init__(f"{sku}: {left} left")
        self.sku, self.left = sku, left


class Buying:
    """The check-out of one shop. `seed` repeats the same buyers."""

    def __init__(self, shop: Shop, catalogue: Catalogue, ordering: Ordering, *, seed: int = 0) -> None:
        self.shop, self.catalogue, self.ordering = shop, catalogue, ordering
        self.random = random.Random(seed)

    def find(self, sku: str) -> Row:
        """Return the product or variation of a SKU. Raises KeyError."""
        for row in self.catalogue.rows.values():
            if row["sku"] == sku.strip():
                return row
        raise KeyError(sku)

    def place(
        self,
        lines: Sequence[tuple[str, int]],
        *,
        buyer: Mapping[str, Any] | None = None,
        status: str = "processing",
        note: str = "",
        oversell: bool = False,
        shipping: str = "",
    ) -> Row:
        """Buy (SKU, pieces) at the check-out. Raises SoldOut unless `oversell`, KeyError for an unknown SKU."""
        with self.shop.lock:
            items = []
            for sku, pieces in lines:
                row = self.find(sku)
                keeper = self.catalogue.stock_keeper(row)
                left = keeper["stock_quantity"] if keeper else None
                if left is not None and left < pieces and not oversell and row["backorders"] == "no":
                    raise SoldOut(sku, left)
                items.append(_item(row, pieces))
            person = dict(buyer or self.somebody())
            email = person.pop("email", "") or _email(person)
            given: Row = {
                "status": status,
                "payment_method": "bacs" if status == "on-hold" else "stripe",
                "payment_method_title": "Bank transfer" if status == "on-hold" else "Card",
                "billing": {**person, "email": email},
                "shipping": person,
                "customer_note": note,
                "line_items": items,
            }
            if shipping:
                given["shipping_lines"] = [{"method_id": "flat_rate", "method_title": "Parcel", "total": shipping}]
            return self.ordering.create(given, created_via="checkout")

    def somebody(self) -> Row:
        """Return one of the people who buy here."""
        return dict(self.random.choice(PEOPLE.get(self.shop.site["country"], PEOPLE["DE"])))

    def any_order(self) -> Row | None:
        """Let somebody buy something that is there; None when everything is sold out."""
        with self.shop.lock:
            there = [row for row in self.catalogue.rows.values() if self._can_be_bought(row)]
            if not there:
                return None
            chosen = self.random.sample(there, k=min(len(there), self.random.choice((1, 1, 1, 2, 3))))
            lines = []
            for row in chosen:
                keeper = self.catalogue.stock_keeper(row)
                most = keeper["stock_quantity"] if keeper else 3
                lines.append((row["sku"], min(most, self.random.choice((1, 1, 1, 2, 3)))))
            return self.place(lines, note=self.random.choice(NOTES), shipping="4.90")

    def _can_be_bought(self, row: Row) -> bool:
        if row["type"] not in {"simple", "variation"} or row["status"] != "publish" or not row["sku"]:
            return False
        keeper = self.catalogue.stock_keeper(row)
        return (
            keeper is None and row["stock_status"] == "instock" or keeper is not None and keeper["stock_quantity"] > 0
        )


class Stream:
    """Buyers who come by themselves, `per_minute` on average."""

    def __init__(self, buy: Callable[[], Any], per_minute: float, *, seed: int = 0) -> None:
        self.buy, self.per_minute = buy, per_minute
        self.random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="buyers", daemon=True)

    def start(self) -> None:
        """Open the doors."""
        self._thread.start()

    def stop(self) -> None:
        """Close the doors."""
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.wait(self.random.expovariate(self.per_minute / 60)):
            self.buy()


def _item(row: Row, pieces: int) -> Row:
    if row["type"] == "variation":
        return {"product_id": row["parent_id"], "variation_id": row["id"], "quantity": pieces}
    return {"product_id": row["id"], "quantity": pieces}


def _email(person: Mapping[str, Any]) -> str:
    name = f"{person.get('first_name', '')}.{person.get('last_name', '')}".lower()
    return f"{name if name.isascii() else 'buyer'}@example.test"
