"""A parcel comes back: found, counted once, and what is over, missing or wrong is said."""

from decimal import Decimal

import pytest

from inventory.models import Balance
from orders.models import Order, Return, ReturnReceipt, StrayParcel
from orders.returns import deciding, receiving, strays
from orders.returns.receiving import Wrong
from tests.inventory.invariants import broken
from tests.orders.factories import line
from tests.orders.returns.conftest import ANN, WU
from tests.orders.returns.test_requesting import refused

pytestmark = pytest.mark.django_db


def told(receipt):
    return [(one["code"], one["label"], one["counted"], one["wanted"]) for one in receipt.told]


def test_what_was_announced_is_counted_and_moves_no_stock_yet(seller):
    seller.sent()
    found = seller.rma()
    receipt = seller.receive(found)
    found.refresh_from_db()
    assert (found.state, receipt.told, receipt.by) == ("received", [], WU)
    assert found.lines.get().received_quantity == 2
    assert seller.buckets("MUG") == (8, 0, 0)


def test_the_same_click_twice_counts_once(seller):
    seller.sent()
    found = seller.rma()
    first = seller.receive(found, 1, key="once")
    assert seller.receive(found, 1, key="once") == first
    assert found.lines.get().received_quantity == 1


def test_the_same_parcel_twice_is_said_and_not_doubled(seller):
    seller.sent()
    found = seller.rma()
    seller.receive(found, 1, tracking="SF 77")
    said = refused("parcel_twice", seller.receive, found, 1, tracking="sf77")
    assert "wu" in str(said)
    assert found.lines.get().received_quantity == 1
    assert ReturnReceipt.objects.count() == 1


def test_a_second_count_of_all_of_it_is_refused(seller):
    seller.sent()
    found = seller.rma()
    seller.receive(found)
    refused("all_here", seller.receive, found)


def test_missing_pieces_may_come_in_a_second_parcel(seller):
    seller.sent()
    found = seller.rma()
    assert told(seller.receive(found, 1, tracking="A")) == [("under", "MUG", "1", "2")]
    assert list(receiving.missing(Return.objects.all())) == [found]
    assert told(seller.receive(found, 1, tracking="B")) == []
    assert list(receiving.missing(Return.objects.all())) == []


def test_more_than_announced_is_taken_as_far_as_it_was_sent(seller):
    seller.sent()
    found = seller.rma(units="1")
    assert told(seller.receive(found, 2)) == [("over", "MUG", "2", "1")]
    seller.sent(2)
    other = seller.rma(2, units="1")
    refused("too_many", seller.receive, other, 3)
    assert other.lines.get().received_quantity == 0


def test_wrong_goods_wait_beside_the_return(seller):
    seller.sent()
    found = seller.rma()
    wrong = [Wrong(seller.skus["CUP"].pk, "CUP", Decimal(1))]
    receipt = seller.receive(found, 0, wrong=wrong)
    assert told(receipt) == [("under", "MUG", "0", "2"), ("wrong", "CUP", "1", "0")]
    stray = StrayParcel.objects.get()
    assert (stray.rma, stray.goods, stray.state) == (found, [[seller.skus["CUP"].pk, "CUP", "1"]], "waiting")


def test_nothing_counted_is_nothing_received(seller):
    seller.sent()
    found = seller.rma()
    refused("nothing_counted", seller.receive, found, 0)
    found.refresh_from_db()
    assert found.state == "approved"


def test_a_clerk_of_another_warehouse_is_refused(seller):
    seller.sent()
    found = seller.rma()
    refused("other_warehouse", seller.receive, found, warehouses=frozenset({999}))
    assert not ReturnReceipt.objects.exists()


def test_a_line_of_another_return_is_none_of_this_one(seller):
    seller.sent(1)
    seller.sent(2)
    found, other = seller.rma(1), seller.rma(2)
    foreign = {other.lines.get().pk: Decimal(1)}
    refused("unknown_line", receiving.receive, return_id=found.pk, counts=foreign, actor=WU, key="x")


