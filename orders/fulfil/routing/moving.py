"""Orders go to other warehouses: what they hold reserved is held elsewhere in one transaction, or stays where it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit, clock
from inventory import reservations
from inventory.models import Warehouse
from inventory.reservations import ReserveResult, Want
from orders.desk import holds, presale, review, ruleset, verdicts
from orders.desk.checks import Finding
from orders.desk.facts import Facts, LineFacts
from orders.desk.table import RowOutcome, Table
from orders.fulfil.routing import plans, policies, reading
from orders.fulfil.routing.attaching import DEFAULT
from orders.fulfil.routing.facts import ONE, Pair, Plan, Policy, RouteOrder
from orders.fulfil.routing.filling import units_at
from orders.fulfil.routing.planning import permitted, plan_page
from orders.models import GoodsGone, Order, RoutingPlan
from orders.models.order import line_reference, order_reference

State = Order.State
Why = RoutingPlan.Why
MOVABLE = (State.APPROVED, State.PARTLY_SHIPPED, State.HELD)
Seen = frozenset[int] | None  # the warehouses the person may see; None: all
Blocker = Callable[[Sequence[int]], Mapping[int, str]]  # order ids → why they cannot be moved now
_blockers: list[Blocker] = []


def register_blocker(blocker: Blocker) -> None:
    """Let another part say which orders must stay where they are (being picked, say), each with a sentence."""
    if blocker not in _blockers:
        _blockers.append(blocker)


@transaction.atomic
def reroute(
    *, order_ids: Sequence[int], actor: str, to: Sequence[int] | None = None, within: Seen = None
) -> list[RowOutcome]:
    """Plan orders anew and hold their goods there; `to` names the warehouses instead of asking the policy.

    What an order holds is given up only when all of it is held elsewhere: otherwise it stays and says what is missing.
    """
    table = Table(order_ids, actor)
    _Moving(table, to, within, Why.REROUTED).run(_movable(table))
    return table.outcomes()


@transaction.atomic
def gone(*, order_id: int, line_id: int, warehouse_id: int, actor: str, within: Seen = None) -> RowOutcome:
    """Note that goods reserved for a line are not to be found in a warehouse, and hold them elsewhere.

    No plan counts on those goods there until somebody has looked into it. When no other warehouse has them, the order
    is held for the warehouse, with what it has.
    """
    table = Table([order_id], actor)
    for order in _movable(table):
        held = reading.held_by([line_id]).get(line_id, {})
        pairs = {pair: quantity for pair, quantity in held.items() if pair[1] == warehouse_id}
        label = order.lines.filter(pk=line_id).values_list("sku_code", flat=True).first()
        if label is None or not pairs or (within is not None and warehouse_id not in within):
            table.refuse(order, "nothing_there", label=label or line_id)
            continue
        _report(line_id, pairs, actor, table)
        moving = _Moving(table, None, within, Why.GONE)
        moving.run([order])
        if order.pk not in moving.moved:
            _hold(table, order)
    return table.outcomes()[0]


def _report(line_id: int, pairs: Mapping[Pair, int], actor: str, table: Table) -> None:
    rows = [
        GoodsGone(
            line_id=line_id, sku_id=sku, warehouse_id=site, quantity=f"{(Decimal(quantity) / ONE).normalize():f}",
            at=table.now, by=actor[:150],
        )
        for (sku, site), quantity in pairs.items()
    ]  # fmt: skip
    GoodsGone.objects.bulk_create(rows, ignore_conflicts=True)


def _hold(table: Table, order: Order) -> None:
    if order.state != State.HELD:
        order.state = State.HELD
        holds.put(order, holds.NOT_FOUND, table.now)
        table.save([order])
    table.note([order], "order.goods_gone", {"state": State.HELD.value})


@transaction.atomic
def look_into(*, ids: Sequence[int], actor: str) -> int:
    """Close reports of goods that were not found: the shelf was counted, plans may count on it again."""
    rows = list(GoodsGone.objects.select_for_update().filter(pk__in=ids, closed_at=None).order_by("pk"))
    GoodsGone.objects.filter(pk__in=[row.pk for row in rows]).update(closed_at=clock.now(), closed_by=actor[:150])
    entries = [audit.Entry("goods_gone.closed", row, {}, {"sku": row.sku_id}, "", actor) for row in rows]
    if entries:
        audit.record_many(entries)
    return len(rows)


def _movable(table: Table) -> list[Order]:
    due = []
    for order in table.orders:
        if order.state not in MOVABLE:
            table.refuse_state(order)
        elif order.pending_version_id is not None:
            table.refuse(order, "edit_waiting")
        else:
            due.append(order)
    stopped: dict[int, str] = {}
    for blocker in _blockers:
        stopped |= blocker([order.pk for order in due])
    for order in due:
        if order.pk in stopped:
            table.refuse(order, "in_work", why=stopped[order.pk])
    return [order for order in due if order.pk not in stopped]


@dataclasses.dataclass(slots=True)
class _Case:
    """One order to move: what it holds now, and the plan it would go by."""

    order: Order
    facts: Facts
    held: dict[int, dict[Pair, int]]  # by line
    asked: RouteOrder
    plan: Plan | None = None

    def own(self) -> dict[Pair, int]:
        found: dict[Pair, int] = {}
        for pairs in self.held.values():
            for pair, quantity in pairs.items():
                found[pair] = found.get(pair, 0) + quantity
        return found

    def sites(self) -> list[int]:
        return sorted({site for pairs in self.held.values() for _sku, site in pairs})

    def waits(self) -> bool:
        """Whether it wants more from stock than it holds."""
        wanted = [line for line in self.facts.lines if line.bookable and line.waits is None]
        return any(line.wanted > _units_held(line, self.held.get(line.line_id, {})) for line in wanted)

    def stays(self) -> bool:
        """Whether the plan is what it holds already."""
        goods = {line.id: line.goods for line in self.asked.lines}
        planned: dict[int, dict[Pair, int]] = {}
        for parcel in self.plan.parcels if self.plan else ():
            for line_id, units in parcel.items:
                for sku, per in goods[line_id]:
                    planned.setdefault(line_id, {})[sku, parcel.site] = units * per // ONE
        return planned == self.held


class _Moving:
    """The orders of one call: planned together, moved together; one by one only when they got into each other's way."""

    def __init__(self, table: Table, to: Sequence[int] | None, within: Seen, why: str) -> None:
        self.table, self.to, self.within, self.why = table, to, within, why
        self.moved: set[int] = set()

    def run(self, due: Sequence[Order]) -> None:
        cases = self._cases(due)
        going = [case for case in cases if self._goes(case)]
        if not going:
            return
        try:
            with transaction.atomic():
                self._move(going)
        except _Short:
            for case in going:
                self._alone(case)

    def _cases(self, due: Sequence[Order]) -> list[_Case]:
        page = {facts.order_id: facts for facts in review.facts_of(due, self.table.now)}
        held = reading.held_by(line.line_id for facts in page.values() for line in facts.lines)
        cases = []
        for order in due:
            own = {line.line_id: held[line.line_id] for line in page[order.pk].lines if line.line_id in held}
            if own:
                cases.append((order, page[order.pk], own))
            else:
                self.table.refuse(order, "nothing_held")
        return self._planned(cases)

    def _planned(self, found: Sequence[tuple[Order, Facts, dict[int, dict[Pair, int]]]]) -> list[_Case]:
        if not found:
            return []
        skus = {sku for _order, _facts, own in found for pairs in own.values() for sku, _site in pairs}
        sites = {site for _order, facts, _own in found for site in facts.warehouses}
        sites |= {site for _order, _facts, own in found for pairs in own.values() for _sku, site in pairs}
        ground = reading.ground(skus, sites, timezone.localtime(self.table.now).date())
        book = policies.load()
        cases = [self._case(order, facts, own, book, ground) for order, facts, own in found]
        made = plan_page([case.asked for case in cases], sites=ground.sites, stock=ground.stock, prices=ground.prices)
        for case, plan in zip(cases, made, strict=True):
            case.plan = plan
        return cases

    def _case(
        self, order: Order, facts: Facts, own: dict[int, dict[Pair, int]], book: policies.Book, ground: reading.Ground
    ) -> _Case:
        policy = book.of(facts.shop_id, facts.routing_policy) or DEFAULT
        case = _Case(order, facts, own, RouteOrder(order.pk, reading.destination_of(facts.address), (), (), policy))
        lines = [line for line in facts.lines if line.line_id in own]
        held = [dataclasses.replace(line, wanted=_units_held(line, own[line.line_id])) for line in lines]
        case.asked = dataclasses.replace(
            case.asked,
            lines=reading.route_lines(held, ground.weights, policy.unknown_weight_g),
            sites=self._sites(facts, case, policy),
            wish=None if self.to else facts.routing_warehouse,
            own=case.own(),
            barred=ground.gone,
            exact=self.to is not None,
        )
        return case

    def _sites(self, facts: Facts, case: _Case, policy: Policy) -> tuple[int, ...]:
        """Those asked for; else those of the shop that the person sees, and those that hold its goods already."""
        if self.to is not None:
            return tuple(site for site in self.to if site in facts.warehouses and self._sees(site))
        here = case.sites()
        return tuple(site for site in facts.warehouses if self._sees(site) or site in here)

    def _sees(self, site: int) -> bool:
        return self.within is None or site in self.within

    def _goes(self, case: _Case) -> bool:
        """Say whether an order is to be moved; if not, it has been told why."""
        plan, order = case.plan, case.order
        if self.to is not None and (why := self._impossible(case)):
            self.table.refuse(order, "no_such_route", why=why)
        elif plan is None or plan.missing or not plan.parcels:
            self.table.refuse(order, "no_better_route", list=_missing(case))
        elif case.stays():
            self.table.refuse(order, "same_route")
        else:
            return True
        return False

    def _impossible(self, case: _Case) -> str:
        if set(case.asked.sites) != set(self.to or ()):
            return _("the shop does not sell from there")
        if not all(permitted(case.asked.policy, site, case.asked) for site in case.asked.sites):
            return _("the lists of the policy do not allow it")
        return ""

    # --- the move ----------------------------------------------------------------------------------------------------

    def _alone(self, case: _Case) -> None:
        try:
            with transaction.atomic():
                self._move([case])
        except _Short as short:
            self.table.refuse(case.order, "no_better_route", list=short.text)

    def _move(self, cases: Sequence[_Case]) -> None:
        """Give back and reserve anew; raises _Short when somebody was quicker, and nothing has happened."""
        references = [line_reference(line_id) for case in cases for line_id in case.held]
        reservations.unreserve(references=references, actor=self.table.actor)
        wants = [want for case in cases for want in _wants(case)]
        result = reservations.reserve(wants=wants, actor=self.table.actor)
        if result.shortages:
            raise _Short(result, cases)
        self._write(cases, result)

    def _write(self, cases: Sequence[_Case], result: ReserveResult) -> None:
        made = [(case.plan, _got(case, result)) for case in cases if case.plan is not None]
        plans.write(made, self.why, self.table.actor, self.table.now)
        names = dict(Warehouse.objects.values_list("pk", "code"))
        back = [case for case in cases if case.order.hold_code == holds.NOT_FOUND and case.order.state == State.HELD]
        self.table.save([case.order for case in cases if case not in back])
        self._let_go(back)
        entries = []
        for case in cases:
            after = {"from": _codes(names, case.sites()), "to": _codes(names, _got(case, result))}
            entries.append(
                audit.Entry("order.reroute", case.order, {}, after, case.order.number[:300], self.table.actor)
            )
            self.table.succeed(case.order, "rerouted")
            self.moved.add(case.order.pk)
        audit.record_many(entries)

    def _let_go(self, cases: Sequence[_Case]) -> None:
        """Back to the warehouse; an order of which a part was waiting before still waits for it."""
        if not cases:
            return
        page, now = [case.facts for case in cases], self.table.now
        review.set_approved([case.order for case in cases], page, now)
        presale.attach(page, now)
        review.mark_presale(page, now)
        short = Finding("short_stock", ruleset.load().department("short_stock"))
        verdicts.mark([(case.facts, [short]) for case in cases if case.waits()], now)


