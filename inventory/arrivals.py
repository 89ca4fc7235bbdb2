"""Expected deliveries: announced, put off, received in parts or at once, given up; the ledger moves along."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Sequence
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, locks
from backoffice.errors import YikuError
from inventory import ledger
from inventory.ledger import EntryDraft
from inventory.lots import lines as lot_lines
from inventory.models import Bucket, ExpectedArrival, Reason, Sku, Warehouse

State = ExpectedArrival.State


class ArrivalRefused(YikuError):
    """Nothing was changed about an expected delivery."""


SENTENCES = {
    "not_positive": _("The quantity must be above zero."),
    "no_stock_of_its_own": _("“%(code)s” has no stock of its own: expect its parts."),
    "read_only": _("Stock of “%(warehouse)s” is kept by somebody else."),
    "not_open": _("This delivery is “%(state)s” already: %(what)s."),
    "not_there": _("There is no such delivery."),
    "owned": _("%(source)s is received, put off and given up on its own page, not here."),
    "below_received": _("%(received)s pieces have come already; it cannot be less."),
}


def _refused(code: str, /, **params: object) -> ArrivalRefused:
    return ArrivalRefused(code, SENTENCES[code], params=params)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One delivery to announce."""

    sku_id: int
    warehouse_id: int
    quantity: Decimal
    expected_on: dt.date
    unit_cost: Decimal | None = None
    source: str = ""
    owner: str = ""  # a document above ("orders.purchaseorder:7"): only it moves the delivery


@dataclasses.dataclass(frozen=True, slots=True)
class Incoming:
    """Pieces of a SKU on their way to a warehouse."""

    arrival_id: int
    sku_id: int
    warehouse_id: int
    quantity: Decimal
    expected_on: dt.date
    source: str = ""


@transaction.atomic
def announce(*, rows: Sequence[Expected], actor: str = "") -> list[ExpectedArrival]:
    """Expect deliveries, all or none; their pieces stand in the ledger as incoming."""
    _check(rows)
    now, who = clock.now(), actor or audit.current_actor().name
    made = ExpectedArrival.objects.bulk_create(
        ExpectedArrival(
            sku_id=row.sku_id, warehouse_id=row.warehouse_id, quantity=row.quantity, expected_on=row.expected_on,
            unit_cost=row.unit_cost, source=row.source.replace("\0", "")[:200], owner=row.owner[:120], turn=1,
            created_at=now, created_by=who[:150], updated_at=now,
        )
        for row in rows
    )  # fmt: skip
    if made:
        ledger.post(entries=[_incoming(one, one.quantity) for one in made], actor=who)
        audit.record_many([audit.Entry("arrival.expect", one, after=_told(one), actor=who) for one in made])
    return made


def _check(rows: Sequence[Expected]) -> None:
    if any(row.quantity <= 0 for row in rows):
        raise _refused("not_positive")
    skus = Sku.objects.in_bulk([row.sku_id for row in rows])
    stockless = [sku.code for sku in skus.values() if sku.kind != Sku.Kind.STOCKED]
    if stockless:
        raise _refused("no_stock_of_its_own", code=stockless[0])
    closed = Warehouse.objects.filter(pk__in={row.warehouse_id for row in rows}, read_only=True).first()
    if closed is not None:
        raise _refused("read_only", warehouse=closed.name)


@transaction.atomic
def change(
    *, arrival_id: int, quantity: Decimal, expected_on: dt.date, source: str, actor: str = "", owner: str = ""
) -> ExpectedArrival:
    """Put a delivery off or correct its quantity; what has come already stays."""
    row = _open(arrival_id, owner)
    if quantity <= 0:
        raise _refused("not_positive")
    if quantity < row.received_quantity:
        raise _refused("below_received", received=f"{row.received_quantity.normalize():f}")
    before, moved = _told(row), quantity - row.quantity
    row.quantity, row.expected_on, row.source = quantity, expected_on, source.replace("\0", "")[:200]
    row.updated_at = clock.now()
    if moved:
        row.turn += 1
        ledger.post(entries=[_incoming(row, moved)], actor=actor)
    if not row.left:
        row.state, row.received_at = State.RECEIVED, row.updated_at
    row.save()
    audit.record(action="arrival.change", target=row, before=before, after=_told(row), actor=actor)
    return row


