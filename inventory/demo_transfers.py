"""The demo seller's transfers, one in each state that waits for somebody, and a gift box that is built in advance."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from backoffice import clock
from inventory import assembling
from inventory.models import Assembly, Balance, Product, RecipePart, Sku, Transfer, Warehouse
from inventory.transfers import picking, planning, proposing, receiving
from inventory.transfers.planning import Wish

BOX = ("BX-CHA-01", "品茗礼盒（预装）", "Tea gift box, packed in advance")
NOTES = {
    "requested": "上海店补货 Refill of the Shanghai store",
    "transit": "空运汉堡 By air to Hamburg",
    "partly": "样品调回 Samples coming back",
}


@transaction.atomic
def finish() -> None:
    """Write them once, from what is free by now."""
    places = {row.code: row for row in Warehouse.objects.filter(active=True, read_only=False)}
    if Transfer.objects.exists() or len(places) < 3 or not {"YW", "SH", "HAM"} <= set(places):
        return
    _plan(places, "YW", "SH", "requested", 5)
    _under_way(places, "YW", "HAM", "transit")
    _under_way(places, "YW", "SH", "partly")
    _proposed()
    _box(places["YW"])


def _free(place: Warehouse, most: int, least: Decimal = Decimal(12)) -> list[Sku]:
    """SKUs that have some to spare there."""
    spare = F("on_hand") - F("reserved") - F("demand")
    rows = Balance.objects.filter(warehouse=place, sku__kind=Sku.Kind.STOCKED).alias(spare=spare)
    rows = rows.filter(spare__gte=least).select_related("sku").order_by("sku__code_key")
    planned = set(Transfer.objects.filter(origin=place).values_list("lines__sku", flat=True))
    return [row.sku for row in rows if row.sku_id not in planned][:most]


def _plan(places: dict[str, Warehouse], origin: str, to: str, state: str, count: int) -> Transfer | None:
    goods = _free(places[origin], count)
    if not goods:
        return None
    lines = [Wish(sku_id=sku.pk, quantity=Decimal(3 + place % 4)) for place, sku in enumerate(goods)]
    made = planning.plan(
        origin=places[origin], destination=places[to], lines=lines, user=None, note=NOTES[state],
        expected_on=clock.now().date() + dt.timedelta(days=4),
    )  # fmt: skip
    return planning.request(transfer_id=made.pk, user=None)


def _under_way(places: dict[str, Warehouse], origin: str, to: str, state: str) -> None:
    made = _plan(places, origin, to, state, 4)
    if made is None:
        return
    picking.pick(transfer_id=made.pk, user=None)
    picking.send(transfer_id=made.pk, user=None)
    lines = list(made.lines.order_by("pk"))
    if state == "partly" and len(lines) > 1:
        came = [receiving.Came(line_id=one.pk, good=one.quantity - 1, damaged=Decimal(1)) for one in lines[:-1]]
        receiving.receive(transfer_id=made.pk, came=came, user=None, once="demo", note="一箱压坏 One case crushed")


def _proposed() -> None:
    """A draft from the proposal, when something should go over."""
    found = proposing.propose(proposing.read(None))
    proposing.make_drafts(chosen=[one.choice for one in found[:3]], user=None)


def _box(place: Warehouse) -> None:
    parts = _free(place, 2)
    if len(parts) < 2 or Sku.objects.filter(code=BOX[0]).exists():
        return
    product = Product.objects.create(name=BOX[1], name_en=BOX[2])
    box = Sku.objects.create(product=product, code=BOX[0], name=BOX[1], name_en=BOX[2])
    for part, each in zip(parts, (2, 1), strict=True):
        RecipePart.objects.create(built=box, part=part, quantity=Decimal(each))
    assembling.assemble(
        kind=Assembly.Kind.BUILD, warehouse=place, sku=box, quantity=Decimal(4), labour=Decimal("12.00"), user=None,
        note="节日备货 For the holidays", once="demo",
    )  # fmt: skip
