"""Goods sold before they are here: their lines take no stock before they are released, by date, delivery or hand.

A line is sold in presale when an offer for its goods (or a part of its bundle) held when the buyer ordered. It is
booked as demand like any other; the promise made then stays with the line whatever becomes of the offer.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Exists, ExpressionWrapper, F, Max, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from backoffice import audit, bulk, clock, locks
from orders.desk.checks import Finding
from orders.desk.facts import Facts, LineFacts
from orders.models import Order, OrderLinePart, PresaleLine, PresaleOffer
from orders.models.order import OPEN_STATES

CODE = "presale"
PAGE = 200
HELD, SPLIT = "hold", "split"
DATE, DELIVERY = "task:presale date", "task:presale delivery"


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What the desk knows of an offer: pieces sold, released, and still waiting."""

    sold: Decimal = Decimal(0)
    released: Decimal = Decimal(0)

    @property
    def waiting(self) -> Decimal:
        """Pieces that still wait."""
        return self.sold - self.released


# --- facts -----------------------------------------------------------------------------------------------------------


def attach(page: Sequence[Facts], now: dt.datetime) -> None:
    """Say of each line that waits as presale until when: one query while no offer is open, else two.

    Lines that are found to be presale for the first time are noted in the facts; `keep` writes them.
    """
    offers = list(PresaleOffer.objects.filter(released_at__isnull=True).order_by("pk")) if page else []
    if not offers:
        return
    ids = [line.line_id for facts in page for line in facts.lines]
    known = {row.line_id: row for row in PresaleLine.objects.filter(line_id__in=ids)}
    for facts in page:
        for line in facts.lines:
            row = known.get(line.line_id)
            if row is not None:
                line.waits = row.ship_after if row.released_at is None and row.ship_after > now else None
            elif line.stocked and line.sku_id is not None and line.wanted:
                _match(facts, line, offers, now)


def _match(facts: Facts, line: LineFacts, offers: Sequence[PresaleOffer], now: dt.datetime) -> None:
    goods = {line.sku_id, *(part for part, _per in line.parts)}
    mine = [one for one in offers if one.sku_id in goods and _holds(one, facts, now)]
    if not mine:
        return
    own = [one for one in mine if one.shop_id is not None]  # a shop's own offer goes before one for all
    offer = max(own or mine, key=lambda one: one.ship_after)
    line.waits = offer.ship_after
    facts.presold[line.line_id] = (offer.pk, offer.ship_after)


def _holds(offer: PresaleOffer, facts: Facts, now: dt.datetime) -> bool:
    if offer.shop_id not in (None, facts.shop_id) or offer.ship_after <= now:
        return False
    return offer.valid_from <= facts.placed_at and (offer.valid_to is None or facts.placed_at < offer.valid_to)


def keep(page: Sequence[Facts], findings: Mapping[int, list[Finding]]) -> None:
    """Write the lines that were found to be presale, and say in the findings which are beyond what was promised.

    Under the locks of their offers: of two workers with the last pieces the second counts what the first has sold, and
    a release either finds a line or has come before it; then the line may leave, and `release_due` lets its order go.
    Comes after the stock is booked, so that whoever waits here holds nothing back.
    """
    fresh = {offer for facts in page for offer, _after in facts.presold.values()}
    if not fresh:
        return
    offers = {one.pk: one for one in locks.locked_rows(PresaleOffer.objects.filter(pk__in=fresh))}
    _note_oversold(page, offers)
    for facts in page:
        if facts.presold and facts.order_id in findings:
            findings[facts.order_id][:] = _told_of_lines(facts, findings[facts.order_id])
    rows = [
        (line, offer, after, offers[offer].released_at, offers[offer].released_by)
        for facts in page
        for line, (offer, after) in facts.presold.items()
    ]
    columns = ("line_id", "offer_id", "ship_after", "released_at", "released_by")
    bulk.insert_rows(PresaleLine, columns, rows, ignore_conflicts=True, conflict_target=("line_id",), prepared=True)


def _note_oversold(page: Sequence[Facts], offers: Mapping[int, PresaleOffer]) -> None:
    """Say of new presale lines of locked offers whether they are beyond what was promised."""
    sold = {offer_id: told.sold for offer_id, told in told_of(offers).items()}
    for facts in page:
        for line in facts.lines:
            if line.line_id in facts.presold:
                offer = offers[facts.presold[line.line_id][0]]
                each = dict(line.parts).get(offer.sku_id, Decimal(1))
                sold[offer.pk] = sold.get(offer.pk, Decimal(0)) + Decimal(line.wanted).scaleb(-3) * each
                line.oversold = sold[offer.pk] > offer.quantity


