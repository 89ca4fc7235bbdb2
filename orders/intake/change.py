"""Newer versions of orders we have: what is cut is cut at once, what is added is booked, the rest asks a person.

Orders are locked in the order of their keys, everything about the page is read in a fixed number of queries, the
decision for each order is plain Python, and the results are written back for all of them together.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from backoffice import bulk, locks
from inventory import reservations
from inventory.reservations import Want
from orders import ids
from orders.contracts import IncomingOrder, OrderStatus, PaymentStatus, from_json
from orders.desk import holds, review
from orders.fulfil import parcels
from orders.intake import create, difference, events
from orders.intake import goods as goods_of
from orders.intake.create import GONE, NOT_PAID, FreshLine
from orders.intake.drafts import Draft, DraftLine, address_json, clean, name_key, phone_key
from orders.intake.goods import Goods, LineKey
from orders.intake.page import Page
from orders.models import Order, OrderContact, OrderEvent, OrderLine, OrderLinePart, OrderVersion
from orders.models.order import line_reference, order_reference

State = Order.State
Version = OrderVersion.Outcome
ACTOR = "intake"
LOST = (PaymentStatus.REFUNDED, PaymentStatus.VOIDED)


@dataclasses.dataclass(slots=True)
class Known:
    """An order in the tables, with all that deciding about a newer version needs."""

    order: Order
    contact: OrderContact
    lines: dict[str, OrderLine]
    versions: dict[str, tuple[int, str]]  # digest → (id, outcome)
    number: int  # of the newest version
    base: IncomingOrder  # the version decided last: accepted, or rejected after it
    base_rejected: bool


@dataclasses.dataclass(slots=True)
class Change:
    """What one delivery does to one order."""

    known: Known
    draft: Draft
    version_id: int
    outcome: str = Version.ACCEPTED.value
    action: str = "updated"
    release: list[OrderLine] = dataclasses.field(default_factory=list)  # give everything back
    cut: list[OrderLine] = dataclasses.field(default_factory=list)  # bring to the quantity wanted now
    fresh: list[tuple[OrderLine, FreshLine]] = dataclasses.field(default_factory=list)
    judge: bool = False
    cancelled: bool = False
    contact_changed: bool = False

    @property
    def order(self) -> Order:
        """The order it is about."""
        return self.known.order


def apply(page: Page, drafts: Sequence[tuple[int, Draft]], matched: dict[LineKey, Goods]) -> dict[int, str]:
    """Take in newer versions of orders (order id, draft); returns order id → action."""
    known = read([order_id for order_id, _draft in drafts])
    actions = {order_id: "unchanged" for order_id, draft in drafts if draft.digest in known[order_id].versions}
    rest = [(order_id, draft) for order_id, draft in drafts if order_id not in actions]
    version_ids = iter(ids.draw({OrderVersion: len(rest)})[OrderVersion])
    changes = [Change(known[order_id], draft, next(version_ids)) for order_id, draft in rest]
    for change in changes:
        decide(page, change, matched)
    if changes:
        _write(page, changes)
        _move_stock(page, changes)
        events.apply(page, [(one.order, one.draft.incoming) for one in changes if one.outcome != Version.STALE])
        _finish(page, changes)
    return actions | {change.order.pk: change.action for change in changes}


# --- reading ---------------------------------------------------------------------------------------------------------


def read(order_ids: Sequence[int]) -> dict[int, Known]:
    """Lock orders and read all that deciding about them needs."""
    orders = locks.locked_rows(Order.objects.filter(pk__in=order_ids))
    contacts = OrderContact.objects.in_bulk([order.pk for order in orders])
    lines: dict[int, dict[str, OrderLine]] = defaultdict(dict)
    for line in OrderLine.objects.filter(order_id__in=order_ids).select_related("sku").order_by("position", "pk"):
        lines[line.order_id][line.external_id] = line
    versions: dict[int, list[tuple[int, int, str, str]]] = defaultdict(list)
    rows = OrderVersion.objects.filter(order_id__in=order_ids).order_by("number")
    for order_id, pk, number, digest, outcome in rows.values_list("order_id", "id", "number", "digest", "outcome"):
        versions[order_id].append((pk, number, digest, outcome))
    bases = {order.pk: _base(order, versions[order.pk]) for order in orders}
    texts = dict(OrderVersion.objects.filter(pk__in=bases.values()).values_list("pk", "content"))
    return {
        order.pk: _known(order, contacts[order.pk], lines[order.pk], versions[order.pk], bases[order.pk], texts)
        for order in orders
    }


def _base(order: Order, versions: Sequence[tuple[int, int, str, str]]) -> int:
    """The version a new one is compared with: the accepted one, or one that a person rejected after it."""
    decided = [pk for pk, _number, _digest, outcome in versions if outcome in (Version.ACCEPTED, Version.REJECTED)]
    return max([order.accepted_version_id or 0, *decided])


def _known(
    order: Order,
    contact: OrderContact,
    lines: dict[str, OrderLine],
    versions: Sequence[tuple[int, int, str, str]],
    base: int,
    texts: dict[int, str],
) -> Known:
    return Known(
        order=order,
        contact=contact,
        lines=lines,
        versions={digest: (pk, outcome) for pk, _number, digest, outcome in versions},
        number=max(number for _pk, number, _digest, _outcome in versions),
        base=from_json(texts[base]),
        base_rejected=base != order.accepted_version_id,
    )


# --- deciding, order by order, without the database ------------------------------------------------------------------


def decide(page: Page, change: Change, matched: dict[LineKey, Goods]) -> None:
    """Work one version into its order, in memory."""
    order, incoming = change.order, change.draft.incoming
    if incoming.updated_at < order.platform_updated_at:
        change.outcome, change.action = Version.STALE.value, "stale"
        return
    order.platform_updated_at, order.updated_at = incoming.updated_at, page.now
    reviewed = order.approved_at is not None and order.state != State.CANCELLED
    if reviewed and not _ends(change):  # nobody is asked about the address of an order that is given up
        if difference.asked(difference.edits(change.known.base, incoming)):
            change.outcome, change.action = Version.WAITING.value, "waiting"
        elif change.known.base_rejected:
            change.outcome = Version.REJECTED.value
    _header(page, change)
    if change.outcome == Version.ACCEPTED:
        accept(page, change, matched)
    else:
        _quantities(page, change, matched)
    _next_state(page, change, reviewed)


def _ends(change: Change) -> bool:
    """The version cancels the order, as a whole or piece by piece."""
    left = any(line.quantity for line in change.draft.lines)
    sent = any(line.shipped_quantity for line in change.known.lines.values())
    return change.draft.incoming.status in GONE or not (left or sent)


def _header(page: Page, change: Change) -> None:
    """What is never asked: payment, dates, marks of the platform."""
    order, incoming = change.order, change.draft.incoming
    order.payment, order.paid_at = incoming.payment.value, incoming.paid_at or order.paid_at
    order.ship_by, order.risk = incoming.ship_by, clean(incoming.risk, 40)
    order.tags = [clean(tag, 100) for tag in incoming.tags]
    order.url = clean(incoming.url) if len(incoming.url) <= 1000 else order.url
    order.closed = incoming.status == OrderStatus.CLOSED
    order.cancel_reason = clean(incoming.cancel_reason, 200) or order.cancel_reason
    note = clean(incoming.seller_note)
    if note != change.known.contact.seller_note:
        change.known.contact.seller_note, change.contact_changed = note, True


def accept(page: Page, change: Change, matched: dict[LineKey, Goods]) -> None:
    """Take over everything the version says."""
    order, draft, incoming = change.order, change.draft, change.draft.incoming
    order.number = clean(incoming.number or incoming.external_id, 200)
    order.currency, order.taxes_included = clean(incoming.currency), incoming.taxes_included
    order.shipping_method, order.test = clean(incoming.shipping_method, 200), incoming.test
    order.cancelled_at = incoming.cancelled_at
    _totals(page, order, draft)
    _contact(change)
    _quantities(page, change, matched, everything=True)


def _totals(page: Page, order: Order, draft: Draft) -> None:
    incoming = draft.incoming
    for name in ("goods_total", "discount_total", "shipping_total", "tax_total", "fee_total", "rounding", "total"):
        setattr(order, name, Decimal(getattr(draft, name)).scaleb(-4))
    base = page.base_total(incoming.total, incoming.currency, incoming.placed_at.date())
    order.base_total = None if base is None else Decimal(base).scaleb(-4)


def _contact(change: Change) -> None:
    """Never overwrite what we know with a blank, nor a correction made here with the same old address."""
    contact, incoming, base = change.known.contact, change.draft.incoming, change.known.base
    values = create.contact_values(incoming.buyer, incoming.buyer_note, incoming.seller_note)
    for name, value in values.items():
        if value or name in ("buyer_note", "seller_note"):
            setattr(contact, name, value)
    shipping = incoming.shipping
    hidden = shipping is not None and shipping.masked and bool(contact.shipping) and not contact.shipping.get("masked")
    if shipping is not None and address_json(shipping) and not hidden and not _kept(contact, incoming, base):
        contact.shipping, contact.address_fixed = address_json(shipping), False
        contact.country = str(contact.shipping.get("country", ""))[:2]
    if incoming.billing is not None and incoming.billing != incoming.shipping and address_json(incoming.billing):
        contact.billing = address_json(incoming.billing)
    name = contact.buyer_name or str(contact.shipping.get("name", ""))
    contact.name_key, contact.email_key = name_key(name), name_key(contact.email)
    contact.phone_key = phone_key(str(contact.shipping.get("phone", "")) or contact.phone)
    change.contact_changed = True


def _kept(contact: OrderContact, incoming: IncomingOrder, base: IncomingOrder) -> bool:
    return contact.address_fixed and incoming.shipping == base.shipping


def _quantities(page: Page, change: Change, matched: dict[LineKey, Goods], *, everything: bool = False) -> None:
    """Bring the lines to what is wanted now; with `everything` to all that the version says of them."""
    left = dict(change.known.lines)
    for place, draft in enumerate(change.draft.lines):
        line = left.pop(draft.incoming.external_id, None)
        goods = matched[goods_of.key_of(draft.incoming)]
        if line is None:
            _new_line(change, place, draft, goods)
        else:
            _line(change, place, line, draft, goods if everything else None)
    for line in left.values():  # gone from the platform's order
        _set_quantity(change, line, 0)


def _new_line(change: Change, place: int, draft: DraftLine, goods: Goods) -> None:
    fresh = FreshLine(draft, 0, goods, goods.takes_stock(draft.incoming))
    line = OrderLine(
        order=change.order,
        external_id=draft.incoming.external_id,
        position=place,
        sku_id=goods.sku_id,
        quantity=_pieces(draft.quantity),
        shipped_quantity=Decimal(0),
        pack=_pieces(goods.pack),
        stocked=fresh.stocked,
    )
    change.fresh.append((line, fresh))


def _line(change: Change, place: int, line: OrderLine, draft: DraftLine, goods: Goods | None) -> None:
    counted = _set_quantity(change, line, draft.quantity)
    line.ordered_quantity = max(line.ordered_quantity, _pieces(draft.ordered), line.shipped_quantity)
    if goods is not None or counted:
        line.discount, line.tax = _money(draft.discount), _money(draft.tax)
        line.total = _money(draft.total)
    if goods is None:
        return
    incoming = draft.incoming
    line.position, line.title = place, clean(incoming.title, 500)
    line.unit_price = _money(draft.unit_price)
    line.tax_rate = None if draft.tax_rate is None else Decimal(draft.tax_rate).scaleb(-10)
    line.properties = {clean(k, 100): clean(v, 1000) for k, v in incoming.properties.items()}
    _regoods(change, line, draft, goods)


def _regoods(change: Change, line: OrderLine, draft: DraftLine, goods: Goods) -> None:
    """Match the line anew when the platform names other goods, or when nothing was known of it."""
    incoming = draft.incoming
    names = clean(incoming.sku, 200), clean(incoming.listing_id, 200), clean(incoming.barcode, 100)
    same = names == (line.sku_code, line.listing_id, line.barcode)
    same = same and line.platform_fulfilled == incoming.platform_fulfilled
    line.sku_code, line.listing_id, line.barcode = names
    line.platform_fulfilled = incoming.platform_fulfilled
    if (same and line.sku_id is not None) or line.shipped_quantity > 0:
        return
    change.release.append(line)
    line.sku_id, line.match_code, line.pack = goods.sku_id, goods.reason, _pieces(goods.pack)
    line.stocked = goods.takes_stock(incoming)
    line.__dict__["_goods"] = goods


def _set_quantity(change: Change, line: OrderLine, quantity: int) -> bool:
    """Set what is wanted of a line; returns whether that changed."""
    wanted = _pieces(quantity)
    if wanted == line.quantity:
        return False
    line.quantity = wanted
    change.cut.append(line)
    return True


def _next_state(page: Page, change: Change, reviewed: bool) -> None:
    order, incoming = change.order, change.draft.incoming
    if order.state == State.HISTORY:
        return
    if incoming.status in GONE:
        _gone(page, change)
    elif order.state == State.CANCELLED:
        if not order.cancelled_here:
            _reopen(page, change)
    elif _nothing_wanted(change):
        _gone(page, change)
    elif not reviewed:
        _unreviewed(page, change)
    else:
        _reviewed(page, change)


def _nothing_wanted(change: Change) -> bool:
    """Every line is down to nothing and nothing has left: what was cancelled piece by piece is cancelled."""
    lines = _lines_of(change)
    return bool(lines) and not any(line.quantity or line.shipped_quantity for line in lines)


def _lines_of(change: Change) -> list[OrderLine]:
    """The lines that were there and the new ones."""
    return [*change.known.lines.values(), *(line for line, _fresh in change.fresh)]


def _gone(page: Page, change: Change) -> None:
    """Cancelled over there. What has left has left: then a person gets to know, and only the rest is given back."""
    order = change.order
    order.cancelled_at = change.draft.incoming.cancelled_at or order.cancelled_at or page.now
    order.demand_expires_at = None
    if order.state == State.CANCELLED:
        return
    order.pending_version_id = None
    change.cancelled = True
    change.release += [line for line in change.known.lines.values() if line not in change.release]
    if any(line.shipped_quantity for line in change.known.lines.values()):
        order.state = State.SHIPPED
        holds.put(order, holds.CANCELLED_LATE, page.now)
    else:
        order.state = State.CANCELLED
        holds.clear(order)


def _reopen(page: Page, change: Change) -> None:
    order = change.order
    order.cancelled_at, order.cancel_reason, order.approved_at = None, "", None
    change.cut = list(change.known.lines.values())
    _unreviewed(page, change)


def _unreviewed(page: Page, change: Change) -> None:
    """Still on the desk or not paid: everything is accepted, and the order is judged (again) once it is paid."""
    order, incoming = change.order, change.draft.incoming
    if incoming.payment in NOT_PAID or (incoming.payment == PaymentStatus.VOIDED and order.state != State.HELD):
        if order.state != State.UNPAID:
            order.state, order.demand_expires_at = State.UNPAID, page.unpaid_until()
            holds.clear(order)
        return
    if order.state == State.UNPAID:
        change.cut = list(change.known.lines.values())  # the demand may have expired meanwhile
        order.demand_expires_at = None
    if order.hold_code not in review.BY_PERSON:
        order.state, change.judge = State.HELD, True
        if not order.hold_code:  # held for the moment: the judge decides below, in this transaction
            holds.put(order, holds.UNDONE, page.now)


def _reviewed(page: Page, change: Change) -> None:
    order = change.order
    if change.outcome == Version.WAITING:
        order.pending_version_id = change.version_id
        if order.state == State.SHIPPED and _left(_lines_of(change)):
            order.state = State.HELD  # more is wanted than has left: its goods are booked, its edit is asked
        _stop(order, holds.EDITED, page)
    elif order.pending_version_id is not None:  # the edit that waited has been taken back over there
        order.pending_version_id = None
        if order.hold_code == holds.EDITED:
            change.judge = order.state == State.HELD
            if not change.judge:
                holds.clear(order)
    if change.outcome != Version.WAITING:
        _after_quantities(page, change)


def _after_quantities(page: Page, change: Change) -> None:
    order, incoming = change.order, change.draft.incoming
    lines = _lines_of(change)
    if incoming.payment in LOST and order.state in (State.APPROVED, State.PARTLY_SHIPPED):
        _stop(order, holds.PAYMENT_LOST, page)
    elif any(line.shipped_quantity > line.quantity for line in change.cut):
        holds.put(order, holds.SHIPPED_MORE, page.now)
    more = change.fresh or change.release or any(line.quantity > line.shipped_quantity for line in change.cut)
    if more and order.state in (State.APPROVED, State.PARTLY_SHIPPED, State.SHIPPED) and _left(lines):
        order.state, change.judge = State.HELD, True
        holds.put(order, holds.EDITED, page.now)
    elif not _left(lines) and any(line.shipped_quantity for line in lines) and order.state == State.PARTLY_SHIPPED:
        order.state = State.SHIPPED


def _left(lines: Iterable[OrderLine]) -> bool:
    return any(line.quantity > line.shipped_quantity for line in lines)


def _stop(order: Order, code: str, page: Page) -> None:
    """Keep the warehouse from packing it; one that has left is only pointed out."""
    if order.state in (State.APPROVED, State.PARTLY_SHIPPED):
        order.state = State.HELD
    holds.put(order, code, page.now)


def _pieces(stored: int) -> Decimal:
    return Decimal(stored).scaleb(-3)


def _money(stored: int) -> Decimal:
    return Decimal(stored).scaleb(-4)


# --- writing, for all of them together -------------------------------------------------------------------------------

_ORDER = (
    "number", "state", "payment", "currency", "goods_total", "discount_total", "shipping_total", "tax_total",
    "fee_total", "rounding", "total", "base_total", "taxes_included", "paid_at", "cancelled_at", "closed",
    "cancel_reason", "platform_updated_at", "ship_by", "demand_expires_at", "updated_at", "approved_at", "hold_code",
    "hold_note", "hold_department", "held_since", "accepted_version_id", "pending_version_id", "test", "risk",
    "shipping_method", "tags", "url",
)  # fmt: skip
_CONTACT = (
    "buyer_id", "buyer_name", "email", "phone", "shipping", "billing", "country", "buyer_note", "seller_note",
    "address_fixed", "name_key", "email_key", "phone_key",
)  # fmt: skip
_LINE = (
    "position", "sku_id", "sku_code", "listing_id", "barcode", "title", "quantity", "ordered_quantity", "pack",
    "unit_price", "discount", "tax", "tax_rate", "total", "platform_fulfilled", "stocked", "match_code", "properties",
)  # fmt: skip
_VERSION = (
    "id", "order_id", "number", "digest", "platform_updated_at", "delivered_at", "content", "source_ref", "outcome",
)  # fmt: skip


def write_accepted(page: Page, changes: Sequence[Change]) -> None:
    """Write versions that stand in the tables already and are accepted now."""
    overtaken = [
        pk
        for change in changes
        for pk, outcome in change.known.versions.values()
        if outcome in (Version.ACCEPTED, Version.WAITING) and pk != change.version_id
    ]
    OrderVersion.objects.filter(pk__in=overtaken).update(outcome=Version.SUPERSEDED)
    OrderVersion.objects.filter(pk__in=[one.version_id for one in changes]).update(outcome=Version.ACCEPTED)
    _write_rows(changes)
    _move_stock(page, changes)


def _write(page: Page, changes: Sequence[Change]) -> None:
    _write_versions(page, changes)
    live = [change for change in changes if change.outcome != Version.STALE]
    if live:
        _write_rows(live)


def _write_rows(live: Sequence[Change]) -> None:
    _write_new_lines(live)
    lines = [line for change in live for line in change.known.lines.values()]
    bulk.update_rows(OrderLine, ["id"], _LINE, [_values(line, "pk", _LINE) for line in lines])
    _write_parts(live)
    contacts = [change.known.contact for change in live if change.contact_changed]
    bulk.update_rows(OrderContact, ["order_id"], _CONTACT, [_values(one, "order_id", _CONTACT) for one in contacts])
    for change in live:
        if change.outcome == Version.ACCEPTED:
            change.order.accepted_version_id = change.version_id
    save_orders([change.order for change in live])


def save_orders(orders: Sequence[Order]) -> None:
    """Write what deciding may have changed on orders, in one statement."""
    bulk.update_rows(Order, ["id"], _ORDER, [_values(one, "pk", _ORDER) for one in orders])


def _values(row: Any, key: str, names: Sequence[str]) -> tuple[Any, ...]:
    return (getattr(row, key), *(getattr(row, name) for name in names))


def _write_versions(page: Page, changes: Sequence[Change]) -> None:
    rows = []
    overtaken = []
    for change in changes:
        draft, known = change.draft, change.known
        rows.append(
            (change.version_id, change.order.pk, known.number + 1, draft.digest, draft.incoming.updated_at, page.now)
            + (draft.text, draft.source_ref, change.outcome)
        )
        if change.outcome != Version.STALE:
            ended = (Version.ACCEPTED, Version.WAITING) if change.outcome == Version.ACCEPTED else (Version.WAITING,)
            overtaken += [pk for pk, outcome in known.versions.values() if outcome in ended]
    bulk.insert_rows(OrderVersion, _VERSION, rows, prepared=True)
    if overtaken:
        OrderVersion.objects.filter(pk__in=overtaken).update(outcome=Version.SUPERSEDED)


def _write_new_lines(changes: Sequence[Change]) -> None:
    fresh = [(change.order.pk, line, one) for change in changes for line, one in change.fresh]
    line_ids = ids.draw({OrderLine: len(fresh)})[OrderLine]
    for line_id, (_order_id, line, one) in zip(line_ids, fresh, strict=True):
        line.pk = one.id = line_id
    if fresh:
        create.insert_lines([create.line_row(order_id, line.position, one) for order_id, line, one in fresh])
        create.insert_parts([one for _order_id, _line, one in fresh])


def _write_parts(changes: Sequence[Change]) -> None:
    """Lines that stand for other goods now have other parts."""
    regoods = [
        (line, line.__dict__["_goods"]) for change in changes for line in change.release if "_goods" in line.__dict__
    ]
    if not regoods:
        return
    OrderLinePart.objects.filter(line__in=[line.pk for line, _goods in regoods]).delete()
    OrderLinePart.objects.bulk_create(
        OrderLinePart(line=line, sku_id=part_id, quantity=quantity)
        for line, goods in regoods
        if line.stocked
        for part_id, quantity in goods.parts
    )


def _move_stock(page: Page, changes: Sequence[Change]) -> None:
    """Give back what is not wanted, then bring demand and reservations to what is."""
    gone = [line.pk for change in changes for line in change.release]
    if gone:
        reservations.release(references=[line_reference(pk) for pk in dict.fromkeys(gone)], actor=ACTOR)
    paid = [
        change for change in changes if change.order.demand_expires_at is None and change.order.state != State.UNPAID
    ]
    wants: list[Want] = []
    expires: dict[str, Any] = {}
    parts = _parts_of(changes)
    for change in changes:
        # A shipped order may still hold goods: what was cut down to what has left gives the rest back.
        closed = change.cancelled or change.order.state in (State.CANCELLED, State.HISTORY)
        if change.outcome == Version.STALE or closed:
            continue
        own = _wants(page, change, parts)
        wants += own
        expires |= dict.fromkeys((want.reference for want in own), change.order.demand_expires_at)
    if wants:
        reservations.change_demand(wants=wants, expires_at=expires, actor=ACTOR)
    kept = [line_reference(line.pk) for change in paid if change.judge for line in change.known.lines.values()]
    if kept:
        reservations.set_expiry(references=kept, expires_at=None)


def _wants(page: Page, change: Change, parts: parcels.Parts) -> list[Want]:
    """Return what the lines that changed want now; an unpaid order whose time is over books nothing again."""
    over = change.order.demand_expires_at is not None and change.order.demand_expires_at <= page.now
    lines = {line.pk: line for line in [*change.release, *change.cut, *(line for line, _fresh in change.fresh)]}
    found = []
    for line in lines.values():
        facts = review.line_facts_plain(line, parts.get(line.pk, ()))
        if line.stocked and line.sku_id is not None and not over and (facts.bookable or not facts.wanted):
            found.append(
                Want(
                    reference=line_reference(line.pk),
                    sku_id=line.sku_id,
                    quantity=Decimal(facts.wanted).scaleb(-3),
                    warehouses=page.warehouses,
                    parts=facts.parts or None,
                    group=order_reference(change.order.pk),
                )
            )
    return found if page.warehouses else [want for want in found if not want.quantity]


def _parts_of(changes: Sequence[Change]) -> parcels.Parts:
    touched = [
        line for change in changes for line in [*change.release, *change.cut, *(one for one, _f in change.fresh)]
    ]
    return parcels.parts_of([line.pk for line in touched]) if touched else {}


def _finish(page: Page, changes: Sequence[Change]) -> None:
    """Tell of cancellations, and judge what has to be judged."""
    gone = [change.order for change in changes if change.cancelled]
    if gone:
        kind = OrderEvent.Kind.CANCELLED
        news = {"source": "platform"}
        parcels.announce([OrderEvent(order=one, kind=kind, created_at=page.now, data=news) for one in gone])
    due = [change.order for change in changes if change.judge and change.order.state == State.HELD]
    review.judge(due, actor=ACTOR, rules=page.rules)
