"""Late plays: begun from a SKU, some orders or an incident, joined by whoever comes second, with their causes."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice import actors, audit, clock, locks
from backoffice.models import Incident, IncidentCause
from inventory.models import Bucket, Reservation, Sku
from orders.late import due
from orders.late.errors import LateError
from orders.late.standing import SHORT_CODE
from orders.models import LatePlay, Order, OrderLine, OrderLinePart, PlayOrder
from orders.models.order import order_reference

MOST = 1_000  # orders taken into a play at once, the most urgent first
AHEAD = dt.timedelta(hours=48)  # of a SKU's orders those due until then belong to its play
PREFIX = "orders.line:"
State = LatePlay.State
ALL_SHOPS = None
Shops = frozenset[int] | None  # the shops somebody sees; None: all


@transaction.atomic
def begin(
    *, actor: str, once: str, sku_id: int | None = None, order_ids: Sequence[int] = (), shops: Shops = ALL_SHOPS,
    incident: Incident | None = None,
) -> tuple[LatePlay, bool]:  # fmt: skip
    """Begin a play, or join the one that is under way for the same SKU; returns it and whether it is new.

    From a SKU: all its open orders that are short or due within two days. From orders: the SKU that most of them lack
    becomes the play's, and its other orders come along. `once` names the click: it finds the same play again.
    Raises LateError: play_nothing, play_no_orders.
    """
    known = LatePlay.objects.filter(once=once).first()
    if known is not None:
        return known, False
    if sku_id is None and not order_ids:
        raise LateError("play_no_orders")
    wanted = _open(order_ids, shops) if order_ids else []
    if order_ids and not wanted:
        raise LateError("play_nothing")
    sku_id = sku_id or _lacking(wanted)
    play, new = _found_or_made(sku_id, wanted, actor, once, incident)
    more = affected(sku_id, shops) if sku_id is not None else []
    add(play, [*wanted, *more], actor=actor)
    return play, new


def _found_or_made(
    sku_id: int | None, wanted: Sequence[int], actor: str, once: str, incident: Incident | None
) -> tuple[LatePlay, bool]:
    """Of two people who begin a play for one SKU the second gets the first one's: the unique index decides."""
    standing = _standing(sku_id)
    if standing is not None:
        return standing, False
    sku = Sku.objects.get(pk=sku_id) if sku_id is not None else None
    try:
        with transaction.atomic():
            play = LatePlay.objects.create(
                sku=sku, title=_title(sku, wanted), once=once, incident=incident, started_by=actor[:150]
            )
    except IntegrityError:
        standing = _standing(sku_id) or LatePlay.objects.filter(once=once).first()
        if standing is None:
            raise
        return standing, False
    audit.record(action="late_play.begin", target=play, actor=actor, summary=play.title)
    return play, True


def seen(rows: QuerySet[LatePlay], shops: Shops) -> QuerySet[LatePlay]:
    """Narrow plays to those somebody may see: of goods, which are everybody's, or with an order of a shop seen."""
    if shops is None:
        return rows
    mine = PlayOrder.objects.filter(play=OuterRef("pk"), order__shop__in=shops)
    return rows.filter(Q(sku__isnull=False) | Exists(mine))


def _standing(sku_id: int | None) -> LatePlay | None:
    return LatePlay.objects.filter(sku_id=sku_id, state=State.OPEN).first() if sku_id is not None else None


def _title(sku: Sku | None, wanted: Sequence[int]) -> str:
    if sku is not None:
        return f"{sku.code} {sku.name}"[:200]
    numbers = list(Order.objects.filter(pk__in=wanted).order_by("due_at").values_list("number", flat=True)[:3])
    more = len(wanted) - len(numbers)
    return (", ".join(numbers) + (_(" and %d more") % more if more > 0 else ""))[:200]


def _open(order_ids: Sequence[int], shops: Shops) -> list[int]:
    rows = Order.objects.filter(pk__in=list(order_ids)[:MOST], state__in=due.CLOCKED)
    if shops is not None:
        rows = rows.filter(shop__in=shops)
    there = set(rows.values_list("pk", flat=True))
    return [pk for pk in dict.fromkeys(order_ids) if pk in there]


def _lacking(order_ids: Sequence[int]) -> int | None:
    """Return the SKU that most of these orders wait for; None when no two of three lack the same."""
    lines = dict(OrderLine.objects.filter(order_id__in=order_ids).values_list("pk", "order_id"))
    references = {f"{PREFIX}{pk}": order_id for pk, order_id in lines.items()}
    waiting = Reservation.objects.filter(reference__in=list(references), bucket=Bucket.DEMAND, quantity__gt=0)
    pairs = {(sku_id, references[reference]) for sku_id, reference in waiting.values_list("sku_id", "reference")}
    counts = Counter(sku_id for sku_id, _order in pairs).most_common(1)
    return counts[0][0] if counts and counts[0][1] * 3 >= len(order_ids) * 2 else None


