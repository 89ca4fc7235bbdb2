"""The lines of an order: prices, taxes, coupons, and the sums of its header.

Amounts are kept to six places as WooCommerce keeps them and shown to two. Where prices include tax, taxes are rounded
half down and everything else half up, which is why a coupon's cent can differ between the header and its own line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from channels.sandbox.woocommerce.catalogue import Catalogue, put_meta
from channels.sandbox.woocommerce.rest import RestError
from channels.sandbox.woocommerce.shop import Row, Shop, fixed

SIX = Decimal("0.000001")
PLAIN = (
    "currency",
    "customer_id",
    "customer_note",
    "payment_method",
    "payment_method_title",
    "transaction_id",
    "created_via",
)


class OrderLines:
    """What an order holds, apart from its life."""

    def __init__(self, shop: Shop, catalogue: Catalogue) -> None:
        self.shop, self.catalogue = shop, catalogue

    def product_of(self, line: Row) -> Row | None:
        """Return the product or variation a line sells; None when it was deleted."""
        return self.catalogue.rows.get(line["variation_id"] or line["product_id"])

    def apply(self, row: Row, given: Mapping[str, Any]) -> None:
        """Take over fields, addresses and lines. Raises RestError."""
        for name in PLAIN:
            if given.get(name) is not None:
                row[name] = given[name]
        for name in ("billing", "shipping"):
            if isinstance(given.get(name), dict):
                row[name] = {
                    **row[name],
                    **{key: given[name][key] for key in row[name] if given[name].get(key) is not None},
                }
        for item in given.get("meta_data") or ():
            put_meta(self.shop, row["meta_data"], item)
        for item in given.get("line_items") or ():
            self._put_line(row, item)
        for name in ("shipping_lines", "fee_lines"):
            for item in given.get(name) or ():
                self._put_side(row, name, item)
        if row["tax_line_id"] is None and row["line_items"] and self._rate():
            row["tax_line_id"] = self.shop.next_id("item")
        for item in given.get("coupon_lines") or ():
            self._apply_coupon(row, str(item.get("code", "")))

    def _put_line(self, row: Row, item: Mapping[str, Any]) -> None:
        standing = next((line for line in row["line_items"] if line["id"] == item.get("id")), None)
        if item.get("id") and standing is None:
            raise RestError(
                "woocommerce_rest_invalid_item_id", "Order item ID provided is not associated with order.", 400
            )
        if standing is not None and item.get("quantity") == 0:
            row["line_items"].remove(standing)
            return
        line = standing or self._new_line(item)
        if item.get("quantity") is not None or standing is None:
            line["quantity"] = int(item.get("quantity") or 1)
            net, tax = self._net_and_tax(Decimal(line["unit_price"]) * line["quantity"])
            line |= {"subtotal": str(net), "subtotal_tax": str(tax), "total": str(net), "total_tax": str(tax)}
        for name in ("subtotal", "total"):
            if item.get(name) is not None:
                line[name] = str(item[name])
                line[f"{name}_tax"] = str((Decimal(line[name]) * self._rate()).quantize(SIX))
        if standing is None:
            row["line_items"].append(line)

    def _new_line(self, item: Mapping[str, Any]) -> Row:
        product = self.catalogue.rows.get(int(item.get("variation_id") or item.get("product_id") or 0))
        if product is None:
            if item.get("product_id"):
                raise RestError("woocommerce_rest_invalid_product_id", "Invalid product ID.", 400)
            return {**self._bare_line(item), "name": str(item.get("name", "Item")), "product_id": 0, "variation_id": 0}
        variation = product["type"] == "variation"
        line = {
            **self._bare_line(item),
            "name": self.catalogue.full_name(product),
            "product_id": product["parent_id"] if variation else product["id"],
            "variation_id": product["id"] if variation else 0,
            "unit_price": str(self.catalogue.price(product)),
        }
        for attribute in product["attributes"] if variation else ():
            key, label = attribute["slug"], attribute["name"]
            meta = {"id": self.shop.next_id("meta"), "key": key, "value": attribute["option"].lower()}
            line["meta_data"].append({**meta, "display_key": label, "display_value": attribute["option"]})
        return line

    def _bare_line(self, item: Mapping[str, Any]) -> Row:
        zero = dict.fromkeys(("subtotal", "subtotal_tax", "total", "total_tax"), "0")
        line: Row = {
            "id": self.shop.next_id("item"),
            "tax_class": "",
            "meta_data": [],
            "unit_price": "0",
            "quantity": 1,
            **zero,
        }
        for meta in item.get("meta_data") or ():
            put_meta(self.shop, line["meta_data"], meta)
        return line

    def _put_side(self, row: Row, name: str, item: Mapping[str, Any]) -> None:
        total = Decimal(str(item.get("total") or 0))
        taxed = item.get("tax_status", "taxable") != "none"
        line: Row = {
            "id": self.shop.next_id("item"),
            "total": str(total),
            "total_tax": str((total * self._rate()).quantize(SIX)) if taxed else "0",
            "tax_status": "taxable" if taxed else "none",
        }
        if name == "shipping_lines":
            line |= {"method_id": str(item.get("method_id") or ""), "method_title": str(item.get("method_title") or "")}
        else:
            line |= {"name": str(item.get("name") or "Fee")}
        row[name].append(line)

    def _apply_coupon(self, row: Row, code: str) -> None:
        coupon = next((item for item in self.shop["coupons"].values() if item["code"] == code.lower()), None)
        if coupon is None:
            raise RestError("woocommerce_rest_invalid_coupon", f'Coupon "{code}" does not exist!', 400)
        net_off, tax_off = Decimal(0), Decimal(0)
        for line in row["line_items"]:
            part = 1 - Decimal(coupon["amount"]) / 100
            for name, off in (("total", net_off), ("total_tax", tax_off)):
                kept = (Decimal(line[name]) * part).quantize(SIX)
                off += Decimal(line[name]) - kept
                line[name] = str(kept)
                net_off, tax_off = (off, tax_off) if name == "total" else (net_off, off)
        row["coupon_lines"].append(
            {
                "id": self.shop.next_id("item"),
                "coupon_id": coupon["id"],
                "code": coupon["code"],
                "discount": str(net_off),
                "discount_tax": str(tax_off),
                "discount_type": coupon["discount_type"],
                "nominal_amount": float(coupon["amount"]),
                "meta_id": self.shop.next_id("meta"),
            }
        )

    def _rate(self) -> Decimal:
        return Decimal(str(self.shop.site["tax_percent"])) / 100

    def _net_and_tax(self, price: Decimal) -> tuple[Decimal, Decimal]:
        if not self.shop.site["prices_include_tax"]:
            return price, (price * self._rate()).quantize(SIX)
        net = (price / (1 + self._rate())).quantize(SIX)
        return net, price - net

    def totals(self, row: Row) -> dict[str, str]:
        """Return the sums of the header as text."""
        lines = row["line_items"]
        net, tax = sum_of(lines, "total"), sum_of(lines, "total_tax")
        fee, fee_tax = sum_of(row["fee_lines"], "total"), sum_of(row["fee_lines"], "total_tax")
        shipping, shipping_tax = sum_of(row["shipping_lines"], "total"), sum_of(row["shipping_lines"], "total_tax")
        cart_tax = tax + fee_tax
        down = bool(row["prices_include_tax"])
        shown_tax = [fixed(cart_tax, half_down=down), fixed(shipping_tax, half_down=down)]
        return {
            "discount_total": fixed(sum_of(lines, "subtotal") - net, half_down=True),
            "discount_tax": fixed(sum_of(lines, "subtotal_tax") - tax, half_down=True),
            "shipping_total": fixed(shipping),
            "shipping_tax": shown_tax[1],
            "cart_tax": shown_tax[0],
            "total": fixed(net + fee + shipping + cart_tax + shipping_tax),
            "total_tax": fixed(Decimal(shown_tax[0]) + Decimal(shown_tax[1])),
        }


def sum_of(rows: Iterable[Row], name: str) -> Decimal:
    """Return the sum of an amount over rows."""
    return sum((Decimal(row[name]) for row in rows), Decimal(0))


def meta_of(row: Row, key: str) -> Any:
    """Return a meta value; None when it is not set."""
    return next((item["value"] for item in row["meta_data"] if item["key"] == key), None)
