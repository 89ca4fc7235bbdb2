"""Stock, cost and books follow a decision: back on the shelf, apart, on to another place, or written off.

Value is never made or lost: what goes in is what left with the goods, what goes on is what lies there, and what is
scrapped becomes a loss in the books instead of cost of goods sold. Each decision is one document of ledger and books.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from finance import posting
from finance.facts import RefundFacts
from inventory import balances, ledger, reservations
from inventory.ledger import EntryDraft
from inventory.models import Reason
from inventory.reservations import PutBack
from orders.fulfil import goods_back
from orders.fulfil.books import refunds_by_warehouse
from orders.models import Order, ReturnDecision, ReturnGoods, ShipmentGoods
from orders.models.order import line_reference
from orders.models.return_goods import APART
from orders.returns import places
from orders.returns.errors import ReturnError

ZERO = Decimal(0)
Verdict = ReturnDecision.Verdict


def place_for(verdict: str, warehouse_id: int) -> int:
    """Return where goods of a verdict go: the shelf itself, else the one beside it."""
    return warehouse_id if verdict == Verdict.RESTOCK else places.quarantine_of(warehouse_id)


# --- the first decision ----------------------------------------------------------------------------------------------


def take_in(order: Order, decision: ReturnDecision, warehouse_id: int, actor: str) -> None:
    """Take the units of a first decision into stock at the cost they left with; scrap goes on to the loss at once.

    A line that takes no stock (gift card, service) moves none. The caller holds the order's lock. Raises ReturnError
    not_sent when the pieces are back already.
    """
    line = decision.return_line.line
    if not line.stocked:
        return
    back = _chosen(decision)
    place = place_for(decision.verdict, warehouse_id)
    balances.lock({(one.goods.sku_id, place) for one in back}, create=True)
    summed: dict[int, list[Decimal]] = {}
    for one in back:
        row = summed.setdefault(one.goods.sku_id, [ZERO, ZERO])
        row[0], row[1] = row[0] + one.pieces, row[1] + one.value
    reference = line_reference(line.pk)
    left_by = {one.goods.sku_id: goods_back.left_by(one.goods) for one in reversed(back)}  # the latest parcel's
    items = [
        PutBack(
            reference=reference,
            sku_id=sku_id,
            warehouse_id=place,
            quantity=pieces,
            value=value,
            source=left_by[sku_id],
        )
        for sku_id, (pieces, value) in summed.items()
    ]
    reservations.put_back(items=items, document=decision.reference, occurred_at=decision.at, actor=actor)
    ShipmentGoods.objects.bulk_update({one.goods for one in back}, ["returned_quantity"])
    kept = decision.verdict in APART
    _keep_goods(decision, place, [(one.goods, one.pieces, one.value) for one in back], kept=kept)
    cost = sum((one.value for one in back), ZERO)
    lost = _scrapped(decision, summed, place, actor, reference) if decision.verdict == Verdict.SCRAP else ZERO
    _finish(order, decision, {place: cost}, lost, place)


def _chosen(decision: ReturnDecision) -> list[goods_back.Back]:
    line = decision.return_line.line
    goods = goods_back.sent_goods([line.pk])[line.pk]
    if not line.shipped_quantity:
        raise ReturnError("not_sent", label=str(line))
    back = goods_back.choose(line, decision.quantity, goods)
    if not back and goods:
        raise ReturnError("not_sent", label=str(line))
    return back


def _keep_goods(
    decision: ReturnDecision, place: int, rows: Iterable[tuple[ShipmentGoods, Decimal, Decimal]], *, kept: bool
) -> None:
    ReturnGoods.objects.bulk_create(
        ReturnGoods(
            decision=decision,
            sku_id=sent.sku_id,
            warehouse_id=place,
            sent=sent,
            quantity=pieces,
            cost_value=value,
            left_quantity=pieces if kept else ZERO,
            left_value=value if kept else ZERO,
        )
        for sent, pieces, value in rows
    )


def _scrapped(
    decision: ReturnDecision, goods: Mapping[int, Sequence[Decimal]], place: int, actor: str, came_as: str = ""
) -> Decimal:
    """Take goods out of stock for good; returns the value that really went.

    `came_as` is the reference they have just come back under: the very lots of it go.
    """
    drafts = [
        _out(
            decision,
            sku_id,
            place,
            pieces,
            value,
            Reason.DAMAGED,
            "scrap",
            source=f"{decision.reference}/{came_as}/{sku_id}@{place}.back" if came_as else "",
        )
        for sku_id, (pieces, value) in goods.items()
    ]
    result = ledger.post(entries=drafts, actor=actor)
    return -sum((one.value for one in (*result.posted, *result.repeated)), ZERO)


def _out(
    decision: ReturnDecision, sku_id: int, place: int, pieces: Decimal, value: Decimal, reason: str, way: str,
    source: str = "",
) -> EntryDraft:  # fmt: skip
    return EntryDraft(
        key=f"{decision.reference}/{sku_id}@{place}.{way}",
        sku_id=sku_id,
        warehouse_id=place,
        quantity=-pieces,
        reason=reason,
        reference=decision.reference,
        value=-value,
        occurred_at=decision.at,
        source=source,
    )


# --- a later decision about goods that lie apart ---------------------------------------------------------------------


def move_on(order: Order, decision: ReturnDecision, warehouse_id: int, actor: str) -> None:
    """Let units that lie apart go on: to the shelf, to the loss, or to stay apart for another reason."""
    before = decision.follows
    assert before is not None
    taken = _taken_from(before, decision.quantity)
    if not taken:  # a line without stock of its own
        return
    origin = taken[0][0].warehouse_id
    target = place_for(decision.verdict, warehouse_id)
    sku_ids = {row.sku_id for row, _pieces, _value in taken}
    balances.lock({(sku_id, place) for sku_id in sku_ids for place in (origin, target)}, create=True)
    summed: dict[int, list[Decimal]] = {}
    for row, pieces, value in taken:
        entry = summed.setdefault(row.sku_id, [ZERO, ZERO])
        entry[0], entry[1] = entry[0] + pieces, entry[1] + value
    cost = sum((value for _row, _pieces, value in taken), ZERO)
    _keep_goods_again(decision, target, taken)
    if decision.verdict == Verdict.SCRAP:
        lost = _scrapped(decision, summed, origin, actor)
        _finish(order, decision, {}, lost, origin, cost=cost)
    elif target != origin:
        moved = _shelved(decision, summed, origin, target, actor)
        _finish(order, decision, {target: moved, origin: -moved}, ZERO, origin, cost=cost)
    else:
        _finish(order, decision, {}, ZERO, origin, cost=cost)


def _taken_from(before: ReturnDecision, units: Decimal) -> list[tuple[ReturnGoods, Decimal, Decimal]]:
    """Take units' share of each of the goods that lie apart; the last units take all that is left of them."""
    rows = list(before.goods.select_related("sent").order_by("pk"))
    last = units == before.open_quantity
    taken = []
    for row in rows:
        pieces = row.left_quantity if last else min(
            (row.quantity * units / before.quantity).quantize(goods_back.PIECES), row.left_quantity
        )  # fmt: skip
        if pieces <= 0:
            continue
        whole = pieces == row.left_quantity
        value = row.left_value if whole else (row.left_value * pieces / row.left_quantity).quantize(goods_back.COST)
        row.left_quantity -= pieces
        row.left_value -= value
        taken.append((row, pieces, value))
    ReturnGoods.objects.bulk_update(rows, ["left_quantity", "left_value"])
    return taken


