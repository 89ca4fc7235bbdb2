"""The life of an order: statuses and what each does to stock, refunds, notes, trash — as a real store does it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from channels.sandbox.woocommerce.catalogue import Catalogue, put_meta
from channels.sandbox.woocommerce.order_lines import OrderLines, meta_of
from channels.sandbox.woocommerce.rest import RestError
from channels.sandbox.woocommerce.shop import Row, Shop, fixed

ADDRESS = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")
TAKES_STOCK = frozenset({"processing", "completed", "on-hold"})
GIVES_BACK = frozenset({"cancelled", "pending"})
PAID = frozenset({"processing", "completed"})
REDUCED = "_reduced_stock"

Changed = Callable[[str, int], None]


class Ordering(OrderLines):
    """The orders of one shop."""

    def __init__(self, shop: Shop, catalogue: Catalogue, changed: Changed) -> None:
        super().__init__(shop, catalogue)
        self.changed = changed

    @property
    def rows(self) -> dict[int, Row]:
        """All orders by id."""
        return self.shop["orders"]

    def get(self, number: int) -> Row:
        """Return an order. Raises RestError 404."""
        row = self.rows.get(number)
        if row is None:
            raise RestError("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", 404)
        return row

    def create(self, given: Mapping[str, Any], *, created_via: str = "rest-api") -> Row:
        """Make an order; it may sell more than there is, as orders made by API can."""
        number, now = self.shop.next_id("post"), self.shop.now()
        row: Row = {
            "id": number,
            "status": "pending",
            "created": now,
            "modified": now,
            "paid": None,
            "completed": None,
            "prices_include_tax": self.shop.site["prices_include_tax"],
            "currency": self.shop.site["currency"],
            "customer_id": 0,
            "order_key": f"wc_order_{secrets.token_urlsafe(10)[:13]}",
            "billing": dict.fromkeys((*ADDRESS, "email", "phone"), ""),
            "shipping": dict.fromkeys((*ADDRESS, "phone"), ""),
            **dict.fromkeys(("customer_note", "payment_method", "payment_method_title", "transaction_id"), ""),
            "created_via": created_via,
            "meta_data": [],
            "line_items": [],
            "shipping_lines": [],
            "fee_lines": [],
            "coupon_lines": [],
            "tax_line_id": None,
            "refund_ids": [],
            "note_ids": [],
        }
        self.apply(row, given)
        self.rows[number] = row
        wanted = given.get("status") or "pending"
        if given.get("set_paid"):
            row["paid"] = now
            wanted = wanted if wanted in PAID else "processing"
        self._enter(row, wanted)
        self.changed("order.created", number)
        self.changed("order.updated", number)
        self.shop.touch()
        return row

    def update(self, row: Row, given: Mapping[str, Any]) -> Row:
        """Change an order; also a change of nothing moves its date. Raises RestError."""
        self.apply(row, given)
        if given.get("set_paid") and row["paid"] is None:
            row["paid"] = self.shop.now()
        if given.get("status") and given["status"] != row["status"]:
            self._enter(row, given["status"])
        self.saved(row)
        return row

    def saved(self, row: Row) -> None:
        """Move the date and tell of it."""
        row["modified"] = self.shop.now()
        self.changed("order.updated", row["id"])
        self.shop.touch()

    def trash(self, row: Row) -> None:
        """Put an order into the trash; its goods stay taken. Raises RestError 410 when it is there already."""
        if row["status"] == "trash":
            raise RestError("woocommerce_rest_already_trashed", "The shop_order has already been deleted.", 410)
        put_meta(self.shop, row["meta_data"], {"key": "_wp_trash_meta_status", "value": f"wc-{row['status']}"})
        put_meta(
            self.shop,
            row["meta_data"],
            {"key": "_wp_trash_meta_time", "value": str(int(self.shop.clock().timestamp()))},
        )
        row["status"] = "trash"
        row["modified"] = self.shop.now()
        self.changed("order.deleted", row["id"])
        self.shop.touch()

    def restore(self, row: Row) -> None:
        """Take an order out of the trash (the shop's own page can; the API cannot)."""
        before = next(
            (item["value"] for item in row["meta_data"] if item["key"] == "_wp_trash_meta_status"), "wc-pending"
        )
        row["meta_data"] = [item for item in row["meta_data"] if not item["key"].startswith("_wp_trash_meta")]
        row["status"] = before.removeprefix("wc-")
        row["modified"] = self.shop.now()
        self.changed("order.restored", row["id"])
        self.shop.touch()

    def delete(self, row: Row) -> None:
        """Delete an order for good."""
        del self.rows[row["id"]]
        self.changed("order.deleted", row["id"])
        self.shop.touch()

    def note(self, order_id: int, text: str, *, to_buyer: bool = False, author: str = "WooCommerce") -> Row:
        """Add a note; it does not move the order's date."""
        row: Row = {
            "id": self.shop.next_id("note"),
            "order_id": order_id,
            "author": author,
            "created": self.shop.now(),
            "note": text,
            "customer_note": to_buyer,
        }
        self.shop["notes"][row["id"]] = row
        self.rows[order_id]["note_ids"].append(row["id"])
        self.shop.touch()
        return row

    # --- statuses and stock ---

    def _enter(self, row: Row, status: str) -> None:
        before, row["status"] = row["status"], status
        if status in TAKES_STOCK:
            self._take_stock(row)
        elif status in GIVES_BACK:
            self._give_back_stock(row)
        if status in PAID and row["paid"] is None:
            row["paid"] = self.shop.now()
        if status == "completed":
            row["completed"] = self.shop.now()
        if before != status:
            names = self.shop.statuses
            text = f"Order status changed from {names.get(before, before)} to {names.get(status, status)}."
            self.note(row["id"], text)
        if status == "refunded":
            self._refund_the_rest(row)

    def _take_stock(self, row: Row) -> None:
        for line in row["line_items"]:
            product = self.product_of(line)
            if product is None or meta_of(line, REDUCED) is not None:
                continue
            if self.catalogue.stock_keeper(product) is not None:
                self.catalogue.add_stock(product, -line["quantity"])
                put_meta(self.shop, line["meta_data"], {"key": REDUCED, "value": str(line["quantity"])})
            product["total_sales"] += line["quantity"]

    def _give_back_stock(self, row: Row) -> None:
        for line in row["line_items"]:
            taken, product = meta_of(line, REDUCED), self.product_of(line)
            if taken is not None and product is not None:
                product["total_sales"] -= line["quantity"]
                self.catalogue.add_stock(product, int(taken))
                put_meta(self.shop, line["meta_data"], {"key": REDUCED, "value": None})

    def _refund_the_rest(self, row: Row) -> None:
        rest = Decimal(self.totals(row)["total"]) - self.refunded(row["id"])
        if rest > 0:
            refund: Row = {"amount": fixed(rest), "reason": "Order fully refunded.", "line_items": []}
            self.add_refund(row, refund)

    # --- refunds ---

    def refunds(self, order_id: int) -> list[Row]:
        """Return an order's refunds, newest first."""
        return [self.shop["refunds"][number] for number in reversed(self.rows[order_id]["refund_ids"])]

    def notes(self, order_id: int) -> list[Row]:
        """Return an order's notes, newest first."""
        return [self.shop["notes"][number] for number in reversed(self.rows[order_id]["note_ids"])]

    def refunded(self, order_id: int) -> Decimal:
        """Return what was given back on an order."""
        return sum((Decimal(row["amount"]) for row in self.refunds(order_id)), Decimal(0))

    def refund(self, row: Row, given: Mapping[str, Any]) -> Row:
        """Refund an order; restocks unless told not to. Refusals are HTTP 500, `data` a bare number."""
        lines = list(given.get("line_items") or ())
        rest = Decimal(self.totals(row)["total"]) - self.refunded(row["id"])
        amount = Decimal(str(given["amount"])) if given.get("amount") else self._sum_of(lines)
        if amount <= 0:
            raise RestError("woocommerce_rest_invalid_order_refund", "Refund amount must be greater than zero.", 400)
        if amount > rest:
            raise RestError("woocommerce_rest_cannot_create_order_refund", "Invalid refund amount.", 500, 500)
        if given.get("api_refund", True) and row["payment_method"] not in self.shop.site.get("refunding_gateways", ()):
            message = "The payment gateway for this order does not support automatic refunds."
            raise RestError("woocommerce_rest_cannot_create_order_refund", message, 500, 500)
        refund = self.add_refund(row, {**given, "amount": fixed(amount), "line_items": lines})
        if given.get("api_restock", True):
            self._restock(row, refund)
        if self.refunded(row["id"]) >= Decimal(self.totals(row)["total"]):
            self._enter(row, "refunded")
        self.saved(row)
        return refund

    def add_refund(self, row: Row, given: Mapping[str, Any]) -> Row:
        """Store a refund of these lines and amount."""
        refund: Row = {
            "id": self.shop.next_id("post"),
            "order_id": row["id"],
            "created": self.shop.now(),
            "amount": given["amount"],
            "reason": given.get("reason") or "",
            "lines": [self._refund_line(row, item) for item in given["line_items"]],
            "shipping_lines": [],
            "fee_lines": [],
            "meta_id": self.shop.next_id("meta"),
            "paid": bool(given.get("api_refund", False)),
            "given_meta": [dict(item) for item in given.get("meta_data") or ()],
            "kind": "partial" if Decimal(given["amount"]) < Decimal(self.totals(row)["total"]) else "full",
        }
        self.shop["refunds"][refund["id"]] = refund
        row["refund_ids"].append(refund["id"])
        self.shop.touch()
        return refund

    def _sum_of(self, lines: Iterable[Mapping[str, Any]]) -> Decimal:
        total = Decimal(0)
        for item in lines:
            total += Decimal(str(item.get("refund_total") or 0))
            total += sum(
                (Decimal(str(tax.get("refund_total") or 0)) for tax in item.get("refund_tax") or ()), Decimal(0)
            )
        return total

    def _refund_line(self, row: Row, item: Mapping[str, Any]) -> Row:
        line = next((line for line in row["line_items"] if line["id"] == int(item.get("id") or 0)), None)
        if line is None:
            raise RestError("woocommerce_rest_cannot_create_order_refund", "Invalid order item.", 500, 500)
        taxes = [tax for tax in item.get("refund_tax") or () if tax.get("refund_total")]
        return {
            "id": self.shop.next_id("item"),
            "line_id": line["id"],
            "quantity": int(item.get("quantity") or 0),
            "total": str(item.get("refund_total") or 0),
            "tax": str(sum((Decimal(str(tax["refund_total"])) for tax in taxes), Decimal(0))),
            "meta_id": self.shop.next_id("meta"),
            "names": {name: line[name] for name in ("name", "product_id", "variation_id", "tax_class")},
        }

    def _restock(self, row: Row, refund: Row) -> None:
        for back in refund["lines"]:
            line = next(line for line in row["line_items"] if line["id"] == back["line_id"])
            taken, product = meta_of(line, REDUCED), self.product_of(line)
            if not back["quantity"] or product is None or taken is None:
                continue
            self.catalogue.add_stock(product, back["quantity"])
            restocked = int(meta_of(line, "_restock_refunded_items") or 0) + back["quantity"]
            put_meta(self.shop, line["meta_data"], {"key": REDUCED, "value": str(int(taken) - back["quantity"])})
            put_meta(self.shop, line["meta_data"], {"key": "_restock_refunded_items", "value": str(restocked)})
