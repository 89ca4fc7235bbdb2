"""Plan a transfer: a draft with its lines, changed freely until somebody requests it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from inventory.access import Doer, person
from inventory.models import Sku, Transfer, TransferLine, Warehouse
from inventory.transfers.errors import State, TransferRefused, demand, demand_place, locked

MOST = Decimal(10_000_000)
THOUSANDTH = Decimal("0.001")
MOST_LINES = 5_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """So many pieces of a SKU; `why` is told by the proposal."""

    sku_id: int
    quantity: Decimal
    why: str = ""


@transaction.atomic
def plan(
    *,
    origin: Warehouse,
    destination: Warehouse,
    lines: Sequence[Wish],
    user: Doer,
    note: str = "",
    expected_on: dt.date | None = None,
    proposed: bool = False,
) -> Transfer:
    """Make a draft; nothing moves. Raises TransferRefused naming the line, for a closed or foreign warehouse, too."""
    _demand_places(origin, destination, user)
    _demand_lines(lines)
    made = Transfer.objects.create(
        origin=origin, destination=destination, note=note[:300], expected_on=expected_on, proposed=proposed,
        created_by=person(user), created_at=clock.now(),
    )  # fmt: skip
    made.number = f"DB{made.pk:06d}"
    _write(made, lines)
    made.save(update_fields=["number", "line_count"])
    after = {"from": origin.code, "to": destination.code, "lines": made.line_count}
    audit.record(action="transfer.plan", target=made, summary=str(made), after=after)
    return made


@transaction.atomic
def change(
    *,
    transfer_id: int,
    lines: Sequence[Wish],
    user: Doer,
    note: str | None = None,
    expected_on: dt.date | None = None,
) -> Transfer:
    """Replace the lines of a draft, all or none; without a note or a day these stay. Refuses as `plan` does."""
    transfer = locked(transfer_id)
    demand(transfer, State.DRAFT, after=(State.REQUESTED,))
    _demand_places(transfer.origin, transfer.destination, user)
    _demand_lines(lines)
    transfer.lines.all().delete()
    _write(transfer, lines)
    transfer.note = transfer.note if note is None else note[:300]
    transfer.expected_on = expected_on or transfer.expected_on
    transfer.save(update_fields=["line_count", "note", "expected_on"])
    audit.record(action="transfer.change", target=transfer, after={"lines": transfer.line_count})
    return transfer


@transaction.atomic
def request(*, transfer_id: int, user: Doer) -> Transfer:
    """Ask the origin to pick it. Raises AlreadyDone when it was requested, TransferRefused without lines."""
    transfer = locked(transfer_id)
    demand(transfer, State.DRAFT, after=(State.REQUESTED,))
    _demand_places(transfer.origin, transfer.destination, user)
    if not transfer.line_count:
        raise TransferRefused("no_lines", _("There are no lines yet: say first what goes over."))
    transfer.state, transfer.requested_at, transfer.requested_by = State.REQUESTED, clock.now(), person(user)
    transfer.save(update_fields=["state", "requested_at", "requested_by"])
    audit.record(action="transfer.request", target=transfer)
    return transfer


def _demand_places(origin: Warehouse, destination: Warehouse, user: Doer) -> None:
    if origin.pk == destination.pk:
        message = _("Goods go from one warehouse to another: choose two.")
        raise TransferRefused("same_warehouse", message, field="destination")
    demand_place(origin, user)
    demand_place(destination, user)


def _demand_lines(lines: Sequence[Wish]) -> None:
    if len(lines) > MOST_LINES:
        message = _("A transfer holds %(most)s lines at most.")
        raise TransferRefused("too_many_lines", message, params={"most": MOST_LINES})
    skus = Sku.objects.in_bulk([line.sku_id for line in lines])
    seen: dict[int, int] = {}
    for place, line in enumerate(lines):
        sku = skus.get(line.sku_id)
        if sku is None or sku.kind != Sku.Kind.STOCKED:
            message = _("Line %(line)s: “%(code)s” has no stock of its own.")
            raise _refused("no_stock_of_its_own", message, place, "sku", code=sku.code if sku else line.sku_id)
        if line.sku_id in seen:
            message = _("Line %(line)s: “%(code)s” stands on line %(first)s already.")
            raise _refused("sku_twice", message, place, "sku", code=sku.code, first=seen[line.sku_id] + 1)
        seen[line.sku_id] = place
        if not countable(line.quantity) or not line.quantity:
            message = _("Line %(line)s: the quantity of “%(code)s” must be above zero.")
            raise _refused("bad_quantity", message, place, "quantity", code=sku.code)


def countable(quantity: Decimal) -> bool:
    """True for zero or more pieces, to the thousandth."""
    return quantity.is_finite() and 0 <= quantity < MOST and quantity == quantity.quantize(THOUSANDTH)


def _refused(refusal: str, message: Any, place: int, field: str, **params: object) -> TransferRefused:
    return TransferRefused(refusal, message, field=f"lines[{place}].{field}", params={"line": place + 1, **params})


def _write(transfer: Transfer, lines: Sequence[Wish]) -> None:
    TransferLine.objects.bulk_create(
        TransferLine(transfer=transfer, sku_id=line.sku_id, quantity=line.quantity, why=line.why[:300])
        for line in lines
    )
    transfer.line_count = len(lines)
