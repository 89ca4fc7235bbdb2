"""The limit of W1: the same rows into the same tables and indexes by hand-written SQL, a transaction a page.

Nothing of the product runs here but its tables: psycopg, one `unnest` INSERT per table, one UPDATE of the balances,
ids drawn from the sequences, allocation in plain Python over locked balances. No checks, no matching rules, no audit,
no versions compared: what the rows must hold is filled in from the page.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

TYPES = {
    "orders_order": (
        "id bigint, shop_id bigint, external_id text, number text, number_key text, state text, payment text, "
        "currency text, goods_total bigint, discount_total bigint, shipping_total bigint, tax_total bigint, "
        "fee_total bigint, rounding bigint, total bigint, base_total bigint, taxes_included boolean, "
        "placed_at timestamptz, paid_at timestamptz, cancelled_at timestamptz, cancelled_here boolean, closed boolean, "
        "cancel_reason text, platform_updated_at timestamptz, ship_by timestamptz, demand_expires_at timestamptz, "
        "received_at timestamptz, updated_at timestamptz, approved_at timestamptz, shipped_at timestamptz, "
        "hold_code text, hold_note text, hold_department text, held_since timestamptz, accepted_version_id bigint, "
        "pending_version_id bigint, duplicate_key text, test boolean, risk text, shipping_method text, tags jsonb, "
        "url text, revision integer, buyer_key text, phone_key text, address_key text, marks jsonb, "
        "priority smallint, own_ship_by timestamptz, hold_until timestamptz"
    ),
    "orders_ordercontact": (
        "order_id bigint, buyer_id text, buyer_name text, email text, phone text, shipping jsonb, billing jsonb, "
        "country text, buyer_note text, seller_note text, address_fixed boolean, name_key text, email_key text, "
        "phone_key text"
    ),
    "orders_orderversion": (
        "id bigint, order_id bigint, number integer, digest text, platform_updated_at timestamptz, "
        "delivered_at timestamptz, content text, source_ref text, outcome text"
    ),
    "orders_orderline": (
        "id bigint, order_id bigint, external_id text, position integer, sku_id bigint, sku_code text, "
        "listing_id text, barcode text, title text, quantity bigint, ordered_quantity bigint, "
        "shipped_quantity bigint, pack bigint, unit_price bigint, discount bigint, tax bigint, tax_rate bigint, "
        "total bigint, platform_fulfilled boolean, stocked boolean, match_code text, properties jsonb"
    ),
    "orders_reviewlog": (
        "order_id bigint, version_id bigint, at timestamptz, rules_version text, facts jsonb, verdict text, "
        "findings jsonb, person_verdict text, person text, person_reason text"
    ),
    "inventory_stockentry": (
        "key text, sku_id bigint, warehouse_id bigint, bucket smallint, quantity bigint, unit_cost bigint, "
        "value bigint, reason text, reference text, occurred_at timestamptz, recorded_at timestamptz, lot text, "
        "bin text, condition text, actor text"
    ),
    "inventory_reservation": (
        "reference text, sku_id bigint, warehouse_id bigint, bucket smallint, quantity bigint, turn integer, "
        "expires_at timestamptz, updated_at timestamptz"
    ),
    "inventory_stockchange": "sku_id bigint, warehouse_id bigint, cause text, created_at timestamptz",
    "inventory_stockchangedelivery": (
        "event_id bigint, consumer text, state text, not_before timestamptz, fence bigint, attempts integer, code text"
    ),
}


def _statement(table: str, tail: str = "") -> str:
    columns = [one.split() for one in TYPES[table].split(", ")]
    names = ", ".join(f'"{name}"' for name, _kind in columns)
    arrays = ", ".join(f"%s::{'text' if kind == 'jsonb' else kind}[]" for _name, kind in columns)
    selected = ", ".join(f"u.c{n}{'::jsonb' if kind == 'jsonb' else ''}" for n, (_name, kind) in enumerate(columns))
    aliases = ", ".join(f"c{n}" for n in range(len(columns)))
    return f"INSERT INTO {table} ({names}) SELECT {selected} FROM unnest({arrays}) AS u({aliases}) {tail}"


class RawLoader:
    """One connection with its statements ready."""

    def __init__(self, url: str, shop_id: int, warehouses: Sequence[int]) -> None:
        import psycopg

        self.connection = psycopg.connect(url)
        self.shop_id, self.warehouses = shop_id, list(warehouses)
        self.sku_ids: dict[str, int] = dict(self.connection.execute("SELECT code, id FROM inventory_sku").fetchall())
        self.connection.commit()
        conflict = "ON CONFLICT (shop_id, external_id) DO NOTHING RETURNING external_id, id"
        self.insert = {table: _statement(table) for table in TYPES}
        self.insert["orders_order"] = _statement("orders_order", conflict)
        self.insert["inventory_stockchange"] = _statement("inventory_stockchange", "RETURNING id")

    def ingest(self, pages: Iterable[str]) -> int:
        """Load pages, a transaction each; returns how many orders were stored."""
        stored = 0
        for page in pages:
            with self.connection.transaction(), self.connection.cursor() as cursor:
                stored += self._page(cursor, json.loads(page)["orders"])
        return stored

    def close(self) -> None:
        """Give the connection back."""
        self.connection.close()

    def _page(self, cursor: Any, orders: list[dict[str, Any]]) -> int:
        now = dt.datetime.now(dt.UTC).isoformat()
        orders.sort(key=lambda order: order["id"])
        count = sum(len(order["line_items"]) for order in orders)
        ids = self._ids(cursor, len(orders), count)
        lines = iter(ids["line"])
        for order, order_id, version_id in zip(orders, ids["order"], ids["version"], strict=True):
            order["_id"], order["_version"] = order_id, version_id
            for line in order["line_items"]:
                line["_id"] = next(lines)
        taken = self._allocate(cursor, orders)
        rows = [self._order(order, now, order["id"] in taken) for order in orders]
        stored = dict(self._write(cursor, "orders_order", rows))
        mine = [order for order in orders if order["id"] in stored]
        self._write(cursor, "orders_ordercontact", [self._contact(order) for order in mine])
        self._write(cursor, "orders_orderversion", [self._version(order, now) for order in mine])
        wanted = [self._line(order, place, line) for order in mine for place, line in enumerate(order["line_items"])]
        self._write(cursor, "orders_orderline", wanted)
        self._write(cursor, "orders_reviewlog", [self._review(order, now, order["id"] in taken) for order in mine])
        self._stock(cursor, mine, taken, now)
        return len(stored)

    @staticmethod
    def _ids(cursor: Any, orders: int, lines: int) -> dict[str, list[int]]:
        cursor.execute(
            "SELECT 'order', nextval('orders_order_id_seq') FROM generate_series(1, %s) UNION ALL "
            "SELECT 'version', nextval('orders_orderversion_id_seq') FROM generate_series(1, %s) UNION ALL "
            "SELECT 'line', nextval('orders_orderline_id_seq') FROM generate_series(1, %s)",
            [orders, orders, lines],
        )
        found: dict[str, list[int]] = {"order": [], "version": [], "line": []}
        for kind, value in cursor.fetchall():
            found[kind].append(value)
        return found

    def _allocate(self, cursor: Any, orders: list[dict[str, Any]]) -> set[str]:
        """Lock the balances and choose a warehouse for each line, whole orders only; returns the orders that fit."""
        skus = sorted({self.sku_ids[line["sku"]] for order in orders for line in order["line_items"]})
        cursor.execute(
            "SELECT id, sku_id, warehouse_id, on_hand - reserved, on_hand - reserved - demand FROM inventory_balance "
            "WHERE sku_id = ANY(%s) AND warehouse_id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [skus, self.warehouses],
        )
        self.balance, self.free, self.uncommitted = {}, {}, {}
        for pk, sku, place, free, uncommitted in cursor.fetchall():
            self.balance[sku, place] = pk
            self.free[sku, place], self.uncommitted[sku, place] = free, uncommitted
        for order in orders:
            for line in order["line_items"]:
                self._demand_place(line)
        return {order["id"] for order in orders if self._reserve(order)}

    def _demand_place(self, line: dict[str, Any]) -> None:
        sku, quantity = self.sku_ids[line["sku"]], line["quantity"] * 1000
        fits = (place for place in self.warehouses if self.uncommitted.get((sku, place), 0) >= quantity)
        line["_demand"] = next(fits, self.warehouses[0])
        self.uncommitted[sku, line["_demand"]] -= quantity

    def _reserve(self, order: dict[str, Any]) -> bool:
        chosen = []
        for line in order["line_items"]:
            sku, quantity = self.sku_ids[line["sku"]], line["quantity"] * 1000
            fits = (place for place in self.warehouses if self.free.get((sku, place), 0) >= quantity)
            place = next(fits, None)
            if place is None:
                for key, back in chosen:
                    self.free[key] += back
                return False
            self.free[sku, place] -= quantity
            chosen.append(((sku, place), quantity))
            line["_place"] = place
        return True

    # --- rows --------------------------------------------------------------------------------------------------------

    def _order(self, order: dict[str, Any], now: str, fits: bool) -> tuple[Any, ...]:
        goods = sum(_money(line["price"]) * line["quantity"] for line in order["line_items"])
        placed = order["created_at"]
        held = () if fits else ("short_stock", "", "buying", now)
        return (
            order["_id"], self.shop_id, order["id"], order["name"], order["name"].lstrip("#"),
            "approved" if fits else "held", "paid", order["currency"], goods, 0, _money(order["shipping_price"]),
            _money(order["total_tax"]), 0, 0, _money(order["total_price"]), None, False, placed, placed, None, False,
            False, "", placed, None, None, now, now, now if fits else None, None, *(held or ("", "", "", None)),
            order["_version"], None, _hash("duplicate", order["customer"]["email"])[:32], True, "", "",
            '["bench"]', order["source_url"], 0, _hash("buyer", order["customer"]["email"])[:32],
            _hash("phone", order["customer"]["phone"])[:32],
            _hash("address", order["shipping_address"]["address1"])[:32], "[]", 0, None, None,
        )  # fmt: skip

    @staticmethod
    def _contact(order: dict[str, Any]) -> tuple[Any, ...]:
        customer, address = order["customer"], order["shipping_address"]
        name = f"{customer['first_name']} {customer['last_name']}"
        shipping = {
            "name": address["name"],
            "line1": address["address1"],
            "city": address["city"],
            "postcode": address["zip"],
            "country": address["country_code"],
        }
        digits = "".join(char for char in customer["phone"] if char.isdigit())
        return (
            order["_id"], "", name, customer["email"], customer["phone"], json.dumps(shipping, ensure_ascii=False),
            "{}", address["country_code"], order["note"], "", False, name.casefold(), customer["email"], digits,
        )  # fmt: skip

    @staticmethod
    def _version(order: dict[str, Any], now: str) -> tuple[Any, ...]:
        content = {key: value for key, value in order.items() if key[0] != "_"}
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        return order["_version"], order["_id"], 1, digest, order["created_at"], now, text, "", "accepted"

    def _line(self, order: dict[str, Any], place: int, line: dict[str, Any]) -> tuple[Any, ...]:
        quantity, price = line["quantity"] * 1000, _money(line["price"])
        return (
            line["_id"], order["_id"], line["id"], place, self.sku_ids[line["sku"]], line["sku"], "", "",
            line["title"], quantity, quantity, 0, 1000, price, 0, _money(line["tax"]),
            int(line["tax_rate"].replace(".", "")) * 10**8, price * line["quantity"], False, True, "", "{}",
        )  # fmt: skip

    def _review(self, order: dict[str, Any], now: str, fits: bool) -> tuple[Any, ...]:
        facts = {
            "shop": self.shop_id,
            "currency": order["currency"],
            "total": order["total_price"],
            "payment": "paid",
            "country": order["shipping_address"]["country_code"],
            "placed_at": order["created_at"],
            "buyer": _hash("buyer", order["customer"]["email"]),
            "phone": _hash("phone", order["customer"]["phone"]),
            "address": _hash("address", order["shipping_address"]["address1"]),
            "masked": False,
            "test": True,
            "closed": False,
            "duplicate_of": None,
            "lines": [
                {
                    "line": line["_id"],
                    "sku": self.sku_ids[line["sku"]],
                    "wanted": line["quantity"] * 1000,
                    "stocked": True,
                }
                for line in order["line_items"]
            ],
        }
        short = '[{"code":"short_stock","department":"buying"}]'
        verdict, findings = ("approved", "[]") if fits else ("held", short)
        return order["_id"], order["_version"], now, "1-0123456789", json.dumps(facts), verdict, findings, "", "", ""

    def _stock(self, cursor: Any, orders: list[dict[str, Any]], taken: set[str], now: str) -> None:
        """Demand for every line, turned into a reservation for those that fit; entries, balances and news with it."""
        held: list[tuple[Any, ...]] = []
        entries: list[tuple[Any, ...]] = []
        change: dict[tuple[int, int], list[int]] = {}
        touched: set[tuple[int, int]] = set()

        def entry(reference: str, sku: int, place: int, bucket: int, turn: int, quantity: int, reason: str) -> None:
            key = f"{reference}/{sku}@{place}.{'d' if bucket == 2 else 'r'}{turn}"
            entries.append(
                (key, sku, place, bucket, quantity, None, 0, reason, reference, now, now, "", "", "", "intake")
            )
            change.setdefault((sku, place), [0, 0])[bucket - 2] += quantity
            touched.add((sku, place))

        for order in orders:
            fits = order["id"] in taken
            for line in order["line_items"]:
                reference, sku = f"orders.line:{line['_id']}", self.sku_ids[line["sku"]]
                quantity, place = line["quantity"] * 1000, line["_demand"]
                entry(reference, sku, place, 2, 1, quantity, "demand")
                held.append((reference, sku, place, 2, 0 if fits else quantity, 2 if fits else 1, None, now))
                if fits:
                    entry(reference, sku, place, 2, 2, -quantity, "reserve")
                    entry(reference, sku, line["_place"], 3, 1, quantity, "reserve")
                    held.append((reference, sku, line["_place"], 3, quantity, 1, None, now))
        self._write(cursor, "inventory_reservation", held)
        cursor.execute(
            "UPDATE inventory_balance AS t SET demand = t.demand + v.demand, reserved = t.reserved + v.reserved, "
            "updated_at = %s FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS v(id, demand, reserved) "
            "WHERE t.id = v.id AND t.on_hand >= t.reserved + v.reserved AND t.demand + v.demand >= 0",
            [
                now,
                *(_array(column) for column in zip(*((self.balance[k], *v) for k, v in change.items()), strict=True)),
            ],
        )
        self._write(cursor, "inventory_stockentry", entries)
        news = self._write(cursor, "inventory_stockchange", [(*pair, "reserve", now) for pair in touched])
        self._write(cursor, "inventory_stockchangedelivery", [(row[0], "push", "due", now, 0, 0, "") for row in news])

    def _write(self, cursor: Any, table: str, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        cursor.execute(self.insert[table], [_array(column) for column in zip(*rows, strict=True)])
        return cursor.fetchall() if cursor.description else []


def _money(text: str) -> int:
    """`12.5` as ten-thousandths, without a Decimal in between."""
    whole, _dot, part = text.partition(".")
    return int(whole) * 10_000 + int(part.ljust(4, "0"))


def _hash(kind: str, text: str) -> str:
    return hashlib.sha256(f"{kind}{text}".encode()).hexdigest()


def _array(column: Sequence[Any]) -> str:
    """An array literal: several times faster than psycopg's own adaptation of lists, so the limit gets it too."""
    return "{" + ",".join(map(_element, column)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if value.__class__ is str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value.__class__ is bool:
        return "t" if value else "f"
    return str(value)