@transaction.atomic
def receive(
    *, arrival_id: int, quantity: Decimal | None = None, unit_cost: Decimal | None = None, finished: bool = False,
    actor: str = "", owner: str = "", lot: str = "", expires_on: str = "", demand_lot: bool = False,
) -> ExpectedArrival:  # fmt: skip
    """Put what has come on the shelf: all that is left, or `quantity` pieces; `finished`: the rest does not come.

    `lot` says which lots came (inventory.lots.saying); with `demand_lot` a tracked SKU is refused without.

    More than was expected is received too. A second click finds it received and is told so.
    """
    row = _open(arrival_id, owner)
    came = row.left if quantity is None else quantity
    if came <= 0:
        raise _refused("not_positive")
    row.turn += 1
    rest = row.left - min(came, row.left) if finished else Decimal(0)
    away = min(came, row.left) + rest
    cost = row.unit_cost if unit_cost is None else unit_cost
    shelf = EntryDraft(
        key=f"{row.reference}/{row.turn}", sku_id=row.sku_id, warehouse_id=row.warehouse_id, quantity=came,
        reason=Reason.RECEIPT, reference=row.reference, unit_cost=cost,
        lots=lot_lines.incoming(row.sku, came, lot, expires_on, demanded=demand_lot),
    )  # fmt: skip
    ledger.post(entries=[shelf, *([_incoming(row, -away)] if away else [])], actor=actor)
    row.received_quantity += came
    row.updated_at = row.received_at = clock.now()
    if finished or row.received_quantity >= row.quantity:
        row.state = State.RECEIVED
    row.save()
    audit.record(action="arrival.receive", target=row, after={**_told(row), "came": f"{came:f}"}, actor=actor)
    return row


@transaction.atomic
def divert(*, arrival_id: int, quantity: Decimal, actor: str = "", owner: str = "") -> ExpectedArrival:
    """Pieces came that are not put on this shelf (damaged, kept apart): they are awaited no longer."""
    row = _open(arrival_id, owner)
    if quantity <= 0:
        raise _refused("not_positive")
    away = min(quantity, row.left)
    row.turn += 1
    if away:
        ledger.post(entries=[_incoming(row, -away)], actor=actor)
    row.received_quantity += quantity
    row.updated_at = row.received_at = clock.now()
    if not row.left:
        row.state = State.RECEIVED
    row.save()
    audit.record(action="arrival.divert", target=row, after={**_told(row), "came": f"{quantity:f}"}, actor=actor)
    return row


@transaction.atomic
def cancel(*, arrival_id: int, actor: str = "", owner: str = "") -> ExpectedArrival:
    """Give up what has not come."""
    row = _open(arrival_id, owner)
    row.turn += 1
    if row.left:
        ledger.post(entries=[_incoming(row, -row.left)], actor=actor)
    row.state = State.RECEIVED if row.received_quantity else State.CANCELLED
    row.updated_at = clock.now()
    row.save()
    audit.record(action="arrival.cancel", target=row, after=_told(row), actor=actor)
    return row


def incoming_of(sku_ids: Collection[int]) -> list[Incoming]:
    """Return what is on its way of some SKUs, the earliest first: one query."""
    rows = ExpectedArrival.objects.filter(sku_id__in=sku_ids, state=State.EXPECTED).order_by("expected_on", "pk")
    return [
        Incoming(row.pk, row.sku_id, row.warehouse_id, row.left, row.expected_on, row.source)
        for row in rows
        if row.left
    ]


def _open(arrival_id: int, owner: str) -> ExpectedArrival:
    """The delivery under our lock: of two clicks one wins, the other finds it received."""
    rows = locks.locked_rows(ExpectedArrival.objects.filter(pk=arrival_id))
    if not rows:
        raise _refused("not_there")
    row = rows[0]
    if row.owner != owner:
        raise _refused("owned", source=row.source or str(row))
    if row.state != State.EXPECTED:
        raise _refused("not_open", state=row.get_state_display(), what=str(row))
    return row


def _incoming(row: ExpectedArrival, quantity: Decimal) -> EntryDraft:
    return EntryDraft(
        key=f"{row.reference}/{row.turn}i", sku_id=row.sku_id, warehouse_id=row.warehouse_id, quantity=quantity,
        bucket=Bucket.INCOMING, reason=Reason.RECEIPT, reference=row.reference,
    )  # fmt: skip


def _told(row: ExpectedArrival) -> dict[str, str]:
    return {
        "sku": str(row.sku_id),
        "quantity": f"{row.quantity:f}",
        "received": f"{row.received_quantity:f}",
        "expected_on": row.expected_on.isoformat(),
        "state": str(row.state),
    }
