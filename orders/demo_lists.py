"""The demo seller's views, a presale that runs, and deliveries on their way for what its orders lack."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from backoffice import clock
from backoffice.models import User
from inventory import arrivals
from inventory.arrivals import Expected
from inventory.models import Balance, ExpectedArrival, Shop, Sku, StockPolicy
from orders import intake
from orders.contracts import Address, Buyer, IncomingLine, IncomingOrder, PaymentStatus
from orders.desk import backorders, promise, review
from orders.models import PresaleOffer, SavedView

if TYPE_CHECKING:
    from fixtures.company import Company

VIEWS = (
    ("clerk", "加急待发 Rush to send", "state__exact=approved&mark=加急", "order_clerk"),
    ("clerk", "高价保留 Held, over the counter", "state__exact=held&hold_department__exact=finance", ""),
)
LARGE = (("华联商贸", 12, 30), ("青禾礼品", 5, 20), ("瑞丰百货", 30, 6))  # buyer, pieces too many, hours ago
PRESALE_DAYS, LEAVES_IN, PROMISED = 2, 20, 60
MOST_DELIVERIES = 8
SHOPS = 3


def load(company: Company) -> None:
    """Save two views, and sell the best-selling SKU in presale since two days ago; safe to repeat."""
    users = {user.username: user for user in User.objects.filter(username__in=[view[0] for view in VIEWS])}
    for username, name, query, role in VIEWS:
        if username in users:
            SavedView.objects.get_or_create(
                owner=users[username], name=name, defaults={"query": query, "role": role}
            )  # fmt: skip
    stocked = [sku for sku in company.catalogue.skus() if sku.kind == "stocked"]
    best = max(stocked, key=lambda one: one.sold, default=None)
    sku = Sku.objects.filter(code=best.code).first() if best is not None else None
    if sku is None or len(company.shops) < SHOPS or PresaleOffer.objects.exists():
        return
    today = dt.datetime.now(dt.UTC).replace(microsecond=0)  # the clock stands at the beginning of the demo here
    since = today - dt.timedelta(days=PRESALE_DAYS)
    PresaleOffer.objects.create(
        sku=sku, quantity=PROMISED, valid_from=since, ship_after=today + dt.timedelta(days=LEAVES_IN),
        note="新釉色预售 New glaze", created_at=since, created_by="demo",
    )  # fmt: skip
    if not StockPolicy.objects.filter(sku=sku, valid_to__isnull=True).exists():
        reason = "预售 Presale"
        StockPolicy.objects.create(
            sku=sku, presale=Decimal(PROMISED), reason=reason, created_by="demo", valid_from=since
        )


def finish() -> None:
    """Take three orders for more than there is, expect deliveries of what is missing (one is overdue) and promise.

    Safe to repeat.
    """
    if ExpectedArrival.objects.exists():
        return
    _take_large_orders()
    missing: dict[int, Decimal] = defaultdict(Decimal)
    for need in backorders.read().needs:
        missing[need.sku_id] += need.missing
    today = clock.now().date()
    places = _places()
    rows = [
        Expected(
            sku_id=sku_id, warehouse_id=places[sku_id], quantity=missing[sku_id] + 20,
            expected_on=today + dt.timedelta(days=(-1, 3, 5, 9)[place % 4]), source=f"PO-26-{411 + place}",
        )
        for place, sku_id in enumerate(sorted(missing)[:MOST_DELIVERIES])
        if sku_id in places
    ]  # fmt: skip
    arrivals.announce(rows=rows, actor="demo")
    promise.refresh(actor="demo")


def _take_large_orders() -> None:
    """Buyers who order more than lies there: what a house lives with before a feast."""
    shop = Shop.objects.filter(warehouse_links__valid_to__isnull=True, currency="CNY").order_by("code").first()
    if shop is None or Shop.objects.count() < SHOPS:  # the tiny company of the tests has its orders told one by one
        return
    places = review.warehouses_of([shop.pk], clock.now())[shop.pk]
    rows = Balance.objects.filter(warehouse_id=places[0], sku__list_price__gt=0, on_hand__gt=0).select_related("sku")
    goods = list(rows.order_by("-on_hand", "sku_id")[: len(LARGE)])
    now = clock.now()
    orders = [
        _order(number, buyer, row.sku, row.on_hand + more, now - dt.timedelta(hours=hours))
        for number, ((buyer, more, hours), row) in enumerate(zip(LARGE, goods, strict=False), 1)
    ]
    intake.take_in(shop_id=shop.pk, orders=orders)


def _order(number: int, buyer: str, sku: Sku, quantity: Decimal, placed_at: dt.datetime) -> IncomingOrder:
    price = sku.list_price or Decimal(10)
    line = IncomingLine(
        external_id="1", sku=sku.code, title=sku.name, quantity=quantity, unit_price=price, total=price * quantity
    )
    address = Address(
        name=buyer, line1="稠州北路 100 号", city="金华市", region="浙江省", postcode="322000", country="CN",
        phone="13800001234",
    )  # fmt: skip
    return IncomingOrder(
        external_id=f"demo-large-{number}", number=f"DH{number:04d}", placed_at=placed_at, updated_at=placed_at,
        currency="CNY", total=price * quantity, lines=(line,), payment=PaymentStatus.PAID, paid_at=placed_at,
        buyer=Buyer(name=buyer, email=f"demo{number}@example.com"), shipping=address,
    )  # fmt: skip


def _places() -> dict[int, int]:
    """The first warehouse of the shops whose orders are short, by SKU."""
    needs = backorders.read().needs
    shops = {need.order.shop_id for need in needs}
    first = {shop: places[0] for shop, places in review.warehouses_of(shops, clock.now()).items() if places}
    return {need.sku_id: first[need.order.shop_id] for need in needs if need.order.shop_id in first}
