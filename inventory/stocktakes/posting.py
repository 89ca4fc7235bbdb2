"""Post the differences of a stocktake in one transaction through the ledger; undo them by a reversing posting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, bulk, clock
from backoffice.models import User
from backoffice.progress import Meter
from inventory import balances, ledger
from inventory.errors import NegativeStock, Short
from inventory.ledger import Move
from inventory.lots.saying import UNKNOWN_SIGN
from inventory.models import Bucket, Reason, Stocktake, StocktakeLine
from inventory.stocktakes import figures
from inventory.stocktakes.errors import APPROVE, State, StocktakeRefused, demand, demand_warehouse, locked

PAGE = 5_000  # lines in one statement: bounds memory, not the transaction
ON_HAND = Bucket.ON_HAND.value

MAKE_MISSING = """
INSERT INTO inventory_balance
(sku_id, warehouse_id, on_hand, demand, reserved, incoming, value, tracking, updated_at)
SELECT l.sku_id, l.warehouse_id, 0, 0, 0, 0, 0, s.tracking, %s FROM inventory_stocktakeline l
JOIN inventory_sku s ON s.id = l.sku_id
WHERE l.stocktake_id = %s AND l.counted_quantity IS NOT NULL AND l.difference <> 0 AND NOT EXISTS (
  SELECT 1 FROM inventory_balance b WHERE b.sku_id = l.sku_id AND b.warehouse_id = l.warehouse_id
) ORDER BY 1, 2{wait} ON CONFLICT DO NOTHING
"""
LOCK_ALL = """
SELECT count(*) FROM (
  SELECT b.id FROM inventory_stocktakeline l
  JOIN inventory_balance b ON b.sku_id = l.sku_id AND b.warehouse_id = l.warehouse_id
  WHERE l.stocktake_id = %s AND l.difference <> 0 ORDER BY b.id FOR NO KEY UPDATE OF b
) AS locked
"""
LINES = """SELECT id, sku_id, warehouse_id, difference, counted_at, bin FROM inventory_stocktakeline
WHERE stocktake_id = %s AND lot_id IS NULL AND counted_quantity IS NOT NULL AND difference <> 0 AND id > %s
ORDER BY id LIMIT %s"""
# Of a SKU's lots what is more comes first: a lot taken for another one never falls below what is reserved in between.
LOT_LINES = """SELECT l.id, l.sku_id, l.warehouse_id, l.difference, l.counted_at, l.bin, t.number
FROM inventory_stocktakeline l JOIN inventory_lot t ON t.id = l.lot_id
WHERE l.stocktake_id = %s AND l.lot_id IS NOT NULL AND l.counted_quantity IS NOT NULL AND l.difference {sign} 0
  AND l.id > %s ORDER BY l.id LIMIT %s"""
ENTRIES = """SELECT id, key, sku_id, warehouse_id, quantity, value, bin FROM inventory_stockentry
WHERE reference = %s AND id < %s ORDER BY id DESC LIMIT %s"""
NEWEST = 2**63 - 1


class FiguresMoved(StocktakeRefused):
    """A movement dated before the counts was booked since: the differences are others now."""

    def __init__(self, count: int) -> None:
        message = _("The system's figures of %(count)s lines have changed since this preview. Look at them again.")
        super().__init__("figures_moved", message, params={"count": count})


def post(*, stocktake_id: int, user: User | None, meter: Meter | None = None) -> Stocktake:
    """Post every difference or none, dated at its count.

    Raises AlreadyDone when somebody was faster, StocktakeRefused above the limit without a second person or for a
    closed warehouse, FiguresMoved when the differences are out of date, NegativeStock naming what is reserved.
    """
    with transaction.atomic():
        stocktake = locked(stocktake_id)
        demand(stocktake, State.COUNTED, State.REVIEW)
        demand_warehouse(stocktake, user)
        _lock_balances(stocktake)
        moved = figures.expect(stocktake)
        if moved:
            raise FiguresMoved(moved)
        demand_second_person(stocktake, user)
        _write(_moves(stocktake), meter, _valued)
        return _posted(stocktake, user)


def demand_second_person(stocktake: Stocktake, user: User | None) -> None:
    """Raise StocktakeRefused above the limits unless somebody who may, and who did not count, posts."""
    over = 0 if user is None else figures.over_limit(stocktake)
    if not over or user is None:
        return
    if not user.has_perm(APPROVE):
        message = _("%(count)s differences are above the warehouse's limit: somebody who may approves and posts them.")
        raise StocktakeRefused("over_limit", message, params={"count": over})
    if figures.took_part(stocktake, user):
        message = _(
            "%(count)s differences are above the warehouse's limit: a second person approves them, "
            "not who counted or closed the counting."
        )
        raise StocktakeRefused("second_person", message, params={"count": over})


def look_again(*, stocktake_id: int) -> int:
    """Compare with the system once more (it moved since); returns how many differences are new."""
    with transaction.atomic():
        stocktake = locked(stocktake_id)
        demand(stocktake, State.COUNTED, State.REVIEW)
        changed = figures.expect(stocktake)
        figures.total(stocktake)
        stocktake.state = State.REVIEW if figures.over_limit(stocktake) else State.COUNTED
        stocktake.save(update_fields=["state"])
        audit.record(action="stocktake.refreshed", target=stocktake, after={"lines": changed})
    return changed


def undo(*, stocktake_id: int, user: User | None, note: str = "") -> Stocktake:
    """Post the opposite of every entry; goods go back at the value they came with.

    Raises AlreadyDone when it is undone already, NegativeStock when the goods are gone or reserved.
    """
    with transaction.atomic():
        stocktake = locked(stocktake_id)
        if stocktake.state != State.POSTED:
            demand(stocktake)
        _lock_balances(stocktake)
        _write(_reverse_moves(stocktake), None, None)
        stocktake.state, stocktake.ended_at, stocktake.ended_by = State.UNDONE, clock.now(), user
        stocktake.save(update_fields=["state", "ended_at", "ended_by"])
        audit.record(action="stocktake.undo", target=stocktake, summary=note[:300])
    return stocktake


def _posted(stocktake: Stocktake, user: User | None) -> Stocktake:
    stocktake.lines.filter(open=True).update(open=False)
    stocktake.state, stocktake.posted_at, stocktake.posted_by = State.POSTED, clock.now(), user
    stocktake.save(update_fields=["state", "posted_at", "posted_by"])
    after = {"lines": stocktake.counted_count, "differences": stocktake.difference_count}
    audit.record(action="stocktake.post", target=stocktake, after=after)
    return stocktake


def _lock_balances(stocktake: Stocktake) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            MAKE_MISSING.format(wait=balances.waiting("s")),
            [connection.ops.adapt_datetimefield_value(clock.now()), stocktake.pk],
        )
        if connection.vendor == "postgresql":
            cursor.execute(LOCK_ALL, [stocktake.pk])


def _write(
    pages: Iterator[list[Move]], meter: Meter | None, after: Callable[[list[ledger.EntryRow]], None] | None
) -> None:
    """Write page by page; every line that is short is named before anything stands."""
    shorts: list[Short] = []
    for moves in pages:
        try:
            rows = ledger.write(moves, balances.lock(move.pair for move in moves))
        except NegativeStock as short:
            shorts += short.shorts
        else:
            if after and not shorts:
                after(rows)
        if meter:
            meter.step(len(moves))
    if shorts:
        raise NegativeStock(shorts)


def _valued(rows: list[ledger.EntryRow]) -> None:
    """Give the lines the value the ledger found, and close them with the same writing: each line is written once."""
    lines = [(int(row[0].rsplit("/", 1)[1]), row[6], False) for row in rows]
    bulk.update_rows(StocktakeLine, ["id"], ["value", "open"], lines, prepared=True)


def _moves(stocktake: Stocktake) -> Iterator[list[Move]]:
    reference, reason = stocktake.reference, Reason.COUNT.value
    for lines in _pages(LINES, stocktake.pk):
        yield [
            Move(f"{reference}/{pk}", sku, place, ON_HAND, moved, reason, reference, None, None, _moment(at), "", bin)
            for pk, sku, place, moved, at, bin in lines
        ]
    for sign in (">", "<") if figures.by_lot(stocktake) else ():
        for lines in _pages(LOT_LINES.format(sign=sign), stocktake.pk):
            yield [
                Move(
                    f"{reference}/{pk}", sku, place, ON_HAND, moved, reason, reference, None, None, _moment(at), "",
                    bin, lots=((number or UNKNOWN_SIGN, abs(moved)),),
                )
                for pk, sku, place, moved, at, bin, number in lines
            ]  # fmt: skip


def _reverse_moves(stocktake: Stocktake) -> Iterator[list[Move]]:
    """The opposite of every entry, the last one first, each with the lots it moved."""
    reference = f"{stocktake.reference}/undo"
    for entries in _pages(ENTRIES, stocktake.reference, NEWEST):
        yield [
            Move(
                f"{reference}/{key.rsplit('/', 1)[1]}", sku, place, ON_HAND, -moved, Reason.UNDO.value, reference,
                None, -value, None, "", bin, source=key,
            )
            for _id, key, sku, place, moved, value, bin in entries
        ]  # fmt: skip


def _moment(value: Any) -> Any:
    """SQLite hands out text where PostgreSQL hands out a moment."""
    if not isinstance(value, str):
        return value
    from django.utils import timezone
    from django.utils.dateparse import parse_datetime

    parsed = parse_datetime(value)
    return timezone.make_aware(parsed, timezone.get_fixed_timezone(0)) if parsed and parsed.tzinfo is None else parsed


def _pages(sql: str, of: Any, last: int = 0) -> Iterator[list[tuple[Any, ...]]]:
    while True:
        with connection.cursor() as cursor:
            cursor.execute(sql, [of, last, PAGE])
            rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
        yield rows
