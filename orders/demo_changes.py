"""The demo seller's special orders: some to be sent together, one by phone, a quote, goods sent again, a gift."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db.models import F

from backoffice import clock
from backoffice.models import User
from inventory.models import Balance, Shop, ShopWarehouse, Sku
from orders import intake
from orders.contracts import Address, Buyer, IncomingLine, IncomingOrder, PaymentStatus
from orders.desk import gifts, merging, own_orders, quotes, replacing, usual_prices
from orders.desk.baskets import Basket, BasketLine
from orders.models import MergeGroup, Order

SHOP = "taobao"
PEOPLE = (
    ("顾明轩", "13800004101", "gumx@example.com", "浙江省", "杭州市", "西湖区文三路 88 号", "310012"),
    ("林若曦", "13900004102", "linrx@example.com", "上海市", "上海市", "静安区南京西路 1266 号", "200040"),
    ("陈子墨", "15100004103", "chenzm@example.com", "广东省", "深圳市", "福田区深南大道 2007 号", "518000"),
)
TOGETHER = ((0, 2), (1, 2), (2, 2))  # (person, orders); the last ones are put together


def load() -> None:
    """Make them through the real functions; a second call finds them there."""
    shop, clerk = Shop.objects.filter(code=SHOP).first(), User.objects.filter(username="clerk").first()
    if shop is None or clerk is None:
        return
    goods = _goods(shop)
    if len(goods) < 4:
        return
    actor = f"user:{clerk.pk} clerk"
    _together(shop, goods, actor)
    _by_phone(shop, goods, actor)
    _quote(shop, goods, actor)
    _again(actor)


def _goods(shop: Shop) -> list[Sku]:
    """Goods of which there is plenty where the shop sells from."""
    places = ShopWarehouse.objects.filter(shop=shop, valid_to=None).values("warehouse_id")
    rows = Balance.objects.filter(warehouse__in=places, sku__kind=Sku.Kind.STOCKED, demand=0)
    free = rows.annotate(free=F("on_hand") - F("reserved")).filter(free__gt=0).order_by("-free")
    ids = list(dict.fromkeys(free.values_list("sku_id", flat=True)[:40]))[:8]
    return list(Sku.objects.filter(pk__in=ids).order_by("code"))


def _price(shop: Shop, sku: Sku) -> Decimal:
    return usual_prices.of([sku.pk], shop.pk, shop.currency).get(sku.pk) or sku.list_price or Decimal("39.00")


def _address(person: int) -> Address:
    name, phone, _email, region, city, line1, postcode = PEOPLE[person]
    return Address(name=name, phone=phone, region=region, city=city, line1=line1, postcode=postcode, country="CN")


def _together(shop: Shop, goods: list[Sku], actor: str) -> None:
    now, orders = clock.now(), []
    for person, count in TOGETHER:
        for nth in range(count):
            sku, at = goods[(person + nth) % len(goods)], now - dt.timedelta(hours=5 - person, minutes=40 * nth)
            price = _price(shop, sku)
            line = IncomingLine(
                external_id="1", sku=sku.code, title=sku.name, quantity=Decimal(1), unit_price=price, total=price
            )
            orders.append(
                IncomingOrder(
                    external_id=f"demo-together-{person}-{nth}", number=f"TB88{person}{nth}0417", placed_at=at,
                    updated_at=at, currency=shop.currency, total=price, lines=(line,), payment=PaymentStatus.PAID,
                    paid_at=at, taxes_included=True, shipping=_address(person), ship_by=at + dt.timedelta(hours=48),
                    buyer=Buyer(name=PEOPLE[person][0], email=PEOPLE[person][2], phone=PEOPLE[person][1]),
                )
            )  # fmt: skip
    intake.take_in(shop_id=shop.pk, orders=orders)
    if not MergeGroup.objects.exists():
        pair = Order.objects.filter(shop=shop, external_id__startswith=f"demo-together-{TOGETHER[-1][0]}-")
        merging.merge(order_ids=list(pair.values_list("pk", flat=True)), actor=actor)


def _basket(shop: Shop, person: int, goods: list[Sku], quantity: int, **fields: object) -> Basket:
    name, phone, email, *_rest = PEOPLE[person]
    to = _address(person)
    lines = tuple(
        BasketLine(
            sku_id=sku.pk, code=sku.code, title=sku.name, quantity=Decimal(quantity), unit_price=_price(shop, sku),
            usual=_price(shop, sku), number=str(nth),
        )
        for nth, sku in enumerate(goods, 1)
    )  # fmt: skip
    address = {
        "name": to.name, "line1": to.line1, "city": to.city, "region": to.region, "postcode": to.postcode,
        "country": to.country, "phone": phone,
    }  # fmt: skip
    values = {"buyer_name": name, "email": email, "phone": phone, "address": address, **fields}
    return Basket(currency=shop.currency, lines=lines, **values)  # type: ignore[arg-type]


def _by_phone(shop: Shop, goods: list[Sku], actor: str) -> None:
    basket = _basket(shop, 0, goods[2:4], 2, shipping=Decimal(12), note="电话订购 By phone", payment="account")
    taken = own_orders.enter(shop_id=shop.pk, basket=basket, key="demo-phone", actor=actor)
    gifts.add(
        order_ids=[taken.order_id], sku_id=goods[0].pk, quantity=Decimal(1), actor=actor, reason="老客户 A regular"
    )


def _quote(shop: Shop, goods: list[Sku], actor: str) -> None:
    basket = _basket(shop, 1, goods[:3], 20, discount=Decimal(100), tax_percent=Decimal(13))
    until = (clock.now() + dt.timedelta(days=14)).date()
    text = "感谢询价，含税，七日内发货。\nThank you for asking: tax included, sent within seven days."
    quotes.make(shop_id=shop.pk, basket=basket, valid_until=until, text=text, key="demo-quote", actor=actor)


def _again(actor: str) -> None:
    """Goods of the last order that has left are sent again."""
    if Order.objects.filter(kind=Order.Kind.REISSUE).exists():
        return
    sent = Order.objects.filter(shop__code=SHOP, state=Order.State.SHIPPED, kind="", lines__sku__kind=Sku.Kind.STOCKED)
    order = sent.order_by("-shipped_at", "-pk").first()
    if order is not None:
        line = order.lines.filter(sku__kind=Sku.Kind.STOCKED).order_by("position")[0]
        replacing.replace(
            order_id=order.pk, kind=Order.Kind.REISSUE.value, goods=[replacing.Goods(line.sku_id or 0, Decimal(1))],
            reason="运输中破损 Broken on the way", actor=actor, key="demo",
        )  # fmt: skip
