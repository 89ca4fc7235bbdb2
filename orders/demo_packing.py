"""The demo company's floor: bins, templates, a wave half picked and one being packed, by the real functions."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from backoffice.errors import YikuError
from backoffice.models import User
from inventory.models import Balance, ShelfPlace, Warehouse
from orders.admin.papers import order_card
from orders.fulfil import handover, offers, packing, packing_labels, waves
from orders.models import CarrierService, Order, PackingSetting, PackParcel, PickMode, Wave, WaveOrder, WaveTemplate

PLACE = "YW"
TO_PICK, TO_PACK, PACKED = 12, 6, 4
AISLE = 24  # bins in one aisle
SMALL = 40  # pieces an order may have and still be packed scan by scan here


@transaction.atomic
def finish() -> int:
    """Add the floor once, when the orders of the past are told; returns how many parcels were packed."""
    place = Warehouse.objects.filter(code=PLACE).first()
    packer = User.objects.filter(username="warehouse").first()
    if place is None or packer is None or Wave.objects.exists():
        return 0
    actor = f"user:{packer.pk} {packer.username}"
    _shelves(place)
    template = _settings(place)
    _packed(place, actor)
    _half_picked(template, actor)
    return PackParcel.objects.filter(shipment__isnull=False).count()


def _shelves(place: Warehouse) -> None:
    """Every SKU that lies there gets a bin: aisle, then figure."""
    skus = Balance.objects.filter(warehouse=place).order_by("sku__code_key").values_list("sku_id", flat=True)
    rows = [
        ShelfPlace(
            sku_id=pk, warehouse=place, bin=f"{chr(65 + n // AISLE % 26)}-{n % AISLE + 1:02d}", updated_by="demo"
        )
        for n, pk in enumerate(skus)
    ]
    ShelfPlace.objects.bulk_create(rows, ignore_conflicts=True)


def _settings(place: Warehouse) -> WaveTemplate:
    PackingSetting.objects.get_or_create(warehouse=place, defaults={"packaging_g": 120, "tolerance_g": 60})
    common = {"warehouse": place, "created_by": "owner"}
    WaveTemplate.objects.get_or_create(
        name="单件快拣", defaults={**common, "lines": "single", "mode": PickMode.BATCH, "most": 30}
    )
    made, _new = WaveTemplate.objects.get_or_create(name="日常波次 · 逾期优先", defaults={**common, "most": TO_PICK})
    return made


def _packed(place: Warehouse, actor: str) -> None:
    """A wave that is picked, most of it packed and a part of that handed over."""
    chosen = waves.waiting(Order.objects.all(), place.pk).order_by("placed_at", "pk").values_list("pk", flat=True)
    wave = waves.make(warehouse_id=place.pk, order_ids=list(chosen[:TO_PACK]), actor=actor).wave
    if wave is None:
        return
    waves.picked_on_paper(wave_id=wave.pk, actor=actor)
    for part in wave.orders.select_related("order").order_by("place")[:PACKED]:
        _pack(part, actor)
    for number, parcel in enumerate(handover.waiting(0).values_list("pk", flat=True)[:3]):
        handover.scan(text=handover.code_of(parcel), actor=actor, key=f"demo-{number}")


def _pack(part: WaveOrder, actor: str) -> None:
    packing.open_order(wave_order_id=part.pk, actor=actor)
    if part.place == 1:  # somebody took the wrong box
        packing.scan(wave_order_id=part.pk, actor=actor, key="demo-wrong", text="6900000000000")
    for one in part.goods.select_related("sku"):
        _scan(
            part, one.pk, one.sku.code, actor, whole=one.wanted > SMALL or one.wanted % 1 != 0, pieces=int(one.wanted)
        )
    tracking = "" if _labelled(part, actor) else f"SF{part.order_id * 7919 % 10**12:012d}"
    carrier = "顺丰速运" if tracking else ""
    try:
        packing.finish(wave_order_id=part.pk, actor=actor, carrier=carrier, tracking=tracking)
    except YikuError:  # the order changed while the past was told: it drops out, as on any floor
        waves.look([part.wave_id])


def _labelled(part: WaveOrder, actor: str) -> bool:
    """Buy the label on the packing table where a carrier with numbers of its own goes there; no call is made."""
    plan = offers.plans_of([part.order_id]).get(part.order_id)
    priced = [pk for pk, _name, _chosen in order_card.services(part.order, plan)] if plan is not None else []
    service = CarrierService.objects.filter(pk__in=priced, account__adapter="offline").order_by("pk").first()
    if plan is None or service is None:
        return False
    try:
        packing_labels.buy(
            part=part, parcel=1, service_id=service.pk, weight_g=plan.weight_g, actor=actor, warehouses=None
        )
    except YikuError:
        return False
    return True


def _scan(part: WaveOrder, goods_id: int, code: str, actor: str, *, whole: bool, pieces: int) -> None:
    if whole:
        packing.scan(wave_order_id=part.pk, actor=actor, key=f"demo-{goods_id}", goods_id=goods_id, whole=True)
        return
    for number in range(pieces):
        packing.scan(wave_order_id=part.pk, actor=actor, key=f"demo-{goods_id}-{number}", text=code)


def _half_picked(template: WaveTemplate, actor: str) -> None:
    wave = waves.make_by_template(template=template, orders=Order.objects.all(), actor=actor).wave
    if wave is None:
        return
    waves.start(wave_id=wave.pk, actor=actor)
    rows: Sequence[waves.PickRow] = waves.pick_rows(wave)
    for row in rows[: len(rows) // 2]:
        waves.confirm(
            wave_id=wave.pk, row=row.key, quantity=row.total, actor=actor, key=f"demo-{row.key}", text=row.code
        )
