"""The demo seller's tea with expiry dates (one lot near expiry, one blocked, one good) and scales with serials."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import transaction

from inventory import ledger
from inventory.ledger import EntryDraft
from inventory.lots import keeping, switching
from inventory.lots.saying import Said
from inventory.lots.shelf import today
from inventory.models import Lot, Product, Reason, Sku, Tracking, Warehouse

TEA = ("TE-LOT-01", "明前龙井 50g（批次）", "Longjing tea 50 g, by lot")
SCALE = ("SC-SN-01", "电子茶秤（序列号）", "Tea scale, by serial")
LOTS = (("LJ2509", 12, "24"), ("LJ2603", 160, "60"), ("LJ2606", 300, "36"))
SERIALS = ("TS-10001", "TS-10002", "TS-10003")


@transaction.atomic
def finish() -> None:
    """Write them once."""
    place = Warehouse.objects.filter(code="YW").first()
    if place is None or Sku.objects.filter(code=TEA[0]).exists():
        return
    tea = _sku(TEA, Tracking.EXPIRY, shelf_life_days=365)
    said = [Said(name, Decimal(pieces), today() + dt.timedelta(days=days)) for name, days, pieces in LOTS]
    keeping.announce(sku_id=tea.pk, code=tea.code, said=said)
    for one in said:
        _come(tea, place, ((one.number, one.quantity),), "28.50")
    keeping.block(
        lot_id=Lot.objects.get(sku=tea, number="LJ2606").pk, reason="包装漏气 Leaking bags, supplier asked",
    )  # fmt: skip
    scale = _sku(SCALE, Tracking.SERIAL)
    _come(scale, place, tuple((one, Decimal(1)) for one in SERIALS), "96")


def _sku(named: tuple[str, str, str], tracking: int, **fields: int) -> Sku:
    code, name, english = named
    product = Product.objects.create(
        name=name, name_en=english, category="茶叶" if tracking != Tracking.SERIAL else "茶具"
    )
    made = Sku.objects.create(product=product, code=code, name=name, name_en=english, **fields)
    return switching.turn(sku_id=made.pk, tracking=tracking)


def _come(sku: Sku, place: Warehouse, lots: tuple[tuple[str, Decimal], ...], cost: str) -> None:
    quantity = sum((pieces for _name, pieces in lots), Decimal(0))
    ledger.post(entries=[EntryDraft(
        key=f"demo.lot:{sku.code}/{lots[0][0]}", sku_id=sku.pk, warehouse_id=place.pk, quantity=quantity,
        unit_cost=Decimal(cost), reason=Reason.RECEIPT, reference="", lots=lots,
    )])  # fmt: skip
