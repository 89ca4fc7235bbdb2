"""Repair a difference by one change through the one writer, shown before it is done, and undone by its opposite.

What is repaired is measured again under the locks of the balance: only the difference that the person saw is repaired.
Movements are the truth of balances and reservation rows, documents that of everything else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, connection, transaction

from backoffice import audit, clock, locks
from inventory import balances, ledger
from inventory.costing import rebuilding
from inventory.errors import NegativeStock
from inventory.ledger import EntryDraft
from inventory.lots import keeping as lot_keeping
from inventory.lots import mending
from inventory.models import AuditFinding, AuditRepair, Bucket, Reason, Reservation, Tracking
from inventory.reservation_book import Book
from inventory.self_audit import recompute, sources
from inventory.self_audit.errors import refused
from inventory.self_audit.recompute import Difference

Kind, State, Counter = AuditFinding.Kind, AuditFinding.State, AuditFinding.Counter
WHOLE = (Kind.BALANCE, Kind.LAYERS)  # one repair puts all counters right
DEMAND, RESERVED = Bucket.DEMAND.value, Bucket.RESERVED.value
NAMES = {1: "on_hand", 2: "demand", 3: "reserved", 4: "incoming", 5: "value"}
_SUMS = (
    "SELECT bucket, sum(quantity), sum(value) FROM inventory_stockentry WHERE sku_id = %s AND warehouse_id = %s "
    "GROUP BY bucket"
)
_OF_ROW = (
    "SELECT sum(quantity), count(*) FROM inventory_stockentry "
    "WHERE reference = %s AND sku_id = %s AND warehouse_id = %s AND bucket = %s"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One counter that a repair moves: of a balance, a reservation row, or by a ledger entry; stored integers."""

    what: str  # balance | row | book | entry | layers
    counter: int
    warehouse_id: int
    amount: int
    reference: str = ""

    @property
    def pieces(self) -> Decimal:
        """The amount as a person reads it."""
        return Decimal(self.amount).scaleb(-4 if self.counter == Counter.VALUE else -3)


# --- measuring -------------------------------------------------------------------------------------------------------


def preview(finding: AuditFinding) -> list[Change]:
    """Return what a repair would change now; nothing when the difference is over."""
    with transaction.atomic():
        try:
            return _changes(finding)
        finally:
            transaction.set_rollback(True)  # the locks were all it needed


def _changes(finding: AuditFinding) -> list[Change]:
    return {
        Kind.BALANCE: _of_balance, Kind.HELD: _of_row, Kind.WANTED: _of_document, Kind.EXPECTED: _of_incoming,
        Kind.SHIPPED: _of_parcel, Kind.LAYERS: _of_layers, Kind.LOTS: _of_lots,
    }[Kind(finding.kind)](finding)  # fmt: skip


def _of_balance(finding: AuditFinding) -> list[Change]:
    """All counters of the balance: brought to the movements one at a time, it could be impossible in between."""
    pair = (finding.sku_id, finding.warehouse_id)
    one = balances.lock([pair], create=True)[pair]
    should = [0, 0, 0, 0, 0]
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, list(pair))
        for bucket, quantity, value in cursor.fetchall():
            should[bucket - 1] += int(quantity)
            should[4] += int(value)
    apart = [(number, should[number - 1] - getattr(one, name)) for number, name in NAMES.items()]
    return [Change("balance", number, pair[1], amount) for number, amount in apart if amount]


def _of_row(finding: AuditFinding) -> list[Change]:
    balances.lock([(finding.sku_id, finding.warehouse_id)], create=True)
    key = (finding.reference, finding.sku_id, finding.warehouse_id, finding.counter)
    with connection.cursor() as cursor:
        cursor.execute(_OF_ROW, list(key))
        should = int(cursor.fetchone()[0] or 0)
    row = _row(key)
    have = 0 if row is None else _stored(row.quantity)
    if should == have:
        return []
    return [Change("row", finding.counter, finding.warehouse_id, should - have, finding.reference)]


