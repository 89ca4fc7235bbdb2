"""Gifts take stock and cost, sell nothing, and are no matter of the platform's."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from finance.models import PostingRequest
from inventory.models import Reservation
from orders.contracts import OrderStatus
from orders.desk import actions, gifts
from orders.errors import OrderError
from orders.fulfil import shipping
from orders.models import Gift, OrderLine, Shipment
from tests.inventory import factories as stock
from tests.inventory.invariants import broken
from tests.orders.factories import Seller, at, later, line, order, parcel

pytestmark = pytest.mark.django_db
WHO = "user:1 li"


@pytest.fixture
def seller():
    return Seller(MUG=10, PEN=5)


def give(seller, *numbers, code="PEN", quantity="1", **more):
    ids = [seller.order(n).pk for n in numbers]
    sku_id = seller.skus[code].pk
    return gifts.add(order_ids=ids, sku_id=sku_id, quantity=Decimal(quantity), actor=WHO, **more)


def ship(seller, number=1, **more):
    return shipping.ship(
        order_id=seller.order(number).pk, parcels=[shipping.Parcel(**more)], actor=WHO, idempotency_key=f"k{number}"
    )


def test_a_gift_is_a_line_at_no_price_that_takes_stock(seller):
    seller.take(order(1, line("MUG", 2)))
    (told,) = give(seller, 1, quantity="2", reason="a regular")
    assert (told.ok, told.code) == (True, "gift")
    gift = OrderLine.objects.get(own=True)
    assert (gift.quantity, gift.total, gift.unit_price) == (2, 0, 0)
    assert seller.buckets("PEN") == (5, 0, 2)
    assert (seller.order(1).total, seller.order(1).state) == (20, "approved")
    assert (gift.gift.reason, gift.gift.added_by) == ("a regular", WHO)


def test_its_cost_is_booked_with_the_parcel_and_nothing_is_sold_for_it(seller):
    seller.take(order(1, line("MUG", 2)))
    give(seller, 1)
    ship(seller)
    sale = PostingRequest.objects.get().frozen["facts"]
    assert [(one["sku"], one["net"], one["cost"]) for one in sale["lines"]] == [("MUG", "20", "8"), ("PEN", "0", "4")]
    assert PostingRequest.objects.get().total == 20
    assert broken() == []


def test_the_platforms_next_versions_do_not_take_it_away(seller):
    first = order(1, line("MUG", 2))
    seller.take(first)
    give(seller, 1)
    seller.take(later(first, lines=(line("MUG", 1, ordered_quantity=Decimal(2)),)))
    seller.take(later(first, 20, lines=(line("MUG", 1, ordered_quantity=Decimal(2)), line("MUG", 1, 2))))
    gift = OrderLine.objects.get(own=True)
    assert (gift.quantity, seller.buckets("PEN")) == (1, (5, 0, 1))
    actions.accept_edit(order_ids=[seller.order(1).pk], actor=WHO)
    assert OrderLine.objects.get(own=True).quantity == 1
    assert seller.order(1).state == "approved"


def test_it_goes_back_to_stock_when_the_order_is_cancelled_there_or_cut_to_nothing(seller):
    first, second = order(1, line("MUG")), order(2, line("MUG"))
    seller.take(first, second)
    give(seller, 1, 2)
    seller.take(later(first, status=OrderStatus.CANCELLED), later(second, lines=()))
    assert [seller.order(n).state for n in (1, 2)] == ["cancelled", "cancelled"]
    assert seller.buckets("PEN") == (5, 0, 0)
    assert not Reservation.objects.filter(quantity__gt=0).exists()


def test_one_of_a_kind_unless_it_is_meant(seller):
    seller.take(order(1, line("MUG")))
    give(seller, 1)
    assert [one.code for one in give(seller, 1)] == ["gift_there"]
    assert seller.buckets("PEN") == (5, 0, 1)
    assert give(seller, 1, force=True)[0].ok
    assert seller.buckets("PEN") == (5, 0, 2)


def test_the_database_keeps_a_second_one_out(seller):
    seller.take(order(1, line("MUG")))
    give(seller, 1)
    gift = Gift.objects.get()
    other = seller.lines(1)[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        Gift.objects.create(order=gift.order, line=other, sku=gift.sku, added_at=at(), added_by=WHO)


def test_what_is_not_there_is_not_given(seller):
    seller.take(order(1, line("MUG")), order(2, line("MUG")))
    assert give(seller, 1, quantity="4")[0].ok
    (told,) = give(seller, 2, quantity="2")
    assert (told.code, OrderLine.objects.filter(own=True).count()) == ("gift_short", 1)
    assert "only 1 of PEN" in told.message
    assert seller.order(2).state == "approved"


def test_it_comes_from_where_the_goods_of_the_order_lie():
    seller = Seller(warehouses=2, MUG=3)
    seller.add("PEN", 5, seller.places[1])
    seller.take(order(1, line("MUG")))
    assert give(seller, 1)[0].code == "gift_short"
    stock.stock(seller.skus["PEN"], seller.place, 1, "4")
    assert give(seller, 1)[0].ok
    assert seller.buckets("PEN") == (1, 0, 1)


def test_a_held_order_books_it_and_reserves_it_on_approval(seller):
    seller.take(order(1, line("MUG"), buyer_note="urgent"))
    give(seller, 1)
    assert seller.buckets("PEN") == (5, 1, 0)
    actions.approve(order_ids=[seller.order(1).pk], actor=WHO)
    assert seller.buckets("PEN") == (5, 0, 1)


def test_shipped_and_cancelled_orders_get_none(seller):
    seller.take(order(1, line("MUG")), order(2, line("MUG"), status=OrderStatus.CANCELLED))
    ship(seller)
    assert [one.code for one in give(seller, 1, 2)] == ["wrong_state", "wrong_state"]


@pytest.mark.parametrize("quantity", ["0", "-1", "0.5", "NaN", "Infinity", "1001"])
def test_a_quantity_that_makes_no_sense_is_refused(seller, quantity):
    seller.take(order(1, line("MUG")))
    with pytest.raises(OrderError) as refused:
        give(seller, 1, quantity=quantity)
    assert (refused.value.code, Gift.objects.count()) == ("gift_quantity", 0)


def test_a_bundle_is_given_by_its_parts(seller):
    seller.skus["SET"] = stock.bundle((seller.skus["PEN"], 2), code="SET")
    seller.take(order(1, line("MUG")))
    assert give(seller, 1, code="SET")[0].ok
    assert seller.buckets("PEN") == (5, 0, 2)
    assert give(seller, 1, code="SET", quantity="2", force=True)[0].code == "gift_short"


def test_it_is_taken_out_again_before_it_leaves(seller):
    seller.take(order(1, line("MUG")))
    give(seller, 1)
    gift = Gift.objects.get()
    gifts.remove(order_id=seller.order(1).pk, gift_id=gift.pk, actor=WHO)
    assert (seller.buckets("PEN"), seller.order(1).state) == ((5, 0, 0), "approved")
    with pytest.raises(OrderError) as refused:
        gifts.remove(order_id=seller.order(1).pk, gift_id=gift.pk, actor="user:2 wu")
    assert "li" in str(refused.value)
    assert give(seller, 1)[0].ok


def test_a_gift_that_was_forgotten_can_be_given_up(seller):
    seller.take(order(1, line("MUG")))
    give(seller, 1)
    ship(seller, lines={seller.lines(1)[0].pk: Decimal(1)})
    assert seller.order(1).state == "partly_shipped"
    gifts.remove(order_id=seller.order(1).pk, gift_id=Gift.objects.get().pk, actor=WHO)
    assert (seller.order(1).state, seller.buckets("PEN")) == ("shipped", (5, 0, 0))


def test_what_has_left_stays(seller):
    seller.take(order(1, line("MUG")))
    give(seller, 1)
    ship(seller)
    with pytest.raises(OrderError) as refused:
        gifts.remove(order_id=seller.order(1).pk, gift_id=Gift.objects.get().pk, actor=WHO)
    assert refused.value.code == "gift_shipped"


def test_our_parcel_is_known_again_by_its_contents_without_the_gift(seller):
    first = order(1, line("MUG", 2))
    seller.take(first)
    give(seller, 1)
    ship(seller)
    seller.take(later(first, fulfilments=(parcel(1, ("1", "2")),)))
    assert [(one.source, one.external_id) for one in Shipment.objects.all()] == [("desk", "f1")]


def test_a_parcel_sent_over_there_has_no_gift_in_it(seller):
    first = order(1, line("MUG", 2))
    seller.take(first)
    give(seller, 1)
    seller.take(later(first, fulfilments=(parcel(1),)))
    assert (seller.order(1).state, seller.buckets("PEN")) == ("partly_shipped", (5, 0, 1))


def test_a_gift_does_not_change_what_counts_as_ordered_twice(seller):
    seller.take(order(1, line("MUG"), buyer_note="urgent"))
    key = seller.order(1).duplicate_key
    give(seller, 1)
    actions.release_hold(order_ids=[seller.order(1).pk], actor=WHO)
    assert seller.order(1).duplicate_key == key


def test_many_orders_cost_no_more_questions_than_two(seller):
    stock.stock(seller.skus["PEN"], seller.place, 100, "4")
    stock.stock(seller.skus["MUG"], seller.place, 100, "4")
    seller.take(*(order(n, line("MUG")) for n in range(1, 31)))
    give(seller, 30)  # what is read once a process has been read

    def asked(*numbers):
        with CaptureQueriesContext(connection) as seen:
            assert all(one.ok for one in give(seller, *numbers))
        return len(seen) - len(numbers)  # the test itself looks each order up

    assert asked(1, 2) == asked(*range(3, 30))
    assert seller.buckets("PEN") == (105, 0, 30)
    assert broken() == []


def test_what_is_there_is_given_out_in_turn_each_from_where_its_goods_lie():
    seller = Seller(warehouses=2, MUG=1, PEN=2)
    seller.add("CUP", 5, seller.places[1])
    seller.add("PEN", 1, seller.places[1])
    seller.take(order(1, line("CUP")), order(2, line("CUP")), order(3, line("MUG")), order(4, line("MUG"), minutes=1))
    told = give(seller, 1, 2, 3, 4)
    assert [(one.ok, one.code) for one in told] == [
        (True, "gift"), (False, "gift_short"), (True, "gift"), (True, "gift"),
    ]  # fmt: skip
    assert (seller.buckets("PEN"), seller.buckets("PEN", seller.places[1])) == ((2, 1, 1), (1, 0, 1))
    assert Gift.objects.count() == 3
    assert broken() == []
