"""Orders of one buyer to one address leave in one parcel: put together, taken apart, shipped together.

Each order stays what it is to its platform: its money, its voucher, its tracking news. What they share is a group; the
earliest promise and the highest priority of its orders count for all of them, until the parcel has left.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from backoffice import audit, clock, locks
from inventory import balances
from inventory.models import Bucket, Reservation
from orders.contracts import from_json
from orders.desk import kept, mergeable
from orders.desk.consequences import earliest
from orders.desk.mergeable import Reason, Sendable
from orders.desk.table import RowOutcome, Table
from orders.errors import OrderError
from orders.fulfil import shipping
from orders.fulfil.shipping import READY, Parcel
from orders.models import MergeGroup, MergeMember, Order, OrderLine, OrderVersion, Shipment
from orders.models.order import OPEN_STATES, line_reference

State, Group, Member = Order.State, MergeGroup.State, MergeMember.State
MOST_CANDIDATES, MOST_SETS = 20, 100
SENT_AS = "merge:"  # how the keys of shipments of one parcel begin, then the group


# --- putting together ------------------------------------------------------------------------------------------------


@transaction.atomic
def merge(*, order_ids: Sequence[int], actor: str) -> list[RowOutcome]:
    """Send orders together that may go together; the others are told why not.

    Of many orders each set of one buyer and one address becomes a group of its own; an order that is in a group
    already brings that group along. All of them are locked at once: what the group shares is written to each.
    """
    table, asked = Table(_with_groups(order_ids), actor), set(order_ids)
    allowed, fit = mergeable.circles(), []
    for one in mergeable.read(table.orders):
        reason = mergeable.unfit(one)
        if reason is None:
            fit.append(one)
        else:
            table.refuse(one.order, reason[0], **reason[1])
    for found in mergeable.sets(fit, allowed):
        if len(found) > 1:
            _join(table, found)
        else:
            code, params = _alone(found[0], fit, allowed)
            table.refuse(found[0].order, code, **params)
    return [one for one in table.outcomes() if one.order_id in asked]


def _alone(one: Sendable, fit: Sequence[Sendable], allowed: mergeable.Circles) -> Reason:
    """Why no other of the chosen orders goes with this one: what is said of the one that is likest."""
    found = [mergeable.apart(one, other, allowed) for other in fit if other is not one]
    reasons = [one for one in found if one is not None]
    places = {"merge_buyer": 2, "merge_shop": 1}
    return min(reasons, key=lambda reason: places.get(reason[0], 0), default=("merge_alone", {}))


def _join(table: Table, found: Sequence[Sendable]) -> None:
    groups = sorted({one.group_id for one in found if one.group_id is not None})
    if len(groups) > 1:
        for one in found:
            table.refuse(one.order, "merge_there", group=f"#{one.group_id or groups[0]}")
        return
    fresh = [one for one in found if one.group_id is None]
    for one in found:
        if one.group_id is not None:
            table.refuse(one.order, "merge_there", group=f"#{one.group_id}")
    if not fresh:
        return
    if groups:
        group = MergeGroup.objects.select_for_update().get(pk=groups[0])
    else:
        group = MergeGroup.objects.create(created_at=table.now, created_by=table.actor[:150])
    MergeMember.objects.bulk_create(_member(group, one.order, table.now) for one in fresh)
    _share(group, table.now)
    orders = [one.order for one in fresh]
    numbers = [one.order.number for one in found]
    table.done(orders, "merged", "order.merge", {"group": group.pk, "orders": numbers})


def _member(group: MergeGroup, order: Order, now: dt.datetime) -> MergeMember:
    return MergeMember(
        group=group, order=order, joined_at=now,
        own_ship_by_before=order.own_ship_by, own_ship_by_given=order.own_ship_by,
        priority_before=order.priority, priority_given=order.priority,
    )  # fmt: skip


def active(group: MergeGroup) -> list[MergeMember]:
    """Return the members that still go: those whose order waits to be sent."""
    rows = MergeMember.objects.filter(group=group, state=Member.IN, order__state__in=OPEN_STATES)
    return list(rows.select_related("order__shop").order_by("order_id"))


def _share(group: MergeGroup, now: dt.datetime) -> None:
    """Let the earliest promise and the highest priority of its orders count for all of a group."""
    members = active(group)
    told = _told([one.order_id for one in members])
    for one in members:
        _note_own(one)
    promises = {one.pk: earliest(told.get(one.order_id), one.own_ship_by_before) for one in members}
    promise = earliest(*promises.values())
    priority = max((one.priority_before for one in members), default=0)
    for one in members:
        order = one.order
        given = one.own_ship_by_before if promises[one.pk] == promise else promise
        one.own_ship_by_given, one.priority_given = given, priority
        one.save(update_fields=["own_ship_by_before", "own_ship_by_given", "priority_before", "priority_given"])
        if (order.ship_by, order.own_ship_by, order.priority) != (promise, given, priority):
            order.ship_by, order.own_ship_by, order.priority, order.updated_at = promise, given, priority, now
            order.save(update_fields=["ship_by", "own_ship_by", "priority", "updated_at"])


def _note_own(member: MergeMember) -> None:
    """What a rule or a person has changed since the group set it is the order's own from now on."""
    order = member.order
    if order.own_ship_by != member.own_ship_by_given:
        member.own_ship_by_before = order.own_ship_by
    if order.priority != member.priority_given:
        member.priority_before = order.priority


