"""Which lot (or serial) was put into the parcel of an order line: kept from the scan until the parcel leaves."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from inventory import codes
from inventory.lots.errors import LotRefused, refused
from inventory.lots.registry import house_days
from inventory.lots.shelf import sellable, today
from inventory.models import Lot, LotBalance, LotChoice, Sku, Tracking

ZERO = Decimal(0)
HELD = {
    "blocked": _("Lot %(lot)s is blocked: %(reason)s. Put it aside and scan another one."),
    "expired": _("Lot %(lot)s expires on %(day)s: it may not be sent any more. Scan another one."),
    "not_here": _("The warehouse has %(there)s of lot %(lot)s that are in no parcel yet."),
    "scan_serial": _("Scan the serial number of %(sku)s: it is kept with the order."),
}


def choose(*, reference: str, sku: Sku, warehouse_id: int, number: str, quantity: Decimal, actor: str = "") -> Lot:
    """Keep the lot of pieces that are put into a parcel.

    Raises LotRefused with a sentence for the packer: unknown, blocked, not good for long enough, or not there.
    """
    lot = Lot.objects.filter(sku=sku, number_key=codes.normalise(number)).exclude(number="").first()
    if lot is None:
        raise refused("unknown_lot", lot=number[:60], sku=sku.code)
    _may_go(lot, sku)
    there = _there(lot, warehouse_id)
    if there < quantity:
        raise LotRefused(
            "not_here", HELD["not_here"], params={"lot": lot, "there": f"{max(there, ZERO).normalize():f}"}
        )
    row, made = LotChoice.objects.get_or_create(
        reference=reference, sku=sku, lot=lot,
        defaults={"quantity": quantity, "chosen_by": actor[:150], "chosen_at": clock.now()},
    )  # fmt: skip
    if not made:
        row.quantity += quantity
        row.save(update_fields=["quantity"])
    return lot


def _may_go(lot: Lot, sku: Sku) -> None:
    if lot.state == Lot.State.BLOCKED:
        raise LotRefused("lot_blocked", HELD["blocked"], params={"lot": lot, "reason": lot.blocked_reason})
    days = house_days() if sku.ship_days is None else sku.ship_days
    if not sellable(lot.state, lot.expires_on, days, today()):
        raise LotRefused("lot_expired", HELD["expired"], params={"lot": lot, "day": lot.expires_on})


def _there(lot: Lot, warehouse_id: int) -> Decimal:
    """Pieces of the lot that are not in a parcel yet."""
    on_hand = LotBalance.objects.filter(lot=lot, warehouse=warehouse_id).values_list("on_hand", flat=True).first()
    chosen = LotChoice.objects.filter(lot=lot).aggregate(sum=Sum("quantity"))["sum"] or ZERO
    return (on_hand or ZERO) - chosen


def must_scan(sku: Sku, number: str) -> None:
    """Raise LotRefused for a serial SKU of which no serial was scanned: which one the buyer got must be known."""
    if sku.tracking == Tracking.SERIAL and not number and Lot.objects.filter(sku=sku).exclude(number="").exists():
        raise LotRefused("scan_serial", HELD["scan_serial"], params={"sku": sku.code})


def forget(*, reference: str, sku_id: int) -> None:
    """Nothing is in a parcel for this order line: what was scanned before does not count."""
    LotChoice.objects.filter(reference=reference, sku=sku_id).delete()


def take_out(*, reference: str, sku_id: int, quantity: Decimal) -> None:
    """Pieces are taken out of a parcel again: the last ones scanned."""
    for row in LotChoice.objects.filter(reference=reference, sku=sku_id).order_by("-chosen_at", "-pk"):
        part = min(row.quantity, quantity)
        quantity -= part
        if part == row.quantity:
            row.delete()
        elif part:
            row.quantity -= part
            row.save(update_fields=["quantity"])
