"""Adjustments: a person or a program says that the stock of a warehouse is other than the ledger thinks, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.errors import YikuError
from backoffice.models import User
from inventory import balances, documents
from inventory.access import Doer, person
from inventory.lots import lines as lot_lines
from inventory.lots import saying
from inventory.lots.errors import refused_at
from inventory.models import Reason, Sku, StockDocument, StockDocumentLine, Warehouse

# Why a person may change stock by hand; the other reasons belong to the documents that have them.
REASONS = (Reason.CORRECTION, Reason.FOUND, Reason.LOST, Reason.DAMAGED, Reason.GIFT, Reason.OWN_USE, Reason.RECEIPT)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One SKU: `change` in pieces more or less, or `counted` pieces there are; exactly one of the two."""

    sku_id: int
    change: Decimal | None = None
    counted: Decimal | None = None
    unit_cost: Decimal | None = None  # base currency, for goods in; else the average
    lot: str = ""  # as people say lots (inventory.lots.saying); with `counted`: so many are there of this lot
    expires_on: str = ""


class Refused(YikuError):
    """The adjustment cannot be posted as it is; nothing was changed."""


@transaction.atomic
def adjust(
    *, warehouse_id: int, lines: Sequence[Line], reason: str, note: str = "", actor: str = "", user: Doer = None
) -> StockDocument:
    """Post one document that adjusts a warehouse, every line or none; over the limit it is only proposed.

    Raises `Refused` for a closed warehouse (the account of goods under way is one), a line without stock to keep, a SKU
    named twice or a reason that is not for people, and
    `inventory.errors.NegativeStock` naming every line that would take more than there is unreserved.
    """
    _check(warehouse_id, lines, reason)
    with audit.acting_as(actor or audit.current_actor()):
        locked = balances.lock(((line.sku_id, warehouse_id) for line in lines), create=True)
        system = {sku: Decimal(row.on_hand).scaleb(-3) for (sku, _place), row in locked.items()}
        document = _document(warehouse_id, *_by_lot(warehouse_id, lines, system), system, reason, note, user)
        if documents.over_limit(document, user):
            return documents.propose(document_id=document.pk)
        return documents.post(document_id=document.pk, user=user)


@transaction.atomic
def propose(
    *, warehouse_id: int, lines: Sequence[Line], reason: str, note: str = "", user: User | None = None
) -> StockDocument:
    """Note a difference that somebody met on the way: nothing is posted until a person has counted and says so.

    Raises `Refused` as `adjust` does.
    """
    _check(warehouse_id, lines, reason)
    locked = balances.lock(((line.sku_id, warehouse_id) for line in lines), create=True)
    system = {sku: Decimal(row.on_hand).scaleb(-3) for (sku, _place), row in locked.items()}
    document = _document(warehouse_id, *_by_lot(warehouse_id, lines, system), system, reason, note, user)
    return documents.propose(document_id=document.pk)


def _check(warehouse_id: int, lines: Sequence[Line], reason: str) -> None:
    closed = Warehouse.objects.filter(pk=warehouse_id, active=False).first()
    if closed is not None:
        message = _("%(warehouse)s is closed: its stock is not adjusted by hand.")
        raise Refused("warehouse_closed", message, field="warehouse", params={"warehouse": closed})
    if reason not in REASONS:
        raise Refused("reason_not_allowed", _("This reason is not for adjustments by hand."))
    ids = [line.sku_id for line in lines]
    twice = next((place for place, pk in enumerate(ids) if pk in ids[:place]), None)
    if twice is not None:
        raise Refused("sku_twice", _("Each SKU may stand on one line only."), field=f"lines[{twice}].sku")
    stockless = Sku.objects.filter(pk__in=ids).exclude(kind=Sku.Kind.STOCKED).values_list("code", flat=True)
    if stockless:
        message = _("These SKUs have no stock of their own: %(codes)s.")
        raise Refused("no_stock_of_its_own", message, params={"codes": ", ".join(stockless[:10])})


def _change(line: Line, system: dict[int, Decimal]) -> Decimal:
    if line.counted is not None:
        return line.counted - system[line.sku_id]
    return line.change or Decimal(0)


def _by_lot(
    warehouse_id: int, lines: Sequence[Line], system: dict[int, Decimal]
) -> tuple[Sequence[Line], dict[int, list[list[str]] | None]]:
    """The lines in pieces of the whole SKU, and the lots that were named, by SKU. Raises LotRefused with the line."""
    named = [line for line in lines if line.lot.strip()]
    skus = Sku.objects.in_bulk([line.sku_id for line in named])
    told, said = list(lines), {}
    for place, line in enumerate(lines):
        if not line.lot.strip():
            continue
        with refused_at(f"lines[{place}]"):
            change, found = lot_lines.said_of(skus[line.sku_id], warehouse_id, line)
        counted = None if line.counted is None else system[line.sku_id] + change
        told[place] = dataclasses.replace(line, change=None if counted is not None else change, counted=counted)
        said[line.sku_id] = saying.as_json(found)
    return told, said


def _document(
    warehouse_id: int, lines: Sequence[Line], lots: dict[int, list[list[str]] | None], system: dict[int, Decimal],
    reason: str, note: str, user: Doer,
) -> StockDocument:  # fmt: skip
    document = StockDocument.objects.create(
        kind=StockDocument.Kind.ADJUSTMENT,
        state=StockDocument.State.DRAFT,
        warehouse_id=warehouse_id,
        reason=reason,
        note=note[:300],
        line_count=len(lines),
        difference_count=sum(1 for line in lines if _change(line, system)),
        created_at=clock.now(),
        created_by=person(user),
    )
    rows = [
        StockDocumentLine(
            document=document,
            row=row,
            sku_id=line.sku_id,
            warehouse_id=warehouse_id,
            system_quantity=system[line.sku_id],
            counted_quantity=line.counted,
            difference=_change(line, system),
            unit_cost=line.unit_cost if _change(line, system) > 0 else None,
            lots=lots.get(line.sku_id),
        )
        for row, line in enumerate(lines, start=1)
    ]
    StockDocumentLine.objects.bulk_create(rows)
    return document