def _told(order_ids: Sequence[int]) -> dict[int, dt.datetime | None]:
    """Return what the newest version of each order promises."""
    rows = OrderVersion.objects.filter(order__in=order_ids).exclude(outcome=OrderVersion.Outcome.STALE)
    newest = dict(rows.order_by("number").values_list("order_id", "pk"))
    texts = OrderVersion.objects.filter(pk__in=newest.values()).values_list("order_id", "content")
    return {order_id: from_json(text).ship_by for order_id, text in texts}


# --- taking apart ----------------------------------------------------------------------------------------------------


@transaction.atomic
def unmerge(*, order_ids: Sequence[int], actor: str) -> list[RowOutcome]:
    """Take orders out of the parcel they share, until it has left; each gets its own promise and priority back.

    A group of which one order would be left is no group any more.
    """
    table = Table(_with_groups(order_ids), actor)
    asked = set(order_ids)
    members = _locked_members(table)
    busy = mergeable.busy([one.pk for one in table.orders])
    done = []
    for order in (one for one in table.orders if one.pk in asked):
        member = members.get(order.pk)
        if member is None:
            table.refuse_state(order)
        elif order.pk in busy:
            table.refuse(order, "merge_busy", why=busy[order.pk])
        else:
            _take_out(member, order, "unmerged", table.now)
            done.append(order)
    table.done(done, "unmerged", "order.unmerge", {})
    for group in {one.group_id: one.group for one in members.values()}.values():
        _settle(group, table.now, actor)
    return [one for one in table.outcomes() if one.order_id in asked]


def _with_groups(order_ids: Sequence[int]) -> list[int]:
    """Return the orders and all that go with them: they are locked in one go, in the order of their keys."""
    groups = MergeMember.objects.filter(order__in=list(order_ids), state=Member.IN).values("group_id")
    more = MergeMember.objects.filter(group__in=groups, state=Member.IN).values_list("order_id", flat=True)
    return list(dict.fromkeys([*order_ids, *more]))


def _locked_members(table: Table) -> dict[int, MergeMember]:
    rows = MergeMember.objects.filter(order__in=[one.pk for one in table.orders], state=Member.IN)
    ids = sorted(set(rows.values_list("group_id", flat=True)))
    groups = {one.pk: one for one in locks.locked_rows(MergeGroup.objects.filter(pk__in=ids))}
    found = {}
    for row in rows.order_by("pk"):
        row.group = groups[row.group_id]
        found[row.order_id] = row
    return found


def _take_out(member: MergeMember, order: Order, reason: str, now: dt.datetime) -> None:
    """Give an order back what was its own. What rules or people have changed since stays as they left it."""
    member.order = order
    _note_own(member)
    order.own_ship_by, order.priority = member.own_ship_by_before, member.priority_before
    order.ship_by = earliest(_told([order.pk]).get(order.pk), order.own_ship_by)
    order.updated_at, order.revision = now, order.revision + 1
    order.save(update_fields=["own_ship_by", "ship_by", "priority", "updated_at", "revision"])
    member.state, member.left_at, member.reason = Member.LEFT, now, reason
    member.save(update_fields=["state", "left_at", "reason"])


def _settle(group: MergeGroup, now: dt.datetime, actor: str) -> None:
    """Bring a locked group in line with its orders: out with what does not go any more; one alone is no group."""
    for member in MergeMember.objects.filter(group=group, state=Member.IN).select_related("order").order_by("order_id"):
        if member.order.state == State.SHIPPED:
            member.state, member.left_at, member.reason = Member.LEFT, now, "sent_alone"
            member.save(update_fields=["state", "left_at", "reason"])
        elif member.order.state not in OPEN_STATES:
            _take_out(member, member.order, "cancelled", now)
    left = active(group)
    if len(left) < 2:
        for member in left:
            _take_out(member, member.order, "left_alone", now)
        group.state, group.ended_at, group.ended_by = Group.ENDED, now, actor[:150]
        group.save(update_fields=["state", "ended_at", "ended_by"])
    else:
        _share(group, now)


