"""Drafts of supplies: a transfer between warehouses, which moves the goods when confirmed, or a purchase to be made."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal, InvalidOperation

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from backoffice import audit, clock, locks
from inventory import moving
from inventory.access import Sight
from inventory.models import Sku, Warehouse
from orders.late import sources
from orders.late.errors import LateError
from orders.late.plays import at, named
from orders.models import LatePlay, PurchaseOrder, Supplier, SupplierItem, SupplyDraft
from orders.supply import drafting, ordering
from orders.supply.drafting import Wanted

Kind, State = SupplyDraft.Kind, SupplyDraft.State
MOST, THOUSANDTH = Decimal(10_000_000), Decimal("0.001")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks for."""

    kind: str
    sku_id: int
    quantity: str
    origin_id: int | None = None
    destination_id: int | None = None
    supplier: str = ""
    expected_on: dt.date | None = None
    note: str = ""


@transaction.atomic
def draft(*, wish: Wish, actor: str, once: str, seen: Sight, play: LatePlay | None = None) -> SupplyDraft:
    """Write down that goods should come; the same click again finds the same draft.

    A purchase from a supplier we know is a draft purchase order, found under its number.
    Raises LateError: supply_kind, supply_quantity, supply_place, supply_bundle; SupplyError of the purchase order.
    """
    known = SupplyDraft.objects.filter(once=once).first()
    if known is not None:
        return known
    _check(wish, seen)
    row = SupplyDraft(
        kind=wish.kind, sku_id=wish.sku_id, quantity=_quantity(wish.quantity),
        origin_id=wish.origin_id if wish.kind == Kind.TRANSFER else None, destination_id=wish.destination_id,
        supplier=_plain(wish.supplier, 200), expected_on=wish.expected_on, note=_plain(wish.note, 300), play=play,
        once=once[:64], created_by=actor[:150], created_at=clock.now(),
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:  # the other half of a double click
        return SupplyDraft.objects.get(once=once)
    _purchase(row, actor, seen)
    audit.record(action="supply.draft", target=row, actor=actor, summary=str(row))
    return row


def _purchase(row: SupplyDraft, actor: str, seen: Sight) -> None:
    """Draft the purchase order with the supplier named, or whoever is preferred; nobody known leaves a note only."""
    if row.kind != Kind.PURCHASE or row.destination_id is None:
        return
    items = SupplierItem.objects.filter(sku=row.sku_id, active=True, supplier__active=True)
    if row.supplier:
        known = Supplier.objects.filter(active=True)
        supplier = known.filter(code=row.supplier).first() or known.filter(name=row.supplier).first()
        item = items.filter(supplier=supplier).first() if supplier else None
    else:
        item = items.order_by("-preferred", "pk").first()
    if item is None:
        return
    order = drafting.draft(
        supplier_id=item.supplier_id, warehouse_id=row.destination_id, actor=actor, once=f"late:{row.once}",
        lines=[Wanted(sku_id=row.sku_id, quantity=row.quantity)], note=row.note, expected_on=row.expected_on,
        source=PurchaseOrder.Source.LATE, warehouses=seen.warehouses,
    )  # fmt: skip
    row.purchase, row.supplier = order, f"{order.number} {item.supplier.name}"[:200]
    row.save(update_fields=["purchase", "supplier"])


def _check(wish: Wish, seen: Sight) -> None:
    if wish.kind not in Kind.values:
        raise LateError("supply_kind")
    sku = Sku.objects.get(pk=wish.sku_id)
    if sku.kind != Sku.Kind.STOCKED:
        raise LateError("supply_bundle", sku=sku.code)
    wanted = {wish.destination_id} if wish.destination_id or wish.kind == Kind.TRANSFER else set()
    if wish.kind == Kind.TRANSFER:
        wanted.add(wish.origin_id)
    places = Warehouse.objects.filter(pk__in=[one for one in wanted if one], active=True, read_only=False)
    found = {pk for pk in places.values_list("pk", flat=True) if seen.warehouses is None or pk in seen.warehouses}
    if found != wanted or (wish.kind == Kind.TRANSFER and len(wanted) < 2):
        raise LateError("supply_place")


def _quantity(text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not (number.is_finite() and 0 < number < MOST and number == number.quantize(THOUSANDTH)):
        raise LateError("supply_quantity", text=text[:40])
    return number


def _plain(text: str, most: int) -> str:
    return text.replace("\0", "").strip()[:most]


@transaction.atomic
def confirm(*, draft_id: int, actor: str, seen: Sight) -> SupplyDraft:
    """Do it: a transfer moves the goods at once, a purchase is ordered and its goods are expected.

    Raises LateError: supply_ended, supply_place, supply_purchase; NegativeStock when the goods are not there
    unreserved.
    """
    row = _drafted(draft_id)
    _may(row, seen)
    if row.purchase is not None:
        raise LateError("supply_purchase", number=row.purchase.number)
    if row.kind == Kind.TRANSFER and row.origin_id and row.destination_id:
        moving.move(
            key=row.reference, sku_id=row.sku_id, quantity=row.quantity, origin_id=row.origin_id,
            destination_id=row.destination_id, reference=row.reference, actor=actor,
        )  # fmt: skip
    elif row.destination is not None and row.expected_on is not None:
        source = row.supplier or _("Purchase draft %d") % row.pk
        sources.expect(
            sku=row.sku, warehouse=row.destination, quantity=row.quantity, day=row.expected_on, source=source,
            actor=actor,
        )  # fmt: skip
    return _ended(row, State.CONFIRMED, "supply.confirm", actor)


@transaction.atomic
def cancel(*, draft_id: int, actor: str, seen: Sight) -> SupplyDraft:
    """Drop it; nothing moves. Raises LateError supply_ended, supply_place."""
    order_id = SupplyDraft.objects.filter(pk=draft_id).values_list("purchase_id", flat=True).first()
    row = _drafted(draft_id, order_id)
    _may(row, seen)
    if order_id is not None:
        ordering.cancel(order_id=order_id, actor=actor, reason=_("dropped on the page of the late play"))
        row.refresh_from_db()
        return row
    return _ended(row, State.CANCELLED, "supply.cancel", actor)


def _drafted(draft_id: int, order_id: int | None = None) -> SupplyDraft:
    """Lock a draft, its purchase order first: of two clicks the second finds it ended, and is told by whom."""
    if order_id is not None:
        locks.locked_rows(PurchaseOrder.objects.filter(pk=order_id))
    row = locks.locked_rows(SupplyDraft.objects.filter(pk=draft_id))[0]
    if row.state != State.DRAFT:
        raise LateError("supply_ended", state=row.get_state_display(), who=named(row.ended_by), when=at(row.ended_at))
    return row


def _may(row: SupplyDraft, seen: Sight) -> None:
    named_places = {one for one in (row.origin_id, row.destination_id) if one is not None}
    if seen.warehouses is not None and not named_places <= seen.warehouses:
        raise LateError("supply_place")


def _ended(row: SupplyDraft, state: str, action: str, actor: str) -> SupplyDraft:
    row.state, row.ended_at, row.ended_by = state, clock.now(), actor[:150]
    row.save(update_fields=["state", "ended_at", "ended_by"])
    audit.record(action=action, target=row, actor=actor, summary=str(row))
    return row
