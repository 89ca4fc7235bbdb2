"""Whatever platforms and clerks do to orders, in any order: stock and orders tell the same story afterwards."""

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.models import Balance, Reservation
from orders.contracts import OrderStatus, PaymentStatus
from orders.desk import actions
from orders.errors import OrderError
from orders.fulfil import shipping
from orders.models import Order, OrderLine, Shipment, ShipmentGoods, ShipmentLine
from tests.orders.factories import LYON, Seller, line, order, parcel, refund

pytestmark = pytest.mark.django_db
START = 12
PLATFORM = ["quantity", "address", "cancel", "reopen", "pay", "parcel", "refund", "tags", "stale", "again", "line"]
DESK = ["approve", "hold", "release_hold", "cancel", "split_by_stock", "accept_edit", "reject_edit", "undo_approve"]
STEP = st.tuples(st.sampled_from([*PLATFORM, *DESK, "ship", "void"]), st.integers(0, 2), st.integers(0, 4))


class World:
    """A shop with three orders on two SKUs, told by random steps."""

    def __init__(self):
        self.seller = Seller(A=START, B=START)
        self.minute = 0
        self.told = {}
        for n in range(3):
            fields = {"payment": PaymentStatus.PENDING} if n == 2 else {}
            self.tell(order(n, line("A", 2), line("B", 1, 2), **fields))

    def tell(self, version):
        self.minute += 1
        total = sum((one.total for one in version.lines), Decimal(0)) or Decimal(1)
        moved = dataclasses.replace(version, total=total, updated_at=version.placed_at.replace(minute=self.minute % 60))
        self.told[int(version.external_id[1:])] = moved
        assert "failed" not in self.seller.take(moved)

    def platform(self, what, n, amount):
        old = self.told[n]
        first, rest = old.lines[0], old.lines[1:]
        changed = {
            "quantity": {
                "lines": (line("A", amount, ordered_quantity=max(first.ordered_quantity or 2, Decimal(amount))), *rest)
            },
            "line": {"lines": (*old.lines[:2], line("A", amount, 3))},
            "address": {"shipping": dataclasses.replace(LYON, line1=f"{amount} Rue")},
            "cancel": {"status": OrderStatus.CANCELLED},
            "reopen": {"status": OrderStatus.OPEN},
            "pay": {"payment": PaymentStatus.PAID},
            "parcel": {"fulfilments": (*old.fulfilments, parcel(len(old.fulfilments), ("1", "1")))},
            "refund": {"refunds": (*old.refunds, refund(len(old.refunds), "1", ("1", "1"), restock=amount > 2))},
            "tags": {"tags": (str(amount),)},
        }.get(what)
        if changed is not None:
            self.tell(dataclasses.replace(old, **changed))
        elif what == "again":
            self.seller.take(old)
        else:
            self.seller.take(dataclasses.replace(old, updated_at=old.placed_at.replace(hour=0), tags=("old",)))

    def desk(self, what, n):
        more = {"reason": "x"} if what in ("hold", "cancel") else {}
        getattr(actions, what)(order_ids=[self.seller.order(n).pk], actor="user:1 li", **more)

    def ship(self, n, amount):
        first = self.seller.lines(n)[0].pk
        lines = {first: Decimal(amount)} if amount else None
        try:
            shipping.ship(
                order_id=self.seller.order(n).pk,
                parcels=[shipping.Parcel(lines=lines)],
                actor="wu",
                idempotency_key=f"k{self.minute}-{n}-{amount}-{Shipment.objects.count()}",
            )
        except OrderError as refused:
            assert refused.code  # noqa: PT017 — refused is fine, broken is not

    def void(self):
        parcels = Shipment.objects.filter(source="desk", state="sent").order_by("-pk")
        if parcels:
            try:
                shipping.void(shipment_id=parcels[0].pk, actor="wu")
            except OrderError as refused:
                assert refused.code in ("already_reported", "goods_returned")  # noqa: PT017

    def step(self, what, n, amount):
        if what in PLATFORM:
            self.platform(what, n, amount)
        elif what == "ship":
            self.ship(n, amount)
        elif what == "void":
            self.void()
        else:
            self.desk(what, n)


def held(line_row) -> tuple[Decimal, Decimal]:
    """(demand, reserved) of a line."""
    rows = Reservation.objects.filter(reference=line_row.reference)
    return tuple(sum((one.quantity for one in rows if one.bucket == bucket), Decimal(0)) for bucket in (2, 3))


def check_line(found: Order, row: OrderLine) -> None:
    left = max(row.quantity - row.shipped_quantity, Decimal(0))
    demand, reserved = held(row)
    if found.open:
        assert demand + reserved == left, (found.state, found.hold_code, row.quantity, row.shipped_quantity)
    else:
        assert (demand, reserved) == (0, 0), (found.state, found.hold_code)
    if found.state in ("approved", "partly_shipped") and not found.hold_code:
        assert demand == 0
    sent = ShipmentLine.objects.filter(line=row, shipment__state="sent")
    assert sum((one.quantity for one in sent), Decimal(0)) == row.shipped_quantity


def check(world: World) -> None:
    for found in Order.objects.all():
        for row in found.lines.all():
            check_line(found, row)
        assert (found.state == "shipped") <= all(x.shipped_quantity >= x.quantity for x in found.lines.all()) or (
            found.hold_code == "cancelled_late"
        )
        assert found.versions.filter(outcome="waiting").count() == (found.pending_version_id is not None)
    for code, sku in world.seller.skus.items():
        goods = ShipmentGoods.objects.filter(sku=sku, shipment_line__shipment__state="sent")
        out = sum((one.quantity - one.returned_quantity for one in goods), Decimal(0))
        balance = Balance.objects.get(sku=sku)
        assert balance.on_hand == START - out, code
        rows = Reservation.objects.filter(sku=sku)
        assert balance.reserved == sum((one.quantity for one in rows if one.bucket == 3), Decimal(0))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEP, min_size=3, max_size=14))
def test_any_sequence_keeps_orders_and_stock_in_step(steps):
    from django.db import transaction

    with transaction.atomic():
        world = World()
        for what, n, amount in steps:
            world.step(what, n, amount)
            check(world)
        transaction.set_rollback(True)
