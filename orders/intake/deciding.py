"""Deciding about a newer version, order by order, without the database: what is cut, what is added, who is asked."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from orders.contracts import IncomingOrder, OrderStatus, PaymentStatus
from orders.desk import consequences, holds, presale, review
from orders.intake import create, difference
from orders.intake import goods as goods_of
from orders.intake.create import GONE, NOT_PAID, FreshLine
from orders.intake.drafts import Draft, DraftLine, address_json, clean, name_key, phone_key
from orders.intake.goods import Goods, LineKey
from orders.intake.known import Change
from orders.intake.page import Page
from orders.late import due
from orders.models import Order, OrderContact, OrderLine, OrderVersion

State = Order.State
Version = OrderVersion.Outcome
LOST = (PaymentStatus.REFUNDED, PaymentStatus.VOIDED)


def decide(page: Page, change: Change, matched: dict[LineKey, Goods]) -> None:
    """Work one version into its order, in memory."""
    order, incoming = change.order, change.draft.incoming
    if incoming.updated_at < order.platform_updated_at:
        change.outcome, change.action = Version.STALE.value, "stale"
        return
    order.platform_updated_at, order.updated_at = incoming.updated_at, page.now
    reviewed = order.approved_at is not None and order.state != State.CANCELLED
    was_cancelled = order.cancelled_at is not None
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
    if was_cancelled and order.state == State.SHIPPED and incoming.status not in GONE:
        _reopen_sent(page, change)
    else:
        _next_state(page, change, reviewed)
    order.due_at = due.of(order, page.handling)


def _ends(change: Change) -> bool:
    """The version cancels the order, as a whole or piece by piece."""
    left = any(line.quantity for line in change.draft.lines)
    sent = any(line.shipped_quantity for line in change.known.lines.values())
    return change.draft.incoming.status in GONE or not (left or sent)


def _header(page: Page, change: Change) -> None:
    """What is never asked: payment, dates, marks of the platform."""
    order, incoming = change.order, change.draft.incoming
    order.payment, order.paid_at = incoming.payment.value, incoming.paid_at or order.paid_at
    order.ship_by = presale.not_earlier(consequences.earliest(incoming.ship_by, order.own_ship_by), order.not_before)
    order.risk = clean(incoming.risk, 40)
    order.tags = [clean(tag, 100) for tag in incoming.tags]
    order.url = clean(incoming.url) if len(incoming.url) <= 1000 else order.url
    order.closed = incoming.status == OrderStatus.CLOSED
    order.cancel_reason = clean(incoming.cancel_reason, 200) or order.cancel_reason
    note = clean(incoming.seller_note)
    if note != change.known.contact.seller_note:
        change.known.contact.seller_note, change.contact_changed = note, True
        change.known.contact.erased_at = None


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
    contact.erased_at = None  # a person stands in it again, whom it was erased of before
    change.contact_changed = True


def _kept(contact: OrderContact, incoming: IncomingOrder, base: IncomingOrder) -> bool:
    return contact.address_fixed and incoming.shipping == base.shipping


def _quantities(page: Page, change: Change, matched: dict[LineKey, Goods], *, everything: bool = False) -> None:
    """Bring the lines to what is wanted now; with `everything` to all that the version says of them."""
    left = {name: line for name, line in change.known.lines.items() if not line.own}
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
    lines = [line for line in _lines_of(change) if not line.own or line.shipped_quantity]
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


def _reopen_sent(page: Page, change: Change) -> None:
    """Cancelled after something had left, and wanted again: what is still to send is booked and judged anew."""
    order = change.order
    order.cancelled_at, order.cancel_reason = None, ""
    change.cut = [line for line in change.known.lines.values() if line.quantity > line.shipped_quantity]
    holds.clear(order)
    if change.outcome == Version.WAITING:
        _reviewed(page, change)
    elif _left(_lines_of(change)):
        order.state, change.judge = State.HELD, True
        holds.put(order, holds.UNDONE, page.now)


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
