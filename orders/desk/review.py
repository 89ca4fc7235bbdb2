"""Review orders that stand in the tables: facts are read for all of them together, judged, reserved, written down."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction

from backoffice import bulk, clock, locks
from finance import currencies
from inventory import reservations
from inventory.models import ShopWarehouse, Sku
from inventory.stock_state import valid
from orders.contracts import Address
from orders.desk import consequences, holds, overrides, presale, ruleset, surroundings, verdicts
from orders.desk.checks import ALWAYS, Finding
from orders.desk.facts import Facts, LineFacts, add_hashes
from orders.desk.rules import background, works
from orders.desk.ruleset import Ruleset
from orders.fulfil.routing import attaching, policies
from orders.models import Order, OrderContact, OrderLine, OrderLinePart, ReviewLog, RoutingPlan

State = Order.State
Parts = tuple[tuple[int, Decimal], ...]
BY_PERSON = (
    holds.MANUAL,
    holds.SHIPPED_MORE,
    holds.WITHOUT_STOCK,
    holds.GONE,
    holds.NOT_FOUND,
)  # no review lets these go
ACTOR = "review"


@transaction.atomic
def review(*, order_ids: Sequence[int], actor: str = ACTOR, release_manual: bool = False) -> dict[int, str]:
    """Review orders again as they stand; returns order id → "approved" or "held". Reserves what it approves.

    Orders that wait for payment, are cancelled or have nothing left to ship are left out, and so are those that only a
    person lets go (held by hand, or goods left that our books cannot explain) unless `release_manual`, and those with
    an edit waiting.
    """
    orders = locks.locked_rows(Order.objects.filter(pk__in=order_ids))
    due = [one for one in orders if _can_be_judged(one, release_manual)]
    return judge(due, actor=actor)


def _can_be_judged(order: Order, release_manual: bool) -> bool:
    if order.state != State.HELD or order.pending_version_id is not None:
        return False
    return release_manual or order.hold_code not in BY_PERSON


def let_go(now: dt.datetime, limit: int = 200) -> int:
    """Review orders whose hold has come to its end by itself; returns how many.

    What was sold in presale is let go by orders.desk.presale, in the order of the orders.
    """
    due = Order.objects.filter(state=State.HELD, hold_until__lte=now, pending_version__isnull=True)
    due = due.exclude(hold_code=holds.PRESALE)
    found = list(due.order_by("hold_until").values_list("pk", flat=True)[:limit])
    return len(review(order_ids=found)) if found else 0


def judge(orders: Sequence[Order], *, actor: str = ACTOR, rules: Ruleset | None = None) -> dict[int, str]:
    """Judge locked orders, reserve those that pass, write the log and the states; returns id → verdict.

    What a person approved once is not asked again: only findings that no approval could cover count for an order
    that has been through the desk before.
    """
    if not orders:
        return {}
    rules, now = rules or ruleset.load(), clock.now()
    page = facts_of(orders, now)
    surroundings.attach(page, rules, now)
    background.attach(page, rules.book, now)
    presale.attach(page, now)
    covered = _covered(order.pk for order in orders)
    findings: dict[int, list[Finding]] = {}
    used: list[int] = []
    passing = overrides.find(page, now)
    for facts in page:
        kept = covered.get(facts.order_id, frozenset())
        found = [one for one in rules.judge(facts, now) if one.code not in kept]
        findings[facts.order_id] = overrides.apply(facts, found, passing, used)
    overrides.count(used)
    consequences.route(page)
    _reserve([facts for facts in page if not findings[facts.order_id]], findings, rules, actor, now)
    presale.keep(page, findings)
    verdicts.write([(facts, findings[facts.order_id]) for facts in page], rules, now)
    works.wish(page, now)
    held_since = {one.pk: one.held_since for one in orders if one.state == State.HELD}
    verdicts.hold([(facts, findings[facts.order_id]) for facts in page], now, held_since)
    _keep_duplicate_keys(orders, page)
    consequences.keep(orders, page)
    presale.promise(orders, page, {pk for pk, found in findings.items() if any(one.code == "presale" for one in found)})
    approved = [one for one in orders if not findings[one.pk]]
    set_approved(approved, page, now)
    mark_presale([facts for facts in page if not findings[facts.order_id]], now, rules)
    return {one.pk: str(State.HELD if findings[one.pk] else State.APPROVED) for one in orders}


def _reserve(
    passed: Sequence[Facts], findings: dict[int, list[Finding]], rules: Ruleset, actor: str, now: dt.datetime
) -> None:
    """Plan and reserve what passed; what no warehouse may send, or is short, gets that as its finding."""
    made = attaching.attach(passed, now)
    free = [facts for facts in passed if not facts.no_route]
    short, reserved = verdicts.reserve(free, [want for facts in free for want in verdicts.wants_of(facts)], actor)
    attaching.keep(made, reserved, RoutingPlan.Why.REVIEW, actor, now)
    for facts in passed:
        if facts.no_route:
            findings[facts.order_id] = rules.no_route(facts)
        elif facts.order_id in short:
            findings[facts.order_id] = rules.shortages(facts)


def mark_presale(page: Sequence[Facts], now: dt.datetime, rules: Ruleset | None = None) -> None:
    """Mark approved orders of which the presale lines still wait, without stopping what can leave."""
    waiting = [facts for facts in page if presale.waits_until(facts) is not None]
    if waiting:
        mark = Finding(holds.PRESALE, (rules or ruleset.load()).department(holds.PRESALE))
        verdicts.mark([(facts, [mark]) for facts in waiting], now)


def _keep_duplicate_keys(orders: Sequence[Order], page: Sequence[Facts]) -> None:
    """An edit may have changed the goods: the next order is compared with what is wanted now."""
    before = {order.pk: order.duplicate_key for order in orders}
    rows = [(one.order_id, one.duplicate_key) for one in page if one.duplicate_key != before[one.order_id]]
    if rows:
        bulk.update_rows(Order, ["id"], ["duplicate_key"], rows, prepared=True)


def set_approved(orders: Sequence[Order], page: Sequence[Facts], now: dt.datetime) -> None:
    """Let orders go to the warehouse; one that has sent something already is partly shipped, or wholly."""
    left = {facts.order_id: any(line.wanted for line in facts.lines) for facts in page}
    rows = []
    for order in orders:
        state = State.APPROVED
        if order.shipped_at is not None:
            state = State.PARTLY_SHIPPED if left.get(order.pk) else State.SHIPPED
        rows.append((order.pk, state.value, "", "", "", None, None, order.approved_at or now, now, 1))
    columns = (
        "state", "hold_code", "hold_note", "hold_department", "held_since", "hold_until", "approved_at", "updated_at",
    )  # fmt: skip
    if rows:
        bulk.update_rows(Order, ["id"], columns, rows, increments=["revision"], prepared=True)


def _covered(order_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """Return per order the codes a person has approved over."""
    rows = ReviewLog.objects.filter(order_id__in=list(order_ids), person_verdict=ReviewLog.PersonVerdict.APPROVED)
    found: dict[int, set[str]] = defaultdict(set)
    for order_id, findings in rows.values_list("order_id", "findings"):
        found[order_id] |= {one["code"] for one in findings} - ALWAYS
    return {order_id: frozenset(codes) for order_id, codes in found.items()}


# --- facts from the tables -------------------------------------------------------------------------------------------


class _Contact(NamedTuple):
    """What is read of an order's buyer: no model is made of it, a page has hundreds."""

    order_id: int
    buyer_id: str
    buyer_name: str
    email: str
    phone: str
    shipping: dict[str, Any]
    billing: dict[str, Any]
    buyer_note: str
    seller_note: str