def tidy(limit: int = 200) -> int:
    """Bring open groups in line with what platforms and people did to their orders; returns how many were looked at.

    A chore: an order that was cancelled leaves the others, and an earlier promise of one counts for all.
    """
    ids = list(MergeGroup.objects.filter(state=Group.OPEN).order_by("pk").values_list("pk", flat=True)[:limit])
    for pk in ids:
        with transaction.atomic():
            members = MergeMember.objects.filter(group_id=pk, state=Member.IN).values_list("order_id", flat=True)
            table = Table(list(members), "task:merge_groups")
            group = MergeGroup.objects.select_for_update().filter(pk=pk, state=Group.OPEN).first()
            inside = MergeMember.objects.filter(group_id=pk, state=Member.IN).values_list("order_id", flat=True)
            if group is not None and set(inside) <= {one.pk for one in table.orders}:  # else next time
                _settle(group, table.now, table.actor)
    return len(ids)


# --- shipping --------------------------------------------------------------------------------------------------------


@transaction.atomic
def ship_merged(
    *,
    group_id: int,
    carrier: str,
    tracking: str,
    actor: str,
    idempotency_key: str,
    tracking_url: str = "",
    warehouses: frozenset[int] | None = None,
) -> list[Shipment]:
    """Ship every order of a group in one parcel: each gets its own shipment, voucher and news, all or none.

    The same key again returns the parcels of the first call. Raises OrderError: not_found, merge_not_open,
    merge_changed, merge_left_alone, merge_held, what keeps two orders apart, and what `shipping.ship` refuses. Then
    nothing has happened.
    """
    members = _going(group_id)
    orders = locks.locked_rows(Order.objects.filter(pk__in=members))
    group = MergeGroup.objects.select_for_update().filter(pk=group_id).first()
    if group is None:
        raise OrderError("not_found")
    if group.state == Group.SENT and group.idempotency_key == idempotency_key:
        return _sent_before(group)
    if group.state != Group.OPEN:
        raise OrderError("merge_not_open", state=group.get_state_display())
    if _going(group_id) != members:  # somebody changed the parcel while we waited for its orders
        raise OrderError("merge_changed")
    going = [one for one in orders if one.state in OPEN_STATES]
    _check_going(going)
    _lock_stock(going)
    parcel = Parcel(carrier=carrier, tracking=tracking, tracking_url=tracking_url, warehouses=warehouses)
    made = []
    for order in going:
        key = f"{SENT_AS}{group.pk}:{order.pk}:{idempotency_key}"[:200]
        made += shipping.ship(order_id=order.pk, parcels=[parcel], actor=actor, idempotency_key=key, together=True)
    _close(group, going, parcel, actor, idempotency_key)
    return made


def _going(group_id: int) -> set[int]:
    rows = MergeMember.objects.filter(group_id=group_id).exclude(state=Member.LEFT)
    return set(rows.values_list("order_id", flat=True))


def _sent_before(group: MergeGroup) -> list[Shipment]:
    return list(Shipment.objects.filter(idempotency_key__startswith=f"{SENT_AS}{group.pk}:").order_by("order_id"))


def _check_going(going: Sequence[Order]) -> None:
    if len(going) < 2:
        raise OrderError("merge_left_alone")
    waiting = next((one for one in going if one.state not in READY or one.pending_version_id is not None), None)
    if waiting is not None:
        raise OrderError("merge_held", number=waiting.number)
    misfit = next(iter(misfits(going)), None)
    if misfit is not None:
        raise misfit


def misfits(going: Sequence[Order]) -> list[OrderError]:
    """Say which orders of a group go with the others no more: an address was corrected, or goods lie elsewhere."""
    found, allowed = mergeable.read(going), mergeable.circles()
    told = [(one, mergeable.apart(one, found[0], allowed)) for one in found[1:]]
    return [OrderError(why[0], number=one.order.number, **why[1]) for one, why in told if why is not None]


def _lock_stock(going: Sequence[Order]) -> None:
    """Lock what all of them take out of stock at once and in order: two such parcels cannot block each other."""
    lines = OrderLine.objects.filter(order__in=[one.pk for one in going]).values_list("pk", flat=True)
    rows = Reservation.objects.filter(reference__in=[line_reference(pk) for pk in lines], quantity__gt=0)
    balances.lock(set(rows.filter(bucket=Bucket.RESERVED).values_list("sku_id", "warehouse_id")))


