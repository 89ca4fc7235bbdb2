"""The plan of promises as a pure function: whatever waits and whatever comes, no piece is promised twice."""

import datetime as dt
from collections import Counter
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.arrivals import Incoming
from orders.desk import promise
from orders.desk.promise import Short

START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
DAY = dt.date(2026, 12, 1)
SKUS, PLACES = (1, 2), (10, 20)


def short(order_id, missing, **fields) -> Short:
    values = {"line_id": order_id * 10, "sku_id": 1, "placed_at": START + dt.timedelta(hours=order_id), **fields}
    return Short(order_id=order_id, missing={at: Decimal(n) for at, n in missing.items()}, **values)


def coming(pk, quantity, days=0, sku=1, place=10) -> Incoming:
    return Incoming(pk, sku, place, Decimal(quantity), DAY + dt.timedelta(days=days))


@st.composite
def shorts(draw):
    rows = []
    for order_id in range(1, draw(st.integers(1, 8)) + 1):
        common = {
            "placed_at": START + dt.timedelta(hours=draw(st.integers(0, 5))),
            "value": Decimal(draw(st.integers(0, 3))), "priority": draw(st.integers(0, 2)),
        }  # fmt: skip
        for n in range(draw(st.integers(1, 2))):
            places = draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=2, unique=True))
            missing = {at: draw(st.integers(1, 4)) for at in places}
            sku = draw(st.sampled_from(SKUS))
            rows.append(short(order_id, missing, line_id=order_id * 10 + n, sku_id=sku, **common))
    return rows


arrivals = st.lists(
    st.builds(
        lambda quantity, days, sku, place: (quantity, days, sku, place),
        st.integers(1, 6), st.integers(0, 5), st.sampled_from(SKUS), st.sampled_from(PLACES),
    ),
    max_size=6,
).map(lambda rows: [coming(pk, *row) for pk, row in enumerate(rows, 1)])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(shorts(), arrivals, st.sampled_from(promise.RULES))
def test_what_is_promised_never_exceeds_what_comes(rows, on_their_way, rule):
    days = promise.plan(rows, on_their_way, rule)
    assert set(days) == {row.order_id for row in rows}
    supply, wanted = Counter(), Counter()
    for one in on_their_way:
        supply[one.sku_id] += one.quantity
    for row in rows:
        if days[row.order_id] is not None:
            wanted[row.sku_id] += min(row.missing.values())
    assert all(wanted[sku] <= supply[sku] for sku in wanted)


@settings(max_examples=60, deadline=None)
@given(shorts(), arrivals, st.sampled_from(promise.RULES))
def test_by_every_day_no_more_is_promised_than_has_come(rows, on_their_way, rule):
    days = promise.plan(rows, on_their_way, rule)
    for day in {day for day in days.values() if day is not None}:
        for sku in SKUS:
            promised = sum(
                min(row.missing.values())
                for row in rows
                if row.sku_id == sku and days[row.order_id] is not None and days[row.order_id] <= day
            )
            assert promised <= sum(one.quantity for one in on_their_way if one.sku_id == sku and one.expected_on <= day)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=8), arrivals, st.sampled_from(promise.RULES))
def test_of_two_alike_the_one_served_first_is_never_promised_later(sizes, on_their_way, rule):
    rows = [short(n, {10: size}, value=Decimal(size), priority=size) for n, size in enumerate(sizes, 1)]
    days = promise.plan(rows, on_their_way, rule)
    served = sorted(rows, key=promise.first_of(rule))
    for place, first in enumerate(served):
        for second in served[place + 1 :]:
            if second.missing == first.missing and days[second.order_id] is not None:
                assert days[first.order_id] is not None
                assert days[first.order_id] <= days[second.order_id]


@settings(max_examples=40, deadline=None)
@given(shorts(), arrivals, st.sampled_from(promise.RULES))
def test_the_order_in_which_it_is_told_does_not_matter(rows, on_their_way, rule):
    told_otherwise = promise.plan(rows[::-1], on_their_way[::-1], rule)
    assert promise.plan(rows, on_their_way, rule) == told_otherwise


