"""Bins of a warehouse: where a SKU lies, where goods that come in should go, and the move from one to another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Lower
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, locks
from backoffice.errors import YikuError
from inventory import codes
from inventory.models import Balance, Bin, ShelfPlace, Sku, Warehouse

EMPTY_SHOWN = 3
LONGEST = 40


class BinRefused(YikuError):
    """Nothing was moved; the sentence says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Proposal:
    """A bin for goods that come in, and why this one."""

    bin: str
    why: str


@transaction.atomic
def put(*, sku: Sku, warehouse: Warehouse, name: str, actor: str) -> tuple[str, str]:
    """Say that a SKU lies in this bin from now on; returns (bin before, bin now).

    A warehouse with bins of its own takes no other names; the pick lists walk there in the bin's place on the way.
    """
    known, typed = bin_of(warehouse, name)
    rows = locks.locked_rows(ShelfPlace.objects.filter(sku=sku, warehouse=warehouse))
    before = rows[0].bin if rows else ""
    way = known.pick_order if known else rows[0].sort_order if rows else 0
    if (before, way) != (typed, rows[0].sort_order if rows else -1):
        made = ShelfPlace(sku=sku, warehouse=warehouse, bin=typed, sort_order=way, updated_at=clock.now(),
                          updated_by=actor[:150])  # fmt: skip
        ShelfPlace.objects.bulk_create(
            [made], update_conflicts=True, unique_fields=["sku", "warehouse"],
            update_fields=["bin", "sort_order", "updated_at", "updated_by"],
        )  # fmt: skip
        told = {"warehouse": warehouse.code, "bin": typed}
        audit.record(action="shelf_place.move", target=sku, before={"bin": before}, after=told, actor=actor)
    return before, typed


def bin_of(warehouse: Warehouse, name: str) -> tuple[Bin | None, str]:
    """Return the bin and its name as the warehouse writes it. Raises BinRefused for one it does not have."""
    typed = codes.display(name)[: LONGEST + 1]
    if not typed or len(typed) > LONGEST:
        message = _("The bin's name has 1 to %(most)d characters.")
        raise BinRefused("bin_name", message, params={"most": LONGEST}, field="bin")
    own = Bin.objects.filter(warehouse=warehouse, active=True)
    known = own.annotate(key=Lower("name")).filter(key=Lower(_value(typed))).first()
    if known is None and own.exists():
        message = _("%(warehouse)s has no bin “%(bin)s”.")
        raise BinRefused("unknown_bin", message, params={"warehouse": warehouse.name, "bin": typed}, field="bin")
    return known, known.name if known else typed


def _value(text: str) -> object:
    from django.db.models import CharField, Value

    return Value(text, output_field=CharField())


def proposals(sku: Sku, warehouses: Sequence[Warehouse]) -> dict[int, list[Proposal]]:
    """Return by warehouse where goods of this SKU should go: where it lies already, beside the other variants, or an
    empty bin in the order in which they are filled. Four queries for any number of warehouses.
    """
    ids = [place.pk for place in warehouses]
    found: dict[int, list[Proposal]] = {pk: [] for pk in ids}
    for place_id, name in ShelfPlace.objects.filter(sku=sku, warehouse__in=ids).values_list("warehouse_id", "bin"):
        found[place_id].append(Proposal(name, _now("lies there already")))
    family = ShelfPlace.objects.filter(sku__product=sku.product_id, warehouse__in=ids).exclude(sku=sku)
    for place_id, name, code in family.order_by("pk").values_list("warehouse_id", "bin", "sku__code")[:200]:
        if len(found[place_id]) < 2 and name not in {one.bin for one in found[place_id]}:
            found[place_id].append(Proposal(name, _now("%s lies there") % code))
    counted = dict.fromkeys(ids, 0)
    for place_id, name in _empty(ids):
        if counted[place_id] < EMPTY_SHOWN and name not in {one.bin for one in found[place_id]}:
            found[place_id].append(Proposal(name, _now("empty")))
            counted[place_id] += 1
    return found


def _empty(warehouse_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Bins in which nothing lies that is in stock."""
    stock = Balance.objects.filter(sku=OuterRef("sku"), warehouse=OuterRef("warehouse"), on_hand__gt=0)
    taken = (
        ShelfPlace.objects.annotate(key=Lower("bin"))
        .filter(Exists(stock), warehouse=OuterRef("warehouse"), key=OuterRef("key"))
        .order_by()
    )
    rows = Bin.objects.filter(warehouse__in=warehouse_ids, active=True).annotate(key=Lower("name"))
    ordered = rows.filter(~Exists(taken)).order_by("warehouse_id", F("put_order"), "pick_order", "name")
    return list(ordered.values_list("warehouse_id", "name")[: 50 * len(warehouse_ids)])