def _close(group: MergeGroup, going: Sequence[Order], parcel: Parcel, actor: str, key: str) -> None:
    now = clock.now()
    group.state, group.ended_at, group.ended_by = Group.SENT, now, actor[:150]
    group.carrier, group.tracking_number = parcel.carrier[:100], parcel.tracking[:200]
    group.idempotency_key = key[:120]
    group.save(update_fields=["state", "ended_at", "ended_by", "carrier", "tracking_number", "idempotency_key"])
    ids = [one.pk for one in going]
    MergeMember.objects.filter(group=group, order__in=ids, state=Member.IN).update(state=Member.SENT, left_at=now)
    rest = MergeMember.objects.filter(group=group, state=Member.IN)
    rest.update(state=Member.LEFT, left_at=now, reason="cancelled")
    numbers = [one.number for one in going]
    audit.record_many(
        audit.Entry("order.ship_together", one, after={"group": group.pk, "orders": numbers}, summary=one.number,
                    actor=actor)
        for one in going
    )  # fmt: skip


def sent_together(shipments: Sequence[Shipment]) -> Q:
    """Return the condition for the shipments that lie in one parcel with these; a group is sent once."""
    condition = Q(pk__in=[one.pk for one in shipments])
    for group in {one.idempotency_key.split(":")[1] for one in shipments if one.idempotency_key.startswith(SENT_AS)}:
        condition |= Q(idempotency_key__startswith=f"{SENT_AS}{group}:")
    return condition


# --- finding ---------------------------------------------------------------------------------------------------------


def group_of(order: Order) -> MergeGroup | None:
    """Return the group an order goes with now, or went with."""
    rows = MergeMember.objects.filter(order=order).exclude(state=Member.LEFT).select_related("group")
    member = kept.rows(order, "merges", rows).order_by("-pk").first()
    return member.group if member else None


def candidates(order: Order, orders: QuerySet[Order]) -> list[tuple[Sendable, Reason | None]]:
    """Return the open orders of the same buyer or to the same address, each with why it does not go along, if so.

    `orders` are those the reader may see.
    """
    alike = Q()
    if order.buyer_key:
        alike |= Q(buyer_key=order.buyer_key)
    if order.address_key:
        alike |= Q(address_key=order.address_key)
    if not alike or order.state not in OPEN_STATES:
        return []
    rows = orders.filter(alike, state__in=OPEN_STATES).exclude(pk=order.pk).select_related("shop")
    near = list(rows.order_by("-placed_at", "-pk")[:MOST_CANDIDATES])
    if not near:
        return []
    mine, *others = mergeable.read([order, *near])
    allowed, own = mergeable.circles(), mergeable.unfit(mine)
    if own is not None:
        own = own[0], {"number": order.number, **own[1]}
    found = [(one, own or mergeable.unfit(one) or mergeable.apart(one, mine, allowed)) for one in others]
    return sorted(found, key=lambda pair: pair[1] is not None)


def suggestions(orders: QuerySet[Order], limit: int = MOST_SETS) -> list[list[Sendable]]:
    """Return sets of orders that could be sent together and are not yet, found by the keys of buyer and address."""
    waiting = orders.filter(state__in=mergeable.WAITING, shipped_at=None).exclude(buyer_key="").exclude(address_key="")
    waiting = waiting.exclude(merges__state=Member.IN)
    pairs = waiting.order_by().values("buyer_key", "address_key").annotate(count=Count("pk")).filter(count__gt=1)
    keys = {(one["buyer_key"], one["address_key"]) for one in pairs.order_by("buyer_key")[:limit]}
    rows = waiting.filter(buyer_key__in={buyer for buyer, _address in keys}).select_related("shop").order_by("pk")
    by_key: dict[tuple[str, str], list[Sendable]] = defaultdict(list)
    for one in mergeable.read([row for row in rows if (row.buyer_key, row.address_key) in keys]):
        if mergeable.unfit(one) is None:
            by_key[one.order.buyer_key, one.order.address_key].append(one)
    allowed = mergeable.circles()
    found = [each for fit in by_key.values() for each in mergeable.sets(fit, allowed) if len(each) > 1]
    return sorted(found, key=_promise)


def _promise(found: Iterable[Sendable]) -> tuple[dt.datetime, int]:
    orders = [one.order for one in found]
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    return earliest(*(one.ship_by for one in orders)) or never, orders[0].pk
