"""Drafts of purchase orders: made once a click, changed freely until they are handed in."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction

from backoffice import audit, clock
from backoffice.fields import CostField, QuantityField
from backoffice.money import round_money
from finance.currencies import iso_places
from inventory.models import Sku, Warehouse
from orders.models import PurchaseLine, PurchaseOrder, PurchaseSetting, Supplier, SupplierItem
from orders.models.purchase import EDITABLE
from orders.supply import locking, terms
from orders.supply.errors import SupplyError

MOST, FAR = Decimal(100_000_000), dt.timedelta(days=730)
QUANTITY, COST = QuantityField(), CostField()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One line of a draft. Without a price the supplier's own for this quantity is taken."""

    sku_id: int
    quantity: Decimal
    price: Decimal | None = None


@transaction.atomic
def draft(
    *, supplier_id: int, warehouse_id: int, lines: Sequence[Wanted], actor: str, once: str, note: str = "",
    expected_on: dt.date | None = None, source: str = PurchaseOrder.Source.DESK,
    warehouses: frozenset[int] | None = None,
) -> PurchaseOrder:  # fmt: skip
    """Make a draft with a number of its own; the same click again finds the same draft.

    Raises SupplyError: supplier_off, place, no_lines, sku_twice, no_stock_of_its_own, quantity, price, past_day.
    """
    numbers = locking.setting(lock=True)  # the other half of a double click waits here, then finds our draft
    known = PurchaseOrder.objects.filter(once=once).first()
    if known is not None:
        return known
    supplier, place = Supplier.objects.get(pk=supplier_id), _place(warehouse_id, warehouses)
    if not supplier.active:
        raise SupplyError("supplier_off", supplier=supplier.name)
    day = _day(expected_on)
    rows = _rows(supplier, lines)
    order = PurchaseOrder(
        number=_number(numbers), supplier=supplier, warehouse=place, currency=supplier.currency,
        note=locking.clean(note, 300), source=source, expected_on=day, once=once[:100], created_by=actor[:150],
        updated_by=actor[:150], created_at=clock.now(), updated_at=clock.now(), total=_total(rows, supplier.currency),
    )  # fmt: skip
    order.save()
    _write(order, rows)
    audit.record(action="purchase.draft", target=order, actor=actor, summary=str(order), after=_told(order))
    return order


@transaction.atomic
def change(
    *, order_id: int, lines: Sequence[Wanted], actor: str, expected_on: dt.date | None = None, note: str = "",
    warehouse_id: int | None = None, revision: int | None = None, warehouses: frozenset[int] | None = None,
) -> PurchaseOrder:  # fmt: skip
    """Write a draft anew. `revision` is the one the person looked at: somebody else's change is not written over.

    Raises SupplyError: not_found, state, moved, and what `draft` raises.
    """
    order = locking.locked(order_id)
    locking.must_be(order, *EDITABLE)
    locking.must_be_seen(order, revision)
    if warehouse_id is not None and warehouse_id != order.warehouse_id:
        order.warehouse = _place(warehouse_id, warehouses)
    before, rows = _told(order), _rows(order.supplier, lines)
    order.expected_on, order.note = _day(expected_on), locking.clean(note, 300)
    order.total, order.revision = _total(rows, order.currency), order.revision + 1
    order.lines.all().delete()
    _write(order, rows)
    names = ("warehouse", "expected_on", "note", "total", "revision")
    locking.moved(order, actor, "purchase.change", *names, before=before, lines=_told(order))
    return order


def _number(row: PurchaseSetting) -> str:
    """Take the next number of the locked row; whoever draws next waits for our commit, so none comes twice."""
    number = f"{row.prefix}-{row.next_number:05d}"
    while PurchaseOrder.objects.filter(number=number).exists():  # the prefix was set back to an old one
        row.next_number += 1
        number = f"{row.prefix}-{row.next_number:05d}"
    row.next_number += 1
    row.save(update_fields=["next_number"])
    return number


def _place(warehouse_id: int, warehouses: frozenset[int] | None) -> Warehouse:
    found = Warehouse.objects.filter(pk=warehouse_id, active=True, read_only=False).first()
    if found is None or (warehouses is not None and found.pk not in warehouses):
        raise SupplyError("place", field="warehouse")
    return found


def _day(day: dt.date | None) -> dt.date | None:
    today = clock.now().date()
    if day is not None and not today - dt.timedelta(days=1) <= day <= today + FAR:
        raise SupplyError("past_day", field="expected_on")
    return day


def _rows(supplier: Supplier, lines: Sequence[Wanted]) -> list[PurchaseLine]:
    """Return the lines, checked; each fault names its SKU."""
    if not lines:
        raise SupplyError("no_lines", field="lines")
    skus = Sku.objects.in_bulk([one.sku_id for one in lines])
    items = {one.sku_id: one for one in supplier.items.filter(sku__in=skus).prefetch_related("breaks")}
    seen: set[int] = set()
    rows = []
    for place, one in enumerate(lines, 1):
        sku, field = skus[one.sku_id], f"lines[{place - 1}]"
        if sku.pk in seen:
            raise SupplyError("sku_twice", field=field, sku=sku.code)
        if sku.kind != Sku.Kind.STOCKED:
            raise SupplyError("no_stock_of_its_own", field=field, sku=sku.code)
        seen.add(sku.pk)
        item = items.get(sku.pk)
        rows.append(
            PurchaseLine(
                row=place, sku=sku, quantity=_quantity(one, sku, field), price=_price(one, item, sku, field),
                supplier_code=item.supplier_code if item else "",
            )
        )  # fmt: skip
    return rows


def _quantity(one: Wanted, sku: Sku, field: str) -> Decimal:
    number = one.quantity
    if not number.is_finite() or not 0 < number < MOST or number != round(number, 3):
        raise SupplyError("quantity", field=field, sku=sku.code, wanted=str(number)[:40])
    return number


def _price(one: Wanted, item: SupplierItem | None, sku: Sku, field: str) -> Decimal:
    price = one.price if one.price is not None else terms.price_of(item, one.quantity) if item else None
    if price is None or not price.is_finite() or not 0 <= price < MOST or price != round(price, 6):
        raise SupplyError("price", field=field, sku=sku.code, wanted="" if price is None else str(price)[:40])
    try:
        COST.scale(price)
    except ValidationError as error:
        raise SupplyError("price", field=field, sku=sku.code, wanted=str(price)[:40]) from error
    return price


def _total(rows: Sequence[PurchaseLine], currency: str) -> Decimal:
    return round_money(sum((one.quantity * one.price for one in rows), Decimal(0)), iso_places(currency))


def _write(order: PurchaseOrder, rows: Sequence[PurchaseLine]) -> None:
    for one in rows:
        one.order = order
    PurchaseLine.objects.bulk_create(rows)


def _told(order: PurchaseOrder) -> dict[str, str]:
    rows = order.lines.select_related("sku")
    return {one.sku.code: f"{locking.plain(one.quantity)} × {locking.plain(one.price)}" for one in rows}