def _keep_goods_again(
    decision: ReturnDecision, place: int, taken: Sequence[tuple[ReturnGoods, Decimal, Decimal]]
) -> None:
    kept = decision.verdict in APART
    ReturnGoods.objects.bulk_create(
        ReturnGoods(
            decision=decision,
            sku_id=row.sku_id,
            warehouse_id=place,
            sent=row.sent,
            quantity=pieces,
            cost_value=value,
            left_quantity=pieces if kept else ZERO,
            left_value=value if kept else ZERO,
        )
        for row, pieces, value in taken
    )


def _shelved(
    decision: ReturnDecision, goods: Mapping[int, Sequence[Decimal]], origin: int, target: int, actor: str
) -> Decimal:
    """Move goods from one place to another; what leaves the one at a value comes into the other at just that."""
    out = [_out(decision, pk, origin, pieces, value, Reason.RETURN, "out") for pk, (pieces, value) in goods.items()]
    gone = ledger.post(entries=out, actor=actor)
    entries = [
        EntryDraft(
            key=f"{decision.reference}/{one.sku_id}@{target}.in",
            sku_id=one.sku_id,
            warehouse_id=target,
            quantity=-one.quantity,
            reason=Reason.RETURN,
            reference=decision.reference,
            value=-one.value,
            occurred_at=decision.at,
            source=one.key,
        )
        for one in (*gone.posted, *gone.repeated)
    ]
    ledger.post(entries=entries, actor=actor)
    return sum((entry.value for entry in entries if entry.value is not None), ZERO)


# --- books -----------------------------------------------------------------------------------------------------------


def _finish(
    order: Order,
    decision: ReturnDecision,
    costs: Mapping[int, Decimal],
    lost: Decimal,
    place: int,
    *,
    cost: Decimal | None = None,
) -> None:
    """Note what the goods cost and tell the books, in the transaction of the decision."""
    decision.cost_value = sum(costs.values(), ZERO) if cost is None else cost
    decision.save(update_fields=["cost_value"])
    facts = [one for one in _goods_facts(order, decision, costs, lost, place) if one.goods_back_cost or one.goods_lost]
    if facts:
        posting.request_refunds(refunds=facts)


def _goods_facts(
    order: Order, decision: ReturnDecision, costs: Mapping[int, Decimal], lost: Decimal, place: int
) -> list[RefundFacts]:
    """Return goods without money: the money of a return is the platform's refund, which comes by itself."""
    return refunds_by_warehouse(
        order=order,
        reference=decision.reference,
        at=decision.at,
        amount=ZERO,
        tax=ZERO,
        lines=(),
        costs=dict(costs) or {place: ZERO},
        lost=lost,
    )
