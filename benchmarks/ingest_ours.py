"""The product's own way through W1: text → contract → `orders.intake.take_in`, a transaction a page."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from orders.contracts import Address, Buyer, IncomingLine, IncomingOrder, PaymentStatus


def parse(order: dict[str, Any]) -> IncomingOrder:
    """Read one order of a page, as a connector does."""
    placed = dt.datetime.fromisoformat(order["created_at"])
    customer, address = order["customer"], order["shipping_address"]
    return IncomingOrder(
        external_id=order["id"],
        number=order["name"],
        placed_at=placed,
        updated_at=placed,
        currency=order["currency"],
        total=Decimal(order["total_price"]),
        lines=tuple(_line(line) for line in order["line_items"]),
        payment=PaymentStatus(order["financial_status"]),
        paid_at=placed,
        shipping_total=Decimal(order["shipping_price"]),
        tax_total=Decimal(order["total_tax"]),
        buyer=Buyer(
            name=f"{customer['first_name']} {customer['last_name']}",
            email=customer["email"],
            phone=customer["phone"],
        ),
        shipping=Address(
            name=address["name"],
            line1=address["address1"],
            line2=address["address2"],
            city=address["city"],
            postcode=address["zip"],
            country=address["country_code"],
        ),
        buyer_note=order["note"],
        tags=tuple(order["tags"]),
        test=order["test"],
        url=order["source_url"],
    )


def _line(line: dict[str, Any]) -> IncomingLine:
    price, quantity = Decimal(line["price"]), Decimal(line["quantity"])
    return IncomingLine(
        external_id=line["id"],
        sku=line["sku"],
        title=line["title"],
        quantity=quantity,
        unit_price=price,
        tax=Decimal(line["tax"]),
        tax_rate=Decimal(line["tax_rate"]),
        total=price * quantity,
    )


def ingest(shop_id: int, pages: Iterable[str]) -> int:
    """Take the pages in; returns how many orders were stored."""
    from orders.intake import take_in

    stored = 0
    for page in pages:
        orders = [parse(order) for order in json.loads(page)["orders"]]
        outcomes = take_in(shop_id=shop_id, orders=orders).outcomes
        stored += sum(outcome.action == "created" for outcome in outcomes)
    return stored