def _told_of_lines(facts: Facts, findings: Iterable[Finding]) -> list[Finding]:
    beyond = {line.line_id: line.oversold for line in facts.lines if line.line_id in facts.presold}
    return [
        dataclasses.replace(one, data={**one.data, "oversold": beyond[one.data["line"]]})
        if one.code == CODE and one.data.get("line") in beyond
        else one
        for one in findings
    ]


def promise(orders: Sequence[Order], page: Sequence[Facts], whole: Collection[int]) -> None:
    """An order that waits as a whole leaves not before its last presale goods, and its ship-by is not earlier."""
    until = {facts.order_id: waits_until(facts) for facts in page if facts.order_id in whole}
    rows = []
    for order in orders:
        after = until.get(order.pk)
        if after is not None and order.not_before != after:
            rows.append((order.pk, after, not_earlier(order.ship_by, after)))
    if rows:
        bulk.update_rows(Order, ["id"], ["not_before", "ship_by"], rows, prepared=True)


def not_earlier(moment: dt.datetime | None, than: dt.datetime | None) -> dt.datetime | None:
    """Return a promise that is not before the day on which the goods may leave."""
    return max((one for one in (moment, than) if one is not None), default=None)


def waits_until(facts: Facts) -> dt.datetime | None:
    """Return when the last of its presale lines may leave; None when none waits."""
    return max((line.waits for line in facts.lines if line.waits is not None and line.wanted), default=None)


def told_of(offer_ids: Collection[int]) -> dict[int, Told]:
    """Return what was sold of offers, and how much of it is released: one query."""
    rows = PresaleLine.objects.filter(offer_id__in=offer_ids).exclude(line__order__state=Order.State.CANCELLED)
    pieces = _pieces()
    sums = rows.order_by().values("offer_id").annotate(
        sold=Sum(pieces), released=Sum(pieces, filter=Q(released_at__isnull=False))
    )  # fmt: skip
    return {
        offer_id: Told(Decimal(int(sold or 0)).scaleb(-9), Decimal(int(released or 0)).scaleb(-9))
        for offer_id, sold, released in sums.values_list("offer_id", "sold", "released")
    }


def _pieces() -> ExpressionWrapper:
    """The pieces of the offer's SKU in a presale line, of a bundle those in it: three thousandths multiplied."""
    parts = OrderLinePart.objects.filter(line=OuterRef("line_id"), sku=OuterRef("offer__sku_id")).values("quantity")
    each = Coalesce(Subquery(parts[:1], output_field=BigIntegerField()), Value(1000), output_field=BigIntegerField())
    return ExpressionWrapper(F("line__quantity") * F("line__pack") * each, output_field=BigIntegerField())


# --- release ---------------------------------------------------------------------------------------------------------


def release_offer(*, offer_id: int, actor: str) -> list[Any]:
    """Let everything of an offer leave now, the orders placed first first; the offer ends."""
    with transaction.atomic():
        offers = locks.locked_rows(PresaleOffer.objects.filter(pk=offer_id))
        if not offers:
            return []
        waiting = list(_waiting(offer_id).values_list("line_id", "line__order_id"))
        _set_released([line for line, _order in waiting], actor)
        _end(offers[0], actor)
    return _go_on([order for _line, order in waiting], actor)


def release_orders(*, order_ids: Sequence[int], actor: str) -> list[Any]:
    """Let the presale lines of these orders leave now, before their date: somebody decided so."""
    from orders.desk.table import Table

    with transaction.atomic():
        table = Table(order_ids, actor)
        lines = PresaleLine.objects.filter(line__order__in=[one.pk for one in table.orders], released_at__isnull=True)
        found = dict(lines.values_list("line_id", "line__order_id"))
        due = set(found.values())
        _set_released(list(found), actor)
        for order in table.orders:
            if order.pk not in due:
                table.refuse(order, "no_presale")
        freed = [order for order in table.orders if order.pk in due]
        table.note(freed, "order.presale_release", {})
        refused = [one for one in table.outcomes() if one.order_id not in due]
    return [*refused, *_go_on([order.pk for order in freed], actor)]


def release_due(now: dt.datetime | None = None) -> int:
    """Release what may leave: its day has come, or the delivery that brings it has. Returns how many lines.

    A chore; harmless to repeat. Offers whose day has come end by themselves.
    """
    moment = now or clock.now()
    lines = _by_delivery()
    with transaction.atomic():
        over = PresaleOffer.objects.filter(released_at__isnull=True, ship_after__lte=moment)
        ending = locks.locked_rows(over)
        due = PresaleLine.objects.filter(released_at__isnull=True, ship_after__lte=moment)
        found = list(due.values_list("line_id", flat=True))
        _set_released(found, DATE)
        for offer in ending:
            _end(offer, DATE)
    _go_on(_free_again(moment), "task:presale")
    return lines + len(found)


