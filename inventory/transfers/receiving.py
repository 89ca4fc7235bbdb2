"""At the destination: what came, in parts, damaged, more than was sent; and what becomes of the rest."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, locks
from backoffice.models import User
from inventory import adjusting
from inventory.access import Doer, person
from inventory.models import Reason, Transfer, TransferLine, TransferReceipt, TransferReceiptLine
from inventory.transfers.errors import (
    APPROVE,
    AlreadyDone,
    State,
    TransferRefused,
    demand,
    demand_place,
    doer,
    locked,
)
from inventory.transfers.picking import FIGURES, take_back
from inventory.transfers.planning import countable
from inventory.transfers.transit import Posting, share

Over = TransferReceipt.Over
LOST, BACK = "lost", "back"
ZERO = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came of one line: fit to sell, and damaged."""

    line_id: int
    good: Decimal = ZERO
    damaged: Decimal = ZERO


@dataclasses.dataclass(frozen=True, slots=True)
class Received:
    """A receipt, and whether it had been booked before (the same click, the same page sent again)."""

    receipt: TransferReceipt
    repeated: bool


@transaction.atomic
def receive(
    *,
    transfer_id: int,
    came: Sequence[Came],
    user: Doer,
    once: str = "",
    seen: int | None = None,
    note: str = "",
) -> Received:
    """Put on the shelf what came. Damaged goods come in and are written off; more than was sent is a found difference.

    `once` names the click: sent again it changes nothing. `seen` is the transfer's turn that the person looked at.
    Raises AlreadyDone when all was received, TransferRefused when somebody received something since, for figures that
    cannot be and a closed warehouse. Above the warehouse's limit the surplus waits for a second person.
    """
    transfer = locked(transfer_id)
    known = TransferReceipt.objects.filter(once=once).first() if once else None
    if known is not None:
        return Received(known, True)
    demand(transfer, State.TRANSIT, State.PARTLY)
    demand_place(transfer.destination, user)
    if seen is not None and seen != transfer.turn:
        _refuse_stale(transfer)
    lines = {line.pk: line for line in transfer.lines.select_related("sku").order_by("pk")}
    rows = _rows(lines, came)
    receipt = TransferReceipt.objects.create(
        transfer=transfer,
        once=once or uuid.uuid4().hex,
        note=note[:300],
        created_at=clock.now(),
        created_by=person(user),
    )
    _post(Posting(transfer, list(lines.values())), lines, rows)
    TransferLine.objects.bulk_update(lines.values(), FIGURES)
    for row in rows:
        row.receipt = receipt
    TransferReceiptLine.objects.bulk_create(rows)
    _surplus(transfer, receipt, rows, user)
    _finish(transfer, user)
    audit.record(action="transfer.receive", target=transfer, summary=note[:300], after=_told(rows))
    return Received(receipt, False)


def _refuse_stale(transfer: Transfer) -> None:
    last = transfer.receipts.select_related("created_by").last()
    back = transfer.receipts.exclude(undone_at=None).select_related("undone_by").order_by("undone_at").last()
    message, who = _("%(who)s has received goods of %(number)s meanwhile. Look at what is left, then book."), None
    if back is not None and last is not None and back.undone_at and back.undone_at >= last.created_at:
        message, who = (
            _("%(who)s has taken back a receipt of %(number)s meanwhile. Look at it, then book."),
            back.undone_by,
        )
    elif last is not None:
        who = last.created_by
    params = {"who": doer(transfer, who), "number": transfer}
    raise TransferRefused("received_meanwhile", message, params=params)


def _rows(lines: dict[int, TransferLine], came: Sequence[Came]) -> list[TransferReceiptLine]:
    """Split what came into what was under way and what is more."""
    rows: dict[int, TransferReceiptLine] = {}
    for place, one in enumerate(came):
        line = lines.get(one.line_id)
        if line is None or line.pk in rows:
            raise TransferRefused("no_such_line", _("This line is not in the transfer."), field=f"lines[{place}]")
        if not countable(one.good) or not countable(one.damaged):
            message = _("“%(code)s”: this is no number of pieces.")
            raise TransferRefused("bad_quantity", message, field=f"lines[{place}]", params={"code": line.sku.code})
        if one.damaged > line.transit:
            message = _("“%(code)s”: %(damaged)s damaged, but only %(left)s are under way.")
            params = {"code": line.sku.code, "damaged": f"{one.damaged:f}", "left": f"{line.transit.normalize():f}"}
            raise TransferRefused("more_damaged_than_sent", message, field=f"lines[{place}]", params=params)
        good = min(one.good, line.transit - one.damaged)
        if one.good or one.damaged:
            rows[line.pk] = TransferReceiptLine(line=line, good=good, damaged=one.damaged, over=one.good - good)
    if not rows:
        raise TransferRefused("nothing_came", _("Say how many came: at least one piece."))
    return list(rows.values())


def _post(posting: Posting, lines: dict[int, TransferLine], rows: Sequence[TransferReceiptLine]) -> None:
    place = posting.transfer.destination_id
    came = {lines[row.line_id]: row for row in rows if row.good + row.damaged}
    leaving = {line: posting.leave(line, row.good + row.damaged, Reason.TRANSFER) for line, row in came.items()}
    for line, value in posting.left(leaving).items():
        row, quantity = came[line], came[line].good + came[line].damaged
        arrived = posting.add(line, "d", place, quantity, Reason.TRANSFER, value, leaving[line].key)
        if row.damaged:
            lost = share(value, row.damaged, quantity)
            posting.add(line, "x", place, -row.damaged, Reason.DAMAGED, -lost, arrived.key)
    for row in rows:
        line = lines[row.line_id]
        line.received += row.good
        line.damaged += row.damaged
    posting.write()