def _codes(names: Mapping[int, str], sites: Sequence[int]) -> str:
    return ", ".join(names[site] for site in sites)


class _Short(Exception):
    """Not everything could be held elsewhere."""

    def __init__(self, result: ReserveResult, cases: Sequence[_Case]) -> None:
        super().__init__("short")
        labels = {line_reference(line.line_id): line.label for case in cases for line in case.facts.lines}
        rows = [f"{labels.get(one.reference, '')} {one.available.normalize():f} / {one.wanted.normalize():f}"
                for one in result.shortages]  # fmt: skip
        self.text = ", ".join(rows)


def _units_held(line: LineFacts, pairs: Mapping[Pair, int]) -> int:
    """Return the units of a line that are held whole, wherever their parts lie."""
    if not line.bundle:
        return sum(pairs.values())
    sites = {site for _sku, site in pairs}
    one = reading.route_lines([line], {}, 0)
    return sum(units_at(one[0], site, lambda pair: pairs.get(pair, 0)) for site in sites) if one else 0


def _wants(case: _Case) -> list[Want]:
    """What the order asks of the planned warehouses and no others."""
    where: dict[int, list[int]] = {}
    units: dict[int, int] = {}
    for parcel in case.plan.parcels if case.plan else ():
        for line_id, some in parcel.items:
            where.setdefault(line_id, []).append(parcel.site)
            units[line_id] = units.get(line_id, 0) + some
    lines = {line.line_id: line for line in case.facts.lines}
    return [_want(case.order, lines[line_id], units[line_id], sites) for line_id, sites in where.items()]


def _want(order: Order, line: LineFacts, units: int, sites: Sequence[int]) -> Want:
    return Want(
        reference=line_reference(line.line_id),
        sku_id=line.sku_id or 0,
        quantity=Decimal(units).scaleb(-3),
        warehouses=tuple(sites),
        parts=line.parts if line.bundle else None,
        whole=len(sites) == 1,
        group=order_reference(order.pk),
    )


def _got(case: _Case, result: ReserveResult) -> tuple[int, ...]:
    taken = {site for line_id in case.held for _sku, site, _q in result.reserved.get(line_reference(line_id), ())}
    planned = case.plan.sites if case.plan else ()
    return tuple(site for site in planned if site in taken) + tuple(sorted(taken - set(planned)))


def _missing(case: _Case) -> str:
    labels: dict[int, Any] = {line.line_id: line.label for line in case.facts.lines}
    missing = case.plan.missing if case.plan else ()
    return ", ".join(f"{labels.get(line, '')} × {(Decimal(units) / ONE).normalize():f}" for line, units in missing)
