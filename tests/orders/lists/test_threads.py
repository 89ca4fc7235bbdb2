"""Real threads on a real PostgreSQL: goods that came are given out once, promises and deliveries are kept once."""

import threading
import time
from decimal import Decimal

import pytest
from django.db import transaction

from backoffice import locks
from inventory import arrivals
from inventory.arrivals import ArrivalRefused, Expected
from inventory.models import Balance
from orders.desk import backorders, marking, presale, promise, review
from orders.models import Order, PresaleOffer, PromiseChange, ReviewLog
from tests.inventory import factories as stock
from tests.inventory.invariants import broken
from tests.inventory.threads import after, errors, slowly, together
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


def presale_of(seller, quantity):
    """An offer of mugs that leave one day."""
    since = AFTER.replace(year=2020)
    return PresaleOffer.objects.create(
        sku=seller.skus["MUG"], quantity=quantity, ship_after=AFTER, valid_from=since
    )  # fmt: skip


def oversold(seller, number):
    """Whether the newest review says that more was sold than promised."""
    log = ReviewLog.objects.filter(order=seller.order(number)).latest("pk")
    return [one["oversold"] for one in log.findings]


def test_two_workers_who_sell_the_last_presale_pieces_do_not_both_believe_it():
    seller, other, begun = Seller(MUG=0), Seller(), threading.Event()  # two shops, each with a warehouse of its own
    other.skus = seller.skus
    made = presale_of(seller, 10)
    told = together(
        slowly(lambda: seller.take(order(1, line("MUG", 6))), begun),
        after(begun, lambda: other.take(order(2, line("MUG", 6)))),
    )
    assert told == [["created"], ["created"]]
    assert presale.told_of([made.pk])[made.pk].sold == 12
    assert (oversold(seller, 1), oversold(other, 2)) == ([False], [True])


def test_an_order_judged_again_counts_what_another_worker_just_sold():
    seller, begun = Seller(MUG=0), threading.Event()
    seller.take(order(1, line("MUG", 6)))
    presale_of(seller, 10)
    told = together(
        slowly(lambda: seller.take(order(2, line("MUG", 6))), begun),
        after(begun, lambda: review.review(order_ids=[seller.order(1).pk])),
    )
    assert told == [["created"], {seller.order(1).pk: "held"}]
    assert (oversold(seller, 2), oversold(seller, 1)) == ([False], [True])


def test_an_order_that_comes_while_its_offer_is_released_does_not_wait_for_the_day():
    seller, begun = Seller(MUG=10), threading.Event()
    made = presale_of(seller, 10)
    told = together(
        slowly(lambda: seller.take(order(1, line("MUG"))), begun),
        after(begun, lambda: presale.release_offer(offer_id=made.pk, actor=LI)),
    )
    assert errors(told) == []
    assert (seller.order(1).state, seller.buckets("MUG")) == ("approved", (10, 0, 1))


def test_an_order_that_is_judged_while_its_offer_is_released_goes_with_it():
    seller, begun = Seller(MUG=10), threading.Event()
    made = presale_of(seller, 10)
    told = together(
        slowly(lambda: seller.take(order(1, line("MUG"))), begun),
        after(begun, lambda: seller.take(order(2, line("MUG")))),
        after(begun, lambda: presale.release_offer(offer_id=made.pk, actor=LI)),
    )
    assert errors(told) == []
    presale.release_due()  # the chore
    assert [seller.order(n).state for n in (1, 2)] == ["approved", "approved"]
    assert seller.buckets("MUG") == (10, 0, 2)


def test_releases_of_the_same_lines_by_hand_by_day_and_as_a_whole_do_not_block_each_other():
    seller = Seller(MUG=200)
    made = presale_of(seller, 200)
    for start in range(0, 120, 60):
        seller.take(*(order(n, line("MUG")) for n in range(start, start + 60)))
    ids = list(Order.objects.order_by("pk").values_list("pk", flat=True))
    told = together(
        lambda: presale.release_offer(offer_id=made.pk, actor=LI),
        lambda: presale.release_due(AFTER),
        lambda: presale.release_orders(order_ids=ids[::-1], actor=WU),
        lambda: presale.release_orders(order_ids=ids, actor=LI),
    )
    assert errors(told) == []
    presale.release_due(AFTER)
    assert seller.buckets("MUG") == (200, 0, 120)
    assert set(Order.objects.values_list("state", "not_before")) == {("approved", None)}
    assert broken() == []


def test_what_is_released_by_its_day_waits_for_a_release_of_the_whole_offer():
    seller, begun = Seller(MUG=9), threading.Event()
    made = presale_of(seller, 9)
    seller.take(order(1, line("MUG")))

    def whole():
        with transaction.atomic():  # the first half of a release by hand, slowly
            locks.locked_rows(PresaleOffer.objects.filter(pk=made.pk))
            begun.set()
            time.sleep(0.5)
            return presale.release_offer(offer_id=made.pk, actor=LI)

    told = together(whole, after(begun, lambda: presale.release_due(AFTER)))
    assert errors(told) == []
    assert (seller.order(1).state, seller.buckets("MUG")) == ("approved", (9, 0, 1))
