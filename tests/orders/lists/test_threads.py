"""Real threads on a real PostgreSQL: goods that came are given out once, promises and deliveries are kept once."""

from decimal import Decimal

import pytest

from inventory import arrivals
from inventory.arrivals import ArrivalRefused, Expected
from inventory.models import Balance
from orders.desk import backorders, marking, presale, promise
from orders.models import Order, PresaleOffer, PromiseChange
from tests.inventory import factories as stock
from tests.inventory.invariants import broken
from tests.inventory.threads import errors, together
from tests.orders.factories import Seller, line, order
from tests.orders.lists.test_backorders import DAY
from tests.orders.lists.test_presale import AFTER

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
LI, WU = "user:1 li", "user:2 wu"


def test_two_clerks_give_out_the_same_goods_once():
    seller = Seller(MUG=0)
    for start in range(0, 200, 100):
        seller.take(*(order(start + n, line("MUG")) for n in range(100)))
    stock.stock(seller.skus["MUG"], seller.place, 120, "4")
    results = together(*(lambda who=who: backorders.allocate(actor=who) for who in (LI, WU, LI, WU)))
    assert errors(results) == []
    done = [one.order_id for told in results for one in told if one.ok]
    assert len(done) == len(set(done)) == 120
    assert seller.buckets("MUG") == (120, 80, 120)
    assert broken() == []


def test_a_promise_that_two_plan_at_once_is_kept_once():
    seller = Seller(MUG=0)
    seller.take(*(order(n, line("MUG")) for n in range(30)))
    row = Expected(sku_id=seller.skus["MUG"].pk, warehouse_id=seller.place.pk, quantity=Decimal(20), expected_on=DAY)
    arrivals.announce(rows=[row])
    results = together(*(lambda: promise.refresh() for _ in range(4)))
    assert errors(results) == []
    assert PromiseChange.objects.count() == 20
    assert Order.objects.filter(promised_on=DAY).count() == 20


def test_a_delivery_that_two_receive_is_on_the_shelf_once():
    seller = Seller(MUG=0)
    mug, place = seller.skus["MUG"], seller.place
    row = Expected(sku_id=mug.pk, warehouse_id=place.pk, quantity=Decimal(10), expected_on=DAY)
    (coming,) = arrivals.announce(rows=[row])
    results = together(*(lambda: arrivals.receive(arrival_id=coming.pk) for _ in range(4)))
    assert len([one for one in results if isinstance(one, ArrivalRefused)]) == 3
    found = Balance.objects.get(sku=mug, warehouse=place)
    assert (found.on_hand, found.incoming) == (10, 0)
    assert broken() == []


def test_release_and_new_orders_and_marks_at_once_keep_stock_and_labels_right():
    seller = Seller(MUG=40)
    made = PresaleOffer.objects.create(
        sku=seller.skus["MUG"], quantity=50, ship_after=AFTER, valid_from=AFTER.replace(year=2020)
    )
    seller.take(*(order(n, line("MUG")) for n in range(30)))
    ids = list(Order.objects.order_by("pk").values_list("pk", flat=True))
    results = together(
        lambda: presale.release_offer(offer_id=made.pk, actor=LI),
        lambda: presale.release_due(),
        lambda: marking.mark(order_ids=ids[::-1], marks=["VIP"], actor=WU),
        lambda: seller.take(*(order(n, line("MUG")) for n in range(30, 40))),
    )
    assert errors(results) == []
    on_hand, demand, reserved = seller.buckets("MUG")
    assert (on_hand, demand + reserved) == (40, 40)
    assert Order.objects.filter(labels__text="VIP").count() == 30
    assert broken() == []