def test_an_order_that_cannot_be_completed_leaves_the_pieces_to_the_next():
    days = promise.plan([short(1, {10: 5}), short(2, {10: 3})], [coming(1, 4)], promise.ORDERED)
    assert days == {1: None, 2: DAY}


def test_an_order_of_two_lines_gives_back_what_its_first_line_took():
    rows = [short(1, {10: 2}), short(1, {10: 1}, line_id=11, sku_id=2), short(2, {10: 2})]
    assert promise.plan(rows, [coming(1, 2)], promise.ORDERED) == {1: None, 2: DAY}


def test_it_is_completed_where_that_happens_first_and_in_one_place():
    rows = [short(1, {10: 4, 20: 2})]
    found = promise.plan(rows, [coming(1, 3), coming(2, 1, days=6), coming(3, 2, days=3, place=20)], promise.ORDERED)
    assert found == {1: DAY + dt.timedelta(days=3)}


def test_parts_of_one_line_come_together_in_one_place():
    rows = [short(1, {10: 1, 20: 1}), short(1, {10: 1, 20: 1}, sku_id=2)]
    apart = [coming(1, 1, sku=1, place=10), coming(2, 1, sku=2, place=20)]
    assert promise.plan(rows, apart, promise.ORDERED) == {1: None}
    together = [*apart, coming(3, 1, days=2, sku=2, place=10)]
    assert promise.plan(rows, together, promise.ORDERED) == {1: DAY + dt.timedelta(days=2)}


# --- lines -----------------------------------------------------------------------------------------------------------


def taken(found, line_id):
    return [(one.arrival_id, int(one.quantity), one.expected_on) for one in found.lines.get(line_id, ())]


@settings(max_examples=60, deadline=None)
@given(shorts(), arrivals, st.sampled_from(promise.RULES))
def test_no_piece_of_a_delivery_is_promised_to_two_lines(rows, on_their_way, rule):
    found = promise.plan_lines(rows, on_their_way, rule)
    supply = {one.arrival_id: one.quantity for one in on_their_way}
    given_out = Counter()
    for parts in found.lines.values():
        for one in parts:
            assert one.quantity > 0
            given_out[one.arrival_id] += one.quantity
    assert all(quantity <= supply[pk] for pk, quantity in given_out.items())


@settings(max_examples=60, deadline=None)
@given(shorts(), arrivals, st.sampled_from(promise.RULES))
def test_the_order_is_promised_for_its_latest_line_or_not_at_all(rows, on_their_way, rule):
    found = promise.plan_lines(rows, on_their_way, rule)
    for order_id, day in found.days.items():
        lines = {row.line_id for row in rows if row.order_id == order_id}
        days = [max(one.expected_on for one in found.lines[line]) for line in lines if line in found.lines]
        assert day == (max(days) if len(days) == len(lines) else None)


def test_each_line_is_told_its_delivery():
    rows = [short(1, {10: 3}), short(1, {10: 1}, line_id=11, sku_id=2)]
    found = promise.plan_lines(rows, [coming(1, 2), coming(2, 5, days=4), coming(3, 1, days=2, sku=2)], promise.ORDERED)
    assert taken(found, 10) == [(1, 2, DAY), (2, 1, DAY + dt.timedelta(days=4))]
    assert taken(found, 11) == [(3, 1, DAY + dt.timedelta(days=2))]
    assert found.days == {1: DAY + dt.timedelta(days=4)}


def test_a_line_of_an_order_that_is_not_completed_gets_what_nobody_else_could_leave_with():
    rows = [short(1, {10: 2}), short(1, {10: 1}, line_id=11, sku_id=2), short(2, {10: 2})]
    found = promise.plan_lines(rows, [coming(1, 2), coming(2, 2, days=3)], promise.ORDERED)
    assert found.days == {1: None, 2: DAY}
    assert taken(found, 10) == [(2, 2, DAY + dt.timedelta(days=3))]
    assert taken(found, 11) == []
