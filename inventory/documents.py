"""Post a stock document once, or undo it by a document that says the opposite: all lines or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, locks
from backoffice.attachments import keeping as attachments
from backoffice.errors import YikuError
from backoffice.models import User
from backoffice.progress import Meter
from inventory import balances, count_rows, ledger
from inventory.access import Doer, person
from inventory.errors import NegativeStock, Short
from inventory.ledger import Move
from inventory.lots import saying
from inventory.models import Bucket, Reason, StockDocument

State = StockDocument.State
PAGE = 5_000  # lines in one statement: bounds memory, not the transaction
ON_HAND = Bucket.ON_HAND.value
ACTIONS = {"adjustment": "stock.adjust", "count": "stock.count", "opening": "stock.opening", "receipt": "stock.receipt"}


class NotOpen(YikuError):
    """The document is not waiting to be posted (or undone)."""

    def __init__(self, document: StockDocument) -> None:
        message = _("%(document)s is “%(state)s”: this cannot be done with it now.")
        params = {"document": document, "state": document.get_state_display()}
        super().__init__("document_not_open", message, params=params)


class FiguresMoved(YikuError):
    """Stock moved since the preview in a way the count could not know: the person must look again."""

    def __init__(self, count: int) -> None:
        message = _("The system's figures of %(count)s lines have changed since this preview. Look at them again.")
        super().__init__("figures_moved", message, params={"count": count})


class NeedsApproval(YikuError):
    """A difference is over the warehouse's limit for this person."""

    def __init__(self, count: int) -> None:
        message = _(
            "%(count)s differences are over the warehouse's limit: propose the document, somebody else posts it."
        )
        super().__init__("over_limit", message, params={"count": count})


def post(*, document_id: int, user: Doer = None, meter: Meter | None = None) -> StockDocument:
    """Post every difference of the document in one transaction; a second time changes nothing.

    Raises NotOpen for one that is not a preview or proposal, NeedsApproval above the person's limit, FiguresMoved
    when the preview is out of date, NegativeStock naming every line that would take what is reserved.
    """
    with transaction.atomic():
        document = _locked(document_id)
        if document.state == State.POSTED:
            return document
        if not document.open:
            raise NotOpen(document)
        _within_limit(document, user)
        _lock_balances(document)
        moved = count_rows.moved_lines(document) if document.counted_at else []
        if moved:
            raise FiguresMoved(len(moved))
        _write(document, _moves(document), meter)
        return _posted(document, user)


def undo(*, document_id: int, user: User | None = None, note: str = "") -> StockDocument:
    """Post the opposite of a posted document and return the new one; goods go back at the value they came with.

    Raises NotOpen when it is not posted (or undone already), NegativeStock when the goods are gone or reserved.
    """
    with transaction.atomic():
        document = _locked(document_id)
        if document.state != State.POSTED or document.reverses_id:
            raise NotOpen(document)
        reverse = _reverse(document, user, note)
        _lock_balances(reverse)
        _write(reverse, _reverse_moves(document, reverse), None)
        document.state = State.UNDONE
        document.save(update_fields=["state"])
        audit.record(action="stock.undo", target=document, summary=note[:300], after={"by": str(reverse.pk)})
        return _posted(reverse, user)


def propose(*, document_id: int) -> StockDocument:
    """Hand a preview over to somebody who may post it. Raises NotOpen."""
    with transaction.atomic():
        document = _locked(document_id)
        if document.state != State.DRAFT:
            raise NotOpen(document)
        document.state, document.proposed_at = State.PROPOSED, clock.now()
        document.save(update_fields=["state", "proposed_at"])
        audit.record(action="stock.propose", target=document)
    return document


def discard(*, document_id: int) -> None:
    """Drop a preview that nobody posted, with its lines. Raises NotOpen for anything that was posted."""
    with transaction.atomic():
        document = _locked(document_id)
        if document.state in (State.POSTED, State.UNDONE):
            raise NotOpen(document)
        audit.record(action="stock.discard", target=document, summary=document.file_name[:300])
        attachments.drop(document)
        document.delete()


def over_limit(document: StockDocument, user: Doer) -> int:
    """How many differences this person, or this key, may not post alone."""
    who = person(user)
    if user is None or (who is not None and who.has_perm("inventory.approve_stockdocument")):
        return 0
    sql = (
        "SELECT count(*) FROM inventory_stockdocumentline l JOIN inventory_warehouse w ON w.id = l.warehouse_id "
        "WHERE l.document_id = %s AND abs(l.difference) > w.adjust_limit"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [document.pk])
        return int(cursor.fetchone()[0])


def _within_limit(document: StockDocument, user: Doer) -> None:
    over = over_limit(document, user)
    if over:
        raise NeedsApproval(over)


def _locked(document_id: int) -> StockDocument:
    """The document under our lock: a second click waits here and then finds it posted."""
    rows = locks.locked_rows(StockDocument.objects.filter(pk=document_id))
    if not rows:
        raise StockDocument.DoesNotExist
    return rows[0]


