"""Orders from an uploaded file: looked at first, taken in when its uploader says so, through the same intake as all."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, locks, longwork, progress
from backoffice.errors import YikuError
from backoffice.spreadsheets.reading import Named, read_upload
from backoffice.spreadsheets.schema import Column, SheetSchema
from channels import pull
from channels.connectors.base import RawOrder
from channels.connectors.files import RowProblem, build_orders, same_content
from channels.models import Account, InboundPayload, OrderFile, PollRun
from channels.registry import parser_for
from channels.working import retrying, worker_name

MOST_ROWS = 20_000
PAGE = 100
LARGE = 300  # orders: more goes to a worker while there is one
HOLD = 120.0  # seconds a page of them may take
STALLED = 2 * HOLD
SHOWN_PROBLEMS = 200

SCHEMA = SheetSchema(
    [
        Column(
            "number",
            _("Order number"),
            ["订单号", "订单编号", "单号", "order", "order no", "order id"],
            kind="reference",
            longest=100,
        ),
        Column(
            "placed_at",
            _("Ordered at"),
            ["下单时间", "订单时间", "日期", "时间", "date", "order date", "placed"],
            kind="datetime",
            optional_cell=True,
        ),
        Column(
            "sku",
            _("SKU code"),
            ["SKU", "商家编码", "货号", "编码", "sku code", "item"],
            kind="code",
            required=False,  # a row may name its goods by barcode instead
        ),
        Column("quantity", _("Quantity"), ["数量", "件数", "qty"], kind="decimal", places=3),
        Column("unit_price", _("Unit price"), ["单价", "价格", "price"], kind="decimal", places=4, optional_cell=True),
        Column("barcode", _("Barcode"), ["条码", "条形码", "ean", "upc"], kind="barcode", required=False),
        Column("title", _("Goods"), ["商品名称", "商品", "品名", "title", "product"], required=False, longest=500),
        Column("discount", _("Discount"), ["优惠", "折扣"], kind="decimal", places=4, required=False),
        Column("tax", _("Tax"), ["税额", "税"], kind="decimal", places=4, required=False),
        Column("shipping_price", _("Shipping"), ["运费", "freight"], kind="decimal", places=4, required=False),
        Column("currency", _("Currency"), ["币种", "货币"], required=False, longest=3),
        Column("paid", _("Paid"), ["已付款", "是否付款"], kind="boolean", required=False),
        Column("cancelled", _("Cancelled"), ["已取消", "是否取消"], kind="boolean", required=False),
        Column("buyer", _("Buyer"), ["买家", "收件人", "姓名", "customer", "name"], required=False, longest=300),
        Column(
            "phone", _("Phone"), ["电话", "手机", "联系电话", "mobile"], kind="reference", required=False, longest=60
        ),
        Column("email", _("E-mail"), ["邮箱", "邮件", "email"], required=False, longest=200),
        Column("company", _("Company"), ["公司", "单位"], required=False, longest=200),
        Column("address", _("Address"), ["地址", "收货地址", "详细地址", "street"], required=False, longest=300),
        Column("address2", _("Address, second line"), ["地址2", "address 2"], required=False, longest=300),
        Column("city", _("City"), ["城市", "市"], required=False, longest=100),
        Column(
            "region", _("Province or state"), ["省", "省份", "州", "province", "state"], required=False, longest=100
        ),
        Column("postcode", _("Postcode"), ["邮编", "邮政编码", "zip"], required=False, longest=20),
        Column("country", _("Country (two letters)"), ["国家", "country"], required=False, longest=2),
        Column("note", _("Note"), ["备注", "买家留言", "留言", "remark"], required=False, longest=2000),
    ],
    most_rows=MOST_ROWS,
)
SENTENCES = {
    "empty": _("must not be empty"),
    "not_positive": _("must be above zero"),
    "negative": _("must not be below zero"),
    "contradicts": _("says something else than another row of the same order"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file that was taken in."""

    created: int
    changed: int
    known: int
    parked: int


def preview(*, account: Account, file: Named, user: Any) -> OrderFile:
    """Read the file and keep what it says for its uploader; nothing is taken in. Raises FileRefused."""
    now = clock.now()
    rows: list[tuple[int, dict[str, Any]]] = []
    keys = [column.key for column in SCHEMA.columns]
    with read_upload(file, SCHEMA) as reading:
        for number, *values in reading.rows():
            rows.append((int(number), dict(zip(keys, values, strict=False))))
        problems = [{"row": one.row, "text": one.text} for one in reading.problems]
        problems += _hidden(reading.problem_count - len(reading.problems)) if reading.problem_count else []
    orders, faults = build_orders(rows, uploaded_at=now, currency=account.currency or account.shop.currency)
    problems += [{"row": one.row, "text": _sentence(one)} for one in faults]
    bodies = [order.body.decode() for order in orders]
    return OrderFile.objects.create(
        account=account,
        uploaded_by=user,
        uploaded_at=now,
        name=str(file.name or "")[:200],
        sha256=hashlib.sha256("".join(bodies).encode()).hexdigest(),
        orders=bodies,
        problems=sorted(problems, key=lambda one: int(str(one["row"])))[:SHOWN_PROBLEMS],
        row_count=len(rows),
        order_count=len(orders),
    )