def affected(sku_id: int, shops: Shops = ALL_SHOPS) -> list[int]:
    """Return the open orders that wait for a SKU, or hold some and are due within two days; the most urgent first."""
    lines = _holding(sku_id)
    owners = OrderLine.objects.filter(pk__in=lines).values_list("pk", "order_id")
    short = {order_id for pk, order_id in owners if lines[pk]}
    orders = Order.objects.filter(lines__in=list(lines), state__in=due.CLOCKED)
    if shops is not None:
        orders = orders.filter(shop__in=shops)
    soon = clock.now() + AHEAD
    found = orders.order_by(F("due_at").asc(nulls_last=True), "pk").values_list("pk", "due_at").distinct()
    chosen = [pk for pk, moment in found if pk in short or (moment is not None and moment <= soon)]
    return chosen[:MOST]


def _holding(sku_id: int) -> dict[int, bool]:
    """Return the lines that hold or want a SKU, and whether they still wait for it; for a bundle, its own lines."""
    lines: dict[int, bool] = {}
    if Sku.objects.filter(pk=sku_id, kind=Sku.Kind.BUNDLE).exists():
        own = OrderLine.objects.filter(sku_id=sku_id, order__state__in=due.CLOCKED)
        return {pk: code == SHORT_CODE for pk, code in own.values_list("pk", "order__hold_code")}
    rows = Reservation.objects.filter(sku_id=sku_id, quantity__gt=0, reference__startswith=PREFIX)
    for reference, bucket in rows.values_list("reference", "bucket"):
        pk = int(reference.removeprefix(PREFIX))
        lines[pk] = lines.get(pk, False) or bucket == Bucket.DEMAND
    return lines


def add(play: LatePlay, order_ids: Iterable[int], *, actor: str) -> int:
    """Take orders into a play that is open; one that is there already stays as it is. Returns how many are new."""
    wanted = list(dict.fromkeys(order_ids))
    there = set(play.orders.filter(order__in=wanted).values_list("order_id", flat=True))
    times = dict(Order.objects.filter(pk__in=wanted).values_list("pk", "due_at"))
    now = clock.now()
    rows = [PlayOrder(play=play, order_id=pk, due_at=times[pk], added_at=now) for pk in wanted if pk not in there]
    PlayOrder.objects.bulk_create(rows, ignore_conflicts=True)
    told = [
        audit.Entry("late_play.add", order_reference(row.order_id), {}, {"play": play.pk}, "", actor) for row in rows
    ]
    if told:
        audit.record_many(told)
    return len(rows)


@transaction.atomic
def look_again(*, play_id: int, actor: str, shops: Shops = ALL_SHOPS) -> int:
    """Take in the orders that have come for the play's SKU meanwhile; returns how many. Raises LateError."""
    play = opened(play_id)
    if play.sku_id is None:
        raise LateError("play_no_sku")
    return add(play, affected(play.sku_id, shops), actor=actor)


def opened(play_id: int) -> LatePlay:
    """Lock a play that is under way; raises LateError play_closed, naming who closed it and when."""
    play = locked(play_id)
    if play.state != State.OPEN:
        raise LateError("play_closed", who=named(play.closed_by), when=at(play.closed_at))
    return play


def locked(play_id: int) -> LatePlay:
    """Lock a play. Raises LatePlay.DoesNotExist."""
    rows = locks.locked_rows(LatePlay.objects.filter(pk=play_id))
    if not rows:
        raise LatePlay.DoesNotExist
    return rows[0]


def named(actor: str) -> str:
    """`user:7 wang` is `wang` to the reader; what nobody did was done by itself."""
    return actors.named(actor) or _("automatically")


def at(moment: dt.datetime | None) -> str:
    """A time as the reader's clock shows it."""
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT") if moment else ""


# --- cause -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def set_cause(*, play_id: int, cause: IncidentCause | None, actor: str, order_ids: Sequence[int] = ()) -> None:
    """Record why: for the whole play, or for some of its orders. Also afterwards, for the review. Raises LateError."""
    if cause is None:
        raise LateError("play_no_cause")
    play = locked(play_id)
    if order_ids:
        if not play.orders.filter(order__in=order_ids).update(cause=cause):
            raise LateError("play_not_there")
    else:
        play.cause = cause
        play.save(update_fields=["cause"])
    after = {"cause": str(cause), "orders": list(order_ids)}
    audit.record(action="late_play.cause", target=play, actor=actor, summary=str(cause), after=after)


def skus_of(order_ids: Collection[int]) -> dict[int, set[int]]:
    """Return the SKUs (parts, for bundles) that each order still waits to send."""
    found: dict[int, set[int]] = {}
    lines = OrderLine.objects.filter(order_id__in=order_ids, sku__isnull=False, stocked=True)
    owners = {pk: (order_id, sku_id) for pk, order_id, sku_id in lines.values_list("pk", "order_id", "sku_id")}
    parts = OrderLinePart.objects.filter(line_id__in=owners).values_list("line_id", "sku_id")
    bundled = {line_id for line_id, _sku in parts}
    pairs = [(owners[line_id][0], sku_id) for line_id, sku_id in parts]
    pairs += [pair for pk, pair in owners.items() if pk not in bundled]
    for order_id, sku_id in pairs:
        found.setdefault(order_id, set()).add(sku_id)
    return found
