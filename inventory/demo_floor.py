"""The demo company's warehouse floor: a plan of bins, and stocktakes in every state, by the real functions."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from backoffice.models import User
from inventory.models import Balance, Bin, ShelfPlace, Stocktake, StocktakeLimit, Warehouse
from inventory.stocktakes import counting, opening, posting

PLACE, COUNTER, APPROVER = "YW", "warehouse", "owner"
EMPTY = ("Y-01", "Y-02", "Z-01")


@transaction.atomic
def finish() -> None:
    """Add them once, when goods have bins: one posted, one under review, one counted, one half way, one planned."""
    place = Warehouse.objects.filter(code=PLACE).first()
    people = {one.username: one for one in User.objects.filter(username__in=(COUNTER, APPROVER))}
    if place is None or len(people) < 2 or Stocktake.objects.exists() or not ShelfPlace.objects.exists():
        return
    names = sorted({*ShelfPlace.objects.filter(warehouse=place).values_list("bin", flat=True), *EMPTY})
    Bin.objects.bulk_create(
        (Bin(warehouse=place, name=name, pick_order=n, put_order=n) for n, name in enumerate(names, 1)),
        ignore_conflicts=True,
    )
    StocktakeLimit.objects.get_or_create(warehouse=place, defaults={"quantity": Decimal(5)})
    counter = people[COUNTER]
    posted = _counted(place, counter, "A", off=1)
    if posted:
        posting.post(stocktake_id=posted.pk, user=counter)
    _counted(place, counter, "B", off=9)
    _counted(place, counter, "C", off=2)
    _begun(place, counter, "D", off=1, whole=False)
    opening.plan(
        warehouse=place, user=counter, kind=Stocktake.Kind.CYCLE.value, cycle=Stocktake.Cycle.A.value, blind=True,
        note="月末循环盘点 Cycle count at the end of the month",
    )  # fmt: skip


def _counted(place: Warehouse, user: User, aisle: str, *, off: int) -> Stocktake | None:
    made = _begun(place, user, aisle, off=off, whole=True)
    return counting.close(stocktake_id=made.pk, user=user) if made else None


def _begun(place: Warehouse, user: User, aisle: str, *, off: int, whole: bool) -> Stocktake | None:
    """An aisle counted with a phone: two SKUs are off, one each way, where nothing reserved is in the way."""
    if not ShelfPlace.objects.filter(warehouse=place, bin__startswith=aisle).exists():
        return None
    made = opening.plan(warehouse=place, user=user, kind=Stocktake.Kind.PARTIAL.value, bin_prefix=f"{aisle}-")
    opening.start(stocktake_id=made.pk, user=user)
    lines = list(made.lines.select_related("sku").order_by("walk", "id"))
    balances = {row.sku_id: row for row in Balance.objects.filter(warehouse=place, sku__in=[one.sku for one in lines])}
    free = {sku: row.on_hand - row.reserved for sku, row in balances.items()}
    spare = next((one.pk for one in lines if free.get(one.sku_id, 0) > off), 0)
    for number, line in enumerate(lines if whole else lines[: len(lines) // 2]):
        quantity = line.snapshot_quantity - off if line.pk == spare else line.snapshot_quantity + off * (number == 3)
        counting.count(
            stocktake_id=made.pk, code=line.sku.code, quantity=quantity, user=user, key=f"demo-{line.pk}",
            bin=line.bin,
        )  # fmt: skip
    return made
