"""What is proposed: want first, then low shelves, never more than is free, and once."""

from decimal import Decimal

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from inventory import reservations
from inventory.models import Transfer, TransferLine
from inventory.transfers import proposing, reasons
from inventory.transfers.proposing import Level, propose
from tests.inventory.factories import shop, sku, stock, want, warehouse

D = Decimal
amounts = st.integers(0, 30).map(D) | st.sampled_from([D("0.5"), D("2.375")])


def level(place, free, **fields):
    return Level(sku_id=1, warehouse_id=place, free=D(free), **{name: D(value) for name, value in fields.items()})


def told(levels):
    return [(one.origin_id, one.destination_id, one.quantity, one.for_orders) for one in propose(levels)]


def test_waiting_orders_are_served_from_the_fullest():
    assert told([level(1, -5), level(2, 3), level(3, 9)]) == [(3, 1, 5, 5)]


def test_what_one_cannot_give_the_next_one_gives():
    assert told([level(1, -10), level(2, 3), level(3, 4)]) == [(3, 1, 4, 4), (2, 1, 3, 3)]


def test_a_low_shelf_is_filled_only_from_above_the_others_mark():
    assert told([level(1, 2, mark=5), level(2, 7, mark=5)]) == [(2, 1, 2, 0)]
    assert told([level(1, 2, mark=5), level(2, 5, mark=5)]) == []


def test_orders_may_take_the_origin_below_its_mark():
    assert told([level(1, -4), level(2, 5, mark=5)]) == [(2, 1, 4, 4)]


def test_what_is_coming_and_promised_counts():
    assert told([level(1, -5, coming=3), level(2, 9, promised=8)]) == [(2, 1, 1, 1)]
    assert told([level(1, -5, coming=5), level(2, 9)]) == []


@given(st.lists(st.tuples(amounts, amounts, st.none() | amounts, amounts, amounts), min_size=1, max_size=6))
def test_never_more_than_is_free_and_never_more_than_is_wanted(rows):
    levels = [
        Level(sku_id=1, warehouse_id=at, free=up - down, mark=mark, coming=coming, promised=promised)
        for at, (up, down, mark, coming, promised) in enumerate(rows)
    ]
    given_, got = {}, {}
    for one in propose(levels):
        assert one.quantity > 0
        assert one.origin_id != one.destination_id
        given_[one.origin_id] = given_.get(one.origin_id, 0) + one.quantity
        got[one.destination_id] = got.get(one.destination_id, 0) + one.quantity
    for one in levels:
        assert given_.get(one.warehouse_id, 0) <= max(one.free - one.promised, 0)
        if one.warehouse_id in got:
            assert got[one.warehouse_id] <= max(-one.free, 0) + (one.mark or 0) + one.promised


@pytest.fixture
def lacking(db):
    """Six ordered in W1 where one lies; ten in W2, of which two are reserved."""
    item, first, second = sku("TEA", low_stock=D(1)), warehouse("W1"), warehouse("W2")
    stock(item, first, 1)
    stock(item, second, 10)
    shop(first, second)
    reservations.book_demand(wants=[want("l:1", item, 6, first)])
    reservations.book_demand(wants=[want("l:2", item, 2, second)])
    reservations.reserve(wants=[want("l:2", item, 2, second)])
    return item, first, second


def test_one_click_makes_the_draft_and_the_second_finds_it_planned(lacking, owner):
    item, first, second = lacking
    (one,) = propose(proposing.read(owner))
    assert (one.origin_id, one.destination_id, one.quantity, one.for_orders) == (second.pk, first.pk, 6, 5)
    (made,) = proposing.make_drafts(chosen=[one.choice], user=owner)
    line = made.lines.get()
    assert (made.state, made.proposed, line.sku, line.quantity) == ("draft", True, item, 6)
    assert reasons.of_line(line) == "Orders wait for 5 in W1, and 1 fill the shelf; 8 are free in W2."
    with translation.override("zh-hans"):  # whoever made it, it is told in the reader's language
        assert reasons.of_line(line) == "W1 有订单等 5 件，另补货架 1 件；W2 可用 8 件。"
    assert reasons.told("as the file says", origin="W1", destination="W2") == "as the file says"
    assert proposing.make_drafts(chosen=[one.choice], user=owner) == []
    assert (propose(proposing.read(owner)), TransferLine.objects.count()) == ([], 1)


def test_warehouses_nobody_sees_neither_give_nor_get(lacking, people):
    from inventory.models import Access

    Access.objects.create(user=people["buyer"]).warehouses.add(lacking[1])
    assert propose(proposing.read(people["buyer"])) == []
    lacking[2].read_only = True
    lacking[2].save()
    assert propose(proposing.read(None)) == []
    assert Transfer.objects.count() == 0