def _free_again(now: dt.datetime) -> list[int]:
    """Return orders that still stand as presale although none of their lines waits: those just released, and those
    whose release was cut off before they were looked at. The ones placed first come first.
    """
    waiting = PresaleLine.objects.filter(line__order=OuterRef("pk"), released_at__isnull=True, ship_after__gt=now)
    rows = Order.objects.filter(hold_code=CODE, state__in=OPEN_STATES, pending_version__isnull=True)
    return list(rows.exclude(Exists(waiting)).order_by("placed_at", "pk").values_list("pk", flat=True)[: PAGE * 10])


def _by_delivery() -> int:
    """Release, in the order of the orders, as many pieces as the offers' deliveries have brought; returns how many."""
    count = 0
    offers = PresaleOffer.objects.filter(released_at__isnull=True, arrival__received_quantity__gt=0)
    for offer in offers.select_related("arrival"):
        with transaction.atomic():
            locks.locked_rows(PresaleOffer.objects.filter(pk=offer.pk))
            came = offer.arrival.received_quantity if offer.arrival else Decimal(0)
            left = came - told_of([offer.pk]).get(offer.pk, Told()).released
            due = []
            rows = _waiting(offer.pk).annotate(pieces=_pieces()).values_list("line_id", "pieces")
            for line_id, pieces in rows:
                left -= Decimal(int(pieces)).scaleb(-9)
                if left < 0:  # strictly in order: nobody behind is served before
                    break
                due.append(line_id)
            _set_released(due, DELIVERY)
        count += len(due)
    return count


def _waiting(offer_id: int) -> Any:
    rows = PresaleLine.objects.filter(offer_id=offer_id, released_at__isnull=True)
    rows = rows.exclude(line__order__state__in=[Order.State.CANCELLED, Order.State.HISTORY])
    return rows.order_by("line__order__placed_at", "line__order_id", "line_id")


def _set_released(line_ids: Sequence[int], actor: str) -> None:
    """Locked in the order of their keys: a release by hand, by day and of an order meet in the same lines."""
    now, ids = clock.now(), sorted(line_ids)
    for start in range(0, len(ids), PAGE * 5):
        due = PresaleLine.objects.filter(line_id__in=ids[start : start + PAGE * 5], released_at__isnull=True)
        locked = [one.pk for one in locks.locked_rows(due)]
        PresaleLine.objects.filter(pk__in=locked).update(released_at=now, released_by=actor[:150])


def _end(offer: PresaleOffer, actor: str) -> None:
    offer.released_at, offer.released_by = clock.now(), actor[:150]
    offer.save(update_fields=["released_at", "released_by"])
    audit.record(action="presale.release", target=offer, actor=actor, summary=str(offer)[:300])


def _go_on(order_ids: Sequence[int], actor: str) -> list[Any]:
    """Review and reserve the released orders page by page, those placed first first."""
    from orders.desk import backorders

    ids = list(dict.fromkeys(order_ids))
    found: list[Any] = []
    for start in range(0, len(ids), PAGE):
        page = ids[start : start + PAGE]
        with transaction.atomic():
            _forget_day(page)
            found += backorders.go_on(order_ids=page, actor=actor, codes=(CODE,))
    return found


def _forget_day(order_ids: Sequence[int]) -> None:
    """Bring the day before which orders do not leave in line with what still waits of them, under their locks."""
    orders = locks.locked_rows(Order.objects.filter(pk__in=order_ids))
    waiting = PresaleLine.objects.filter(
        line__order__in=order_ids, line__quantity__gt=F("line__shipped_quantity"), released_at__isnull=True,
        ship_after__gt=clock.now(),
    )  # fmt: skip
    until = dict(waiting.order_by().values_list("line__order").annotate(last=Max("ship_after")))
    now = clock.now()
    rows = [
        (one.pk, until.get(one.pk), now)
        for one in orders
        if one.not_before is not None and one.not_before != until.get(one.pk)
    ]
    if rows:
        bulk.update_rows(Order, ["id"], ["not_before", "updated_at"], rows, prepared=True)


def lines_of(order_id: int) -> list[PresaleLine]:
    """Return the presale lines of an order, for its page."""
    rows = PresaleLine.objects.filter(line__order_id=order_id).select_related("line__sku", "offer")
    return list(rows.order_by("line__position"))
