"""The demo seller's purchasing: three suppliers with their terms, orders in every state, suggestions of today."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import transaction

from backoffice import audit, clock
from backoffice.models import User
from inventory.models import Balance, Sku, Warehouse
from orders import demo_costs
from orders.models import PriceBreak, PromotionDays, PurchaseOrder, Supplier, SupplierItem
from orders.supply import drafting, limits, ordering, receiving, replenishment
from orders.supply.drafting import Wanted

SUPPLIERS = (
    ("QINGLAN", "景德镇青岚陶瓷厂", "沈厂长", "0798-850 0011", 12, Decimal(800)),
    ("YIHE", "义乌亿和日用品有限公司", "周小姐", "0579-8500 0033", 5, Decimal(0)),
    ("NANXUN", "南浔竹木工艺社", "陆师傅", "0572-300 0022", 18, Decimal(300)),
)
PACKS = (Decimal(12), Decimal(10), Decimal(6))
PAST = (40, 32, 25)  # days ago an order went out; it came some days later
TAKES = (11, 14, 12)


def finish() -> None:
    """Add them once, when the past has been told."""
    buyer = User.objects.filter(groups__name="buyer").order_by("pk").first()
    place = Warehouse.objects.filter(active=True, read_only=False).order_by("pk").first()
    if buyer is None or place is None or Supplier.objects.exists():
        return
    with audit.acting_as(audit.user_actor(buyer)):
        with transaction.atomic():
            limits.seed()
            suppliers = [_supplier(*row) for row in SUPPLIERS]
            _offers(suppliers, place)
            _orders(suppliers, place, audit.current_actor().name)
            today = clock.now().date()
            PromotionDays.objects.create(
                name="双十一 11.11", first=dt.date(today.year, 11, 10), last=dt.date(today.year, 11, 11)
            )
            demo_costs.finish(audit.current_actor().name)
        replenishment.begin(owner=None)


def _supplier(code: str, name: str, contact: str, phone: str, days: int, least: Decimal) -> Supplier:
    return Supplier.objects.create(
        code=code, name=name, contact=contact, phone=phone, lead_days=days, minimum_order=least, currency="CNY"
    )


def _offers(suppliers: list[Supplier], place: Warehouse) -> None:
    """Let each supplier sell a third of what lies here, at what it cost last; every eighth SKU has no supplier yet."""
    rows = Balance.objects.filter(warehouse=place, last_cost__isnull=False, sku__kind=Sku.Kind.STOCKED)
    for number, balance in enumerate(rows.select_related("sku").order_by("sku_id")):
        if number % 8 == 7:
            continue
        at = number % len(suppliers)
        price = round(balance.last_cost or Decimal(1), 2)
        item = SupplierItem.objects.create(
            supplier=suppliers[at], sku=balance.sku, price=price, pack_size=PACKS[at], minimum=PACKS[at] * 2,
            preferred=True, supplier_code=f"{suppliers[at].code[:2]}-{number + 101}",
        )  # fmt: skip
        if number % 3 == 0:
            PriceBreak.objects.create(item=item, quantity=PACKS[at] * 20, price=round(price * Decimal("0.92"), 2))


def _orders(suppliers: list[Supplier], place: Warehouse, actor: str) -> None:
    items = {one.pk: list(one.items.order_by("pk")[:12]) for one in suppliers}
    for ago, takes in zip(PAST, TAKES, strict=True):
        _came(suppliers[0], items, place, actor, ago, takes)
    made = [
        _draft(one, items, place, actor, f"demo:{one.code}:{way}")
        for one in suppliers
        for way in ("open", "draft")
        if items[one.pk]
    ]
    for order in made[::2]:
        ordering.hand_in(order_id=order.pk, actor=actor, limit=None if order is made[0] else Decimal(500))


def _came(
    supplier: Supplier, items: dict[int, list[SupplierItem]], place: Warehouse, actor: str, ago: int, takes: int
) -> None:
    """An order of the past and its delivery: what the measured lead time is made of."""
    if not items[supplier.pk]:
        return
    then = clock.now() - dt.timedelta(days=ago)
    with clock.moved_to(lambda: then):
        order = _draft(supplier, items, place, actor, f"demo:past:{ago}")
        ordering.hand_in(order_id=order.pk, actor=actor, limit=None)
    came = then + dt.timedelta(days=takes)
    with clock.moved_to(lambda: came):
        counts = {line.pk: receiving.Counted(accepted=line.quantity) for line in order.lines.all()}
        first = order.lines.order_by("row")[0]
        if ago == PAST[-1]:
            counts[first.pk] = receiving.Counted(accepted=first.quantity - 6, damaged=Decimal(2))
        receiving.receive(order_id=order.pk, counts=counts, actor=actor, key=f"demo:{ago}", slip=f"SH-{ago}07")


def _draft(
    supplier: Supplier, items: dict[int, list[SupplierItem]], place: Warehouse, actor: str, once: str
) -> PurchaseOrder:
    chosen = items[supplier.pk][:6]
    lines = [
        Wanted(sku_id=one.sku_id, quantity=one.pack_size * (4 + 2 * (number % 3))) for number, one in enumerate(chosen)
    ]
    return drafting.draft(
        supplier_id=supplier.pk, warehouse_id=place.pk, lines=lines, actor=actor, once=once
    )  # fmt: skip
