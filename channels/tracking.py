"""Parcels, cancellations and refunds go to the platform: one notice per event, one key each, sent until it is known.

The consumer "tracking" turns an order's news into a notice in its own transaction; a notice is never made twice. It is
sent under a lease with a fence. A lost answer is asked again with the same key: a connector first looks whether the
platform has the parcel, so a repeat makes no second one.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from backoffice import bulk, clock, locks, outbox
from backoffice.calls.answers import redact
from backoffice.outbox import backoff
from backoffice.waking import wake
from channels import accounts, budget, error_queue
from channels.connectors.base import (
    Capability,
    Connector,
    ConnectorError,
    RefundNotice,
    RefundRow,
    ShipmentNotice,
)
from channels.error_queue import Trouble
from channels.models import Account, AccountState, LocationLink, NoticeState, OrderNotice
from channels.registry import can, connector_for
from channels.working import stopping, worker_name
from orders.models import (
    Order,
    OrderEvent,
    OrderEventDelivery,
    ReturnRefund,
    Shipment,
    ShipmentGoods,
    ShipmentLine,
)
from orders.returns import refunding

NAME = WAKE = "tracking"
LEASE_SECONDS = 120.0
SENDING_SECONDS = 90
PAGE = 50
MOST_ATTEMPTS = 8
COLUMNS = (
    "account_id",
    "order_id",
    "kind",
    "reference",
    "key",
    "content",
    "state",
    "not_before",
    "attempts",
    "fence",
    "external_id",
    "already_known",
    "code",
    "message",
    "created_at",
)


# --- from news to notices --------------------------------------------------------------------------------------------


def handle(claims: Sequence[outbox.Claim]) -> None:
    """Write a notice for each event that a platform must hear of, and complete the deliveries, in one transaction."""
    with transaction.atomic():
        ids = [one.event_id for one in claims]
        events = OrderEvent.objects.select_related("order", "shipment").filter(pk__in=ids).order_by("pk")
        found = {event.pk: event for event in events}
        by_shop = {
            account.shop_id: account for account in Account.objects.filter(shop__in={e.order.shop_id for e in events})
        }
        mine = [(event, by_shop[event.order.shop_id]) for event in found.values() if event.order.shop_id in by_shop]
        refunding.by_hand(_without_platform(list(found.values()), by_shop))
        rows = [_row(event, account) for event, account in mine if _concerns(event, account)]
        bulk.insert_rows(OrderNotice, COLUMNS, rows, ignore_conflicts=True)
        outbox.complete(OrderEventDelivery, claims)
        if rows:
            wake(WAKE)


def _without_platform(events: Sequence[OrderEvent], by_shop: Mapping[int, Account]) -> list[int]:
    """Return the refunds that no platform can give: a person has to."""
    wanted = [event for event in events if event.kind == OrderEvent.Kind.REFUND_WANTED]
    given = {event.pk for event in wanted if (own := by_shop.get(event.order.shop_id)) and _concerns(event, own)}
    return [int(event.data["money"]) for event in wanted if event.pk not in given]


def _concerns(event: OrderEvent, account: Account) -> bool:
    """Tell whether the platform has to hear of it: not what it told us itself, nor orders it does not know."""
    if event.order.state == Order.State.HISTORY or event.order.kind:
        return False
    if event.kind == OrderEvent.Kind.REFUND_WANTED:
        return can(account, Capability.REFUND)
    if event.kind == OrderEvent.Kind.SHIPPED and event.shipment is not None:
        ours = event.shipment.source == Shipment.Source.DESK
        return can(account, Capability.FULFIL) and ours and _told_lines(event.shipment).exists()
    if event.kind == OrderEvent.Kind.CANCELLED:
        return can(account, Capability.CANCEL) and event.data.get("source") != "platform"
    return False


def _row(event: OrderEvent, account: Account) -> tuple[Any, ...]:
    now = clock.now()
    kind, reference, content = _message(event, account)
    state = NoticeState.DUE.value
    return (
        account.pk,
        event.order_id,
        kind,
        reference,
        uuid.uuid4(),
        content,
        state,
        now,
        0,
        0,
        "",
        False,
        "",
        "",
        now,
    )


def _message(event: OrderEvent, account: Account) -> tuple[str, str, dict[str, Any]]:
    """Return kind, reference and content of the notice of an event."""
    if event.shipment is not None and event.kind == OrderEvent.Kind.SHIPPED:
        return "ship", f"orders.shipment:{event.shipment_id}", _parcel(event.shipment, account)
    if event.kind == OrderEvent.Kind.REFUND_WANTED:
        money = ReturnRefund.objects.select_related("rma").get(pk=event.data["money"])
        return "refund", money.reference, _money(money)
    return "cancel", f"orders.order:{event.order_id}", {"reason": str(event.data.get("reason", ""))}


def _money(money: ReturnRefund) -> dict[str, Any]:
    return {
        "amount": str(money.amount),
        "currency": money.currency,
        "shipping": str(money.shipping),
        "lines": money.content,
        "note": money.rma.number,
    }


def _parcel(shipment: Shipment, account: Account) -> dict[str, Any]:
    """Freeze what the parcel says; whether it completes the order is known now and must not change with repeats."""
    lines = _told_lines(shipment).select_related("line").order_by("pk")
    return {
        "lines": [[line.line.external_id, int(line.quantity)] for line in lines],
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
        "shipped_at": shipment.shipped_at.isoformat(),
        "completes_order": _completes(shipment),
        "location_id": _location(shipment, account),
    }


def _told_lines(shipment: Shipment) -> QuerySet[ShipmentLine]:
    """What is in a parcel as the platform knows it: gifts that were added here are none of its lines."""
    return ShipmentLine.objects.filter(shipment=shipment, line__own=False)


def _completes(shipment: Shipment) -> bool:
    """Whether this is the last parcel the platform waits for; a gift may still follow."""
    order = shipment.order
    open_lines = order.lines.filter(own=False, quantity__gt=F("shipped_quantity"))
    if order.state != Order.State.SHIPPED and (order.state != Order.State.PARTLY_SHIPPED or open_lines.exists()):
        return False
    told = Shipment.objects.filter(order=order, state=Shipment.State.SENT, lines__line__own=False)
    return told.order_by("-pk").values_list("pk", flat=True).first() == shipment.pk


def _location(shipment: Shipment, account: Account) -> str:
    warehouses = ShipmentGoods.objects.filter(shipment_line__shipment=shipment).values_list("warehouse_id", flat=True)
    link = LocationLink.objects.filter(account=account, warehouse_id__in=list(warehouses), valid_to__isnull=True)
    return link.values_list("location__external_id", flat=True).first() or ""


# --- sending ---------------------------------------------------------------------------------------------------------


def _waiting(now: dt.datetime) -> Q:
    due = Q(state__in=[NoticeState.DUE, NoticeState.UNKNOWN], not_before__lte=now)
    return due | Q(state=NoticeState.SENDING, lease_until__lte=now)


def due_accounts() -> list[int]:
    """Return the writing accounts that have notices to send."""
    mine = OrderNotice.objects.filter(
        _waiting(clock.now()),
        account__state=AccountState.ACTIVE,
        account__write_enabled=True,
        account__writes_held_at__isnull=True,
    )
    return sorted(set(mine.values_list("account_id", flat=True).distinct()))


def run(account_id: int) -> int:
    """Send an account's due notices; returns how many were tried. Never raises for a platform's fault."""
    account = accounts.working(account_id, Capability.FULFIL)
    if account is None or not account.writes or budget.closed_until(account_id):
        return 0
    with locks.lease(f"tracking:account:{account_id}", worker_name(), LEASE_SECONDS) as held:
        if held is None:
            return 0
        total = 0
        try:
            connector = connector_for(account)
            while not stopping() and (page := _claim(account_id, held)):
                total += len(page)
                for notice in page:
                    _send(account, connector, notice, held)
                    locks.renew(held, LEASE_SECONDS)
        except locks.LeaseLost:
            pass
        except accounts.UNUSABLE as error:
            accounts.note_unusable(account, error)
        return total


def _claim(account_id: int, held: locks.Held) -> list[OrderNotice]:
    now = clock.now()
    mine = OrderNotice.objects.filter(_waiting(now), account_id=account_id)
    ids = list(mine.order_by("pk").values_list("pk", flat=True)[:PAGE])
    OrderNotice.objects.filter(_waiting(now), pk__in=ids).update(
        state=NoticeState.SENDING,
        fence=held.fence,
        attempts=F("attempts") + 1,
        lease_until=now + dt.timedelta(seconds=SENDING_SECONDS),
    )
    ours = OrderNotice.objects.select_related("order").filter(pk__in=ids, fence=held.fence, state=NoticeState.SENDING)
    return list(ours.order_by("pk"))


def _send(account: Account, connector: Connector, notice: OrderNotice, held: locks.Held) -> None:
    if _taken_back(notice):
        _settle(notice, held, state=NoticeState.DONE, code="taken_back", done_at=clock.now())
        return
    try:
        external_id, known = _call(connector, notice)
    except ConnectorError as error:
        _failed(account, notice, error, held)
        return
    with transaction.atomic():
        if notice.kind == "refund":
            refunding.sent(_money_id(notice), external_id)
        _settle(
            notice,
            held,
            state=NoticeState.DONE,
            external_id=external_id[:200],
            already_known=known,
            code="",
            message="",
            done_at=clock.now(),
        )
    error_queue.resolve(account.pk, error_queue.TRACKING, [_reference(notice)])


def _taken_back(notice: OrderNotice) -> bool:
    """A parcel that was taken back before the platform heard of it is not reported; nor is money nobody wants now."""
    if notice.kind == "refund":
        return not refunding.begin_sending(_money_id(notice))
    if notice.kind != "ship" or notice.attempts > 1:
        return False
    pk = notice.reference.rpartition(":")[2]
    return Shipment.objects.filter(pk=pk, state=Shipment.State.VOID).exists()


def _call(connector: Connector, notice: OrderNotice) -> tuple[str, bool]:
    order_id, key = notice.order.external_id, str(notice.key)
    if notice.kind == "cancel":
        connector.cancel_order(order_id, reason=notice.content.get("reason", ""), idempotency_key=key)
        return "", False
    content = notice.content
    if notice.kind == "refund":
        given = connector.refund(_refund_notice(notice))
        return given.external_id, given.already_known
    receipt = connector.ship(
        ShipmentNotice(
            order_id=order_id,
            lines=tuple((line, pieces) for line, pieces in content["lines"]),
            carrier=content["carrier"],
            tracking_number=content["tracking_number"],
            tracking_url=content.get("tracking_url", ""),
            shipped_at=dt.datetime.fromisoformat(content["shipped_at"]),
            idempotency_key=key,
            completes_order=content["completes_order"],
            location_id=content.get("location_id", ""),
        )
    )
    return receipt.external_id, receipt.already_known


def _refund_notice(notice: OrderNotice) -> RefundNotice:
    """Return what the connector gives back; units in parts of a piece are told by their money alone."""
    content = notice.content
    return RefundNotice(
        order_id=notice.order.external_id,
        amount=Decimal(content["amount"]),
        currency=content["currency"],
        shipping=Decimal(content["shipping"]),
        note=content["note"],
        idempotency_key=str(notice.key),
        lines=tuple(
            RefundRow(line_id=line, quantity=int(Decimal(units)), amount=Decimal(amount), tax=Decimal(tax))
            for line, units, amount, tax in content["lines"]
            if Decimal(units) % 1 == 0
        ),
    )


def _money_id(notice: OrderNotice) -> int:
    return int(notice.reference.rpartition(":")[2])


def _failed(account: Account, notice: OrderNotice, error: ConnectorError, held: locks.Held) -> None:
    """A lost answer stays unknown and is asked again with its key; a refusal or too many tries need a person."""
    of_account = bool(error.auth or error.retry_after or error.code == "put_off")
    if of_account:
        accounts.note_fault(account, error, reference="tracking")
    parked = not of_account and (error.permanent or notice.attempts >= MOST_ATTEMPTS)
    lost = error.unknown or notice.state == NoticeState.UNKNOWN
    state = NoticeState.PARKED if parked else NoticeState.UNKNOWN if lost else NoticeState.DUE
    pause = max(backoff(notice.attempts), error.retry_after or 0.0)
    _settle(
        notice,
        held,
        state=state,
        code=("unknown_" if parked and lost else "") + error.code[:50],
        message=redact(error.message),
        not_before=clock.now() + dt.timedelta(seconds=pause),
        attempts=F("attempts") - 1 if of_account else F("attempts"),
    )
    if parked and notice.kind == "refund":
        refunding.by_hand([_money_id(notice)], redact(error.message or error.code), unknown=lost)
    if parked:
        trouble = Trouble.of(
            error, kind=error_queue.TRACKING, reference=_reference(notice), params={"notice": notice.pk}
        )
        error_queue.record(account.pk, trouble)


def _settle(notice: OrderNotice, held: locks.Held, **fields: Any) -> bool:
    mine = OrderNotice.objects.filter(pk=notice.pk, fence=held.fence, state=NoticeState.SENDING)
    return bool(mine.update(lease_until=None, **fields))


def _reference(notice: OrderNotice) -> str:
    return f"{notice.kind} {notice.order.number} {notice.reference.rpartition(':')[2]}"


def requeue(ids: Sequence[int]) -> int:
    """Let parked notices be tried again (fix and re-run); returns how many."""
    parked = OrderNotice.objects.filter(pk__in=list(ids), state=NoticeState.PARKED)
    refunding.try_again([_money_id(notice) for notice in parked.filter(kind="refund")])
    changed = parked.update(state=NoticeState.DUE, attempts=0, not_before=clock.now())
    wake(WAKE)
    return changed
