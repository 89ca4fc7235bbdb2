"""What W1 costs in ordinary Django: one order at a time, model instances, a row lock per balance, one row per save.

The same work as ours: each order is parsed into the contract, its surroundings are read (warehouses, settings, rates,
earlier orders alike), it is judged by the same checks, and the same rows are written where a careful programmer would
write them (order, contact, version, lines, review, ledger, reservations, balances, news of stock). The checks, the
contract and the hashes are the product's own functions, so that only the shape is compared.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

from django.db import transaction


def ingest(shop_id: int, warehouses: list[int], pages: list[str]) -> int:
    """Store the orders one by one, a transaction each; returns how many."""
    stored = 0
    for page in pages:
        for order in json.loads(page)["orders"]:
            with transaction.atomic():
                stored += _one(shop_id, warehouses, order)
    return stored


def _one(shop_id: int, warehouses: list[int], data: dict[str, Any]) -> int:
    from backoffice import clock
    from orders.models import Order, OrderContact, OrderVersion, ReviewLog

    draft, facts, findings = _reviewed(shop_id, data)
    now, placed = clock.now(), dt.datetime.fromisoformat(data["created_at"])
    order, made = Order.objects.get_or_create(
        shop_id=shop_id,
        external_id=data["id"],
        defaults={
            "number": data["name"],
            "number_key": data["name"].lstrip("#"),
            "state": "held",
            "hold_code": "undone",
            "held_since": now,
            "payment": "paid",
            "currency": data["currency"],
            "total": Decimal(data["total_price"]),
            "tax_total": Decimal(data["total_tax"]),
            "shipping_total": Decimal(data["shipping_price"]),
            "placed_at": placed,
            "platform_updated_at": placed,
            "received_at": now,
            "updated_at": now,
            "tags": data["tags"],
            "url": data["source_url"],
        },
    )
    if not made:
        return 0
    customer, address = data["customer"], data["shipping_address"]
    name = f"{customer['first_name']} {customer['last_name']}"
    OrderContact.objects.create(
        order=order,
        buyer_name=name,
        email=customer["email"],
        phone=customer["phone"],
        shipping=address,
        country=address["country_code"],
        buyer_note=data["note"],
        name_key=name.casefold(),
        email_key=customer["email"],
        phone_key=customer["phone"],
    )
    text = draft.text
    version = OrderVersion.objects.create(
        order=order,
        number=1,
        digest=draft.digest,
        platform_updated_at=placed,
        delivered_at=now,
        content=text,
        outcome="accepted",
    )
    taken = [_line(order, place, line, warehouses, now) for place, line in enumerate(data["line_items"])]
    fits = all(taken) and not findings
    verdict = "approved" if fits else "held"
    ReviewLog.objects.create(order=order, version=version, at=now, rules_version="1", facts=facts, verdict=verdict)
    order.accepted_version = version
    if fits:
        order.state, order.hold_code, order.held_since, order.approved_at = "approved", "", None, now
    order.save()
    return 1


def _reviewed(shop_id: int, data: dict[str, Any]) -> tuple[Any, dict[str, Any], list[Any]]:
    """Parse one order, read what it is judged against, and judge it."""
    from benchmarks.ingest_ours import parse
    from orders.desk import surroundings
    from orders.desk.facts import frozen
    from orders.intake import create
    from orders.intake.drafts import draft_of
    from orders.intake.goods import Goods
    from orders.intake.page import page_of

    draft = draft_of(parse(data))
    page = page_of(shop_id)
    page.load_rates({(draft.incoming.currency, draft.incoming.placed_at.date())})
    lines = [create.FreshLine(line, place, Goods(1, "bench"), True) for place, line in enumerate(draft.lines)]
    facts = create.facts_of(page, draft, 0, 0, lines)
    surroundings.attach([facts], page.rules, page.now)
    return draft, frozen(facts, {}), page.rules.judge(facts, page.now)


def _line(order: Any, place: int, data: dict[str, Any], warehouses: list[int], now: dt.datetime) -> bool:
    from inventory.models import Balance, Reservation, Sku, StockChange, StockChangeDelivery, StockEntry
    from orders.models import OrderLine

    sku = Sku.objects.get(code_key=data["sku"].casefold())
    quantity = Decimal(data["quantity"])
    line = OrderLine.objects.create(
        order=order,
        external_id=data["id"],
        position=place,
        sku=sku,
        sku_code=data["sku"],
        title=data["title"],
        quantity=quantity,
        ordered_quantity=quantity,
        unit_price=Decimal(data["price"]),
        tax=Decimal(data["tax"]),
        total=Decimal(data["price"]) * quantity,
    )
    for warehouse_id in warehouses:
        balance = Balance.objects.select_for_update().filter(sku=sku, warehouse_id=warehouse_id).first()
        if balance is None or balance.on_hand - balance.reserved < quantity:
            continue
        for turn, (bucket, change) in enumerate(((2, quantity), (2, -quantity), (3, quantity))):
            StockEntry.objects.create(
                key=f"{line.reference}/{sku.pk}@{warehouse_id}.{turn}",
                sku=sku,
                warehouse_id=warehouse_id,
                bucket=bucket,
                quantity=change,
                reason="reserve",
                reference=line.reference,
                occurred_at=now,
                recorded_at=now,
            )
        Reservation.objects.create(
            bucket=3, reference=line.reference, sku=sku, warehouse_id=warehouse_id, quantity=quantity, updated_at=now
        )
        balance.reserved += quantity
        balance.updated_at = now
        balance.save()
        news = StockChange.objects.create(sku=sku, warehouse_id=warehouse_id, cause="reserve", created_at=now)
        StockChangeDelivery.objects.create(event=news, consumer="push", not_before=now)
        return True
    return False
