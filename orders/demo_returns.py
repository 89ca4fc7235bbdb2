"""The demo seller's returns, told through the real functions: asked for, on its way, overdue, just here, inspected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from backoffice import clock
from backoffice.models import User
from inventory.models import Warehouse
from orders.models import Order, OrderLine, Return, ReturnPlace, ReturnReason
from orders.returns import amounts, deciding, inspecting, receiving, refunding, requesting, strays

ADDRESSES = {
    "YW": (
        "义乌仓退货组",
        "浙江省义乌市稠江街道四海大道 88 号 3 栋",
        "",
        "义乌",
        "浙江",
        "322000",
        "CN",
        "0579-8500 0088",
    ),
    "SH": ("上海仓退货组", "上海市松江区新桥镇莘砖公路 518 号", "", "上海", "上海", "201612", "CN", "021-6000 0518"),
    "HAM": ("Qingwu Returns", "Hafenstraße 12, Halle 4", "", "Hamburg", "", "20457", "DE", "+49 40 0000012"),
}
FIELDS = ("recipient", "line1", "line2", "city", "region", "postcode", "country", "phone")


def load() -> None:
    """Write the addresses that returns go to."""
    for place in Warehouse.objects.filter(read_only=False):
        given = ADDRESSES.get(place.code)
        if given:
            ReturnPlace.objects.get_or_create(warehouse=place, defaults=dict(zip(FIELDS, given, strict=True)))


@transaction.atomic
def finish() -> int:
    """Open the returns on orders that have left; returns how many. Twice is once."""
    if Return.objects.filter(idempotency_key__startswith="demo:").exists():
        return 0
    clerk, packer = (_actor(name) for name in ("clerk", "warehouse"))
    orders, reasons = _orders(), list(ReturnReason.objects.filter(active=True))
    if not reasons:
        return 0
    stories = (_asked, _overdue, _here, _inspected, _coming)
    told = 0
    for story, (order, line) in zip(stories, orders, strict=False):
        story(order, line, reasons[told % len(reasons)], clerk, packer)
        told += 1
    _stray(packer)
    return told


def _actor(name: str) -> str:
    user = User.objects.filter(username=name).first()
    return f"user:{user.pk} {name}" if user else name


def _orders() -> Iterator[tuple[Order, OrderLine]]:
    """Orders that have left and of which something can come back, the newest first, one of each shop at first."""
    rows = list(Order.objects.filter(state=Order.State.SHIPPED).order_by("-shipped_at")[:400])
    first = {order.shop_id: order.pk for order in reversed(rows)}
    for order in sorted(rows, key=lambda one: first[one.shop_id] != one.pk):
        left = requesting.returnable(order)
        lines = order.lines.filter(stocked=True, sku__isnull=False, parts__isnull=True).order_by("-quantity", "pk")
        line = next((one for one in lines if left.get(one.pk, 0) >= 1), None)
        if line is not None and not order.returns.exists():
            yield order, line


def _open(order: Order, line: OrderLine, reason: ReturnReason, actor: str, text: str, units: int = 1) -> Return:
    count = min(Decimal(units), requesting.returnable(order)[line.pk])
    return requesting.open_return(
        order_id=order.pk, lines={line.pk: count}, actor=actor, key=f"demo:{order.pk}", reason_id=reason.pk, text=text
    )


def _asked(order: Order, line: OrderLine, reason: ReturnReason, clerk: str, packer: str) -> None:
    _open(order, line, reason, clerk, "收到时杯口有裂纹，能退吗？")


def _overdue(order: Order, line: OrderLine, reason: ReturnReason, clerk: str, packer: str) -> None:
    with clock.moved_to(lambda: _ago(days=19)):
        found = _open(order, line, reason, clerk, "The parcel was crushed on the way.")
        deciding.approve(return_id=found.pk, actor=clerk)
        deciding.instruct(return_id=found.pk, actor=clerk)
    with clock.moved_to(lambda: _ago(days=12)):
        deciding.on_its_way(return_id=found.pk, actor=clerk, carrier="DHL", tracking=f"RR{found.pk:09d}DE")


def _coming(order: Order, line: OrderLine, reason: ReturnReason, clerk: str, packer: str) -> None:
    with clock.moved_to(lambda: _ago(days=3)):
        found = _open(order, line, reason, clerk, "买错了尺寸，已寄回")
        deciding.approve(return_id=found.pk, actor=clerk)
    day = timezone.localdate(_ago(days=-3))
    with clock.moved_to(lambda: _ago(days=1)):
        deciding.on_its_way(
            return_id=found.pk, actor=clerk, carrier="顺丰速运", tracking=f"SF{found.pk:012d}", expected_on=day
        )


def _here(order: Order, line: OrderLine, reason: ReturnReason, clerk: str, packer: str) -> None:
    with clock.moved_to(lambda: _ago(days=6)):
        found = _open(order, line, reason, clerk, "颜色发错了", units=2)
        deciding.approve(return_id=found.pk, actor=clerk)
    with clock.moved_to(lambda: _ago(hours=3)):
        _receive(found, packer)


def _inspected(order: Order, line: OrderLine, reason: ReturnReason, clerk: str, packer: str) -> None:
    with clock.moved_to(lambda: _ago(days=8)):
        found = _open(order, line, reason, clerk, "Handle broken, asking for my money back.")
        deciding.approve(return_id=found.pk, actor=clerk)
    with clock.moved_to(lambda: _ago(days=1)):
        _receive(found, packer)
        row = found.lines.get()
        choice = inspecting.Choice(line_id=row.pk, verdict="repair", units=row.quantity, reason="把手松动，可粘合")
        inspecting.decide(return_id=found.pk, choices=[choice], actor=packer, key=f"demo:{found.pk}")
    found.refresh_from_db()
    (asked,) = amounts.suggested(found, found.lines.all())
    if asked.amount > 0:
        money = refunding.propose(
            return_id=found.pk, lines={asked.line.pk: asked.amount}, limit=None, actor=clerk, key=f"demo:{found.pk}"
        )
        refunding.by_hand([money.pk])  # the sandbox shops never knew the orders of the past


def _receive(found: Return, packer: str) -> None:
    rows = found.lines.order_by("pk")
    receiving.receive(
        return_id=found.pk, counts={row.pk: row.quantity for row in rows}, actor=packer, key=f"demo:{found.pk}"
    )


def _stray(packer: str) -> None:
    place = Warehouse.objects.filter(read_only=False, active=True).order_by("-code").first()
    if place is not None:
        strays.put_aside(
            warehouse_id=place.pk, actor=packer, key="demo:stray", carrier="中通快递", tracking="78900011223344",
            note="外箱无单号，内有两只青瓷杯，一张便签写着“退货”",
        )  # fmt: skip


def _ago(**span: int) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(**span)
