"""Orders never seen before: a whole page is matched, judged, inserted, booked and reserved in set-based statements.

The rows are inserted as the checks say they will end; only what turns out short of stock is corrected afterwards, in
the same transaction. `ON CONFLICT DO NOTHING RETURNING` tells which orders are ours: another worker with the same page
gets the others, and nobody waits with a lock in hand (orders are inserted first, in the order of their ids).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from backoffice import bulk, locks
from inventory import reservations
from inventory.reservations import Want
from orders import ids
from orders.contracts import Buyer, OrderStatus, PaymentStatus
from orders.desk import consequences, holds, overrides, presale, review, surroundings, verdicts
from orders.desk.checks import Finding
from orders.desk.facts import Facts, LineFacts, add_hashes, billing_country
from orders.desk.rules import background, works
from orders.fulfil.routing import attaching
from orders.intake import events
from orders.intake import goods as goods_of
from orders.intake.drafts import Draft, DraftLine, address_json, clean, name_key, number_key, phone_key
from orders.intake.goods import Goods
from orders.intake.own_orders import told_kind
from orders.intake.page import Page
from orders.late import due
from orders.models import Order, OrderContact, OrderLine, OrderLinePart, OrderVersion, RoutingPlan
from orders.models.order import order_reference

NOT_PAID = (PaymentStatus.PENDING, PaymentStatus.PARTIALLY_PAID)
GONE = (OrderStatus.CANCELLED, OrderStatus.DELETED)
State = Order.State
ACTOR = "intake"


@dataclasses.dataclass(slots=True)
class FreshLine:
    """A line with its id and its goods."""

    draft: DraftLine
    id: int
    goods: Goods
    stocked: bool


@dataclasses.dataclass(slots=True)
class Fresh:
    """A new order on its way into the tables."""

    draft: Draft
    id: int
    version_id: int
    lines: list[FreshLine]
    state: str
    facts: Facts
    findings: list[Finding]

    @property
    def sent_elsewhere(self) -> bool:
        """Whether parcels left before we heard of it: then they are taken over first and only the rest is judged."""
        return bool(self.draft.incoming.fulfilments)

    @property
    def books(self) -> bool:
        """Whether its goods count as wanted."""
        return self.state in (State.UNPAID, State.HELD, State.APPROVED)


def create(page: Page, drafts: Sequence[Draft], matched: dict[goods_of.LineKey, Goods]) -> dict[str, int]:
    """Store the orders that are not there yet; returns external id → order id of those that were ours to store."""
    fresh = _fresh(page, sorted(drafts, key=lambda draft: draft.incoming.external_id), matched)
    judged = [one for one in fresh if one.state == State.HELD and not one.sent_elsewhere]
    surroundings.attach([one.facts for one in judged], page.rules, page.now)
    background.attach([one.facts for one in judged], page.rules.book, page.now)
    presale.attach([one.facts for one in judged], page.now)
    used: list[int] = []
    passing = overrides.find([one.facts for one in judged], page.now)
    for one in judged:
        one.findings = overrides.apply(one.facts, page.rules.judge(one.facts, page.now), passing, used)
        one.state = State.HELD if one.findings else State.APPROVED
    overrides.count(used)
    consequences.route([one.facts for one in judged])
    ours = _insert_orders(page, fresh)
    mine = [one for one in fresh if one.draft.incoming.external_id in ours]
    _insert_rest(page, mine)
    _book(page, mine)
    _past_events(page, mine)
    return ours


def _past_events(page: Page, mine: Sequence[Fresh]) -> None:
    """Parcels and refunds that had happened before we first heard of the order; then what is left is judged."""
    told = {one.id: one for one in mine if one.draft.incoming.fulfilments or one.draft.incoming.refunds}
    if not told:
        return
    orders = locks.locked_rows(Order.objects.filter(pk__in=told))
    events.apply(page, [(order, told[order.pk].draft.incoming) for order in orders])
    sent = [order for order in orders if told[order.pk].sent_elsewhere]
    due = [order for order in sent if order.state == State.HELD and order.hold_code not in review.BY_PERSON]
    review.judge(due, actor=ACTOR, rules=page.rules)


def _fresh(page: Page, drafts: Sequence[Draft], matched: dict[goods_of.LineKey, Goods]) -> list[Fresh]:
    counts = {Order: len(drafts), OrderVersion: len(drafts), OrderLine: sum(len(draft.lines) for draft in drafts)}
    drawn = ids.draw(counts)
    order_ids, version_ids, line_ids = (iter(drawn[model]) for model in (Order, OrderVersion, OrderLine))
    fresh = []
    for draft in drafts:
        lines = []
        for line in draft.lines:
            found = matched[goods_of.key_of(line.incoming)]
            lines.append(FreshLine(line, next(line_ids), found, found.takes_stock(line.incoming)))
        order_id, version_id = next(order_ids), next(version_ids)
        facts = facts_of(page, draft, order_id, version_id, lines)
        fresh.append(Fresh(draft, order_id, version_id, lines, first_state(page, draft), facts, []))
    return fresh


def first_state(page: Page, draft: Draft) -> str:
    """Return how a new order starts; HELD stands for “to be judged”."""
    order = draft.incoming
    if page.go_live is not None and order.placed_at < page.go_live:
        return State.HISTORY
    if order.status in GONE:
        return State.CANCELLED
    if order.payment in NOT_PAID or order.payment == PaymentStatus.VOIDED:
        return State.UNPAID
    return State.HELD


def facts_of(page: Page, draft: Draft, order_id: int, version_id: int, lines: Sequence[FreshLine]) -> Facts:
    """Return the facts of an order that is not in the tables yet."""
    order = draft.incoming
    address = order.shipping
    facts = Facts(
        order_id=order_id,
        version_id=version_id,
        shop_id=page.shop_id,
        currency=order.currency,
        currency_known=order.currency in page.places,
        total=order.total,
        payment=order.payment.value,
        placed_at=order.placed_at,
        address=address,
        phone=(address.phone if address else "") or order.buyer.phone,
        buyer_note=order.buyer_note,
        seller_note=order.seller_note,
        tags=order.tags,
        test=order.test,
        closed=order.status == OrderStatus.CLOSED,
        lines=[_line_facts(place, line) for place, line in enumerate(lines)],
        warehouses=page.warehouses,
        number=clean(order.number or order.external_id, 200),
        buyer_name=order.buyer.name,
        email=clean(order.buyer.email, 320),
        risk=order.risk,
        shipping_method=order.shipping_method,
        discount_total=order.discount_total,
        taxes_included=order.taxes_included,
        billing_country=billing_country(order.billing),
        base_rate=page.rates.get((order.currency, order.placed_at.date())),
        routed=page.routed,
    )
    if order.extra:
        facts.kind, facts.origin_id = told_kind(order)
    add_hashes(facts, buyer_id=order.buyer.external_id, email=order.buyer.email, buyer_phone=order.buyer.phone)
    return facts


def _line_facts(place: int, line: FreshLine) -> LineFacts:
    goods, draft = line.goods, line.draft
    return LineFacts(
        line_id=line.id,
        position=place,
        label=goods.code or draft.incoming.sku[:100] or draft.incoming.title[:100],
        sku_id=goods.sku_id,
        wanted=draft.quantity * goods.pack // 1000,
        stocked=line.stocked,
        match_code=goods.reason,
        bundle=goods.bundle,
        parts=goods.parts,
        quantity=draft.quantity,
        title=draft.incoming.title,
        unit_price=draft.incoming.unit_price,
        discount=draft.incoming.discount,
        tax=draft.incoming.tax,
        total=Decimal(draft.total).scaleb(-4),
        pack=goods.pack_pieces,
    )


# --- rows ------------------------------------------------------------------------------------------------------------

_ORDER = (
    "id", "shop_id", "external_id", "number", "number_key", "state", "payment", "currency",
    "goods_total", "discount_total", "shipping_total", "tax_total", "fee_total", "rounding", "total", "base_total",
    "taxes_included", "placed_at", "paid_at", "cancelled_at", "cancelled_here", "closed", "cancel_reason",
    "platform_updated_at", "ship_by", "demand_expires_at", "received_at", "updated_at", "approved_at", "shipped_at",
    "hold_code", "hold_note", "hold_department", "held_since", "accepted_version_id", "pending_version_id",
    "duplicate_key", "test", "risk", "shipping_method", "tags", "url", "revision", "buyer_key", "phone_key",
    "address_key", "marks", "priority", "own_ship_by", "hold_until", "not_before", "due_at",
    "routing_warehouse_id", "routing_policy_id",
)  # fmt: skip
_CONTACT = (
    "order_id", "buyer_id", "buyer_name", "email", "phone", "shipping", "billing", "country", "buyer_note",
    "seller_note", "address_fixed", "name_key", "email_key", "phone_key",
)  # fmt: skip
_VERSION = (
    "id", "order_id", "number", "digest", "platform_updated_at", "delivered_at", "content", "source_ref", "outcome",
)  # fmt: skip
_LINE = (
    "id", "order_id", "external_id", "position", "sku_id", "sku_code", "listing_id", "barcode", "title", "quantity",
    "ordered_quantity", "shipped_quantity", "pack", "unit_price", "discount", "tax", "tax_rate", "total",
    "platform_fulfilled", "stocked", "match_code", "properties",
)  # fmt: skip


def _insert_orders(page: Page, fresh: Sequence[Fresh]) -> dict[str, int]:
    rows = [_order_row(page, one) for one in fresh]
    made = bulk.insert_rows(
        Order,
        _ORDER,
        rows,
        returning=("external_id", "id"),
        ignore_conflicts=True,
        conflict_target=("shop_id", "external_id"),
        prepared=True,
    )
    return dict(made)


def _order_row(page: Page, one: Fresh) -> tuple[Any, ...]:
    draft, order = one.draft, one.draft.incoming
    first = one.findings[0] if one.findings else None
    code, department = (first.code, first.department) if first else ("", "")
    note = verdicts.note_of(first) if first else ""
    if one.state == State.HELD and first is None:  # to be judged below, in this transaction
        code, department = holds.UNDONE, holds.OWNERS[holds.UNDONE].value
    number = clean(order.number or order.external_id, 200)
    said = consequences.of(one.facts)
    waits = any(finding.code == "presale" for finding in one.findings)
    not_before = presale.waits_until(one.facts) if waits else None
    ship_by = presale.not_earlier(consequences.earliest(order.ship_by, said.ship_by), not_before)
    return (
        one.id, page.shop_id, order.external_id, number, number_key(number), one.state, order.payment.value,
        clean(order.currency),
        draft.goods_total, draft.discount_total, draft.shipping_total, draft.tax_total, draft.fee_total,
        draft.rounding, draft.total, page.base_total(order.total, order.currency, order.placed_at.date()),
        order.taxes_included, order.placed_at, order.paid_at, order.cancelled_at, False,
        order.status == OrderStatus.CLOSED, clean(order.cancel_reason, 200),
        order.updated_at, ship_by,
        page.unpaid_until() if one.state == State.UNPAID else None,
        page.now, page.now, page.now if one.state == State.APPROVED else None, None,
        code, note, department, page.now if code else None,
        one.version_id, None,
        one.facts.duplicate_key, order.test, clean(order.risk, 40), clean(order.shipping_method, 200),
        bulk.json_text([clean(tag, 100) for tag in order.tags]) if order.tags else "[]",
        clean(order.url) if len(order.url) <= 1000 else "", 0,
        *one.facts.keys, bulk.json_text(said.marks) if said.marks else "[]", said.priority, said.ship_by,
        consequences.hold_until(one.facts, first), not_before,
        due.due(
            state=one.state, ship_by=ship_by, placed_at=order.placed_at, paid_at=order.paid_at, handling=page.handling
        ),
        one.facts.routing_warehouse, one.facts.routing_policy,
    )  # fmt: skip


def _insert_rest(page: Page, mine: Sequence[Fresh]) -> None:
    if not mine:
        return
    bulk.insert_rows(OrderContact, _CONTACT, [_contact_row(one) for one in mine], prepared=True)
    bulk.insert_rows(OrderVersion, _VERSION, [_version_row(page, one) for one in mine], prepared=True)
    lines = [line_row(one.id, place, line) for one in mine for place, line in enumerate(one.lines)]
    bulk.insert_rows(OrderLine, _LINE, lines, prepared=True)
    insert_parts([line for one in mine for line in one.lines])


def _contact_row(one: Fresh) -> tuple[Any, ...]:
    order = one.draft.incoming
    values = contact_values(order.buyer, order.buyer_note, order.seller_note)
    shipping = address_json(order.shipping)
    country = str(shipping.get("country", ""))[:2]
    billing = "{}" if order.billing in (None, order.shipping) else bulk.json_text(address_json(order.billing))
    name = order.shipping.name if order.shipping and order.shipping.name else order.buyer.name
    return (
        one.id, values["buyer_id"], values["buyer_name"], values["email"], values["phone"],
        bulk.json_text(shipping) if shipping else "{}",
        billing,
        country, values["buyer_note"], values["seller_note"], False,
        name_key(order.buyer.name or name), name_key(order.buyer.email), phone_key(one.facts.phone),
    )  # fmt: skip


def contact_values(buyer: Buyer, buyer_note: str, seller_note: str) -> dict[str, str]:
    """Return the plain text columns of a contact."""
    return {
        "buyer_id": clean(buyer.external_id, 200),
        "buyer_name": clean(buyer.name, 300),
        "email": clean(buyer.email, 320),
        "phone": clean(buyer.phone, 100),
        "buyer_note": clean(buyer_note),
        "seller_note": clean(seller_note),
    }


def _version_row(page: Page, one: Fresh) -> tuple[Any, ...]:
    draft = one.draft
    return (
        one.version_id, one.id, 1, draft.digest, draft.incoming.updated_at, page.now, draft.text, draft.source_ref,
        OrderVersion.Outcome.ACCEPTED.value,
    )  # fmt: skip


def line_row(order_id: int, place: int, line: FreshLine) -> tuple[Any, ...]:
    """Return the row of a new line, in the order of the columns."""
    draft, incoming = line.draft, line.draft.incoming
    return (
        line.id, order_id, incoming.external_id, place, line.goods.sku_id, clean(incoming.sku, 200),
        clean(incoming.listing_id, 200), clean(incoming.barcode, 100), clean(incoming.title, 500), draft.quantity,
        draft.ordered, 0, line.goods.pack, draft.unit_price, draft.discount, draft.tax, draft.tax_rate, draft.total,
        incoming.platform_fulfilled, line.stocked, line.goods.reason,
        bulk.json_text({clean(k, 100): clean(v, 1000) for k, v in incoming.properties.items()})
        if incoming.properties else "{}",
    )  # fmt: skip


def insert_lines(rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert lines made by `line_row`."""
    bulk.insert_rows(OrderLine, _LINE, rows, prepared=True)


