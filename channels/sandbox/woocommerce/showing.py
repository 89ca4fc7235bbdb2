"""Orders, refunds and notes as the API shows them: every key a real store sends, in its types and its rounding."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from channels.sandbox.woocommerce.catalogue import own_link
from channels.sandbox.woocommerce.ordering import ADDRESS, Ordering
from channels.sandbox.woocommerce.shop import Row, fixed

VERSION = "11.0.1"


class Showing:
    """Turns stored orders into API objects."""

    def __init__(self, ordering: Ordering) -> None:
        self.ordering, self.shop = ordering, ordering.shop

    def order(self, row: Row, base: str) -> Row:
        """Return one order."""
        place, local = f"{base}/wp-json/wc/v3/orders", self.shop.local
        return {
            "id": row["id"],
            "parent_id": 0,
            "status": row["status"],
            "currency": row["currency"],
            "version": VERSION,
            "prices_include_tax": row["prices_include_tax"],
            "date_created": local(row["created"]),
            "date_modified": local(row["modified"]),
            **self.ordering.totals(row),
            "customer_id": row["customer_id"],
            "order_key": row["order_key"],
            "billing": {name: row["billing"][name] for name in (*ADDRESS, "email", "phone")},
            "shipping": {name: row["shipping"][name] for name in (*ADDRESS, "phone")},
            "payment_method": row["payment_method"],
            "payment_method_title": row["payment_method_title"],
            "transaction_id": row["transaction_id"],
            "customer_ip_address": "",
            "customer_user_agent": "",
            "created_via": row["created_via"],
            "customer_note": row["customer_note"],
            "date_completed": local(row["completed"]),
            "date_paid": local(row["paid"]),
            "cart_hash": "",
            "number": str(row["id"]),
            "meta_data": row["meta_data"],
            "line_items": [self._line(line, row) for line in row["line_items"]],
            "tax_lines": self._tax_lines(row),
            "shipping_lines": [self._shipping(line) for line in row["shipping_lines"]],
            "fee_lines": [self._fee(line) for line in row["fee_lines"]],
            "coupon_lines": [self._coupon(line) for line in row["coupon_lines"]],
            "refunds": [self._refund_summary(refund) for refund in self.ordering.refunds(row["id"])],
            "payment_url": f"{base}/checkout/order-pay/{row['id']}/?pay_for_order=true&key={row['order_key']}",
            "is_editable": row["status"] in {"pending", "on-hold", "auto-draft"},
            "needs_payment": row["status"] in {"pending", "failed"},
            "needs_processing": self._needs_processing(row),
            "date_created_gmt": row["created"],
            "date_modified_gmt": row["modified"],
            "date_completed_gmt": row["completed"],
            "date_paid_gmt": row["paid"],
            "currency_symbol": self.shop.site["currency_symbol"],
            "_links": {
                "self": [own_link(f"{place}/{row['id']}")],
                "collection": [{"href": place}],
                "email_templates": [{"embeddable": True, "href": f"{place}/{row['id']}/actions/email_templates"}],
            },
        }

    def refund(self, row: Row, base: str, *, with_parent: bool = False) -> Row:
        """Return one refund; quantities and totals are negative, `amount` is positive."""
        orders = f"{base}/wp-json/wc/v3/orders/{row['order_id']}"
        links = {
            "self": [own_link(f"{orders}/refunds/{row['id']}", ["GET", "DELETE"])],
            "collection": [{"href": f"{orders}/refunds"}],
            "up": [{"href": orders}],
        }
        return {
            "id": row["id"],
            **({"parent_id": row["order_id"]} if with_parent else {}),
            "date_created": self.shop.local(row["created"]),
            "date_created_gmt": row["created"],
            "amount": fixed(row["amount"]),
            "reason": row["reason"],
            "refunded_by": 1,
            "refunded_payment": row.get("paid", False),
            "meta_data": [
                {"id": row["meta_id"], "key": "_refund_type", "value": row["kind"]},
                *(
                    {"id": row["meta_id"] * 100 + place, "key": item["key"], "value": item.get("value")}
                    for place, item in enumerate(row.get("given_meta", ()), 1)
                ),
            ],
            "line_items": [self._refund_line(line) for line in row["lines"]],
            "shipping_lines": row["shipping_lines"],
            "tax_lines": [],
            "fee_lines": row["fee_lines"],
            "_links": links,
        }

    def note(self, row: Row, base: str) -> Row:
        """Return one note."""
        place = f"{base}/wp-json/wc/v3/orders/{row['order_id']}"
        return {
            "id": row["id"],
            "author": row["author"],
            "date_created": self.shop.local(row["created"]),
            "date_created_gmt": row["created"],
            "note": row["note"],
            "customer_note": row["customer_note"],
            "_links": {
                "self": [own_link(f"{place}/notes/{row['id']}", ["GET", "DELETE"])],
                "collection": [{"href": f"{place}/notes"}],
                "up": [{"href": place}],
            },
        }

    def _needs_processing(self, row: Row) -> bool:
        products = [self.ordering.product_of(line) for line in row["line_items"]]
        return any(product is None or not product["virtual"] for product in products)

    def _line(self, line: Row, order: Row) -> Row:
        product = self.ordering.product_of(line)
        parent = product is not None and product["type"] == "variation"
        price = Decimal(line["total"]) / line["quantity"] if line["quantity"] else Decimal(0)
        down = bool(order["prices_include_tax"])
        return {
            "id": line["id"],
            "name": line["name"],
            "product_id": line["product_id"],
            "variation_id": line["variation_id"],
            "quantity": line["quantity"],
            "tax_class": line["tax_class"],
            "subtotal": fixed(line["subtotal"]),
            "subtotal_tax": fixed(line["subtotal_tax"], half_down=down),
            "total": fixed(line["total"]),
            "total_tax": fixed(line["total_tax"], half_down=down),
            "taxes": self._taxes(line),
            "meta_data": [_shown_meta(item) for item in line["meta_data"]],
            "sku": self.ordering.catalogue.code(product) if product else None,
            "global_unique_id": product["global_unique_id"] if product else "",
            "price": float(price),
            "image": {"id": 0 if parent else "", "src": ""},
            "parent_name": self.ordering.catalogue.rows[product["parent_id"]]["name"] if product and parent else None,
        }

    def _taxes(self, line: Row) -> list[Row]:
        if not Decimal(line["total_tax"]) and not Decimal(line.get("subtotal_tax", "0")):
            return []
        subtotal = fixed(line["subtotal_tax"]) if "subtotal_tax" in line else ""
        return [{"id": 1, "total": fixed(line["total_tax"]), "subtotal": subtotal}]

    def _tax_lines(self, row: Row) -> list[Row]:
        if row["tax_line_id"] is None:
            return []
        totals, site = self.ordering.totals(row), self.shop.site
        percent = Decimal(str(site["tax_percent"]))
        return [
            {
                "id": row["tax_line_id"],
                "rate_code": f"{site['country']}-{site['tax_label']}-1",
                "rate_id": 1,
                "label": site["tax_label"],
                "compound": False,
                "tax_total": totals["cart_tax"],
                "shipping_tax_total": totals["shipping_tax"],
                "rate_percent": int(percent) if percent == percent.to_integral_value() else float(percent),
                "meta_data": [],
            }
        ]

    def _shipping(self, line: Row) -> Row:
        return {
            "id": line["id"],
            "method_title": line["method_title"],
            "method_id": line["method_id"],
            "instance_id": "",
            "total": fixed(line["total"]),
            "total_tax": fixed(line["total_tax"]),
            "taxes": self._taxes(line),
            "tax_status": line["tax_status"],
            "meta_data": [],
        }

    def _fee(self, line: Row) -> Row:
        return {
            "id": line["id"],
            "name": line["name"],
            "tax_class": "",
            "tax_status": line["tax_status"],
            "amount": "",
            "total": fixed(line["total"]),
            "total_tax": fixed(line["total_tax"]),
            "taxes": self._taxes(line),
            "meta_data": [],
        }

    def _coupon(self, line: Row) -> Row:
        amount = line["nominal_amount"]
        number = int(amount) if amount == int(amount) else amount
        info = f'[{line["coupon_id"]},"{line["code"]}","{line["discount_type"]}",{number}]'
        return {
            "id": line["id"],
            "code": line["code"],
            "discount": fixed(line["discount"]),
            "discount_tax": fixed(line["discount_tax"], half_down=True),
            "meta_data": [_shown_meta({"id": line["meta_id"], "key": "coupon_info", "value": info})],
            "discount_type": line["discount_type"],
            "nominal_amount": number,
            "free_shipping": False,
        }

    def _refund_summary(self, refund: Row) -> Row:
        tax = sum((Decimal(line["tax"]) for line in refund["lines"]), Decimal(0))
        return {
            "id": refund["id"],
            "reason": refund["reason"],
            "total": fixed(-Decimal(refund["amount"])),
            "total_tax": fixed(-tax if tax else tax),
        }

    def _refund_line(self, line: Row) -> Row:
        product = self.ordering.product_of(line["names"])
        total, tax = -Decimal(line["total"]), -Decimal(line["tax"])
        unit = abs(total) / line["quantity"] if line["quantity"] else abs(total)
        parent = product is not None and product["type"] == "variation"
        meta = {"id": line["meta_id"], "key": "_refunded_item_id", "value": str(line["line_id"])}
        return {
            "id": line["id"],
            **{name: line["names"][name] for name in ("name", "product_id", "variation_id")},
            "quantity": -line["quantity"],
            "tax_class": line["names"]["tax_class"],
            "subtotal": fixed(total),
            "subtotal_tax": fixed(tax if tax else Decimal(0)),
            "total": fixed(total),
            "total_tax": fixed(tax if tax else Decimal(0)),
            "taxes": [{"id": 1, "total": fixed(tax), "subtotal": fixed(tax)}] if tax else [],
            "meta_data": [_shown_meta(meta)],
            "sku": self.ordering.catalogue.code(product) if product else None,
            "global_unique_id": product["global_unique_id"] if product else "",
            "price": float(unit),
            "image": {"id": 0 if parent else "", "src": ""},
            "parent_name": self.ordering.catalogue.rows[product["parent_id"]]["name"] if product and parent else None,
        }


def _shown_meta(item: Row) -> Row:
    value: Any = item["value"]
    return {
        "id": item["id"],
        "key": item["key"],
        "value": value,
        "display_key": item.get("display_key", item["key"]),
        "display_value": item.get("display_value", value),
    }