def _posted(document: StockDocument, user: Doer) -> StockDocument:
    document.state, document.posted_at, document.posted_by = State.POSTED, clock.now(), person(user)
    document.save(update_fields=["state", "posted_at", "posted_by"])
    summary = f"{document.get_reason_display()}: {document.note or document.file_name}"[:300]
    after = {"lines": document.line_count, "differences": document.difference_count}
    audit.record(action=ACTIONS[document.kind], target=document, summary=summary, after=after)
    return document


# --- writing ---------------------------------------------------------------------------------------------------------


MAKE_MISSING = """
INSERT INTO inventory_balance
(sku_id, warehouse_id, on_hand, demand, reserved, incoming, value, tracking, updated_at)
SELECT l.sku_id, l.warehouse_id, 0, 0, 0, 0, 0, s.tracking, %s FROM inventory_stockdocumentline l
JOIN inventory_sku s ON s.id = l.sku_id
WHERE l.document_id = %s AND l.difference <> 0 AND NOT EXISTS (
  SELECT 1 FROM inventory_balance b WHERE b.sku_id = l.sku_id AND b.warehouse_id = l.warehouse_id
) ORDER BY 1, 2{wait} ON CONFLICT DO NOTHING
"""
LOCK_ALL = """
SELECT count(*) FROM (
  SELECT b.id FROM inventory_stockdocumentline l
  JOIN inventory_balance b ON b.sku_id = l.sku_id AND b.warehouse_id = l.warehouse_id
  WHERE l.document_id = %s AND l.difference <> 0 ORDER BY b.id FOR NO KEY UPDATE OF b
) AS locked
"""


def _lock_balances(document: StockDocument) -> None:
    """Make the balances that are missing and lock all in the order of their keys, before any page is written."""
    with connection.cursor() as cursor:
        cursor.execute(
            MAKE_MISSING.format(wait=balances.waiting("s")),
            [connection.ops.adapt_datetimefield_value(clock.now()), document.pk],
        )
        if connection.vendor == "postgresql":
            cursor.execute(LOCK_ALL, [document.pk])


def _write(document: StockDocument, pages: Iterator[list[Move]], meter: Meter | None) -> None:
    """Write page by page; every line that is short is named before anything stands."""
    shorts: list[Short] = []
    for moves in pages:
        locked = balances.lock(move.pair for move in moves)
        try:
            ledger.write(moves, locked)
        except NegativeStock as short:
            shorts += short.shorts
        if meter:
            meter.step(len(moves))
    if shorts:
        raise NegativeStock(shorts)


def _moves(document: StockDocument) -> Iterator[list[Move]]:
    when = document.counted_at
    reference, reason = document.reference, document.reason
    sql = (
        "SELECT id, row, sku_id, warehouse_id, difference, unit_cost, lots FROM inventory_stockdocumentline "
        "WHERE document_id = %s AND difference <> 0 AND id > %s ORDER BY id LIMIT %s"
    )
    for lines in _pages(sql, document.pk):
        yield [
            Move(
                f"{reference}/{row}", sku, place, ON_HAND, moved, reason, reference, cost, None, when,
                lots=saying.kept(lots),
            )
            for _id, row, sku, place, moved, cost, lots in lines
        ]  # fmt: skip


def _reverse(document: StockDocument, user: User | None, note: str) -> StockDocument:
    reverse = StockDocument.objects.create(
        kind=document.kind,
        state=State.DRAFT,
        warehouse=document.warehouse,
        reason=Reason.UNDO,
        note=note[:300],
        line_count=document.difference_count,
        difference_count=document.difference_count,
        reverses=document,
        created_at=clock.now(),
        created_by=user,
    )
    sql = (
        "INSERT INTO inventory_stockdocumentline (document_id, row, sku_id, warehouse_id, difference) "
        "SELECT %s, row, sku_id, warehouse_id, -difference FROM inventory_stockdocumentline "
        "WHERE document_id = %s AND difference <> 0"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [reverse.pk, document.pk])
    return reverse


def _reverse_moves(document: StockDocument, reverse: StockDocument) -> Iterator[list[Move]]:
    sql = (
        "SELECT id, key, sku_id, warehouse_id, quantity, value FROM inventory_stockentry "
        "WHERE reference = %s AND id > %s ORDER BY id LIMIT %s"
    )
    for entries in _pages(sql, document.reference):
        yield [
            Move(
                f"{reverse.reference}/{key.rsplit('/', 1)[1]}", sku, place, ON_HAND, -moved, Reason.UNDO.value,
                reverse.reference, None, -value, source=key,
            )
            for _id, key, sku, place, moved, value in entries
        ]  # fmt: skip


def _pages(sql: str, of: Any) -> Iterator[list[tuple[Any, ...]]]:
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(sql, [of, last, PAGE])
            rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
        yield rows