def _row(key: tuple[str, int, int, int]) -> Reservation | None:
    names = ("reference", "sku_id", "warehouse_id", "bucket")
    return Reservation.objects.filter(**dict(zip(names, key, strict=True))).first()


def _of_document(finding: AuditFinding) -> list[Change]:
    """Give back what a line holds too much, ordered before reserved; book what it lacks as demand."""
    holder = sources.holder_of(finding.reference)
    if holder is None:
        raise refused("no_document")
    book = Book.of([finding.reference], [(finding.sku_id, finding.warehouse_id)])
    held = [
        (key, one.quantity)
        for bucket in (DEMAND, RESERVED)
        for key, one in book.open(finding.reference, bucket)
        if key[1] == finding.sku_id
    ]
    wanted = {one.sku_id: one for one in holder.wanted([finding.reference])}
    key = (finding.reference, finding.sku_id)
    apart = recompute.unlike(wanted.get(finding.sku_id), key, [(one[0][2], one[1]) for one in held])
    if apart is None:
        return []
    if apart.size < 0:
        return [Change("book", DEMAND, apart.warehouse_id, -apart.size, finding.reference)]
    surplus, changes = apart.size, []
    for (_reference, _sku, place, bucket), quantity in held:
        part = min(quantity, surplus)
        surplus -= part
        if part:
            changes.append(Change("book", bucket, place, -part, finding.reference))
    return changes


def _of_incoming(finding: AuditFinding) -> list[Change]:
    balances.lock([(finding.sku_id, finding.warehouse_id)], create=True)
    mine = (finding.sku_id, finding.warehouse_id, finding.reference)
    should = sum(row[3] for row in sources.incoming() if row[:3] == mine)
    with connection.cursor() as cursor:
        cursor.execute(_OF_ROW, [finding.reference, finding.sku_id, finding.warehouse_id, Bucket.INCOMING])
        have = int(cursor.fetchone()[0] or 0)
    amount = should - have
    return [Change("entry", Counter.INCOMING, finding.warehouse_id, amount, finding.reference)] if amount else []


def _of_parcel(finding: AuditFinding) -> list[Change]:
    """Goods out that are missing leave now, at the average; those of no parcel come back."""
    pair = (finding.sku_id, finding.warehouse_id)
    balances.lock([pair], create=True)
    now: dict[str, Difference] = {one.reference: one for one in recompute.parcel_by_parcel(pair)}
    one = now.get(finding.reference)
    if one is None:
        return []
    return [Change("entry", Counter.ON_HAND, pair[1], one.size, one.documents[-1])]


def _of_layers(finding: AuditFinding) -> list[Change]:
    pair = (finding.sku_id, finding.warehouse_id)
    one = balances.lock([pair], create=True)[pair]
    should = (one.on_hand, one.value) if one.layered else (0, 0)
    apart = zip((Counter.ON_HAND, Counter.VALUE), should, rebuilding.held(*pair), strict=True)
    return [Change("layers", int(counter), pair[1], want - have) for counter, want, have in apart if want != have]


def _of_lots(finding: AuditFinding) -> list[Change]:
    """A lot is brought to its movements; lots that do not add up get the rest as unknown, or give it back."""
    balances.lock([(finding.sku_id, finding.warehouse_id)], create=True)
    mine = (finding.sku_id, finding.warehouse_id, finding.reference)
    now = next((one for one in recompute.lots() if (one.sku_id, one.warehouse_id, one.reference) == mine), None)
    if now is None:
        return []
    what = "lot" if finding.reference else "lots"
    return [Change(what, Counter.ON_HAND, finding.warehouse_id, -now.size, finding.reference)]


def _stored(value: Decimal) -> int:
    return int(value * 1000)


# --- repairing and undoing -------------------------------------------------------------------------------------------


