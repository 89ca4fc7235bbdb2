"""The month in review: exact counts by cause, shop and product, what it cost, and what changed."""

import datetime as dt
from decimal import Decimal

import pytest

from orders.desk import actions
from orders.fulfil import shipping
from orders.late import compensations, plays, review, review_paper, trend
from orders.models import LateWeek, PenaltyEntry
from tests.orders.factories import Seller, at, line, order, refund
from tests.orders.late.build import HOUR, LI, cause, ids, play_of, preset, rates, short_seller

pytestmark = pytest.mark.django_db
NOVEMBER, DECEMBER = dt.date(2026, 11, 1), dt.date(2026, 12, 1)


def figures(line) -> tuple:
    return line.name, line.orders, line.late, line.oversold


def ship(seller, number, moment=None):
    shipping.ship(
        order_id=seller.order(number).pk, parcels=[shipping.Parcel()], actor="x", idempotency_key=f"s{number}",
        shipped_at=moment,
    )  # fmt: skip


@pytest.fixture
def seller(watch):
    """Four mugs sold, two there: the first left in time, the second late, two wait and are late."""
    made = short_seller(2, 10, 20, 30, 40)
    ship(made, 1, at(30))
    ship(made, 2, at(600))
    watch.on(12 * HOUR)
    return made


def test_orders_late_and_oversold_by_shop_and_product(seller):
    other = Seller(CUP=9)
    other.take(order(1, line("CUP"), ship_by=at(9000)))
    found = review.of(NOVEMBER)
    assert figures(found.total) == ("", 5, 3, 2)
    assert [figures(one) for one in found.shops] == [(seller.shop.name, 4, 3, 2)]
    assert [figures(one) for one in found.products] == [("MUG", 4, 3, 2)]
    assert (found.total.share, found.complete) == (60.0, False)
    assert figures(review.of(NOVEMBER, shops=frozenset({other.shop.pk})).total) == ("", 1, 0, 0)


def test_causes_come_from_plays_and_their_orders_and_the_rest_has_none(seller):
    play = play_of(seller)
    plays.set_cause(play_id=play.pk, cause=cause(), actor=LI)
    plays.set_cause(play_id=play.pk, cause=cause("carrier"), actor=LI, order_ids=ids(seller, 4))
    found = review.of(NOVEMBER)
    told = {one.name: one.late for one in found.causes}
    assert told == {"Supplier late": 1, "Carrier": 1, "": 1}


def test_what_it_cost_in_base_currency(seller, people):
    play = play_of(seller)
    plays.set_cause(play_id=play.pk, cause=cause(), actor=LI)
    play.refresh_from_db()
    boss = people["owner"]
    compensations.give(user=boss, actor=LI, preset=preset(), order_ids=ids(seller, 3), play=play)
    compensations.give(
        user=boss, actor=LI, preset=preset("refund", amount=0, percent=50), order_ids=ids(seller, 4), play=play
    )
    PenaltyEntry.objects.create(
        shop=seller.shop, amount=Decimal("33.5"), happened_on=dt.date(2026, 11, 21), cause=cause("carrier"),
        created_by="x",
    )  # fmt: skip
    found = review.of(NOVEMBER)
    assert (found.total.compensations, found.total.penalties, found.total.cost) == (
        165,
        Decimal("33.5"),
        Decimal("198.5"),
    )
    assert {one.name: one.cost for one in found.causes} == {
        "Supplier late": 165, "Carrier": Decimal("33.5"), "": 0,
    }  # fmt: skip
    assert [(one.name, one.compensations) for one in found.products] == [("MUG", 165)]


def test_refunds_of_late_orders_count_unless_they_were_offered(watch, people):
    rates()
    seller = Seller(MUG=0)
    paid_back = [order(n, line("MUG", 2), ship_by=at(30), refunds=(refund(n, "5"),)) for n in (1, 2, 3)]
    seller.take(*paid_back)
    watch.on(HOUR)
    compensations.give(
        user=people["owner"],
        actor=LI,
        preset=preset("refund", amount=8),
        order_ids=ids(seller, 1),
        play=play_of(seller),
    )
    actions.cancel(order_ids=ids(seller, 3), actor=LI, reason="x")
    found = review.of(NOVEMBER)
    assert (found.total.late, found.total.refunds, found.total.compensations) == (2, 40, 8)


def test_beside_the_month_before_and_what_is_gone_stands_with_zeros(seller, watch):
    plays.set_cause(play_id=play_of(seller).pk, cause=cause(), actor=LI)
    watch.on(20 * 24 * HOUR)
    found = review.of(DECEMBER)
    assert (found.total.late, found.total.late_before, found.before.late) == (0, 3, 3)
    assert [(one.name, one.late, one.late_before) for one in found.causes] == [("Supplier late", 0, 2), ("", 0, 1)]
    assert [one.more for one in found.changes] == [-3, -2, -1]
    assert review.months(many=3) == [DECEMBER, NOVEMBER, dt.date(2026, 10, 1)]
    assert review.of(NOVEMBER).complete
    table = list(review.table(found, {"total": "T", "cause": "C", "shop": "S", "product": "P", "none": "?"}))
    assert [row[:4] for row in table[:3]] == [("T", "T", None, 0), ("C", "Supplier late", None, 0), ("C", "?", None, 0)]


def test_a_month_is_answered_in_a_constant_number_of_questions(seller, django_assert_max_num_queries):
    with django_assert_max_num_queries(45):
        review.of(NOVEMBER)


def test_weeks_are_counted_into_rows_and_again_without_doubling(seller, watch):
    assert trend.count() == 1
    assert trend.count() == 1
    assert list(LateWeek.objects.values_list("monday", "orders", "late")) == [(dt.date(2026, 11, 16), 4, 3)]
    (week,) = trend.weeks(None)
    assert (week.orders, week.late, week.share) == (4, 3, 75.0)
    assert trend.weeks(frozenset()) == []
    watch.on(60 * 24 * HOUR)
    assert trend.weeks(None) == []


def test_on_paper_stand_the_figures_of_the_page(seller, people):
    rates()
    found = review.of(NOVEMBER)
    said = [text for _page, text in review_paper.drawn(found).said]
    assert said[0] == "Lateness in 2026-11"
    assert "The month is not over: the figures still grow." in said
    assert said.index("By cause") < said.index("By shop") < said.index("By product")
    row = said[said.index("All") :][:5]
    assert row == ["All", "4", "3", "75.0", "2"]
    assert seller.shop.name in said
    assert "cause not recorded" in said


def test_a_long_month_goes_on_over_pages_with_their_numbers(db):
    lines = [review.Line(f"S{n}", 3, 1) for n in range(80)]
    none = review.Line("", 3, 1)
    month = review.Review(NOVEMBER, none, none, [], [], lines, complete=True)
    sheet = review_paper.drawn(month)
    assert sheet.pages > 2
    names = [text for _page, text in sheet.said if text.startswith("S")]
    assert names == [f"S{n}" for n in range(80)]
    assert (sheet.pages, f"Lateness in 2026-11 · {sheet.pages}") in sheet.said