_CONTACT = _Contact._fields


def facts_of(orders: Sequence[Order], now: dt.datetime) -> list[Facts]:
    """Read the facts of orders: six queries for any number."""
    pks = [order.pk for order in orders]
    rows = OrderContact.objects.filter(pk__in=pks).values_list(*_CONTACT)
    contacts = {row[0]: _Contact(*row) for row in rows}
    lines = lines_of(pks)
    warehouses, routed = sources_of({order.shop_id for order in orders}, now)
    places = currencies.places_by_code()
    page = []
    for order in orders:
        facts = _facts(order, contacts[order.pk], lines.get(order.pk, []), warehouses.get(order.shop_id, ()))
        facts.currency_known = order.currency in places
        facts.routed = routed
        page.append(facts)
    return page


def _facts(order: Order, contact: _Contact, lines: list[LineFacts], warehouses: tuple[int, ...]) -> Facts:
    address = address_of(contact)
    facts = Facts(
        order_id=order.pk,
        version_id=order.accepted_version_id,
        shop_id=order.shop_id,
        currency=order.currency,
        currency_known=True,
        total=order.total,
        payment=order.payment,
        placed_at=order.placed_at,
        address=address,
        phone=(address.phone if address else "") or contact.phone,
        buyer_note=contact.buyer_note,
        seller_note=contact.seller_note,
        tags=tuple(order.tags),
        test=order.test,
        closed=order.closed,
        lines=lines,
        warehouses=warehouses,
        number=order.number,
        buyer_name=contact.buyer_name,
        email=contact.email,
        risk=order.risk,
        shipping_method=order.shipping_method,
        discount_total=order.discount_total,
        taxes_included=order.taxes_included,
        billing_country=str(contact.billing.get("country", "")).strip().upper()[:2] if contact.billing else "",
        base_rate=order.base_total / order.total if order.base_total is not None and order.total else None,
        kind=order.kind,
        origin_id=order.origin_id,
        routing_policy=order.routing_policy_id,
        routing_warehouse=order.routing_warehouse_id,
    )
    add_hashes(facts, buyer_id=contact.buyer_id, email=contact.email, buyer_phone=contact.phone)
    return facts


