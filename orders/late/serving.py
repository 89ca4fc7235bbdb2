"""Serve some orders of a play first when there is not enough for all: goods go from the others to them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction

from backoffice import audit, locks
from inventory.models import Balance, Bucket, Reservation
from orders.desk import actions, sentences
from orders.desk.table import RowOutcome
from orders.late import due, plays, sources
from orders.late.errors import LateError
from orders.late.standing import SHORT_CODE
from orders.models import LatePlay, Order, OrderLine
from orders.models.order import line_reference, order_reference

State = Order.State
MOST = 200
Goods = dict[int, Decimal]  # SKU → pieces
ZERO = Decimal(0)


@transaction.atomic
def serve_first(
    *, play_id: int, order_ids: Sequence[int], actor: str, take_from_others: bool = False
) -> list[RowOutcome]:
    """Approve the chosen orders in the order given, before anybody else gets the goods.

    With `take_from_others` approved orders of the same play that were not chosen, of which nothing has left, give
    their goods back first, the cheapest first and only as many as are needed; then they get what is left.
    Raises LateError: play_closed, play_no_orders, too_many.
    """
    play = plays.opened(play_id)
    chosen = list(dict.fromkeys(order_ids))
    _check(play, chosen)
    # All at once and in the order of their keys: they are served, and give up goods, in an order of their own.
    locks.locked_rows(Order.objects.filter(pk__in=play.orders.values("order")))
    outcomes = {pk: _refusal(order) for pk, order in _orders(chosen).items()}
    due_ones = [pk for pk in chosen if outcomes.get(pk) is None and pk in outcomes]
    robbed = _rob(play, due_ones, chosen, actor) if take_from_others else []
    found: dict[int, RowOutcome] = {}
    for pk in due_ones:  # one by one: `approve` would serve whoever ordered first
        found[pk] = actions.approve(order_ids=[pk], actor=actor, reason=play.title)[0]
    play.orders.filter(order__in=[pk for pk, one in found.items() if one.ok]).update(first=True)
    _give_rest(robbed, actor, play)
    told = [found.get(pk) or outcomes[pk] for pk in chosen if pk in outcomes]
    return [*filter(None, told), *_lost(robbed)]


def _check(play: LatePlay, chosen: Sequence[int]) -> None:
    if not chosen:
        raise LateError("play_no_orders")
    if len(chosen) > MOST:
        raise LateError("too_many", most=MOST)
    if play.orders.filter(order__in=chosen).count() != len(chosen):
        raise LateError("play_not_there")


def _orders(order_ids: Sequence[int]) -> dict[int, Order]:
    return Order.objects.in_bulk(order_ids)


def _refusal(order: Order) -> RowOutcome | None:
    """Only a lack of goods is overruled here: an order held for its address stays held for it."""
    if order.hold_code == SHORT_CODE and order.state in due.CLOCKED:
        return None
    if order.state == State.HELD:
        reason = str(sentences.hold_title(order.hold_code, order.hold_note))
        return RowOutcome(
            order.pk, False, "serve_held", str(LateError("serve_held", number=order.number, reason=reason))
        )
    return RowOutcome(order.pk, False, "serve_done", str(LateError("serve_done", number=order.number)))


def _rob(play: LatePlay, needy: Sequence[int], chosen: Sequence[int], actor: str) -> list[int]:
    """Take approved orders back until the needy can be served; returns those that were."""
    missing = _missing(needy)
    others = Order.objects.filter(late_plays__play=play, state=State.APPROVED, shipped_at=None).exclude(pk__in=chosen)
    rows = list(others.exclude(hold_code=SHORT_CODE).order_by("base_total", "-placed_at").values_list("pk", flat=True))
    standing = sources.packed(rows)
    held = _held([pk for pk in rows if pk not in standing])
    robbed = []
    for pk in (pk for pk in rows if pk in held):
        gives = {sku: min(have, missing.get(sku, ZERO)) for sku, have in held[pk].items()}
        if any(gives.values()):
            robbed.append(pk)
            for sku, pieces in gives.items():
                missing[sku] = missing.get(sku, ZERO) - pieces
    if robbed:
        actions.undo_approve(order_ids=robbed, actor=actor, reason=play.title)
    return robbed


def _missing(order_ids: Sequence[int]) -> Goods:
    """Return what these orders want beyond what is free: the pieces somebody else holds."""
    lines = OrderLine.objects.filter(order_id__in=order_ids).values_list("pk", flat=True)
    rows = Reservation.objects.filter(
        reference__in=[line_reference(pk) for pk in lines], bucket=Bucket.DEMAND, quantity__gt=0
    )
    wanted: Goods = {}
    for sku_id, quantity in rows.values_list("sku_id", "quantity"):
        wanted[sku_id] = wanted.get(sku_id, ZERO) + quantity
    return {sku_id: max(pieces - _unreserved(sku_id), ZERO) for sku_id, pieces in wanted.items()}


def _unreserved(sku_id: int) -> Decimal:
    rows = Balance.objects.filter(sku_id=sku_id, warehouse__active=True, warehouse__read_only=False)
    columns = rows.values_list("on_hand", "unsellable", "reserved")
    return sum((on_hand - held - reserved for on_hand, held, reserved in columns), ZERO)


def _held(order_ids: Sequence[int]) -> dict[int, Goods]:
    owners = dict(OrderLine.objects.filter(order_id__in=order_ids).values_list("pk", "order_id"))
    references = {line_reference(pk): order_id for pk, order_id in owners.items()}
    rows = Reservation.objects.filter(reference__in=list(references), bucket=Bucket.RESERVED, quantity__gt=0)
    found: dict[int, Goods] = {}
    for reference, sku_id, quantity in rows.values_list("reference", "sku_id", "quantity"):
        goods = found.setdefault(references[reference], {})
        goods[sku_id] = goods.get(sku_id, ZERO) + quantity
    return found


def _give_rest(robbed: Sequence[int], actor: str, play: LatePlay) -> None:
    """Who gave goods up gets them back as far as there are any; the others wait for stock like everybody."""
    if not robbed:
        return
    told = actions.approve(order_ids=robbed, actor=actor, reason=play.title)
    waiting = [one.order_id for one in told if not one.ok]
    if waiting:
        actions.release_hold(order_ids=waiting, actor=actor, reason=play.title)
    audit.record_many(
        [audit.Entry("late_play.gave_up", order_reference(pk), {}, {"play": play.pk}, "", actor) for pk in waiting]
    )


def _lost(robbed: Sequence[int]) -> list[RowOutcome]:
    rows = Order.objects.filter(pk__in=robbed).exclude(state=State.APPROVED)
    return [RowOutcome(pk, True, "gave_up") for pk in rows.values_list("pk", flat=True)]