def _hidden(count: int) -> list[dict[str, Any]]:
    more = _now("%(count)d more problems are not listed.") % {"count": count}
    return [{"row": 10**9, "text": more}] if count > 0 else []


def _sentence(problem: RowProblem) -> str:
    title = str(SCHEMA.column(problem.column).title)
    value = f"“{problem.value}” " if problem.value else ""
    words = {"row": problem.row, "column": title, "value": value, "fault": str(SENTENCES[problem.code])}
    return _now("Row %(row)d, %(column)s: %(value)s%(fault)s.") % words


def begin(*, order_file: OrderFile, user: Any, actor: str) -> Taken | None:
    """Take in a small file now and hand a large one to the workers (then None). Raises what `take_in` raises."""
    _refuse(order_file, user)
    if order_file.order_count < LARGE or not longwork.workers_alive():
        return take_in(order_file=order_file, user=user, actor=actor)
    if not running(order_file):
        order_file.progress = progress.start("channels.order_file", user, order_file.order_count).row
        order_file.save(update_fields=["progress"])
        longwork.enqueue("channels.tasks.order_file", order_file.pk)
    return None


def running(order_file: OrderFile) -> bool:
    """True while a worker has it, or will; a bar that has not moved for longer than a lease holds is left behind."""
    bar = order_file.progress
    if order_file.taken_at is not None or bar is None or bar.state != progress.RUNNING:
        return False
    return bar.updated_at > clock.now() - dt.timedelta(seconds=STALLED)


def take_in(*, order_file: OrderFile, user: Any, actor: str, meter: progress.Meter | None = None) -> Taken:
    """Take in a previewed file, page by page; an order whose content is known already is left alone.

    Cut off in the middle, it goes on where it was when it is called again. Of two at the same moment one is refused.
    Raises YikuError: not_yours, taken, has_problems, running.
    """
    with locks.lease(f"order_file:{order_file.pk}", worker_name(), HOLD) as held:
        if held is None:
            raise YikuError("running", _("This file is being taken in just now."))
        order_file.refresh_from_db()
        _refuse(order_file, user)
        run = PollRun.objects.create(account=order_file.account, kind="file", trigger="file", started_at=clock.now())
        taken = _take_pages(order_file, run, held, meter)
        with transaction.atomic():
            locks.check(held)
            _finish(order_file, run, taken, actor)
    return taken


def _refuse(order_file: OrderFile, user: Any) -> None:
    if order_file.uploaded_by_id != user.pk:
        raise YikuError("not_yours", _("Somebody else uploaded this file. Upload it yourself to take it in."))
    if order_file.problems:
        raise YikuError("has_problems", _("Mend the rows with problems and upload the file again."))
    if order_file.taken_at is not None:
        raise YikuError("taken", _("This file was taken in already."))


def _finish(order_file: OrderFile, run: PollRun, taken: Taken, actor: str) -> None:
    now, result = clock.now(), dataclasses.asdict(taken)
    OrderFile.objects.filter(pk=order_file.pk).update(taken_at=now, orders=[], result=result)
    PollRun.objects.filter(pk=run.pk).update(
        ended_at=now, outcome="ok", seen=order_file.order_count, created=taken.created, changed=taken.changed,
        parked=taken.parked,
    )  # fmt: skip
    audit.record(action="order_file.take_in", target=order_file, actor=actor, after=result)


def _take_pages(order_file: OrderFile, run: PollRun, held: locks.Held, meter: progress.Meter | None) -> Taken:
    account, total, known = order_file.account, pull.Counts(), 0
    raws = [
        RawOrder(external_id=_number(body), updated_at=order_file.uploaded_at, body=body.encode())
        for body in order_file.orders
    ]
    connector = parser_for(account)
    for start in range(0, len(raws), PAGE):
        locks.renew(held, HOLD)
        page = raws[start : start + PAGE]
        fresh = _changed(account, page)
        known += len(page) - len(fresh)
        parsed = pull.parse_all(connector, fresh)
        total.add(retrying(lambda parsed=parsed: pull.take_parsed(account, parsed, run_id=run.pk)))  # type: ignore[misc]
        if meter:
            meter.step(len(page))
    return Taken(total.created, total.changed, known, total.parked)


def _number(body: str) -> str:
    return str(json.loads(body)["order"]["number"])


def _changed(account: Account, raws: Sequence[RawOrder]) -> list[RawOrder]:
    """Leave out orders that an earlier file said in the same words."""
    ids = [raw.external_id for raw in raws]
    found = InboundPayload.objects.filter(account=account, external_id__in=ids).exclude(body="").order_by("pk")
    newest = {payload.external_id: payload.body.encode() for payload in found}
    return [raw for raw in raws if raw.external_id not in newest or not same_content(newest[raw.external_id], raw.body)]
