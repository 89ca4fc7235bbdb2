"""Real threads on a real PostgreSQL: one wins, nothing is doubled, nobody waits for ever."""

import threading
import time

import pytest
from django.db import transaction
from structlog.testing import capture_logs

from inventory.models import Reservation
from orders.contracts import OrderStatus
from orders.desk import actions
from orders.fulfil import shipping
from orders.models import Order, OrderEvent, OrderLine, OrderVersion, ReviewLog, Shipment
from tests.inventory.invariants import broken
from tests.inventory.threads import errors, together
from tests.orders.factories import Seller, at, later, line, order

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
LI, WU = "user:1 li", "user:2 wu"


def pages(count, size, *lines):
    return [[order(size * n + place, *lines) for place in range(size)] for n in range(count)]


def actions_of(results):
    return [[one.action for one in result.outcomes] for result in results]


def test_two_workers_with_the_same_pages_store_each_order_once():
    seller = Seller(MUG=1000, CUP=1000)
    work = pages(8, 25, line("MUG"), line("CUP", 2, 2))

    def worker(turned):
        return lambda: [seller.result(*(page[::-1] if turned else page)) for page in work]

    results = together(worker(False), worker(True))
    assert errors(results) == []
    for mine, yours in zip(actions_of(results[0]), actions_of(results[1]), strict=True):
        assert all({a, b} == {"created", "unchanged"} for a, b in zip(mine, yours[::-1], strict=True))
    assert Order.objects.count() == OrderVersion.objects.count() == ReviewLog.objects.count() == 200
    assert OrderLine.objects.count() == 400
    assert (seller.buckets("MUG"), seller.buckets("CUP")) == ((1000, 0, 200), (1000, 0, 400))


def test_a_page_that_another_worker_is_storing_is_met_whole():
    """Not order by order after an error: the worker that comes second finds them all stored."""
    seller, storing = Seller(MUG=100), threading.Event()
    (work,) = pages(1, 10, line("MUG"))

    def slowly():
        with transaction.atomic():
            done = seller.result(*work)
            storing.set()
            time.sleep(0.5)  # not committed yet
        return done

    def meanwhile():
        storing.wait(30)
        return seller.result(*work)

    with capture_logs() as told:
        results = together(slowly, meanwhile)
    assert actions_of(results) == [["created"] * 10, ["unchanged"] * 10]
    assert [one for one in told if one["event"] == "page_broken"] == []
    assert seller.buckets("MUG") == (100, 0, 10)


def test_overlapping_pages_in_opposite_sku_order_do_not_deadlock():
    seller = Seller(**{f"S{n}": 500 for n in range(6)})
    codes = list(seller.skus)

    def worker(start, turned):
        lines = [line(code, 1, n) for n, code in enumerate(codes[::-1] if turned else codes)]
        return lambda: [
            seller.result(*(order(n + shift, *lines) for n in range(20))) for shift in range(start, start + 60, 10)
        ]

    results = together(worker(0, False), worker(5, True), worker(10, False), worker(15, True))
    assert errors(results) == []
    assert not any(outcome.action == "failed" for done in results for result in done for outcome in result.outcomes)
    stored = Order.objects.count()
    assert {seller.buckets(code) for code in codes} == {(500, 0, stored)}


def test_the_last_piece_sold_in_two_shops_goes_to_one():
    seller, other = Seller(MUG=1), Seller()
    other.shop.warehouse_links.all().delete()
    seller.place.shop_links.create(shop=other.shop, priority=1)
    for n in range(20):
        results = together(
            lambda n=n: seller.take(order(n, line("MUG"))), lambda n=n: other.take(order(n, line("MUG")))
        )
        assert results == [["created"], ["created"]]
    states = sorted(Order.objects.values_list("state", flat=True))
    assert (states.count("approved"), states.count("held")) == (1, 39)
    assert seller.buckets("MUG") == (1, 39, 1)


@pytest.mark.parametrize("turn", range(5))
def test_two_clerks_approve_and_cancel_one_order(turn):
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG"), buyer_note="urgent"))
    pk = seller.order(1).pk
    results = together(
        lambda: actions.approve(order_ids=[pk], actor=LI)[0],
        lambda: actions.approve(order_ids=[pk], actor=WU)[0],
        lambda: actions.cancel(order_ids=[pk], actor=WU, reason="x")[0],
    )
    assert errors(results) == []
    approvals = [results[0].ok, results[1].ok]
    state = seller.order(1).state
    assert state == "cancelled"  # cancelling wins over an approval before it, and stops one after it
    assert results[2].ok
    assert sum(approvals) <= 1
    assert seller.buckets("MUG") == (5, 0, 0)


@pytest.mark.parametrize("turn", range(5))
def test_approving_while_the_platform_cancels(turn):
    seller = Seller(MUG=5)
    first = order(1, line("MUG"), buyer_note="urgent")
    seller.take(first)
    pk = seller.order(1).pk
    gone = later(first, status=OrderStatus.CANCELLED)
    results = together(lambda: actions.approve(order_ids=[pk], actor=LI)[0], lambda: seller.take(gone))
    assert errors(results) == []
    assert seller.order(1).state == "cancelled"
    assert seller.buckets("MUG") == (5, 0, 0)