def insert_parts(lines: Sequence[FreshLine]) -> None:
    """Freeze what the bundles among the lines consist of."""
    rows = [
        (line.id, part_id, int(quantity * 1000))
        for line in lines
        if line.stocked
        for part_id, quantity in line.goods.parts
    ]
    if rows:
        bulk.insert_rows(OrderLinePart, ("line_id", "sku_id", "quantity"), rows, prepared=True)


# --- stock -----------------------------------------------------------------------------------------------------------


def _book(page: Page, mine: Sequence[Fresh]) -> None:
    """Book what is wanted, reserve what passed, write the reviews, and hold what turned out short."""
    wants: list[Want] = []
    expires: dict[str, dt.datetime | None] = {}
    passed = [one for one in mine if one.state == State.APPROVED]
    made = attaching.attach([one.facts for one in passed], page.now, fresh=True)
    for one in mine:
        own = verdicts.wants_of(one.facts, waiting=True) if one.books else []
        wants += own
        if one.state == State.UNPAID:
            expires |= dict.fromkeys((want.reference for want in own), page.unpaid_until())
    stuck = {one.id for one in passed if one.facts.no_route}
    waiting = {order_reference(one.id) for one in mine if one.state != State.APPROVED or one.id in stuck}
    waiting |= {verdicts.waiting_group(one.id) for one in mine}
    short: set[int] = set()
    reserved: verdicts.Reserved = {}
    if wants:
        result = reservations.book_and_reserve(wants=wants, waiting=waiting, expires_at=expires or None, actor=ACTOR)
        short, reserved = verdicts.note_shortages([one.facts for one in passed], result.shortages), result.reserved
    attaching.keep(made, reserved, RoutingPlan.Why.REVIEW, ACTOR, page.now)
    for one in passed:
        if one.id in stuck:
            one.findings, one.state = page.rules.no_route(one.facts), State.HELD
        elif one.id in short:
            one.findings, one.state = page.rules.shortages(one.facts), State.HELD
    short |= stuck
    judged = [one for one in mine if one.state in (State.HELD, State.APPROVED) and not one.sent_elsewhere]
    presale.keep([one.facts for one in judged], {one.id: one.findings for one in judged})
    verdicts.write([(one.facts, one.findings) for one in judged], page.rules, page.now)
    works.wish([one.facts for one in judged], page.now)
    verdicts.hold([(one.facts, one.findings) for one in passed if one.id in short], page.now)
    review.mark_presale([one.facts for one in passed if one.id not in short], page.now, page.rules)
