"""A receipt that was wrong is taken back: the goods are under way again, as they were before it was booked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, Sum
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, locks
from backoffice.models import User
from inventory import documents
from inventory.costing import method
from inventory.errors import NegativeStock, named
from inventory.lots.errors import LotShort
from inventory.models import (
    Bucket,
    CostLayer,
    LayerUse,
    Reason,
    StockDocument,
    StockEntry,
    Transfer,
    TransferLine,
    TransferReceipt,
    TransferReceiptLine,
)
from inventory.transfers.errors import APPROVE, State, TransferRefused, demand_place, locked
from inventory.transfers.picking import FIGURES
from inventory.transfers.transit import Posting

Over = TransferReceipt.Over
Booked = dict[str, StockEntry]  # of one line: "t" left the account, "d" came, "x" was written off as damaged


@transaction.atomic
def take_back(*, receipt_id: int, user: User | None, why: str) -> TransferReceipt:
    """Undo a receipt by one booking: what came is in transit again, at its value, in its lots and layers.

    Damaged goods and what came on top are undone with it; what waits for a second person is withdrawn.
    Raises TransferRefused when it is taken back already, the transfer was closed since, the surplus was approved and
    the user may not approve, or the goods have left or are reserved. Nothing has changed then.
    """
    transfer = locked(TransferReceipt.objects.values_list("transfer_id", flat=True).get(pk=receipt_id))
    receipt = locks.locked_rows(TransferReceipt.objects.filter(pk=receipt_id))[0]
    why = why.strip()[:300]
    demand_place(transfer.destination, user)
    _demand_open(transfer, receipt, why)
    surplus = _surplus(receipt)  # documents are locked before balances, wherever both are
    _demand_right(receipt, surplus, user)
    lines = {line.pk: line for line in transfer.lines.select_related("sku").order_by("pk")}
    rows = list(receipt.lines.order_by("pk"))
    posting = Posting(transfer, list(lines.values()))
    booked = _booked(receipt)
    _demand_whole(rows, lines, booked, surplus)
    try:
        _undo_surplus(receipt, surplus, user, why)
        _return(posting, lines, rows, booked, over=receipt.over_state == Over.UNDONE)
    except NegativeStock as short:
        raise _gone(short) from short
    TransferLine.objects.bulk_update(lines.values(), FIGURES)
    receipt.undone_at, receipt.undone_by, receipt.undone_why = clock.now(), user, why
    receipt.save(update_fields=["over_state", "undone_at", "undone_by", "undone_why"])
    _reopen(transfer)
    before = {str(lines[row.line_id].sku_id): f"{row.good:f}/{row.damaged:f}/{row.over:f}" for row in rows}
    audit.record(
        action="transfer.take_back", target=transfer, summary=why, before=before, after={"receipt": receipt.pk}
    )
    return receipt


# --- what stands in the way ------------------------------------------------------------------------------------------


def _demand_open(transfer: Transfer, receipt: TransferReceipt, why: str) -> None:
    if receipt.undone_at is not None:
        message = _("This receipt is taken back already: %(who)s did it at %(when)s. Nothing was done twice.")
        moment = date_format(localtime(receipt.undone_at), "SHORT_DATETIME_FORMAT")
        raise TransferRefused("already_done", message, params={"who": receipt.undone_by or "–", "when": moment})
    if not why:
        message = _("Say why the receipt is taken back: whoever reads it later was not there.")
        raise TransferRefused("reason_missing", message, field="note")
    ends = transfer.lines.aggregate(lost=Sum("lost"), back=Sum("back"))
    if ends["lost"]:
        message = _("%(number)s was closed since and the rest written off as lost. Correct the stock by an adjustment.")
        raise TransferRefused("closed_since", message, params={"number": transfer})
    if ends["back"]:
        message = _("%(number)s was closed since and the rest went back. Correct the stock by an adjustment.")
        raise TransferRefused("closed_since", message, params={"number": transfer})


def _demand_right(receipt: TransferReceipt, surplus: StockDocument | None, user: User | None) -> None:
    """What a second person has approved is not undone by the first alone."""
    if surplus is None or receipt.decided_by_id is None or user is None or user.has_perm(APPROVE):
        return
    message = _("What came on top was approved by %(who)s: somebody who may approve takes this receipt back.")
    raise TransferRefused("over_limit", message, params={"who": receipt.decided_by})


def _demand_whole(
    rows: Sequence[TransferReceiptLine], lines: Mapping[int, TransferLine], booked: Mapping[int, Booked],
    surplus: StockDocument | None,
) -> None:  # fmt: skip
    """First in, first out: the very goods that came must be there, else others would pay for those that were sold."""
    wanted = {booked[row.line_id]["d"].key: (row.line_id, row.good) for row in rows if row.line_id in booked}
    if surplus is not None:
        of = {lines[row.line_id].sku_id: row for row in rows}
        found = StockEntry.objects.filter(reference=surplus.reference, bucket=Bucket.ON_HAND, sku__in=of)
        wanted |= {one.key: (of[one.sku_id].line_id, of[one.sku_id].over) for one in found}
    closed = LayerUse.objects.filter(layer=OuterRef("pk"), entry_key__startswith=method.KEY)  # valued otherwise since
    layers = CostLayer.objects.filter(~Exists(closed), entry_key__in=wanted).values_list("entry_key").order_by()
    for key, left in layers.annotate(left=Sum("quantity")):
        line_id, quantity = wanted[key]
        if left < quantity:
            message = _("“%(code)s”: of the %(came)s that came with this receipt only %(left)s are there.")
            params = {"code": lines[line_id].sku.code, "came": _plain(quantity), "left": _plain(left)}
            raise TransferRefused("gone", message, params=params)


def _gone(short: NegativeStock) -> TransferRefused:
    if isinstance(short, LotShort):
        message = _("The lots of this receipt have left: %(listed)s. Bring them back first, or correct the stock.")
        return TransferRefused("gone", message, params=short.params)
    message = _(
        "The goods of this receipt have left or are reserved: %(listed)s. Bring them back or release them first."
    )
    listed = ", ".join(f"{named(one)} {_plain(one.available)} < {_plain(one.wanted)}" for one in short.shorts[:5])
    return TransferRefused("gone", message, params={"listed": listed})


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


# --- the booking -----------------------------------------------------------------------------------------------------


def _surplus(receipt: TransferReceipt) -> StockDocument | None:
    """The document of what came on top, under our lock, unless somebody has undone it by itself."""
    if receipt.over_document_id is None:
        return None
    document = locks.locked_rows(StockDocument.objects.filter(pk=receipt.over_document_id))[0]
    return document if document.state == StockDocument.State.POSTED else None


def _undo_surplus(receipt: TransferReceipt, document: StockDocument | None, user: User | None, why: str) -> None:
    if document is not None:
        documents.undo(document_id=document.pk, user=user, note=why)
    if receipt.over_state in (Over.WAITING, Over.BOOKED):
        receipt.over_state = Over.UNDONE if receipt.over_state == Over.BOOKED else Over.WITHDRAWN


def _booked(receipt: TransferReceipt) -> dict[int, Booked]:
    """The entries of a receipt, by line: each receipt that moved goods was one turn of its transfer, in their order."""
    rows = TransferReceiptLine.objects.filter(receipt__transfer=receipt.transfer_id).order_by("receipt_id", "pk")
    moving = list(dict.fromkeys(row.receipt_id for row in rows if row.good + row.damaged))
    if receipt.pk not in moving:
        return {}
    turns: dict[int, dict[int, Booked]] = {}
    came: set[int] = set()
    for entry in StockEntry.objects.filter(reference=receipt.transfer.reference, bucket=Bucket.ON_HAND):
        line, _dot, turn = entry.key.rpartition("/")[2].partition(".")
        turns.setdefault(int(turn[:-1]), {}).setdefault(int(line), {})[turn[-1]] = entry
        if turn[-1] == "d":
            came.add(int(turn[:-1]))
    return turns[sorted(came)[moving.index(receipt.pk)]]


def _return(
    posting: Posting, lines: Mapping[int, TransferLine], rows: Sequence[TransferReceiptLine],
    booked: Mapping[int, Booked], *, over: bool,
) -> None:  # fmt: skip
    """The opposite of each entry, the last first: damaged goods are there again, then all leave for the account."""
    place, undo = posting.transfer.destination_id, Reason.UNDO
    leaving = {}
    for row in rows:
        line, was = lines[row.line_id], booked.get(row.line_id, {})
        if "x" in was:
            posting.add(line, "y", place, row.damaged, undo, -was["x"].value, was["x"].key)
        if "d" in was:
            leaving[line] = posting.add(line, "g", place, -was["d"].quantity, undo, -was["d"].value, was["d"].key)
        line.received -= row.good
        line.damaged -= row.damaged
        line.over -= row.over if over else Decimal(0)
    values = posting.write()
    for line, draft in leaving.items():
        value, quantity = -values[draft.key], -draft.quantity
        posting.add(line, "u", posting.transit.pk, quantity, undo, value, booked[line.pk]["t"].key)
        posting.expect(line, quantity)
        line.transit += quantity
        line.transit_value += value
    posting.write()


def _reopen(transfer: Transfer) -> None:
    if transfer.lines.filter(transit__gt=0).exists():
        stands = transfer.receipts.filter(undone_at=None).exists()
        transfer.state = State.PARTLY if stands else State.TRANSIT
        transfer.ended_at = transfer.ended_by = None
    transfer.save(update_fields=["state", "turn", "ended_at", "ended_by"])