def _surplus(transfer: Transfer, receipt: TransferReceipt, rows: Sequence[TransferReceiptLine], user: Doer) -> None:
    """Book what came on top as found, or let it wait when it is above the limit."""
    over = [row for row in rows if row.over]
    if not over:
        return
    limit = transfer.destination.adjust_limit
    if user is not None and limit is not None and any(row.over > limit for row in over):
        receipt.over_state = Over.WAITING
    else:
        _book_surplus(transfer, receipt, over, user)
    receipt.save(update_fields=["over_state", "over_document"])


def _book_surplus(
    transfer: Transfer, receipt: TransferReceipt, over: Sequence[TransferReceiptLine], user: Doer
) -> None:
    found = [adjusting.Line(sku_id=row.line.sku_id, change=row.over, unit_cost=_cost(row.line)) for row in over]
    note = _now("More came with %(number)s than was sent") % {"number": transfer}
    receipt.over_document = adjusting.adjust(
        warehouse_id=transfer.destination_id, lines=found, reason=Reason.FOUND, note=note, user=person(user)
    )
    receipt.over_state = Over.BOOKED
    for row in over:
        row.line.over += row.over
    TransferLine.objects.bulk_update([row.line for row in over], ["over"])


def _cost(line: TransferLine) -> Decimal | None:
    return round(line.picked_value / line.picked, 6) if line.picked else None


def decide_surplus(*, receipt_id: int, user: User, accept: bool) -> TransferReceipt:
    """Book what came on top, or say that it is not so: by a second person who may approve.

    Raises AlreadyDone when somebody decided, TransferRefused when this person may not or received it themselves.
    """
    with transaction.atomic():
        transfer = locked(TransferReceipt.objects.values_list("transfer_id", flat=True).get(pk=receipt_id))
        receipt = locks.locked_rows(TransferReceipt.objects.filter(pk=receipt_id))[0]
        if receipt.over_state != Over.WAITING:
            who, when = receipt.decided_by or receipt.undone_by, receipt.decided_at or receipt.undone_at
            raise AlreadyDone(transfer, receipt.get_over_state_display(), who, when)
        demand_place(transfer.destination, user)
        _demand_second(user, {receipt.created_by_id})
        receipt.decided_at, receipt.decided_by = clock.now(), user
        if accept:
            over = list(receipt.lines.filter(over__gt=0).select_related("line"))
            _book_surplus(transfer, receipt, over, user)
        else:
            receipt.over_state = Over.REFUSED
        receipt.save(update_fields=["over_state", "over_document", "decided_at", "decided_by"])
        audit.record(action="transfer.surplus", target=transfer, after={"state": receipt.over_state})
    return receipt


def close(*, transfer_id: int, rest: str, user: User | None, note: str = "") -> Transfer:
    """End a transfer of which not all came: the rest is lost, or went back to the origin.

    Raises AlreadyDone, and TransferRefused when more is lost than this person may write off alone.
    """
    with transaction.atomic():
        transfer = locked(transfer_id)
        demand(transfer, State.TRANSIT, State.PARTLY)
        lines = list(transfer.lines.select_related("sku").order_by("pk"))
        demand_place(transfer.destination if rest == LOST else transfer.origin, user)
        posting = Posting(transfer, lines)
        if rest == LOST:
            _demand_within_limit(transfer, lines, user)
            _lose(posting, lines)
        else:
            take_back(posting, lines, Reason.TRANSFER)
        TransferLine.objects.bulk_update(lines, FIGURES)
        _finish(transfer, user)
        audit.record(action=f"transfer.close_{rest}", target=transfer, summary=note[:300])
    return transfer


def _lose(posting: Posting, lines: Sequence[TransferLine]) -> None:
    going = {line: line.transit for line in lines if line.transit}
    posting.left({line: posting.leave(line, quantity, Reason.LOST) for line, quantity in going.items()})
    for line, quantity in going.items():
        line.lost += quantity


def _demand_within_limit(transfer: Transfer, lines: Sequence[TransferLine], user: User | None) -> None:
    limit = transfer.destination.adjust_limit
    if user is None or limit is None or all(line.transit <= limit for line in lines):
        return
    people: set[int | None] = {transfer.picked_by_id, transfer.sent_by_id}
    _demand_second(user, people.union(transfer.receipts.values_list("created_by_id", flat=True)))


def _demand_second(user: User, first: set[int | None]) -> None:
    if not user.has_perm(APPROVE):
        message = _("This is above the warehouse's limit: somebody who may approves it.")
        raise TransferRefused("over_limit", message)
    if user.pk in first:
        message = _("This is above the warehouse's limit: a second person approves it, not who handled the goods.")
        raise TransferRefused("second_person", message)


def _finish(transfer: Transfer, user: Doer) -> None:
    left = transfer.lines.filter(transit__gt=0).exists()
    transfer.state = State.PARTLY if left else State.RECEIVED
    if not left:
        transfer.ended_at, transfer.ended_by = clock.now(), person(user)
    transfer.save(update_fields=["state", "turn", "ended_at", "ended_by"])


def _told(rows: Sequence[TransferReceiptLine]) -> dict[str, str]:
    return {str(row.line.sku_id): f"{row.good:f}/{row.damaged:f}/{row.over:f}" for row in rows}
