"""Parcels nobody announced and goods that belong to no line: they wait, are matched later, or are booked apart."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction

from backoffice import audit, clock
from inventory import catalogue, ledger
from inventory.models import Reason, Sku
from orders.models import Return, ReturnReceipt, StrayParcel
from orders.returns import locking, places, requesting
from orders.returns.errors import ReturnError

if TYPE_CHECKING:
    from orders.returns.receiving import Wrong

State = StrayParcel.State
Goods = Sequence[tuple[str, Decimal]]  # (SKU code, pieces)
MOST_LINES = 50


@transaction.atomic
def put_aside(
    *, warehouse_id: int, actor: str, key: str, tracking: str = "", carrier: str = "", note: str = ""
) -> StrayParcel:
    """Keep a parcel that nobody knows; the same key again returns the first. Raises ReturnError stray_known."""
    known = StrayParcel.objects.filter(idempotency_key=key).first()
    if known is not None:
        return known
    mark = requesting.tracking_key(tracking)
    twin = StrayParcel.objects.filter(tracking_key=mark, state=State.WAITING).first() if mark else None
    if twin is not None:
        raise ReturnError("stray_known", tracking=twin.tracking_number, **locking.last(twin.by, twin.at))
    made = StrayParcel.objects.create(
        warehouse_id=warehouse_id,
        carrier=carrier.strip()[:100],
        tracking_number=tracking.strip()[:200],
        tracking_key=mark,
        note=note.replace("\0", "").strip()[:500],
        at=clock.now(),
        by=actor[:150],
        idempotency_key=key[:200],
    )
    audit.record(action="return.stray", target=made, actor=actor, summary=tracking[:200])
    return made


def beside(found: Return, receipt: ReturnReceipt, wrong: Sequence[Wrong], actor: str) -> StrayParcel:
    """Keep goods that came with a return and belong to none of its lines; they wait for somebody to decide."""
    return StrayParcel.objects.create(
        warehouse_id=receipt.warehouse_id,
        note=found.number,
        rma=found,
        goods=[[one.sku_id, one.code, requesting.plain(one.pieces)] for one in wrong],
        at=receipt.at,
        by=actor[:150],
        idempotency_key=f"receipt:{receipt.pk}",
    )


@transaction.atomic
def match(*, stray_id: int, return_id: int, actor: str) -> StrayParcel:
    """Say whose parcel it is; its pieces are counted on the return's own page. Raises not_found, stray_settled."""
    stray = _locked(stray_id)
    found = Return.objects.filter(pk=return_id).first()
    if found is None:
        raise ReturnError("not_found")
    stray.rma, stray.state = found, State.MATCHED
    _settle(stray, actor, "return.stray_matched", found.number)
    stray.photos.update(rma=found)
    return stray


@transaction.atomic
def book_apart(*, stray_id: int, goods: Goods, actor: str) -> StrayParcel:
    """Book the goods on the shelf for what is not sold, at no value: nobody knows what they cost or whose they are.

    Raises ReturnError: not_found, stray_settled, stray_goods, unknown_sku, bad_quantity, not_positive.
    """
    stray = _locked(stray_id)
    rows = _checked(goods or [(code, Decimal(pieces)) for _sku, code, pieces in stray.goods])
    place = places.quarantine_of(stray.warehouse_id)
    entries = [
        ledger.EntryDraft(
            key=f"{stray.reference}/{sku.pk}", sku_id=sku.pk, warehouse_id=place, quantity=pieces,
            reason=Reason.RETURN, reference=stray.reference, value=Decimal(0),
        )
        for sku, pieces in rows
    ]  # fmt: skip
    ledger.post(entries=entries, actor=actor)
    stray.goods = [[sku.pk, sku.code, requesting.plain(pieces)] for sku, pieces in rows]
    stray.state = State.QUARANTINED
    _settle(stray, actor, "return.stray_apart", ", ".join(f"{sku.code} × {pieces}" for sku, pieces in rows))
    return stray


def _locked(stray_id: int) -> StrayParcel:
    stray = StrayParcel.objects.select_for_update().filter(pk=stray_id).first()
    if stray is None:
        raise ReturnError("not_found")
    if stray.state != State.WAITING:
        raise ReturnError("stray_settled", **locking.last(stray.settled_by, stray.settled_at))
    return stray


def _settle(stray: StrayParcel, actor: str, action: str, summary: str) -> None:
    stray.settled_at, stray.settled_by = clock.now(), actor[:150]
    stray.save(update_fields=["rma", "state", "goods", "settled_at", "settled_by"])
    audit.record(action=action, target=stray, actor=actor, summary=summary[:300])


def _checked(goods: Goods) -> list[tuple[Sku, Decimal]]:
    summed: dict[str, Decimal] = {}
    for code, pieces in goods:
        if not pieces.is_finite() or abs(pieces) > 10**9 or pieces * 1000 % 1:
            raise ReturnError("bad_quantity", label=code, wanted=str(pieces)[:40])
        if pieces <= 0:
            raise ReturnError("not_positive", label=code)
        summed[code] = summed.get(code, Decimal(0)) + pieces
    if not summed or len(summed) > MOST_LINES:
        raise ReturnError("stray_goods")
    return [(sku_of(code), pieces) for code, pieces in summed.items()]


def sku_of(code: str, *, stocked: bool = True) -> Sku:
    """Return the SKU of a code or barcode; `stocked`: one with stock of its own. Raises ReturnError unknown_sku."""
    found = catalogue.find([code]).get(code)
    if found is None:
        barcode = catalogue.find_by_barcode([code]).get(code)
        found = barcode.sku if barcode else None
    if found is None or (stocked and found.kind != Sku.Kind.STOCKED):
        raise ReturnError("unknown_sku", sku=code.strip()[:60])
    return found
