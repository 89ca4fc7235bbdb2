"""A parcel comes back: found by what is written on it, counted once, and what is over, missing or wrong is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q, QuerySet

from backoffice import clock
from backoffice.search import search_form
from orders import search
from orders.models import (
    Order,
    OrderLinePart,
    Return,
    ReturnLine,
    ReturnReceipt,
    Shipment,
)
from orders.models.returns import EXPECTED, FIRST_NUMBER, OPEN
from orders.returns import locking, requesting, strays
from orders.returns.errors import ReturnError
from orders.returns.requesting import plain

State = Return.State
ZERO = Decimal(0)
MOST_FOUND = 20
Told = dict[str, str]  # {"code": "over", "label": …, "wanted": …, "counted": …}


@dataclasses.dataclass(frozen=True, slots=True)
class Wrong:
    """Goods in the parcel that belong to none of the return's lines."""

    sku_id: int
    code: str
    pieces: Decimal


# --- whose parcel is it ----------------------------------------------------------------------------------------------


def number_of(text: str) -> int | None:
    """Return the key behind a return's number ("R10012", as typed or scanned); None when it is none."""
    plain_text = search_form(text).replace(" ", "")
    digits = plain_text[1:] if plain_text.startswith("r") else ""
    if not digits.isdecimal() or not digits.isascii() or len(digits) > 15:
        return None
    return int(digits) - FIRST_NUMBER if int(digits) > FIRST_NUMBER else None


def find_returns(returns: QuerySet[Return], text: str, *, buyers: bool) -> QuerySet[Return]:
    """Return the returns (of those given) with this number, tracking number, order or, for `buyers`, buyer."""
    term, pk = search_form(text), number_of(text)
    if not term:
        return returns.none()
    if pk is not None and (exact := returns.filter(pk=pk)).exists():
        return exact
    orders = search.found(Order.objects.all(), term, buyers=buyers)
    by_tracking = Q(tracking_key=requesting.tracking_key(text)) if len(term) > 3 else Q(pk__in=[])
    return returns.filter(by_tracking | Q(order__in=orders))


def find_orders(orders: QuerySet[Order], text: str, *, buyers: bool) -> list[Order]:
    """Return orders of which something has left, by number, by the tracking number it left with, or by buyer."""
    term = search_form(text)
    if not term:
        return []
    sent = Shipment.objects.filter(tracking_number=text.strip(), state=Shipment.State.SENT) if text.strip() else None
    by_parcel = Q(pk__in=sent.values("order_id")) if sent is not None else Q(pk__in=[])
    found = orders.filter(Q(pk__in=search.found(orders, term, buyers=buyers).values("pk")) | by_parcel)
    return list(found.filter(shipped_at__isnull=False).select_related("shop").order_by("-placed_at")[:MOST_FOUND])


# --- counting --------------------------------------------------------------------------------------------------------


@transaction.atomic
def receive(
    *,
    return_id: int,
    counts: Mapping[int, Decimal],
    actor: str,
    key: str,
    tracking: str = "",
    note: str = "",
    wrong: Sequence[Wrong] = (),
    warehouse_id: int | None = None,
    warehouses: frozenset[int] | None = None,
) -> ReturnReceipt:
    """Count a parcel that came for a return (line of the return → units); the same key again counts nothing.

    More than announced is taken as long as that much was sent. Goods of no line wait as an unknown parcel. `warehouses`
    are those whoever counts may see; None: all. Raises ReturnError: not_found, state, other_warehouse, parcel_twice,
    all_here, nothing_counted, bad_quantity, part_of_bundle, too_many. Then nothing has happened.
    """
    found = locking.locked(return_id)
    known = ReturnReceipt.objects.filter(idempotency_key=key).first()
    if known is not None:
        return known
    place = warehouse_id or found.warehouse_id
    _check_place(found, place, warehouses)
    rows = list(found.lines.select_related("line").order_by("pk"))
    _check_news(found, rows, tracking)
    told = _count(found, rows, counts, bool(wrong))
    ReturnLine.objects.bulk_update(rows, ["received_quantity"])
    receipt = _receipt(found, place or 0, counts, actor, key, tracking, note, [*told, *_told_wrong(wrong)])
    if wrong:
        strays.beside(found, receipt, wrong, actor)
    found.state, found.received_at, found.warehouse_id = State.RECEIVED, receipt.at, place
    locking.moved(
        found, actor, "return.receive", "state", "received_at", "warehouse", summary=tracking[:200],
        counted={str(pk): plain(units) for pk, units in counts.items()},
    )  # fmt: skip
    return receipt