def test_a_cancelled_return_is_not_received(seller):
    seller.sent()
    found = seller.rma()
    deciding.cancel(return_id=found.pk, actor=ANN, reason="keeps it")
    refused("state", seller.receive, found)


def test_half_a_bundle_does_not_come_back(seller):
    from tests.inventory import factories as stock

    stock.bundle((seller.skus["MUG"], 1), (seller.skus["CUP"], 2), code="SET")
    seller.sent(1, line("SET", 2))
    refused("part_of_bundle", seller.rma, units="1.5")
    found = seller.rma()
    refused("part_of_bundle", seller.receive, found, "0.5")


@pytest.mark.parametrize("text", ["{rma}", " {lower} ", "SF-77 88", "sf-7788", "#1001"])
def test_a_return_is_found_by_what_is_on_the_parcel(seller, text):
    seller.sent()
    found = seller.rma()
    deciding.on_its_way(return_id=found.pk, actor=ANN, tracking="SF-7788")
    seller.sent(2)
    seller.rma(2)
    text = text.format(rma=found.number, lower=found.number.lower())
    assert list(receiving.find_returns(Return.objects.all(), text, buyers=False)) == [found]


def test_buyers_are_looked_up_only_for_who_may_see_them(seller):
    seller.sent()
    found = seller.rma()
    everything = Return.objects.all()
    assert list(receiving.find_returns(everything, "ana müller", buyers=True)) == [found]
    assert list(receiving.find_returns(everything, "ana müller", buyers=False)) == []
    assert receiving.find_orders(Order.objects.all(), "ana", buyers=False) == []
    assert receiving.find_orders(Order.objects.all(), "ana", buyers=True) == [seller.order(1)]


@pytest.mark.parametrize("text", ["", "R", "R9", "R99999999999999999999", "R１２", "\0", "%", "R10000"])
def test_nonsense_finds_nothing(seller, text):
    seller.sent()
    seller.rma()
    assert list(receiving.find_returns(Return.objects.all(), text.replace("\0", ""), buyers=True)) == []


def test_a_parcel_nobody_announced_opens_and_receives_in_one_step(seller):
    seller.sent()
    order = receiving.find_orders(Order.objects.all(), "SF1", buyers=False)[0]
    row = seller.lines(1)[0]
    for _ in range(2):
        found = receiving.receive_blind(
            order_id=order.pk, counts={row.pk: Decimal(1)}, actor=WU, key="b", warehouse_id=seller.place.pk
        )
    assert (found.state, found.source, found.lines.get().received_quantity) == ("received", "blind", 1)
    assert Return.objects.count() == 1


def test_an_unknown_parcel_waits_once_and_is_matched_later(seller):
    stray = strays.put_aside(warehouse_id=seller.place.pk, actor=WU, key="s", tracking="YT 1", note="no letter")
    assert strays.put_aside(warehouse_id=seller.place.pk, actor=WU, key="s") == stray
    said = refused("stray_known", strays.put_aside, warehouse_id=seller.place.pk, actor=WU, key="t", tracking="yt1")
    assert "wu" in str(said)
    seller.sent()
    found = seller.rma()
    strays.match(stray_id=stray.pk, return_id=found.pk, actor=ANN)
    stray.refresh_from_db()
    assert (stray.state, stray.rma) == ("matched", found)
    refused("stray_settled", strays.match, stray_id=stray.pk, return_id=found.pk, actor=WU)


def test_goods_nobody_knows_are_booked_apart_at_no_value(seller):
    stray = strays.put_aside(warehouse_id=seller.place.pk, actor=WU, key="s")
    refused("stray_goods", strays.book_apart, stray_id=stray.pk, goods=[], actor=WU)
    refused("unknown_sku", strays.book_apart, stray_id=stray.pk, goods=[("NOPE", Decimal(1))], actor=WU)
    strays.book_apart(stray_id=stray.pk, goods=[("MUG", Decimal(2)), ("MUG", Decimal(1))], actor=WU)
    apart = Balance.objects.get(warehouse__code__endswith="-Q")
    assert (apart.on_hand, apart.value) == (3, 0)
    assert seller.buckets("MUG") == (10, 0, 0)
    assert broken() == []
