"""One order planned as several parcels, and what becomes of the plan when the order changes."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice import clock
from inventory.models import Reservation
from orders.desk import merging, splitting
from orders.errors import OrderError
from orders.fulfil import planned, shipping
from orders.models import OrderPart
from tests.inventory import factories as stock
from tests.orders.factories import Seller, at, later, line, order

pytestmark = pytest.mark.django_db
WHO = "user:1 li"


@pytest.fixture
def seller():
    return Seller(MUG=10, CUP=10, PEN=10)


def split(seller, by, number=1, **more):
    return splitting.split(order_ids=[seller.order(number).pk], by=by, actor=WHO, **more)[0]


def plan(seller, number=1):
    """What each parcel still has to send: code → units."""
    return [
        {line_.sku_code: int(units) for line_, units in lines} for _part, lines in planned.plan_of(seller.order(number))
    ]


def parts(seller):
    return list(OrderPart.objects.filter(order=seller.order(1)))


def send(seller, part, key="k"):
    return splitting.ship_part(
        order_id=seller.order(1).pk, part_id=part.pk, carrier="SF", tracking="1", actor=WHO, idempotency_key=key
    )


def test_chosen_lines_go_later_with_dates_of_their_own(seller):
    seller.take(order(1, line("MUG", 3), line("CUP", 1, 2)))
    mug, _cup = seller.lines(1)
    told = split(seller, {mug.pk: Decimal(2)}, ship_after=at(60), ship_by=at(600))
    assert (told.ok, plan(seller)) == (True, [{"MUG": 1, "CUP": 1}, {"MUG": 2}])
    assert [(one.ship_after, one.ship_by) for one in parts(seller)] == [(None, None), (at(60), at(600))]


@pytest.mark.parametrize("chosen", [{}, {0: "4"}, {0: "3", 1: "1"}, {0: "-1"}, {0: "NaN"}, {9: "1"}])
def test_a_choice_that_makes_no_sense_is_refused(seller, chosen):
    seller.take(order(1, line("MUG", 3), line("CUP", 1, 2)))
    ids = [one.pk for one in seller.lines(1)]
    told = split(seller, {(ids[place] if place < 2 else 0): Decimal(units) for place, units in chosen.items()})
    assert (told.code, OrderPart.objects.count()) == ("split_lines", 0)


def test_by_warehouse_each_place_packs_what_it_holds():
    seller = Seller(warehouses=2, MUG=3)
    seller.add("CUP", 3, seller.places[1])
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2)))
    assert split(seller, "warehouse").ok
    assert plan(seller) == [{"MUG": 2}, {"CUP": 1}]
    assert [one.warehouse_id for one in parts(seller)] == [one.pk for one in seller.places]


def test_in_one_place_there_is_nothing_to_split(seller):
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2)))
    assert split(seller, "warehouse").code == "one_parcel"


def test_by_kind_of_goods(seller):
    for code, category in (("MUG", "kitchen"), ("CUP", "kitchen"), ("PEN", "office")):
        product = seller.skus[code].product
        product.category = category
        product.save()
    seller.take(order(1, line("MUG"), line("PEN", 1, 2), line("CUP", 1, 3)))
    assert split(seller, "line_class").ok
    assert plan(seller) == [{"MUG": 1, "CUP": 1}, {"PEN": 1}]
    assert [one.name for one in parts(seller)] == ["kitchen", "office"]


def test_by_stock_what_is_there_is_approved_and_the_rest_waits(seller):
    seller.take(order(1, line("MUG", 2), line("CUP", 12, 2)))
    assert seller.order(1).hold_code == "short_stock"
    assert split(seller, "stock", ship_by=at(600)).ok
    assert seller.order(1).state == "approved"
    first, rest = parts(seller)
    assert plan(seller) == [{"MUG": 2, "CUP": 10}, {"CUP": 2}]
    assert [(one.waiting, one.ship_by) for one in (first, rest)] == [(False, None), (True, at(600))]


def test_by_stock_with_nothing_there_says_so(seller):
    seller.take(order(1, line("NONE", 1)), order(2, line("MUG", 11)))
    told = split(seller, "stock", 1)
    assert (told.code, OrderPart.objects.count()) == ("unmatched", 0)


def test_each_parcel_leaves_by_itself_and_the_last_one_ends_the_order(seller):
    seller.take(order(1, line("MUG", 3), line("CUP", 1, 2)))
    split(seller, {seller.lines(1)[0].pk: Decimal(2)})
    first, last = parts(seller)
    made = send(seller, first)
    assert (plan(seller), seller.order(1).state) == ([{}, {"MUG": 2}], "partly_shipped")
    assert send(seller, first).pk == made.pk
    with pytest.raises(OrderError) as refused:
        send(seller, first, "other")
    assert refused.value.code == "part_sent"
    send(seller, last, "k2")
    assert (seller.order(1).state, seller.buckets("MUG")) == ("shipped", (7, 0, 0))


def test_not_before_its_day(seller):
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2)))
    later_day = clock.now() + dt.timedelta(days=3)
    split(seller, {seller.lines(1)[1].pk: Decimal(1)}, ship_after=later_day)
    with pytest.raises(OrderError) as refused:
        send(seller, parts(seller)[1])
    assert refused.value.code == "part_too_early"
    splitting.set_dates(
        order_id=seller.order(1).pk, part_id=parts(seller)[1].pk, ship_after=None, ship_by=later_day, actor=WHO
    )
    assert send(seller, parts(seller)[1]).number == 1


def test_dates_the_wrong_way_round_are_refused(seller):
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2)))
    with pytest.raises(OrderError) as refused:
        split(seller, "line_class", ship_after=at(60), ship_by=at(0))
    assert refused.value.code == "part_dates"


def test_what_the_platform_cuts_comes_off_the_last_parcels(seller):
    first = order(1, line("MUG", 3), line("CUP", 1, 2))
    seller.take(first)
    split(seller, {seller.lines(1)[0].pk: Decimal(2)})
    seller.take(later(first, lines=(line("MUG", 2, ordered_quantity=Decimal(3)), line("CUP", 1, 2))))
    assert plan(seller) == [{"MUG": 1, "CUP": 1}, {"MUG": 1}]
    seller.take(later(first, 20, lines=(line("MUG", 0, ordered_quantity=Decimal(3)), line("CUP", 1, 2))))
    assert plan(seller) == [{"CUP": 1}, {}]
    with pytest.raises(OrderError) as refused:
        send(seller, parts(seller)[1])
    assert refused.value.code == "part_empty"


def test_a_plan_is_undone_until_all_of_it_has_left(seller):
    seller.take(order(1, line("MUG", 3), line("CUP", 1, 2)))
    before = list(Reservation.objects.order_by("pk").values_list("reference", "quantity"))
    split(seller, {seller.lines(1)[0].pk: Decimal(2)})
    assert split(seller, "line_class").code == "split_already"
    splitting.undo(order_id=seller.order(1).pk, actor=WHO)
    assert (plan(seller), list(Reservation.objects.order_by("pk").values_list("reference", "quantity"))) == ([], before)
    with pytest.raises(OrderError):
        splitting.undo(order_id=seller.order(1).pk, actor=WHO)


def test_a_parcel_taken_back_is_to_be_sent_again(seller):
    seller.take(order(1, line("MUG", 3), line("CUP", 1, 2)))
    split(seller, {seller.lines(1)[0].pk: Decimal(2)})
    made = send(seller, parts(seller)[1])
    shipping.void(shipment_id=made.pk, actor=WHO)
    assert plan(seller) == [{"MUG": 1, "CUP": 1}, {"MUG": 2}]
    assert send(seller, parts(seller)[1], "again").number == 2


def test_what_goes_with_others_is_not_split_and_what_is_split_goes_with_no_other(seller):
    fields = {"buyer": order(1).buyer}
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2), **fields), order(2, line("CUP"), **fields))
    ids = [seller.order(n).pk for n in (1, 2)]
    merging.merge(order_ids=ids, actor=WHO)
    assert split(seller, {seller.lines(1)[0].pk: Decimal(1)}).code == "merge_there"
    merging.unmerge(order_ids=ids[:1], actor=WHO)
    assert split(seller, {seller.lines(1)[0].pk: Decimal(1)}).ok
    assert merging.merge(order_ids=ids, actor=WHO)[0].code == "merge_parts"


def test_many_orders_at_once_each_say_what_became_of_them(seller):
    seller.take(order(1, line("MUG", 2)), order(2, line("MUG", 1), buyer_note="urgent"))
    told = splitting.split(order_ids=[seller.order(n).pk for n in (1, 2)] + [999], by="line_class", actor=WHO)
    assert [one.code for one in told] == ["one_parcel", "one_parcel", "not_found"]


def test_a_planned_parcel_with_a_bundle_of_parts(seller):
    stock.bundle((seller.skus["PEN"], 2), code="SET")
    seller.take(order(1, line("SET", 2), line("MUG", 1, 2)))
    assert split(seller, {seller.lines(1)[0].pk: Decimal(1)}).ok
    send(seller, parts(seller)[1])
    assert seller.buckets("PEN") == (8, 0, 2)
