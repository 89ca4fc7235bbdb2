"""The plan is a pure function: what it promises for any stock, orders and policy, and what each criterion does."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.fulfil.routing import geography
from orders.fulfil.routing.facts import (
    Criterion,
    PlaceRule,
    Policy,
    RateStep,
    RouteLine,
    RouteOrder,
    SendList,
    Site,
    Tariff,
)
from orders.fulfil.routing.filling import fits, units_at
from orders.fulfil.routing.planning import CRITERIA, permitted, plan_page
from orders.fulfil.routing.tariffs import Prices, ladder

SITES = {
    1: geography.site(1, "CN", "广东省", None, None),
    2: geography.site(2, "FR", "", 45.76, 4.84),
    3: geography.site(3, "US", "CA", 34.05, -118.24),
    4: Site(4),
}
SKUS = (11, 12, 13)
COUNTRIES = ("CN", "FR", "US", "GB")

lines = st.builds(
    lambda units, goods, weight: (units, tuple(sorted(goods.items())), weight),
    st.integers(1, 4),
    st.dictionaries(st.sampled_from(SKUS), st.integers(1, 2), min_size=1, max_size=2),
    st.integers(0, 900),
)
places = st.sampled_from([PlaceRule(one) for one in (*COUNTRIES, "*")] + [PlaceRule("FR", "", "69")])
lists = st.builds(SendList, st.sampled_from([None, 1, 2, 3]), st.booleans(), st.tuples(places))
policies = st.builds(
    lambda by, steps, priority, listed, split: Policy(
        criteria=tuple(Criterion(one, Decimal(step)) for one, step in zip(by, steps, strict=False)),
        priority=tuple(priority), lists=tuple(listed), split_lines=split,
    ),
    st.permutations(CRITERIA).flatmap(lambda row: st.integers(0, 5).map(lambda count: row[:count])),
    st.lists(st.sampled_from(["0", "0.5", "100"]), min_size=5, max_size=5),
    st.permutations(list(SITES)).map(lambda row: row[:2]),
    st.lists(lists, max_size=2),
    st.booleans(),
)  # fmt: skip
tables = st.lists(
    st.builds(
        lambda pk, sites, rate, base: Tariff(
            pk, frozenset(sites), rate, ((PlaceRule("*"), (RateStep(0, base, 0, Decimal(2), 0),)),)
        ),
        st.integers(1, 9), st.sets(st.sampled_from(list(SITES))), st.sampled_from([None, Decimal(1), Decimal("7.1")]),
        st.decimals(0, 50, places=2),
    ),
    max_size=3,
)  # fmt: skip
stocks = st.dictionaries(
    st.tuples(st.sampled_from(SKUS), st.sampled_from(list(SITES))), st.integers(1, 6).map(lambda n: n * 1000),
    min_size=4,
)  # fmt: skip


@st.composite
def pages(draw):
    """Orders with lines of their own, one policy each."""
    orders, number = [], 0
    for pk in range(1, draw(st.integers(2, 5)) + 1):
        made = []
        for units, goods, weight in draw(st.lists(lines, min_size=1, max_size=3)):
            number += 1
            bundle = len(goods) > 1 or goods[0][1] > 1
            made.append(RouteLine(number, units * 1000, tuple((s, per * 1000) for s, per in goods), bundle, weight))
        to = geography.destination(draw(st.sampled_from(COUNTRIES)), "", draw(st.sampled_from(["", "69001"])))
        sites = tuple(draw(st.lists(st.sampled_from(list(SITES)), unique=True, min_size=2)))
        wish = draw(st.sampled_from([None, None, 1, 2]))
        orders.append(RouteOrder(pk, to, tuple(made), sites, draw(policies), wish))
    return orders


def taken(orders, plans):
    """Pieces planned by SKU and warehouse."""
    goods = {line.id: line for order in orders for line in order.lines}
    found = {}
    for plan in plans:
        for parcel in plan.parcels:
            for line_id, units in parcel.items:
                for sku, per in goods[line_id].goods:
                    found[sku, parcel.site] = found.get((sku, parcel.site), 0) + units * per // 1000
    return found


@settings(max_examples=60, deadline=None)
@given(pages(), stocks, tables, st.booleans())
def test_a_page_never_plans_stock_that_is_not_there_and_plans_the_same_again(orders, stock, tariffs, partial):
    plans = plan_page(orders, sites=SITES, stock=stock, prices=Prices(tariffs), partial=partial)
    for pair, pieces in taken(orders, plans).items():
        assert pieces <= stock.get(pair, 0)
    assert plans == plan_page(orders, sites=SITES, stock=dict(stock), prices=Prices(tariffs), partial=partial)


@settings(max_examples=60, deadline=None)
@given(pages(), stocks, tables, st.booleans())
def test_every_line_is_planned_as_often_as_wanted_or_named_missing(orders, stock, tariffs, partial):
    plans = plan_page(orders, sites=SITES, stock=stock, prices=Prices(tariffs), partial=partial)
    for order, plan in zip(orders, plans, strict=True):
        planned = {line.id: 0 for line in order.lines}
        for parcel in plan.parcels:
            for line_id, units in parcel.items:
                assert units > 0
                planned[line_id] += units
        missing = dict(plan.missing)
        assert bool(missing) is not plan.complete
        for line in order.lines:
            whole = planned[line.id] + missing.get(line.id, 0) == line.units
            assert whole or (plan.missing and not partial and not plan.parcels)


@settings(max_examples=60, deadline=None)
@given(pages(), stocks, tables, st.booleans())
def test_no_parcel_ever_leaves_a_warehouse_that_the_lists_forbid(orders, stock, tariffs, partial):
    plans = plan_page(orders, sites=SITES, stock=stock, prices=Prices(tariffs), partial=partial)
    for order, plan in zip(orders, plans, strict=True):
        for site in (*plan.sites, *plan.ranked):
            assert site in order.sites
            for one in order.policy.lists:
                if one.site in (None, site):
                    assert any(geography.within(order.to, rule) for rule in one.places) is one.only


@settings(max_examples=60, deadline=None)
@given(pages(), stocks, tables)
def test_no_line_that_could_be_filled_is_left(orders, stock, tariffs):
    left = dict(stock)
    for order in orders:
        plan = plan_page([order], sites=SITES, stock=left, prices=Prices(tariffs), partial=True)[0]
        for pair, pieces in taken([order], [plan]).items():
            left[pair] -= pieces
        goods = {line.id: line for line in order.lines}
        for line_id, units in plan.missing:
            rest = RouteLine(line_id, units, goods[line_id].goods, goods[line_id].bundle)
            for site in order.sites:
                if permitted(order.policy, site, order):
                    assert not fits(rest, site, lambda pair: left.get(pair, 0))
                    assert not order.policy.split_lines or not units_at(rest, site, lambda pair: left.get(pair, 0))


def _possible(lines, sites, left):
    """Whether there is any way to give each line to one warehouse: tried out."""
    if not lines:
        return True
    for site in sites:
        if all(left.get((sku, site), 0) * 1000 >= lines[0].units * per for sku, per in lines[0].goods):
            rest = dict(left)
            for sku, per in lines[0].goods:
                rest[sku, site] -= lines[0].units * per // 1000
            if _possible(lines[1:], sites, rest):
                return True
    return False


@settings(max_examples=60, deadline=None)
@given(pages(), stocks, tables)
def test_an_order_that_can_be_sent_whole_is_planned_whole(orders, stock, tariffs):
    order = orders[0]
    plan = plan_page([order], sites=SITES, stock=stock, prices=Prices(tariffs))[0]
    allowed = [site for site in order.sites if permitted(order.policy, site, order)]
    if _possible(order.lines, allowed, stock):
        assert plan.complete
    elif not order.policy.split_lines:
        assert not plan.parcels


@settings(max_examples=40, deadline=None)
@given(pages(), stocks)
def test_the_parts_of_one_bundle_leave_one_warehouse(orders, stock):
    plans = plan_page(orders, sites=SITES, stock=stock, partial=True)
    goods = {line.id: line for order in orders for line in order.lines}
    for plan in plans:
        for parcel in plan.parcels:
            for line_id, units in parcel.items:
                assert not goods[line_id].bundle or units % 1000 == 0


# --- criteria --------------------------------------------------------------------------------------------------------


def one(*lines, country="FR", sites=(1, 2, 3), wish=None, **policy):
    to = geography.destination(country, "", "69001")
    made = tuple(RouteLine(n, units * 1000, ((sku, 1000),), False, 500) for n, (sku, units) in enumerate(lines, 1))
    criteria = tuple(Criterion(by) if isinstance(by, str) else Criterion(*by) for by in policy.pop("by", ["complete"]))
    return RouteOrder(1, to, made, sites, Policy(criteria=criteria, **policy), wish)


def plan_of(order, stock, prices=None):
    return plan_page([order], sites=SITES, stock={pair: n * 1000 for pair, n in stock.items()}, prices=prices)[0]


def test_the_nearest_by_coordinates_wins_and_the_others_are_told_their_way():
    plan = plan_of(one((11, 1), by=["nearest"]), {(11, 1): 1, (11, 2): 1, (11, 3): 1})
    assert plan.sites == (2,)
    assert [(x.sites, x.code) for x in plan.alternatives] == [((3,), "nearest"), ((1,), "nearest")]
    assert int(plan.alternatives[0].mine) > 8_500 > int(plan.alternatives[0].chosen)


def test_everything_from_one_warehouse_goes_before_the_nearer_two():
    stock = {(11, 2): 1, (12, 3): 1, (11, 1): 1, (12, 1): 1}
    assert plan_of(one((11, 1), (12, 1), by=["complete", "nearest"]), stock).sites == (1,)
    two = plan_of(one((11, 1), (12, 1), by=["priority"], priority=(2, 3, 1)), stock)
    assert (two.sites, two.complete) == ((2, 3), True)


def test_figures_within_a_step_are_alike_and_the_next_criterion_decides():
    stock = {(11, 1): 1, (11, 2): 1}
    order = one((11, 1), by=[("nearest", Decimal(20_000)), "priority"], priority=(1, 2))
    assert plan_of(order, stock).sites == (1,)


def test_what_has_no_price_comes_after_what_has_one():
    dear = Tariff(7, frozenset({3}), Decimal(7), ((PlaceRule("FR"), (RateStep(0, Decimal(90)),)),))
    plan = plan_of(one((11, 1), by=["cheapest"]), {(11, 2): 1, (11, 3): 1}, Prices([dear]))
    assert (plan.sites, plan.cost) == ((3,), Decimal("630.00"))
    assert (plan.alternatives[0].code, plan.alternatives[0].cost) == ("cheapest", None)


def test_a_wish_wins_only_with_the_goods():
    stock = {(11, 2): 1, (11, 3): 1}
    assert plan_of(one((11, 1), by=["nearest"], wish=3), stock).sites == (3,)
    assert plan_of(one((11, 1), by=["nearest"], wish=1), stock).sites == (2,)


def test_what_lacks_goods_and_what_is_forbidden_is_told():
    order = one((11, 2), lists=(SendList(3, True, (PlaceRule("US"),)),))
    plan = plan_of(order, {(11, 1): 1, (11, 2): 2, (11, 3): 9})
    assert [(x.sites, x.code, x.missing) for x in plan.alternatives] == [
        ((1,), "lacks", ((1, 2000),)),
        ((3,), "not_allowed", ()),
    ]


def test_a_line_is_spread_only_when_nobody_has_all_of_it():
    stock = {(11, 1): 3, (11, 2): 2}
    assert not plan_of(one((11, 5)), stock).complete
    plan = plan_of(one((11, 5), split_lines=True, by=["nearest"]), stock)
    assert [(x.site, x.items) for x in plan.parcels] == [(2, ((1, 2000),)), (1, ((1, 3000),))]
    assert plan_of(one((11, 3), split_lines=True, by=["nearest"]), stock).sites == (1,)


def test_lines_of_the_same_goods_are_tried_in_other_ways():
    stock = {(11, 1): 3, (11, 2): 2}
    plan = plan_of(one((11, 2), (11, 3), by=["priority"], priority=(1, 2)), stock)
    assert plan.complete
    assert sorted((x.site, x.items) for x in plan.parcels) == [(1, ((2, 3000),)), (2, ((1, 2000),))]


def test_an_order_gives_up_what_it_holds_only_for_itself():
    order = one((11, 2), by=["nearest"])
    mine = RouteOrder(**{**{n: getattr(order, n) for n in order.__slots__}, "own": {(11, 1): 2000}})
    other = RouteOrder(**{**{n: getattr(order, n) for n in order.__slots__}, "id": 2})
    plans = plan_page([mine, other], sites=SITES, stock={(11, 2): 2000})
    assert [plan.sites for plan in plans] == [(2,), ()]


# --- places and prices -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "names"),
    [
        ("CN", ["广东省", "广东", "Guangdong", " guangdong province", "GD"]),
        ("CN", ["新疆维吾尔自治区", "Xinjiang", "XJ"]),
        ("US", ["California", "CA", "california"]),
        ("US", ["New York", "NY", "new-york"]),
    ],
)
def test_a_region_is_the_same_under_all_its_names(country, names):
    assert len({geography.region_key(country, name) for name in names}) == 1


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("us", PlaceRule("US")),
        ("CN-广东省", PlaceRule("CN", "GD")),
        ("FR:2a 0", PlaceRule("FR", "", "2A0")),
        ("*", PlaceRule("*")),
        ("*:1", None),
        ("France", None),
        ("", None),
        ("U", None),
    ],
)
def test_places_are_read_as_people_write_them(text, rule):
    assert geography.place_rule(text) == rule


def test_the_distance_falls_back_on_region_and_country():
    to = geography.destination("ZZ", "North")
    assert geography.kilometres(geography.site(1, "ZZ", "north", None, None), to) == geography.SAME_REGION
    assert geography.kilometres(geography.site(1, "ZZ", "", None, None), to) == geography.SAME_COUNTRY
    assert geography.kilometres(geography.site(1, "", "", None, None), to) == geography.ABROAD
    lyon, paris = geography.site(1, "FR", "", 45.76, 4.84), geography.destination("FR", point=(48.86, 2.35))
    assert 385 <= geography.kilometres(lyon, paris) <= 400


def test_the_narrowest_zone_and_its_step_give_the_price():
    steps = ladder([
        RateStep(0, Decimal(20), 1000, Decimal(5), 1000),
        RateStep(500, Decimal(3)),
        RateStep(2000, Decimal(6), 1000, Decimal("1.5"), 500),
    ])  # fmt: skip
    zones = ((PlaceRule("*"), (RateStep(0, Decimal(99)),)), (PlaceRule("FR"), steps),
             (PlaceRule("FR", "", "20"), (RateStep(1000, Decimal(30)),)))  # fmt: skip
    prices = Prices([Tariff(1, frozenset(), Decimal(1), zones)])

    def price(grams, postcode="69001", country="FR"):
        found = prices.of(1, geography.destination(country, "", postcode), grams)
        return None if found is None else str(found[0])

    assert [price(g) for g in (0, 500, 501, 1000, 1001, 2000, 2001)] == [
        "3.00", "3.00", "6.00", "6.00", "6.75", "7.50", "30.00",
    ]  # fmt: skip
    assert (price(900, "20000"), price(1001, "20000"), price(1, country="GB")) == ("30.00", None, "99.00")