def _check_place(found: Return, place: int | None, warehouses: frozenset[int] | None) -> None:
    if place is None:
        raise ReturnError("no_place")
    if warehouses is not None and place not in warehouses:
        raise ReturnError("other_warehouse")
    locking.must_be(found, *OPEN) if found.goods else locking.must_be(found)


def _check_news(found: Return, rows: Sequence[ReturnLine], tracking: str) -> None:
    """Refuse a parcel that was counted before, by its tracking number or because nothing is missing any more."""
    key = requesting.tracking_key(tracking)
    before = found.receipts.filter(tracking_key=key).first() if key else None
    if before is not None:
        raise ReturnError("parcel_twice", **locking.last(before.by, before.at))
    last = found.receipts.order_by("-pk").first()
    if last is not None and all(row.received_quantity >= row.quantity for row in rows) and not key:
        raise ReturnError("all_here", number=found.number, **locking.last(last.by, last.at))


def _count(found: Return, rows: Sequence[ReturnLine], counts: Mapping[int, Decimal], wrong: bool) -> list[Told]:
    """Add what was counted to the lines; returns what is over and what is missing."""
    if set(counts) - {row.pk for row in rows}:
        raise ReturnError("unknown_line", number=found.order.number)
    if not wrong and not any(counts.values()):
        raise ReturnError("nothing_counted")
    sent = requesting.returnable(found.order, but=found)
    bundles = _bundles(rows)
    told = []
    for row in rows:
        units = counts.get(row.pk, ZERO)
        if units:
            left = sent[row.line_id] - row.received_quantity
            requesting.check_units(row.line, units, left, whole=row.line_id in bundles)
            row.received_quantity += units
        if row.received_quantity != row.quantity:
            told.append(_difference(row))
    return told


def _bundles(rows: Sequence[ReturnLine]) -> set[int]:
    return set(OrderLinePart.objects.filter(line__in=[row.line_id for row in rows]).values_list("line_id", flat=True))


def _difference(row: ReturnLine) -> Told:
    code = "over" if row.received_quantity > row.quantity else "under"
    counted, wanted = plain(row.received_quantity), plain(row.quantity)
    return {"code": code, "label": str(row.line)[:200], "counted": counted, "wanted": wanted}


def _told_wrong(wrong: Sequence[Wrong]) -> list[Told]:
    return [{"code": "wrong", "label": one.code, "counted": plain(one.pieces), "wanted": "0"} for one in wrong]


def _receipt(
    found: Return,
    place: int,
    counts: Mapping[int, Decimal],
    actor: str,
    key: str,
    tracking: str,
    note: str,
    told: list[Told],
) -> ReturnReceipt:
    return ReturnReceipt.objects.create(
        rma=found,
        warehouse_id=place,
        tracking_key=requesting.tracking_key(tracking),
        counts={str(pk): plain(units) for pk, units in counts.items() if units},
        told=told,
        note=note.replace("\0", "").strip()[:300],
        at=clock.now(),
        by=actor[:150],
        idempotency_key=key[:200],
    )


# --- blind -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def receive_blind(
    *,
    order_id: int,
    counts: Mapping[int, Decimal],
    actor: str,
    key: str,
    warehouse_id: int,
    tracking: str = "",
    note: str = "",
    wrong: Sequence[Wrong] = (),
    warehouses: frozenset[int] | None = None,
) -> Return:
    """Open and receive a return in one step for a parcel that nobody announced (order line → units).

    Raises ReturnError as `open_return` and `receive` do; then nothing has happened.
    """
    found = requesting.open_return(
        order_id=order_id, lines=counts, actor=actor, key=key, warehouse_id=warehouse_id,
        source=Return.Source.BLIND, text=note,
    )  # fmt: skip
    if found.receipts.exists():
        return found
    by_line = {row.line_id: row.pk for row in found.lines.all()}
    receive(
        return_id=found.pk, counts={by_line[pk]: units for pk, units in counts.items()}, actor=actor, key=key,
        tracking=tracking, note=note, wrong=wrong, warehouse_id=warehouse_id, warehouses=warehouses,
    )  # fmt: skip
    found.refresh_from_db()
    return found


def missing(returns: QuerySet[Return]) -> QuerySet[Return]:
    """Return those received of which announced pieces are still to come."""
    rows = ReturnLine.objects.filter(received_quantity__lt=F("quantity")).values("rma_id")
    return returns.filter(state__in=(State.RECEIVED, State.INSPECTED), pk__in=rows)


def overdue(returns: QuerySet[Return]) -> QuerySet[Return]:
    """Return those that should be here by now."""
    return returns.filter(state__in=EXPECTED, goods=True, expected_by__lt=clock.now())
