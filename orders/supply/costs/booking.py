"""Book a late cost: goods still there are worth more, goods that are gone are booked by policy; and undo it.

One transaction with the document. What belongs to goods that are gone goes to the books as a request: cost differences
of the present month, or the cost of goods sold in the month of the sale where that month is open. A closed month is
never touched.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.db import transaction

from backoffice import audit, clock
from finance import currencies, posting
from finance.facts import CostFacts, CostLine
from finance.posting.months import book_day, month_of
from inventory.costing import correcting
from inventory.costing.method import setting
from inventory.costing.ripple import Correction, Gone, Ripple, trace
from inventory.models import CostSetting, Reason
from orders.models import CostDocument, CostEffect, OrderLine
from orders.supply import locking
from orders.supply.errors import SupplyError

State, Late, Effect = CostDocument.State, CostSetting.Late, CostEffect.Kind
LINE = "orders.line:"  # how order lines are named in the stock ledger
Group = tuple[int | None, dt.date | None]  # (shop, month of the sale); (None, None): the present month


def preview(document: CostDocument) -> Ripple:
    """Return where the cost would go now."""
    return trace(_corrections(document))


@transaction.atomic
def book(*, document_id: int, actor: str, shown: Decimal | None = None) -> CostDocument:
    """Book a draft once; a second click changes nothing.

    `shown` is what of it belonged to goods still there when the person looked: goods that were sold since change the
    figures, so the person looks again. Raises SupplyError: cost_state, cost_moved; CostRefused.
    """
    document = _locked(document_id)
    if document.state != State.DRAFT:
        if document.state == State.POSTED:
            return document
        _refuse(document)
    ripple = correcting.book(corrections=_corrections(document), reference=document.reference, actor=actor)
    if shown is not None and ripple.kept_amount != shown:
        raise SupplyError("cost_moved", number=str(document))
    document.late = setting().late
    _keep(document, ripple, undo=False)
    document.state, document.posted_at, document.posted_by = State.POSTED, clock.now(), actor[:150]
    document.save(update_fields=["state", "late", "posted_at", "posted_by"])
    _note(document, "cost.book", ripple, actor)
    return document


@transaction.atomic
def undo(*, document_id: int, actor: str) -> CostDocument:
    """Book the opposite: out of what is there now, and back from where the rest went.

    Raises SupplyError cost_state when it is not booked or undone already; CostRefused.
    """
    document = _locked(document_id)
    if document.state != State.POSTED:
        _refuse(document)
    opposite = [Correction(one.entry_key, -one.amount) for one in _corrections(document)]
    ripple = correcting.book(corrections=opposite, reference=f"{document.reference}/undo", actor=actor)
    _keep(document, ripple, undo=True)
    document.state, document.undone_at, document.undone_by = State.UNDONE, clock.now(), actor[:150]
    document.save(update_fields=["state", "undone_at", "undone_by"])
    _note(document, "cost.undo", ripple, actor)
    return document


def _locked(document_id: int) -> CostDocument:
    return CostDocument.objects.select_for_update().get(pk=document_id)


def _refuse(document: CostDocument) -> None:
    who = locking.last(document.undone_by or document.posted_by, document.undone_at or document.posted_at)
    raise SupplyError("cost_state", number=str(document), state=document.get_state_display(), **who)


def _corrections(document: CostDocument) -> list[Correction]:
    return [Correction(one.entry_key, one.share) for one in document.lines.order_by("pk") if one.share]


def _note(document: CostDocument, action: str, ripple: Ripple, actor: str) -> None:
    after = {"stock": f"{ripple.kept_amount:f}", "gone": f"{ripple.gone_amount:f}", "late": document.late}
    audit.record(action=action, target=document, summary=str(document), after=after, actor=actor)


# --- what is gone ----------------------------------------------------------------------------------------------------


def _keep(document: CostDocument, ripple: Ripple, *, undo: bool) -> None:
    """Keep where each part went, and tell the books what is not stock any more."""
    effects = [
        CostEffect(
            document=document, kind=Effect.STOCK, undo=undo, sku_id=one.sku_id, warehouse_id=one.warehouse_id,
            pieces=one.pieces, amount=one.amount,
        )
        for one in ripple.kept
    ]  # fmt: skip
    groups = grouped(ripple.gone, document.late)
    for (shop_id, month), rows in groups.items():
        kind = Effect.SOLD if month is not None else Effect.DIFFERENCE
        effects += [_effect(document, one, kind, shop_id, undo) for one in rows]
    CostEffect.objects.bulk_create(effects)
    posting.request_costs(costs=list(_facts(document, groups, undo)))


def _effect(document: CostDocument, one: Gone, kind: str, shop_id: int | None, undo: bool) -> CostEffect:
    return CostEffect(
        document=document, kind=kind, undo=undo, sku_id=one.sku_id, warehouse_id=one.warehouse_id, shop_id=shop_id,
        reference=one.reference, month=month_of(book_day(one.occurred_at)), pieces=one.pieces, amount=one.amount,
    )  # fmt: skip


def grouped(gone: Sequence[Gone], late: str) -> dict[Group, list[Gone]]:
    """Return what is gone by where it is booked: by shop and month of the sale, or in the present month."""
    groups: dict[Group, list[Gone]] = defaultdict(list)
    shops = shops_of(gone) if late == Late.RESTATE else {}
    closed = posting.closed_months(book_day(one.occurred_at) for one in gone)
    for one in gone:
        month = month_of(book_day(one.occurred_at))
        sold = one.reason == Reason.SHIPMENT and one.reference in shops and month not in closed
        groups[(shops[one.reference], month) if sold else (None, None)].append(one)
    return groups


def shops_of(gone: Iterable[Gone]) -> dict[str, int]:
    """Return the shop of each order line that took goods."""
    ids = {one.reference.removeprefix(LINE) for one in gone if one.reference.startswith(LINE)}
    rows = OrderLine.objects.filter(pk__in=[int(one) for one in ids if one.isdecimal()])
    return {f"{LINE}{pk}": shop for pk, shop in rows.values_list("pk", "order__shop_id")}


def _facts(document: CostDocument, groups: dict[Group, list[Gone]], undo: bool) -> Iterable[CostFacts]:
    base = currencies.base_code()
    name = f"{document.reference}/undo" if undo else document.reference
    for place, ((shop_id, month), rows) in enumerate(groups.items(), 1):
        by_place: dict[int, Decimal] = defaultdict(Decimal)
        for one in rows:
            by_place[one.warehouse_id] += one.amount
        at = max(one.occurred_at for one in rows) if month is not None else clock.now()
        yield CostFacts(
            reference=f"{name}/{place}", shop_id=shop_id, occurred_at=at, currency=base, number=str(document),
            lines=tuple(CostLine(warehouse_id=pk, amount=amount, sold=month is not None)
                        for pk, amount in by_place.items() if amount),
        )  # fmt: skip