def test_a_cancellation_over_there_waits_for_the_approval_that_was_first():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"), buyer_note="urgent")
    seller.take(first)
    pk, approving = seller.order(1).pk, threading.Event()

    def approve():
        with transaction.atomic():
            actions.approve(order_ids=[pk], actor=LI)
            approving.set()
            time.sleep(0.5)  # not committed yet: the other must not decide by what it read before

    def cancel():
        approving.wait(30)
        return seller.take(later(first, status=OrderStatus.CANCELLED))

    assert together(approve, cancel) == [None, ["updated"]]
    assert seller.order(1).state == "cancelled"
    assert seller.buckets("MUG") == (5, 0, 0)


def test_an_edit_over_there_does_not_bring_back_what_is_being_cancelled_here():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"), buyer_note="urgent")
    seller.take(first)
    pk, cancelling = seller.order(1).pk, threading.Event()

    def cancel():
        with transaction.atomic():
            actions.cancel(order_ids=[pk], actor=LI, reason="x")
            cancelling.set()
            time.sleep(0.5)  # not committed yet: the other must not decide by what it read before

    def edit():
        cancelling.wait(30)
        return seller.take(later(first, buyer_note="hello", lines=(line("MUG", 2),)))

    assert errors(together(cancel, edit)) == []
    assert seller.order(1).state == "cancelled"
    assert seller.buckets("MUG") == (5, 0, 0)


def test_bulk_approvals_of_the_same_orders_in_opposite_order():
    seller = Seller(MUG=300)
    for start in range(0, 500, 100):
        seller.take(*(order(n, line("MUG"), buyer_note="urgent", placed_at=at(n)) for n in range(start, start + 100)))
    ids = list(seller.shop.orders.order_by("pk").values_list("pk", flat=True))
    results = together(
        lambda: actions.approve(order_ids=ids, actor=LI), lambda: actions.approve(order_ids=ids[::-1], actor=WU)
    )
    assert errors(results) == []
    assert sum(row.ok for rows in results for row in rows) == 300
    assert Order.objects.filter(state="approved").count() == 300
    assert seller.buckets("MUG") == (300, 200, 300)


def test_five_hundred_orders_at_the_same_moment_for_three_hundred_pieces():
    seller = Seller(MUG=300)
    work = pages(20, 25, line("MUG"))  # F33, by ten workers that read two pages each

    def worker(first):
        return lambda: [seller.result(*page) for page in work[first : first + 2]]

    results = together(*[worker(first) for first in range(0, 20, 2)])
    assert errors(results) == []
    assert {action for done in results for page in actions_of(done) for action in page} == {"created"}
    assert seller.buckets("MUG") == (300, 200, 300)
    assert Reservation.objects.filter(bucket=3).count() == 300
    assert broken() == []
    held = Order.objects.filter(state="held")
    assert (Order.objects.filter(state="approved").count(), held.count()) == (300, 200)
    assert set(held.values_list("hold_code", flat=True)) == {"short_stock"}
    named = [log.findings for log in ReviewLog.objects.filter(order__state="held")]
    assert len(named) == 200
    assert all([one["code"] for one in findings] == ["short_stock"] and "MUG" in str(findings) for findings in named)


def test_a_double_click_on_ship_sends_one_parcel():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)))
    pk = seller.order(1).pk

    def send():
        return shipping.ship(order_id=pk, parcels=[shipping.Parcel()], actor=WU, idempotency_key="form-1")

    results = together(*[send] * 6)
    assert errors(results) == []
    assert len({one.pk for result in results for one in result}) == 1
    assert Shipment.objects.count() == OrderEvent.objects.count() == 1
    assert seller.buckets("MUG") == (3, 0, 0)


def test_shipping_while_the_platform_cuts_the_order():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    pk = seller.order(1).pk
    cut = later(first, lines=(line("MUG", 1),))
    results = together(
        lambda: shipping.ship(order_id=pk, parcels=[shipping.Parcel()], actor=WU, idempotency_key="k"),
        lambda: seller.take(cut),
    )
    assert errors(results) == []
    sent = seller.lines(1)[0].shipped_quantity
    assert sent in (1, 3)
    assert (seller.order(1).hold_code == "shipped_more") == (sent == 3)
    assert seller.buckets("MUG") == (5 - sent, 0, 0)


def test_two_clerks_who_ship_one_order_with_a_page_each_send_one_parcel():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)))
    pk = seller.order(1).pk

    def send(key):
        return lambda: shipping.ship(order_id=pk, parcels=[shipping.Parcel()], actor=WU, idempotency_key=key)

    told = together(*(send(f"form-{n}") for n in range(4)))
    assert [one.code for one in errors(told)] == ["not_approved"] * 3
    assert (Shipment.objects.count(), OrderEvent.objects.count(), seller.buckets("MUG")) == (1, 1, (3, 0, 0))


@pytest.mark.parametrize("turn", range(3))
def test_a_parcel_that_two_take_back_comes_back_once(turn):
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)))
    pk = seller.order(1).pk
    (sent,) = shipping.ship(order_id=pk, parcels=[shipping.Parcel()], actor=WU, idempotency_key="k")
    told = together(*(lambda who=who: shipping.void(shipment_id=sent.pk, actor=who) for who in (LI, WU, LI)))
    assert [one.code for one in errors(told)] == ["already_void"] * 2
    assert (seller.order(1).state, seller.buckets("MUG"), broken()) == ("approved", (5, 0, 2), [])
