"""Demand, reservations and goods leaving: all shortages named, bundles together, orders whole, repeats harmless."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice import clock
from inventory import reservations
from inventory.errors import KeyReused, NotReserved
from inventory.models import Balance, Reservation, StockChange, StockEntry
from inventory.reservations import PutBack
from tests.inventory.factories import buckets, bundle, shop, sku, stock, want, want_bundle, warehouse

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def a():
    return sku("A")


@pytest.fixture
def near():
    return warehouse("NEAR")


@pytest.fixture
def far():
    return warehouse("FAR")


# --- demand ----------------------------------------------------------------------------------------------------------


def test_demand_stands_where_the_stock_is_and_the_rest_on_the_first(a, near, far):
    stock(a, near, 2)
    stock(a, far, 3)
    reservations.book_demand(wants=[want("l:1", a, 7, near, far, whole=False)])
    assert (buckets(a, near), buckets(a, far)) == ((2, 4, 0), (3, 3, 0))


def test_a_whole_line_is_placed_where_all_of_it_lies(a, near, far):
    stock(a, near, 2)
    stock(a, far, 5)
    reservations.book_demand(wants=[want("l:1", a, 3, near, far)])
    assert (buckets(a, near), buckets(a, far)) == ((2, 0, 0), (5, 3, 0))


def test_wants_of_one_page_see_each_other(a, near, far):
    stock(a, near, 3)
    stock(a, far, 3)
    reservations.book_demand(wants=[want(f"l:{i}", a, 2, near, far) for i in range(3)])
    assert (buckets(a, near)[1], buckets(a, far)[1]) == (3, 3)  # the third fits nowhere whole


def test_demand_without_any_stock_stands_on_the_first_warehouse(a, near, far):
    reservations.book_demand(wants=[want("l:1", a, 2, near, far)])
    assert (buckets(a, near), buckets(a, far)) == ((0, 2, 0), (0, 0, 0))


def test_demand_is_booked_once_per_reference(a, near):
    for quantity in (2, 2, 5):
        reservations.book_demand(wants=[want("l:1", a, quantity, near)])
    assert buckets(a, near) == (0, 2, 0)
    assert StockEntry.objects.count() == 1


def test_a_want_without_warehouses_books_nothing_and_is_short(a):
    lonely = want("l:1", a, 2)
    reservations.book_demand(wants=[lonely])
    result = reservations.reserve(wants=[lonely])
    assert not Reservation.objects.exists()
    assert [(one.wanted, one.available, one.warehouses) for one in result.shortages] == [(2, 0, ())]


@pytest.mark.parametrize(("quantity", "demand"), [(5, 5), (9, 9), (1, 1), (0, 0)])
def test_demand_is_brought_to_the_new_quantity(a, near, far, quantity, demand):
    stock(a, far, 3)
    reservations.book_demand(wants=[want("l:1", a, 5, near, far, whole=False)])
    for _twice in range(2):
        reservations.change_demand(wants=[want("l:1", a, quantity, near, far, whole=False)])
    assert buckets(a, near)[1] + buckets(a, far)[1] == demand


def test_a_cut_takes_demand_first_and_then_what_is_reserved(a, near):
    stock(a, near, 3)
    reservations.reserve(wants=[want("l:1", a, 3, near)])
    reservations.change_demand(wants=[want("l:1", a, 5, near)])
    assert buckets(a, near) == (3, 2, 3)
    reservations.change_demand(wants=[want("l:1", a, 4, near)])
    assert buckets(a, near) == (3, 1, 3)
    reservations.change_demand(wants=[want("l:1", a, 1, near)])
    assert buckets(a, near) == (3, 0, 1)


def test_a_released_line_can_come_back_by_its_absolute_quantity(a, near):
    reservations.book_demand(wants=[want("l:1", a, 2, near)])
    reservations.release(references=["l:1"])
    reservations.book_demand(wants=[want("l:1", a, 2, near)])  # a late repeat
    assert buckets(a, near) == (0, 0, 0)
    reservations.change_demand(wants=[want("l:1", a, 2, near)])
    assert buckets(a, near) == (0, 2, 0)


def test_demand_expires_at_its_time_and_not_before(a, near):
    now = dt.datetime(2026, 11, 11, tzinfo=dt.UTC)
    due = {"l:1": now, "l:2": now + dt.timedelta(seconds=1)}
    reservations.book_demand(wants=[want(f"l:{i}", a, 1, near) for i in (1, 2, 3)], expires_at=due)
    assert reservations.expire_demand(now) == ["l:1"]
    assert reservations.expire_demand(now) == []
    assert buckets(a, near) == (0, 2, 0)


def test_paid_demand_does_not_expire(a, near):
    now = clock.now()
    reservations.book_demand(wants=[want("l:1", a, 1, near)], expires_at=now)
    assert reservations.set_expiry(references=["l:1"], expires_at=None) == 1
    assert reservations.expire_demand(now) == []


# --- reserving -------------------------------------------------------------------------------------------------------


def test_demand_turns_into_a_reservation(a, near):
    stock(a, near, 3)
    reservations.book_demand(wants=[want("l:1", a, 2, near)])
    result = reservations.reserve(wants=[want("l:1", a, 2, near)])
    assert result.reserved == {"l:1": [(a.pk, near.pk, D(2))]}
    assert not result.shortages
    assert buckets(a, near) == (3, 0, 2)


def test_reserving_elsewhere_takes_the_demand_along(a, near, far):
    reservations.book_demand(wants=[want("l:1", a, 2, near, far)])
    stock(a, far, 2)
    reservations.reserve(wants=[want("l:1", a, 2, near, far)])
    assert (buckets(a, near), buckets(a, far)) == ((0, 0, 0), (2, 0, 2))


def test_demand_in_a_warehouse_the_shop_no_longer_uses_is_taken_along(a, near, far):
    reservations.book_demand(wants=[want("l:1", a, 2, near)])
    stock(a, far, 2)
    reservations.reserve(wants=[want("l:1", a, 2, far)])
    assert (buckets(a, near), buckets(a, far)) == ((0, 0, 0), (2, 0, 2))


def test_all_shortages_are_named_and_their_demand_stays(a, near):
    b, c = sku("B"), sku("C")
    stock(a, near, 1)
    stock(b, near, 1)
    wants = [want(f"l:{item.code}", item, 2, near, group="o:1") for item in (a, b, c)]
    reservations.book_demand(wants=wants)
    result = reservations.reserve(wants=wants)
    assert [(one.reference, one.sku_id, one.wanted, one.available) for one in result.shortages] == [
        ("l:A", a.pk, 2, 1),
        ("l:B", b.pk, 2, 1),
        ("l:C", c.pk, 2, 0),
    ]
    assert [buckets(item, near) for item in (a, b, c)] == [(1, 2, 0), (1, 2, 0), (0, 2, 0)]


def test_an_order_is_reserved_whole_or_not_at_all_and_the_next_one_goes_on(a, near):
    b = sku("B")
    stock(a, near, 3)
    first = [want("1:a", a, 2, near, group="o:1"), want("1:b", b, 1, near, group="o:1")]
    second = [want("2:a", a, 3, near, group="o:2")]
    result = reservations.reserve(wants=[*first, *second])
    assert result.reserved == {"1:a": [], "1:b": [], "2:a": [(a.pk, near.pk, D(3))]}
    assert [one.reference for one in result.shortages] == ["1:b"]


def test_partial_reserves_each_line_that_can_be(a, near):
    b = sku("B")
    stock(a, near, 2)
    wants = [want("1:a", a, 2, near, group="o:1"), want("1:b", b, 1, near, group="o:1")]
    result = reservations.reserve(wants=wants, partial=True)
    assert result.reserved == {"1:a": [(a.pk, near.pk, D(2))], "1:b": []}


def test_partial_takes_what_there_is_of_a_line_that_may_be_spread(a, near, far):
    stock(a, near, 1)
    stock(a, far, 1)
    result = reservations.reserve(wants=[want("l:1", a, 3, near, far, whole=False)], partial=True)
    assert result.reserved == {"l:1": [(a.pk, near.pk, D(1)), (a.pk, far.pk, D(1))]}
    assert [(one.wanted, one.available) for one in result.shortages] == [(3, 2)]


def test_a_whole_line_comes_from_the_first_warehouse_that_has_all_of_it(a, near, far):
    stock(a, near, 2)
    stock(a, far, 3)
    whole, spread = want("l:1", a, 3, near, far), want("l:2", a, 2, near, far, whole=False)
    assert reservations.reserve(wants=[whole]).reserved == {"l:1": [(a.pk, far.pk, D(3))]}
    assert reservations.reserve(wants=[spread]).reserved == {"l:2": [(a.pk, near.pk, D(2))]}


def test_others_demand_does_not_stop_a_reservation(a, near):
    stock(a, near, 2)
    reservations.book_demand(wants=[want("l:held", a, 2, near)])
    assert not reservations.reserve(wants=[want("l:2", a, 2, near)]).shortages
    assert buckets(a, near) == (2, 2, 2)


def test_reserving_again_changes_nothing(a, near):
    stock(a, near, 5)
    for _twice in range(2):
        result = reservations.reserve(wants=[want("l:1", a, 2, near)])
        assert result.reserved == {"l:1": [(a.pk, near.pk, D(2))]}
    assert buckets(a, near) == (5, 0, 2)
    assert StockChange.objects.count() == 2


def test_only_what_is_missing_is_reserved_later(a, near):
    stock(a, near, 2)
    line = want("l:1", a, 3, near, whole=False)
    reservations.reserve(wants=[line], partial=True)
    stock(a, near, 5)
    assert reservations.reserve(wants=[line]).reserved == {"l:1": [(a.pk, near.pk, D(3))]}
    assert buckets(a, near) == (7, 0, 3)


@pytest.mark.parametrize(
    "wants",
    [
        lambda a, w: [want("l", a, 1, w), want("l", a, 1, w)],
        lambda a, w: [want("", a, 1, w)],
        lambda a, w: [want("x" * 121, a, 1, w)],
        lambda a, w: [want("l", a, -1, w)],
        lambda a, w: [want("l", a, "1.5", w, parts=((a.pk, D(1)),))],
        lambda a, w: [want("l", a, 1, w, parts=())],
    ],
)
def test_senseless_wants_are_bugs_of_the_caller(a, near, wants):
    stock(a, near, 5)
    with pytest.raises(ValueError):
        reservations.reserve(wants=wants(a, near))
    assert buckets(a, near) == (5, 0, 0)


# --- bundles ---------------------------------------------------------------------------------------------------------


def test_the_parts_of_a_bundle_are_reserved_together_in_one_warehouse(a, near, far):
    b = sku("B")
    pair = bundle((a, 2), (b, 1))
    stock(a, near, 9)
    stock(a, far, 4)
    stock(b, far, 2)
    result = reservations.reserve(wants=[want_bundle("l:1", pair, 2, near, far)])
    assert sorted(result.reserved["l:1"]) == sorted([(a.pk, far.pk, D(4)), (b.pk, far.pk, D(2))])
    assert (buckets(a, near), buckets(a, far), buckets(b, far)) == ((9, 0, 0), (4, 0, 4), (2, 0, 2))


def test_every_short_part_of_a_bundle_is_named(a, near):
    b, c = sku("B"), sku("C")
    stock(a, near, 1)
    stock(b, near, 5)
    result = reservations.reserve(wants=[want_bundle("l:1", bundle((a, 2), (b, 1), (c, 3)), 1, near)])
    assert [(one.sku_id, one.wanted, one.available) for one in result.shortages] == [(a.pk, 2, 1), (c.pk, 3, 0)]
    assert buckets(b, near) == (5, 0, 0)


def test_parts_that_never_meet_in_one_warehouse_are_a_shortage_of_the_bundle(a, near, far):
    b = sku("B")
    pair = bundle((a, 1), (b, 1))
    stock(a, near, 1)
    stock(b, far, 1)
    shortages = reservations.reserve(wants=[want_bundle("l:1", pair, 1, near, far)]).shortages
    assert [(one.sku_id, one.wanted, one.available) for one in shortages] == [(pair.pk, 1, 0)]


def test_bundles_may_be_spread_but_each_stays_together(a, near, far):
    b = sku("B")
    pair = bundle((a, 1), (b, 1))
    for place, of_a, of_b in ((near, 3, 1), (far, 1, 2)):
        stock(a, place, of_a)
        stock(b, place, of_b)
    reservations.reserve(wants=[want_bundle("l:1", pair, 2, near, far, whole=False)])
    held = [[buckets(item, place)[2] for item in (a, b)] for place in (near, far)]
    assert held == [[1, 1], [1, 1]]


def test_a_bundle_and_a_single_compete_for_the_same_part(a, near):
    stock(a, near, 3)
    wants = [want_bundle("l:1", bundle((a, 2)), 1, near), want("l:2", a, 2, near)]
    result = reservations.reserve(wants=wants)
    assert [(one.reference, one.available) for one in result.shortages] == [("l:2", 1)]
    assert buckets(a, near) == (3, 0, 2)


def test_the_composition_frozen_by_the_caller_counts_not_todays(a, near):
    stock(a, near, 9)
    pair = bundle((a, 2))
    frozen = want_bundle("l:1", pair, 1, near)
    pair.parts.update(quantity=5)
    reservations.reserve(wants=[frozen])
    assert buckets(a, near) == (9, 0, 2)


def test_cutting_a_bundle_cuts_all_its_parts(a, near):
    b = sku("B")
    pair = bundle((a, 2), (b, 1))
    reservations.book_demand(wants=[want_bundle("l:1", pair, 3, near)])
    reservations.change_demand(wants=[want_bundle("l:1", pair, 1, near)])
    assert (buckets(a, near), buckets(b, near)) == ((0, 2, 0), (0, 1, 0))


# --- giving back, taking out -----------------------------------------------------------------------------------------


def test_release_gives_back_demand_and_reservations(a, near):
    stock(a, near, 2)
    reservations.reserve(wants=[want("l:1", a, 2, near)])
    reservations.change_demand(wants=[want("l:1", a, 3, near)])
    held = reservations.release(references=["l:1", "l:1", "nobody"])
    assert sorted((one.bucket, one.quantity) for one in held) == [(2, 1), (3, 2)]
    assert buckets(a, near) == (2, 0, 0)
    assert reservations.release(references=["l:1"]) == []


def test_an_undone_approval_is_demand_again(a, near):
    stock(a, near, 2)
    reservations.reserve(wants=[want("l:1", a, 2, near)])
    reservations.unreserve(references=["l:1"])
    assert buckets(a, near) == (2, 2, 0)
    reservations.reserve(wants=[want("l:1", a, 2, near)])
    assert buckets(a, near) == (2, 0, 2)


def test_goods_leave_at_the_average_and_once_per_shipment(a, near):
    stock(a, near, 2, "1.5")
    stock(a, near, 2, "2.5")
    reservations.reserve(wants=[want("l:1", a, 3, near)])
    items = [("l:1", a.pk, near.pk, D(2))]
    first = reservations.consume(items=items, document="s:1")
    again = reservations.consume(items=items, document="s:1")
    assert [(one.reference, one.quantity, one.cost_value) for one in first] == [("l:1", 2, 4)]
    assert again == first
    assert buckets(a, near) == (2, 0, 1)
    assert Balance.objects.get().value == 4


def test_a_shipment_that_says_something_else_the_second_time_is_refused(a, near):
    stock(a, near, 3)
    reservations.reserve(wants=[want("l:1", a, 3, near)])
    reservations.consume(items=[("l:1", a.pk, near.pk, D(1))], document="s:1")
    with pytest.raises(KeyReused):
        reservations.consume(items=[("l:1", a.pk, near.pk, D(2))], document="s:1")
    assert buckets(a, near) == (2, 0, 2)


def test_only_what_is_reserved_may_leave_and_all_that_is_not_is_named(a, near):
    b = sku("B")
    stock(a, near, 3)
    reservations.reserve(wants=[want("l:1", a, 1, near)])
    items = [("l:1", a.pk, near.pk, D(2)), ("l:2", b.pk, near.pk, D(1))]
    with pytest.raises(NotReserved) as refused:
        reservations.consume(items=items, document="s:1")
    assert [(reference, one.available) for reference, one in refused.value.shorts] == [("l:1", 1), ("l:2", 0)]
    assert buckets(a, near) == (3, 0, 1)


def test_the_same_goods_named_twice_in_one_shipment_are_summed(a, near):
    stock(a, near, 3)
    reservations.reserve(wants=[want("l:1", a, 3, near)])
    gone = reservations.consume(items=[("l:1", a.pk, near.pk, D(1)), ("l:1", a.pk, near.pk, D(2))], document="s:1")
    assert [one.quantity for one in gone] == [3]
    assert buckets(a, near) == (0, 0, 0)


def test_returned_goods_come_back_at_the_cost_given_and_once(a, near):
    stock(a, near, 1, "2")
    item = PutBack(reference="l:1", sku_id=a.pk, warehouse_id=near.pk, quantity=D(2), value=D("5"))
    for _twice in range(2):
        reservations.put_back(items=[item], document="refund:1")
    assert (buckets(a, near), Balance.objects.get().value) == ((3, 0, 0), 7)


def test_reserve_one_is_the_same_as_reserve_for_one(a, near):
    stock(a, near, 3)
    line = want("l:1", a, 2, near)
    first, again = reservations.reserve_one(want=line), reservations.reserve_one(want=line)
    assert first == again
    assert first.reserved == {"l:1": [(a.pk, near.pk, D(2))]}
    short = reservations.reserve_one(want=want("l:2", a, 2, near))
    assert [(one.wanted, one.available) for one in short.shortages] == [(2, 1)]


@pytest.mark.parametrize("lines", [1, 30])
def test_a_page_of_any_size_costs_the_same_statements(near, lines, one_consumer, django_assert_num_queries):
    items = [sku() for _ in range(lines)]
    for item in items:
        stock(item, near, 5)
    wants = [want(f"l:{item.pk}", item, 1, near) for item in items]
    with django_assert_num_queries(
        9
    ):  # savepoint, lock, rows, reservations, balances, entries, news, deliveries, release
        reservations.book_demand(wants=wants)
    with django_assert_num_queries(11):  # … rows looked up first, the demand rows brought down
        reservations.reserve(wants=wants)
    with django_assert_num_queries(10):  # … keys looked up, no new rows
        reservations.consume(items=[(w.reference, w.sku_id, near.pk, D(1)) for w in wants], document="s:1")


def test_every_balance_equals_its_entries_and_its_reservations(a, near, far):
    b = sku("B")
    pair = bundle((a, 1), (b, 2))
    shop(near, far)
    for item in (a, b):
        stock(item, near, 10, "1.1")
    reservations.book_demand(wants=[want_bundle("l:1", pair, 4, near, far), want("l:2", a, 8, near, far)])
    reservations.reserve(wants=[want_bundle("l:1", pair, 4, near, far), want("l:2", a, 8, near, far)])
    reservations.consume(items=[("l:1", a.pk, near.pk, D(1)), ("l:1", b.pk, near.pk, D(2))], document="s:1")
    reservations.release(references=["l:2"])
    from tests.inventory.invariants import broken

    assert broken() == []