def address_of(contact: OrderContact | _Contact) -> Address | None:
    """Return the delivery address as the contract has it; None when there is none."""
    return Address(**contact.shipping) if contact.shipping else None


def lines_of(order_ids: Collection[int]) -> dict[int, list[LineFacts]]:
    """Return the lines of orders as facts, with what is still to be shipped and the frozen parts of bundles."""
    parts: dict[int, list[tuple[int, Decimal]]] = defaultdict(list)
    rows = OrderLinePart.objects.filter(line__order_id__in=order_ids).order_by("sku_id")
    for line_id, sku_id, quantity in rows.values_list("line_id", "sku_id", "quantity"):
        parts[line_id].append((sku_id, quantity))
    found: dict[int, list[LineFacts]] = defaultdict(list)
    lines = OrderLine.objects.filter(order_id__in=order_ids).order_by("order_id", "position").values_list(*_LINE)
    for order_id, *line in lines:
        found[order_id].append(_line(*line, parts=tuple(parts.get(line[0], ()))))
    return dict(found)


_LINE = (
    "order_id", "pk", "position", "sku_id", "sku__code", "sku__kind", "sku_code", "title", "quantity",
    "shipped_quantity", "pack", "stocked", "match_code", "unit_price", "discount", "tax", "total", "own",
)  # fmt: skip


def _line(
    pk: int, position: int, sku_id: int | None, code: str | None, kind: str | None, told: str, title: str,
    quantity: Decimal, shipped: Decimal, pack: Decimal, stocked: bool, match_code: str, unit_price: Decimal,
    discount: Decimal, tax: Decimal, total: Decimal, own: bool, *, parts: Parts,
) -> LineFacts:  # fmt: skip
    """Return one line as facts, from the columns of `_LINE` after its order."""
    return LineFacts(
        line_id=pk,
        position=position,
        label=code or told[:100] or title[:100],
        sku_id=sku_id,
        wanted=int(max(quantity - shipped, Decimal(0)) * pack * 1000),
        stocked=stocked,
        match_code=match_code,
        bundle=kind == Sku.Kind.BUNDLE,
        parts=parts,
        quantity=int(quantity * 1000),
        title=title,
        unit_price=unit_price,
        discount=discount,
        tax=tax,
        total=total,
        pack=pack,
        own=own,
    )


def line_facts_plain(line: OrderLine, parts: Parts) -> LineFacts:
    """Return one line as facts without a look at its SKU: parts alone tell a bundle."""
    return _line(
        line.pk, line.position, line.sku_id, None, Sku.Kind.BUNDLE if parts else None, line.sku_code, line.title,
        line.quantity, line.shipped_quantity, line.pack, line.stocked, line.match_code, line.unit_price,
        line.discount, line.tax, line.total, line.own, parts=parts,
    )  # fmt: skip


def warehouses_of(shop_ids: Collection[int], moment: dt.datetime) -> Mapping[int, tuple[int, ...]]:
    """Return the warehouses each shop sells from at a moment, in order of preference."""
    return sources_of(shop_ids, moment)[0]


def sources_of(shop_ids: Collection[int], moment: dt.datetime) -> tuple[dict[int, tuple[int, ...]], bool]:
    """Return the warehouses of each shop, and whether the routing is to be asked: one query."""
    rows = ShopWarehouse.objects.filter(
        valid(moment), shop_id__in=shop_ids, warehouse__active=True, warehouse__read_only=False
    )
    found: dict[int, list[int]] = defaultdict(list)
    routed = False
    asked = rows.order_by("priority", "warehouse_id").values_list("shop_id", "warehouse_id", policies.asked())
    for shop_id, warehouse_id, planned in asked:
        found[shop_id].append(warehouse_id)
        routed = bool(planned)
    return {shop_id: tuple(places) for shop_id, places in found.items()}, routed


def unreserve(order_ids: Collection[int], actor: str) -> None:
    """Turn what orders have reserved back into demand."""
    references = [
        f"orders.line:{pk}" for pk in OrderLine.objects.filter(order_id__in=order_ids).values_list("pk", flat=True)
    ]
    if references:
        reservations.unreserve(references=references, actor=actor)
