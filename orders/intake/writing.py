"""Writing decided changes, for all orders of a page together: rows, stock, events, judgement."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from backoffice import bulk
from inventory import reservations
from inventory.reservations import Want
from orders import ids
from orders.desk import review
from orders.fulfil import parcels
from orders.intake import create
from orders.intake.known import Change
from orders.intake.page import Page
from orders.models import Order, OrderContact, OrderEvent, OrderLine, OrderLinePart, OrderVersion
from orders.models.order import line_reference, order_reference

State = Order.State
Version = OrderVersion.Outcome
ACTOR = "intake"
_ORDER = (
    "number", "state", "payment", "currency", "goods_total", "discount_total", "shipping_total", "tax_total",
    "fee_total", "rounding", "total", "base_total", "taxes_included", "paid_at", "cancelled_at", "closed",
    "cancel_reason", "platform_updated_at", "ship_by", "due_at", "demand_expires_at", "updated_at", "approved_at",
    "hold_code", "hold_note", "hold_department", "held_since", "hold_until", "accepted_version_id",
    "pending_version_id", "test", "risk", "shipping_method", "tags", "url",
)  # fmt: skip
_CONTACT = (
    "buyer_id", "buyer_name", "email", "phone", "shipping", "billing", "country", "buyer_note", "seller_note",
    "address_fixed", "name_key", "email_key", "phone_key", "erased_at",
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
    move_stock(page, changes)


def write(page: Page, changes: Sequence[Change]) -> None:
    """Write fresh versions and the rows of those that are not stale."""
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


def move_stock(page: Page, changes: Sequence[Change]) -> None:
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


def finish(page: Page, changes: Sequence[Change]) -> None:
    """Tell of cancellations, and judge what has to be judged."""
    gone = [change.order for change in changes if change.cancelled]
    if gone:
        kind = OrderEvent.Kind.CANCELLED
        news = {"source": "platform"}
        parcels.announce([OrderEvent(order=one, kind=kind, created_at=page.now, data=news) for one in gone])
    judged = [change.order for change in changes if change.judge]
    due = [order for order in judged if order.state == State.HELD and order.hold_code not in review.BY_PERSON]
    review.judge(due, actor=ACTOR, rules=page.rules)
