"""At the origin: take goods off the shelf, put them back, send them off, call the transfer off."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from inventory.access import Doer, person
from inventory.lots import saying
from inventory.lots.errors import refused_at
from inventory.models import Reason, Transfer, TransferLine
from inventory.transfers.errors import State, TransferRefused, demand, demand_place, locked
from inventory.transfers.planning import countable
from inventory.transfers.transit import Posting

FIGURES = ["picked", "picked_value", "transit", "transit_value", "received", "damaged", "lost", "back", "over"]


@transaction.atomic
def pick(
    *, transfer_id: int, user: Doer, quantities: Mapping[int, Decimal] | None = None,
    lots: Mapping[int, str] | None = None,
) -> Transfer:  # fmt: skip
    """Take goods off the origin's shelf, all that is wanted or so many of each line: none moves or all do.

    They lie in the account of goods under way from now on, at the value they left with. Raises AlreadyDone when
    somebody picked it, TransferRefused for more than is wanted, NegativeStock naming every line that is not there
    unreserved. `lots` says of tracked lines which lots were taken; else they go first expired first.
    """
    transfer = locked(transfer_id)
    demand(transfer, State.REQUESTED, after=(State.PICKED, State.TRANSIT))
    demand_place(transfer.origin, user)
    lines = _lines(transfer)
    wanted = _wanted(lines, quantities)
    posting = Posting(transfer, lines)
    gone = {
        line: posting.add(
            line, "o", transfer.origin_id, -wanted[line.pk], Reason.TRANSFER,
            lots=_lots(place, line, wanted[line.pk], (lots or {}).get(line.pk, "")),
        )
        for place, line in enumerate(lines) if wanted[line.pk]
    }  # fmt: skip
    values = posting.write()
    for line, draft in gone.items():
        line.picked = line.transit = wanted[line.pk]
        line.picked_value = line.transit_value = -values[draft.key]
        posting.add(line, "t", posting.transit.pk, line.picked, Reason.TRANSFER, line.picked_value, draft.key)
        posting.expect(line, line.picked)
    posting.write()
    TransferLine.objects.bulk_update(gone, FIGURES)
    transfer.picked_at, transfer.picked_by = clock.now(), person(user)
    return _into(transfer, State.PICKED, "transfer.pick", "turn", "picked_at", "picked_by")


def _lots(place: int, line: TransferLine, wanted: Decimal, text: str) -> tuple[tuple[str, Decimal], ...]:
    """Raises LotRefused, naming the line."""
    if not text.strip():
        return ()
    with refused_at(f"lines[{place}]"):
        return saying.pairs(saying.said(line.sku, wanted, text, dated=False))


def _wanted(lines: list[TransferLine], quantities: Mapping[int, Decimal] | None) -> dict[int, Decimal]:
    wanted = {line.pk: line.quantity if quantities is None else quantities.get(line.pk, Decimal(0)) for line in lines}
    for place, line in enumerate(lines, 1):
        if not countable(wanted[line.pk]) or wanted[line.pk] > line.quantity:
            message = _("Line %(line)s: of “%(code)s” pick 0 to %(wanted)s.")
            params = {"line": place, "code": line.sku.code, "wanted": f"{line.quantity.normalize():f}"}
            raise TransferRefused("bad_quantity", message, field=f"lines[{place - 1}].quantity", params=params)
    if not any(wanted.values()):
        raise TransferRefused("nothing_picked", _("Nothing was picked: cancel the transfer if nothing is there."))
    return wanted


@transaction.atomic
def unpick(*, transfer_id: int, user: Doer) -> Transfer:
    """Put everything back on the origin's shelf at the value it left with, before it is sent."""
    transfer = locked(transfer_id)
    demand(transfer, State.PICKED, after=(State.TRANSIT,))
    demand_place(transfer.origin, user)
    lines = _lines(transfer)
    take_back(Posting(transfer, lines), lines, Reason.UNDO)
    for line in lines:
        line.picked, line.picked_value, line.back = Decimal(0), Decimal(0), Decimal(0)
    TransferLine.objects.bulk_update(lines, FIGURES)
    transfer.picked_at = transfer.picked_by = None
    return _into(transfer, State.REQUESTED, "transfer.unpick", "turn", "picked_at", "picked_by")


@transaction.atomic
def send(*, transfer_id: int, user: Doer) -> Transfer:
    """Say that the goods have left. Raises AlreadyDone."""
    transfer = locked(transfer_id)
    demand(transfer, State.PICKED, after=(State.TRANSIT,))
    demand_place(transfer.origin, user)
    transfer.sent_at, transfer.sent_by = clock.now(), person(user)
    return _into(transfer, State.TRANSIT, "transfer.send", "sent_at", "sent_by")


@transaction.atomic
def cancel(*, transfer_id: int, user: Doer, note: str = "") -> Transfer:
    """Call it off: what is under way goes back to the origin, at its value. Once something came, close it instead."""
    transfer = locked(transfer_id)
    demand(transfer, State.DRAFT, State.REQUESTED, State.PICKED, State.TRANSIT)
    if transfer.under_way:
        demand_place(transfer.origin, user)
        lines = _lines(transfer)
        take_back(Posting(transfer, lines), lines, Reason.TRANSFER)
        TransferLine.objects.bulk_update(lines, FIGURES)
    transfer.ended_at, transfer.ended_by = clock.now(), person(user)
    return _into(transfer, State.CANCELLED, "transfer.cancel", "turn", "ended_at", "ended_by", note=note)


def take_back(posting: Posting, lines: list[TransferLine], reason: str) -> None:
    """Move all that is under way to the origin's shelf."""
    going = {line: line.transit for line in lines if line.transit}
    leaving = {line: posting.leave(line, quantity, reason) for line, quantity in going.items()}
    for line, value in posting.left(leaving).items():
        source = leaving[line].key
        posting.add(line, "o", posting.transfer.origin_id, going[line], reason, value, source)
        line.back += going[line]
    posting.write()


def _lines(transfer: Transfer) -> list[TransferLine]:
    return list(transfer.lines.select_related("sku").order_by("pk"))


def _into(transfer: Transfer, state: str, action: str, *fields: str, note: str = "") -> Transfer:
    transfer.state = state
    transfer.save(update_fields=["state", *fields])
    audit.record(action=action, target=transfer, summary=note[:300])
    return transfer