@transaction.atomic
def repair(*, finding_id: int, size: Decimal, actor: str, reason: str = "") -> AuditRepair:
    """Repair an open difference of the size that the person saw.

    Raises AuditRefused when it is closed, over or another size by now, and NegativeStock when there is too little.
    """
    finding = _locked(finding_id)
    if finding.state != State.OPEN:
        raise refused("not_open", state=finding.get_state_display())
    changes = _changes(finding)
    if not changes:
        raise refused("gone")
    now = size_of(finding, changes)
    if now != size:
        raise refused("moved", now=f"{now.normalize():f}", shown=f"{size.normalize():f}")
    made = AuditRepair.objects.create(
        finding=finding, reason=reason[:300], made_by=actor[:150], changes=[dataclasses.asdict(one) for one in changes]
    )
    _apply(finding, changes, f"{recompute.REPAIR}{made.pk}", actor)
    _close(finding, actor)
    audit.record(action="stock_audit.repair", target=finding, after=_told(made), summary=reason, actor=actor)
    return made


def size_of(finding: AuditFinding, changes: list[Change]) -> Decimal:
    """Return how far off the finding's own counter is: what is changed, the other way round."""
    own = [one for one in changes if finding.kind not in WHOLE or one.counter == finding.counter]
    total = sum((one.pieces for one in own), Decimal(0))
    return total if finding.kind == Kind.SHIPPED else -total


def _close(finding: AuditFinding, actor: str) -> None:
    """A balance is repaired whole: the differences of its other counters are closed with it."""
    rows = AuditFinding.objects.filter(pk=finding.pk)
    if finding.kind in WHOLE:
        rows = AuditFinding.objects.filter(
            kind=finding.kind, sku=finding.sku_id, warehouse=finding.warehouse_id, state=State.OPEN
        )
    rows.update(state=State.REPAIRED, closed_at=clock.now(), closed_by=actor[:150])


@transaction.atomic
def undo(*, repair_id: int, actor: str) -> AuditRepair:
    """Do the opposite of a repair; the difference is open again. Raises AuditRefused, NegativeStock."""
    rows = locks.locked_rows(AuditRepair.objects.filter(pk=repair_id))
    if not rows or rows[0].undone_at is not None:
        raise refused("undone")
    made = rows[0]
    finding = _locked(made.finding_id)
    changes = [Change(**one) for one in made.changes]
    opposite = [dataclasses.replace(one, amount=-one.amount) for one in changes]
    try:
        _apply(finding, opposite, f"{recompute.REPAIR}{made.pk}u", actor)
    except ValueError:  # the line does not hold it any more
        raise refused("stands_no_more") from None
    made.undone_at, made.undone_by = clock.now(), actor[:150]
    made.save(update_fields=["undone_at", "undone_by"])
    if not AuditFinding.objects.filter(key=finding.key, state=State.OPEN).exists():
        finding.state, finding.closed_at, finding.closed_by = State.OPEN, None, ""
        finding.save(update_fields=["state", "closed_at", "closed_by"])
    audit.record(action="stock_audit.undo", target=finding, before=_told(made), actor=actor)
    return made


def _apply(finding: AuditFinding, changes: list[Change], tail: str, actor: str) -> None:
    work: Callable[..., None] = {
        "balance": _balance,
        "row": _rows,
        "book": _book,
        "entry": _entry,
        "layers": _layers,
        "lot": _lot,
        "lots": _lots,
    }[changes[0].what]
    try:
        with transaction.atomic():
            work(finding, changes, tail, actor)
    except IntegrityError:  # a constraint of the balance: the movements add up to nonsense
        raise refused("impossible") from None


def _balance(finding: AuditFinding, changes: list[Change], _tail: str, _actor: str) -> None:
    pair = (finding.sku_id, finding.warehouse_id)
    locked = balances.lock([pair], create=True)
    for one in changes:
        bucket = Bucket.ON_HAND.value if one.counter == Counter.VALUE else one.counter
        locked[pair].add(bucket, *((0, one.amount) if one.counter == Counter.VALUE else (one.amount,)))
    try:
        balances.save(locked.values())
    except NegativeStock:
        raise refused("impossible") from None
    ledger.announce({pair: Reason.CORRECTION.value})


