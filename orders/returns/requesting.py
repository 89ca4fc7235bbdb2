"""A return begins: the desk opens it for a buyer, or a refund on the platform says that goods will come back."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db import transaction

from backoffice import clock
from backoffice.search import search_form
from orders.desk import kept
from orders.fulfil import routing
from orders.models import (
    Order,
    OrderLine,
    OrderLinePart,
    Refund,
    RefundLine,
    Return,
    ReturnLine,
    ReturnPolicy,
    ReturnReason,
)
from orders.models.returns import EXPECTED
from orders.returns import locking
from orders.returns.errors import ReturnError

State, Source, Wants = Return.State, Return.Source, Return.Wants
ZERO = Decimal(0)
DAYS = 14  # until a return should be here, where a shop has no rule of its own
DEAD = (State.REFUSED, State.CANCELLED)
Units = Mapping[int, Decimal]


@transaction.atomic
def open_return(
    *,
    order_id: int,
    lines: Units,
    actor: str,
    key: str,
    wants: str = Wants.REFUND,
    goods: bool = True,
    reason_id: int | None = None,
    text: str = "",
    warehouse_id: int | None = None,
    source: str = Source.DESK,
) -> Return:
    """Open a return of order lines (id → units); the same key again returns the first one.

    `goods` False is money only: nothing comes back, and lines only say what the money is for. Raises ReturnError:
    not_found, no_lines, unknown_line, bad_quantity, not_positive, part_of_bundle, too_many, nothing_sent, bad_reason,
    no_place. Then nothing has happened.
    """
    order = locking.locked_order(order_id)
    known = Return.objects.filter(idempotency_key=key).first()
    if known is not None:
        return known
    if reason_id is not None and not ReturnReason.objects.filter(pk=reason_id).exists():
        raise ReturnError("bad_reason")
    checked = _checked(order, lines, goods=goods)
    found = _made(
        order, key, actor, source=source, wants=wants, goods=goods, reason_id=reason_id, text=_clean(text),
        warehouse_id=warehouse_id or _place(order, goods=goods),
    )  # fmt: skip
    ReturnLine.objects.bulk_create(ReturnLine(rma=found, line=line, quantity=units) for line, units in checked)
    locking.note(found, actor, "return.open", summary=order.number, order=order.number, wants=wants)
    return found


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()[:1000]


def _place(order: Order, *, goods: bool) -> int | None:
    place = routing.return_warehouse_of(order) if goods else None
    if goods and place is None:
        raise ReturnError("no_place")
    return place.pk if place else None


def _made(order: Order, key: str, actor: str, **fields: object) -> Return:
    now = clock.now()
    return Return.objects.create(
        order=order, idempotency_key=key[:200], requested_at=now, requested_by=actor[:150], updated_at=now,
        updated_by=actor[:150], **fields,
    )  # fmt: skip


# --- what can come back ----------------------------------------------------------------------------------------------


def returnable(
    order: Order, *, but: Return | None = None, lines: Sequence[OrderLine] | None = None
) -> dict[int, Decimal]:
    """Return per line how many units have left and neither came back nor are announced on another return.

    `lines` are all lines of the order, when they were read already.
    """
    lines = list(OrderLine.objects.filter(order=order)) if lines is None else lines
    if not any(line.shipped_quantity for line in lines):
        return {line.pk: ZERO for line in lines}
    taken: dict[int, Decimal] = defaultdict(lambda: ZERO)
    others = ReturnLine.objects.filter(rma__order=order, rma__goods=True).exclude(rma__state__in=DEAD)
    for row in kept.rows(order, "returns", others.exclude(rma=but).select_related("rma")):
        taken[row.line_id] += max(row.quantity, row.received_quantity) if _pending(row.rma) else row.received_quantity
    restocked = kept.rows(order, "refunds", RefundLine.objects.filter(refund__order=order))
    for line_id, units in restocked.values_list("line_id", "restocked"):
        taken[line_id] += units
    return {line.pk: max(line.shipped_quantity - taken[line.pk], ZERO) for line in lines}


def _pending(found: Return) -> bool:
    return found.state in (*EXPECTED, State.RECEIVED)


def _checked(order: Order, wanted: Units, *, goods: bool) -> list[tuple[OrderLine, Decimal]]:
    lines = {line.pk: line for line in OrderLine.objects.filter(order=order)}
    if goods and not any(line.shipped_quantity for line in lines.values()):
        raise ReturnError("nothing_sent", number=order.number)
    left = returnable(order) if goods else {pk: line.ordered_quantity for pk, line in lines.items()}
    bundles = _bundles(lines)
    checked = []
    for line_id, units in wanted.items():
        line = lines.get(line_id)
        if line is None:
            raise ReturnError("unknown_line", number=order.number)
        checked.append((line, check_units(line, units, left[line_id], whole=line_id in bundles)))
    if goods and not checked:
        raise ReturnError("no_lines")
    return checked


def _bundles(line_ids: Mapping[int, OrderLine]) -> set[int]:
    return set(OrderLinePart.objects.filter(line__in=list(line_ids)).values_list("line_id", flat=True))


def check_units(line: OrderLine, units: Decimal, left: Decimal, *, whole: bool = False) -> Decimal:
    """Return the units if that many of a line can be meant. Raises ReturnError."""
    if not units.is_finite() or (units and not (-3 <= units.adjusted() <= 9 and units * 1000 % 1 == 0)):
        raise ReturnError("bad_quantity", label=str(line), wanted=str(units)[:40])
    if units <= 0:
        raise ReturnError("not_positive", label=str(line))
    if whole and units % 1:
        raise ReturnError("part_of_bundle", label=str(line))
    if units > left:
        raise ReturnError("too_many", label=str(line), left=plain(left), wanted=plain(units))
    return units


def plain(value: Decimal) -> str:
    """A quantity without trailing zeros."""
    return f"{value.normalize():f}" if value else "0"


# --- from the platform -----------------------------------------------------------------------------------------------


def expect(order: Order, refund: Refund, wanted: Units, now: dt.datetime, actor: str) -> Return | None:
    """Open the return that a platform's refund of goods that had left announces; None when none of it is open.

    The caller holds the order's lock. What other returns have announced already is not announced again.
    """
    left = returnable(order) if wanted else {}
    units = {pk: part for pk, asked in wanted.items() if (part := min(asked, left.get(pk, ZERO))) > 0}
    place = routing.return_warehouse_of(order) if units else None
    if place is None:
        return None
    found = _made(
        order, f"refund:{refund.pk}", actor, source=Source.PLATFORM, state=State.APPROVED, refund=refund,
        warehouse_id=place.pk, text=refund.reason, expected_by=due(order, now),
    )  # fmt: skip
    ReturnLine.objects.bulk_create(ReturnLine(rma=found, line_id=pk, quantity=part) for pk, part in units.items())
    locking.note(found, actor, "return.open", summary=order.number, order=order.number, refund=refund.external_id)
    return found


def due(order: Order, now: dt.datetime) -> dt.datetime:
    """Return until when a return approved now should be here."""
    days = ReturnPolicy.objects.filter(shop=order.shop_id).values_list("days", flat=True).first()
    return now + dt.timedelta(days=DAYS if days is None else days)


def tracking_key(tracking: str) -> str:
    """Return a tracking number in the form it is looked up in: no spaces, no case."""
    return search_form(tracking).replace(" ", "")[:200]
