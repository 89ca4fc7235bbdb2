"""The line that a figure belongs to: the SKU's, of tracked goods the lot's; one is added where it may be."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from inventory import codes
from inventory.lots import registry, saying, scanning
from inventory.lots.errors import LotRefused, refused
from inventory.models import (
    Balance,
    Barcode,
    Lot,
    LotBalance,
    ShelfPlace,
    Sku,
    Stocktake,
    StocktakeLine,
    Tracking,
)
from inventory.stocktakes.errors import StocktakeRefused

LAST = 2_000_000_000  # what has no bin, and what nobody expected, is counted last


@dataclasses.dataclass(frozen=True, slots=True)
class Named:
    """The lot somebody counted; the number of the unknown one is empty."""

    number: str
    expires_on: dt.date | None = None

    @property
    def key(self) -> str:
        """The number for matching."""
        return codes.normalise(self.number)


def found(code: str) -> tuple[Sku, Decimal]:
    """Return the SKU behind a code or barcode, and the pieces in one of it. Raises StocktakeRefused."""
    key = codes.normalise(scanning.article(code))
    sku = Sku.objects.filter(code_key=key).first() if key else None
    if sku is None:
        bar = Barcode.objects.filter(code=key).select_related("sku", "pack").first() if key else None
        if bar is None:
            raise StocktakeRefused("unknown_code", _("“%(code)s” is not a SKU or barcode."), params={"code": code[:60]})
        return _stocked(bar.sku), bar.pack.quantity if bar.pack else Decimal(1)
    return _stocked(sku), Decimal(1)


def _stocked(sku: Sku) -> Sku:
    if sku.kind == Sku.Kind.BUNDLE:
        raise StocktakeRefused("bundle", _("“%(code)s” is a bundle: count its parts"), params={"code": sku.code})
    if sku.kind != Sku.Kind.STOCKED:
        raise StocktakeRefused("no_stock", _("“%(code)s” has no stock"), params={"code": sku.code})
    return sku


def said(sku: Sku, code: str, lot: str, expires_on: str | dt.date | None, quantity: Decimal) -> Named | None:
    """Return the lot of a figure: as somebody named it, else as the GS1 code says; None for goods without lots.

    Raises LotRefused naming the field: no lot for tracked goods, one for others, a serial that is not one piece.
    """
    if not sku.tracking:
        if lot.strip():
            raise not_tracked(sku)
        return None
    read = scanning.read(code) if not lot.strip() else None
    lot = read.number(sku.tracking) if read else lot
    day = expires_on if isinstance(expires_on, dt.date) else saying.day(expires_on or "")
    if not lot.strip():
        raise refused("lot_missing", sku=sku.code, field="lot")
    number = registry.checked(lot)
    if sku.tracking == Tracking.SERIAL and number and quantity not in (0, 1):
        raise refused("serial_pieces", lot=number, quantity=f"{quantity.normalize():f}", field="quantity")
    return Named(number, day or (read.expires_on if read else None))


def not_tracked(sku: Sku) -> LotRefused:
    """The refusal of a lot of goods that have none."""
    return refused("not_tracked", sku=sku.code, field="lot")


def place_of(sku: Sku, home: str, bin: str) -> str:
    """Return the bin a figure counts for. A serial is one piece: whoever counts it in another bin counts it again."""
    return home if sku.tracking == Tracking.SERIAL else codes.display(bin)[:40] or home


def line_of(stocktake: Stocktake, sku: Sku, lot: Named | None = None) -> StocktakeLine:
    """Return the line of a SKU, or of its lot. A full count takes up what nobody expected there, and every count the
    lots nobody knew of the goods it counts. Raises StocktakeRefused, LotRefused.
    """
    rows = stocktake.lines.filter(sku=sku)
    line = (
        (rows.filter(lot=None) if lot is None else rows.filter(lot__number_key=lot.key)).select_related("lot").first()
    )
    if line is None:
        demand_part(stocktake, sku, lot)
        return _added(stocktake, sku, None if lot is None else _lot(stocktake, sku, lot))
    if line.round < stocktake.round:
        raise _not_again(sku)
    if line.lot is not None and lot is not None:
        demand_date(sku.tracking, sku.code, line.lot.number, line.lot.expires_on, lot.expires_on)
    return line


def _not_again(sku: Sku) -> StocktakeRefused:
    message = _("%(sku)s is not counted again: only lines with a difference are.")
    return StocktakeRefused("not_in_recount", message, params={"sku": sku.code})


def demand_part(stocktake: Stocktake, sku: Sku, lot: Named | None) -> None:
    """Raise StocktakeRefused unless goods without a line may join."""
    if lot is not None:
        mine = list(stocktake.lines.filter(sku=sku).values_list("lot_id", "round"))
        if any(lot_id is None for lot_id, _round in mine):
            message = _("%(sku)s was not tracked when %(number)s started: cancel it and start another one.")
            raise StocktakeRefused("counted_whole", message, params={"sku": sku.code, "number": stocktake})
        if mine and all(round_ < stocktake.round for _lot, round_ in mine):
            raise _not_again(sku)
        if mine:
            return
    if stocktake.kind != Stocktake.Kind.FULL or stocktake.round > 1:
        message = _("%(sku)s is not part of %(number)s.")
        raise StocktakeRefused("not_in_stocktake", message, params={"sku": sku.code, "number": stocktake})
    rows = StocktakeLine.objects.filter(sku=sku, warehouse_id=stocktake.warehouse_id, open=True)
    other = rows.filter(lot__isnull=lot is None).select_related("stocktake").first()
    if other:
        message = _("%(sku)s is being counted in %(number)s: post or cancel that one first.")
        raise StocktakeRefused("sku_in_open_stocktake", message, params={"sku": sku.code, "number": other.stocktake})


def _lot(stocktake: Stocktake, sku: Sku, named: Named) -> Lot:
    """The lot of a number nobody expected there, made when it is new. Raises LotRefused."""
    lot = Lot.objects.filter(sku=sku, number_key=named.key).first()
    if lot is not None:
        demand_lot(stocktake, sku, lot, named.expires_on)
        return lot
    dated = sku.tracking == Tracking.EXPIRY and bool(named.number)
    if dated and named.expires_on is None:
        raise refused("expiry_missing", lot=named.number, sku=sku.code, field="expires_on")
    return Lot.objects.create(sku=sku, number=named.number, expires_on=named.expires_on if dated else None)


def demand_lot(stocktake: Stocktake, sku: Sku, lot: Lot, expires_on: dt.date | None) -> None:
    """Raise LotRefused for a lot that stands with another date, or a serial that lies elsewhere."""
    demand_date(sku.tracking, sku.code, lot.number, lot.expires_on, expires_on)
    _demand_nowhere_else(stocktake, sku, lot)


def demand_date(tracking: int, code: str, number: str, stands: dt.date | None, told: dt.date | None) -> None:
    """Raise LotRefused when a lot is said to expire on another day than it does: one of the two is a slip."""
    if tracking != Tracking.EXPIRY or told is None or told == stands or not number:
        return
    if stands is None:
        raise refused("expiry_unknown", lot=number, sku=code, field="expires_on")
    raise refused("expiry_differs", lot=number, sku=code, stands=stands, said=told, field="expires_on")


def _demand_nowhere_else(stocktake: Stocktake, sku: Sku, lot: Lot) -> None:
    if sku.tracking != Tracking.SERIAL or not lot.number:
        return
    rows = LotBalance.objects.filter(lot=lot, on_hand__gt=0).exclude(warehouse_id=stocktake.warehouse_id)
    elsewhere = rows.select_related("warehouse").first()
    if elsewhere:
        raise refused("serial_elsewhere", lot=lot.number, sku=sku.code, warehouse=elsewhere.warehouse, field="lot")


def _added(stocktake: Stocktake, sku: Sku, lot: Lot | None) -> StocktakeLine:
    place = ShelfPlace.objects.filter(sku=sku, warehouse_id=stocktake.warehouse_id).first()
    balance = Balance.objects.filter(sku=sku, warehouse_id=stocktake.warehouse_id).first()
    Stocktake.objects.filter(pk=stocktake.pk).update(line_count=F("line_count") + 1)
    return StocktakeLine.objects.create(
        stocktake=stocktake,
        sku=sku,
        lot=lot,
        warehouse_id=stocktake.warehouse_id,
        bin=place.bin if place else "",
        walk=LAST,
        round=stocktake.round,
        unit_cost=balance.last_cost if balance else None,
    )


def forget_strangers(stocktake: Stocktake) -> None:
    """Drop the lines of lots that only a dropped sheet had counted here. The lots stood before it."""
    rows = stocktake.lines.filter(lot__isnull=False, walk=LAST, snapshot_quantity=0, counts=None)
    rows = rows.exclude(lot__number_key="").exclude(lot__in=LotBalance.objects.filter(on_hand__gt=0).values("lot"))
    lots = list(rows.values_list("lot_id", flat=True))
    if not lots:
        return
    gone, _each = stocktake.lines.filter(lot__in=lots).delete()
    Stocktake.objects.filter(pk=stocktake.pk).update(line_count=F("line_count") - gone)