def _rows(finding: AuditFinding, changes: list[Change], _tail: str, _actor: str) -> None:
    one = changes[0]
    key = (one.reference, finding.sku_id, one.warehouse_id, one.counter)
    balances.lock([(finding.sku_id, one.warehouse_id)], create=True)
    with connection.cursor() as cursor:
        cursor.execute(_OF_ROW, list(key))
        turns = int(cursor.fetchone()[1])
    row = _row(key) or Reservation(
        reference=key[0], sku_id=key[1], warehouse_id=key[2], bucket=key[3], quantity=Decimal(0), turn=0
    )
    if row.quantity + one.pieces < 0:
        raise refused("stands_no_more")
    # Each movement had a turn of its own: a row made anew must not use their keys again.
    row.quantity, row.turn, row.updated_at = row.quantity + one.pieces, max(row.turn, turns) + 1, clock.now()
    row.save()


def _book(finding: AuditFinding, changes: list[Change], _tail: str, actor: str) -> None:
    pairs = [(finding.sku_id, one.warehouse_id) for one in changes]
    book = Book.of([finding.reference], pairs, pairs)
    for one in changes:
        reason = Reason.RELEASE if one.amount < 0 else Reason.DEMAND if one.counter == DEMAND else Reason.RESERVE
        book.change((one.reference, finding.sku_id, one.warehouse_id, one.counter), one.amount, reason)
    book.save(actor=actor)


def _entry(finding: AuditFinding, changes: list[Change], tail: str, actor: str) -> None:
    one = changes[0]
    parcel = finding.kind == Kind.SHIPPED
    draft = EntryDraft(
        key=f"{finding.reference if parcel else f'inventory.audit:{finding.pk}'}{tail}",
        sku_id=finding.sku_id, warehouse_id=one.warehouse_id, quantity=one.pieces, bucket=one.counter,
        reason=Reason.SHIPMENT if parcel else Reason.CORRECTION, reference=one.reference,
    )  # fmt: skip
    ledger.post(entries=[draft], actor=actor)


def _layers(finding: AuditFinding, changes: list[Change], tail: str, _actor: str) -> None:
    """The layers become one that holds what the balance holds; undone, it holds what they held together."""
    pair = (finding.sku_id, finding.warehouse_id)
    balances.lock([pair])
    amounts = {one.counter: one.amount for one in changes}
    key = f"inventory.audit:{finding.pk}{tail}"
    if not rebuilding.as_one(*pair, key, amounts.get(Counter.ON_HAND, 0), amounts.get(Counter.VALUE, 0)):
        raise refused("stands_no_more")


def _lot(finding: AuditFinding, changes: list[Change], _tail: str, _actor: str) -> None:
    """The balance of one lot is a counter: it is moved without a movement."""
    pair = (finding.sku_id, finding.warehouse_id)
    one = balances.lock([pair], create=True)
    mending.add(lot_id=int(finding.reference.rpartition(":")[2]), pair=pair, amount=changes[0].amount,
                serial=one[pair].tracking == Tracking.SERIAL)  # fmt: skip
    lot_keeping.refresh(balances.lock([pair]))


def _lots(finding: AuditFinding, changes: list[Change], tail: str, actor: str) -> None:
    """The movements of the lots lack something, or have too much: it is put right on the unknown lot first."""
    pair = (finding.sku_id, finding.warehouse_id)
    locked = balances.lock([pair], create=True)
    mending.level(pair=pair, locked=locked, amount=changes[0].amount, key=f"inventory.audit:{finding.pk}{tail}",
                  actor=actor)  # fmt: skip


def _locked(finding_id: int) -> AuditFinding:
    rows = locks.locked_rows(AuditFinding.objects.filter(pk=finding_id))
    if not rows:
        raise AuditFinding.DoesNotExist
    return rows[0]


def _told(made: AuditRepair) -> dict[str, Any]:
    return {"repair": made.pk, "changes": made.changes}
