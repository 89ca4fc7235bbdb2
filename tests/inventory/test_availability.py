"""What a shop may show: the formula, bundles, policies, several warehouses, and the look back in time."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice import clock
from inventory import availability, dated, explain, ledger, reservations
from inventory.models import BundlePart, ShopWarehouse, Sku, StockChange, StockPolicy
from tests.inventory.factories import bundle, shop, sku, stock, want, warehouse

pytestmark = pytest.mark.django_db
D = Decimal
START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@pytest.fixture
def near():
    return warehouse("NEAR")


@pytest.fixture
def far():
    return warehouse("FAR")


@pytest.fixture
def a():
    return sku("A")


def shown(place, item, at=None, where=None):
    """The figure as a plain number."""
    figures = availability.figures(shop_ids=[place.pk], sku_ids=[item.pk], at=at)
    return int(figures[place.pk, item.pk, where.pk if where else None].quantity)


def test_what_is_reserved_or_ordered_is_not_shown(a, near):
    store = shop(near)
    stock(a, near, 10)
    reservations.reserve(wants=[want("l:1", a, 2, near)])
    reservations.book_demand(wants=[want("l:2", a, 3, near)])
    assert shown(store, a) == 5


def test_only_the_shops_own_warehouses_count(a, near, far):
    stock(a, near, 4)
    stock(a, far, 3)
    assert [shown(one, a) for one in (shop(near), shop(far), shop(near, far), shop())] == [4, 3, 7, 0]


@pytest.mark.parametrize("fields", [{"active": False}, {"read_only": True}])
def test_a_warehouse_that_cannot_be_sold_from_does_not_count(a, near, fields):
    closed = warehouse(**fields)
    stock(a, closed, 9)
    stock(a, near, 2)
    assert shown(shop(closed, near), a) == 2


@pytest.mark.parametrize(
    ("on_hand", "terms", "figure"),
    [
        (10, {"buffer": 3}, 7),
        (2, {"buffer": 3}, 0),
        (10, {"share": D("0.5")}, 5),
        (7, {"share": D("0.5")}, 3),
        (10, {"buffer": 3, "share": D("0.5")}, 3),
        (10, {"cap": 4}, 4),
        (3, {"cap": 4}, 3),
        (10, {"cap": 0}, 0),
        (3, {"stop_below": 4}, 0),
        (4, {"stop_below": 4}, 4),
        (10, {"stop_below": 4, "cap": 2}, 2),
        (0, {"presale": 6}, 6),
        (5, {"presale": 6, "buffer": 2}, 9),
        (1, {"presale": 6, "buffer": 2}, 6),
        (10, {"paused": True}, 0),
    ],
)
def test_each_term_of_the_policy(a, near, on_hand, terms, figure):
    store = shop(near)
    if on_hand:
        stock(a, near, on_hand)
    dated.set_policy(shop_id=store.pk, sku_id=a.pk, **terms)
    assert shown(store, a) == figure


def test_presale_orders_use_up_the_presale(a, near):
    store = shop(near)
    dated.set_policy(shop_id=store.pk, sku_id=a.pk, presale=D(6), buffer=D(2))
    reservations.book_demand(wants=[want("l:1", a, 4, near)])
    assert shown(store, a) == 2


def test_more_ordered_than_there_is_shows_zero_never_less(a, near):
    reservations.book_demand(wants=[want("l:1", a, 4, near)])
    assert shown(shop(near), a) == 0


def test_the_most_specific_policy_wins_whole(a, near):
    store, other = shop(near), shop(near)
    stock(a, near, 100)
    for place, item, cap in ((None, None, 10), (store.pk, None, 20), (None, a.pk, 30)):
        dated.set_policy(shop_id=place, sku_id=item, cap=D(cap))
    assert (shown(store, a), shown(other, a)) == (30, 30)
    dated.set_policy(shop_id=store.pk, sku_id=a.pk, buffer=D(1))
    assert (shown(store, a), shown(other, a)) == (99, 30)


def test_any_matching_pause_pauses(a, near):
    store = shop(near)
    stock(a, near, 5)
    dated.set_policy(shop_id=store.pk, sku_id=a.pk, cap=D(3))
    pause = dated.set_policy(shop_id=None, sku_id=None, paused=True)
    assert shown(store, a) == 0
    dated.replace(pause, {"paused": False})
    assert shown(store, a) == 3


def test_a_bundle_counts_whole_sets_warehouse_by_warehouse(a, near, far):
    b = sku("B")
    pair = bundle((a, 2), (b, 1))
    for place, of_a, of_b in ((near, 5, 9), (far, 9, 1)):
        stock(a, place, of_a)
        stock(b, place, of_b)
    store = shop(near, far)
    assert shown(store, pair) == 3
    assert (shown(store, pair, where=near), shown(store, pair, where=far)) == (2, 1)


def test_orders_for_a_part_in_one_warehouse_take_from_the_bundles_of_all(a, near, far):
    pair = bundle((a, 1))
    stock(a, near, 1)
    stock(a, far, 5)
    reservations.book_demand(wants=[want("l:1", a, 4, near)])
    assert shown(shop(near, far), pair) == 2


def test_a_pause_on_a_part_pauses_the_bundle(a, near):
    store = shop(near)
    pair = bundle((a, 1))
    stock(a, near, 5)
    dated.set_policy(shop_id=None, sku_id=a.pk, paused=True, reason="leaks")
    assert shown(store, pair) == 0


def test_figures_of_the_warehouses_add_up_to_the_shops(a, near, far):
    store = shop(near, far)
    stock(a, near, 3)
    stock(a, far, 5)
    reservations.book_demand(wants=[want("l:1", a, 7, near, whole=False)])  # four more than near has
    assert shown(store, a) == 1
    assert (shown(store, a, where=near), shown(store, a, where=far)) == (0, 1)
    dated.set_policy(shop_id=store.pk, sku_id=a.pk, presale=D(10))
    assert (shown(store, a, where=near), shown(store, a, where=far)) == (6, 5)


def test_pieces_are_shown_whole(a, near):
    stock(a, near, "2.999")
    assert shown(shop(near), a) == 2


def test_goods_without_stock_have_no_figure_and_inactive_ones_zero(near):
    service, old = sku(kind=Sku.Kind.VIRTUAL), sku(active=False)
    stock(old, near, 5)
    store = shop(near)
    figures = availability.figures(shop_ids=[store.pk], sku_ids=[service.pk, old.pk])
    assert not figures[store.pk, service.pk, None].tracked
    assert figures[store.pk, old.pk, None].quantity == 0


def test_any_number_of_skus_costs_the_same_queries(near, django_assert_num_queries):
    shops = [shop(near) for _ in range(4)]
    items = [sku() for _ in range(10)]
    items += [bundle((items[i], 1), (items[i + 1], 2)) for i in range(5)]
    ids = [one.pk for one in items]
    with django_assert_num_queries(5):  # SKUs, parts, links, balances, policies
        availability.figures(shop_ids=[one.pk for one in shops], sku_ids=ids)
    with django_assert_num_queries(6):  # … and what was recorded later
        availability.figures(shop_ids=[one.pk for one in shops], sku_ids=ids, at=clock.now())


class History:
    """A moved clock: one hour a step."""

    def __init__(self):
        self.hour = 0

    def __call__(self):
        return START + dt.timedelta(hours=self.hour)


@pytest.fixture
def history():
    hours = History()
    with clock.moved_to(hours):
        yield hours


def test_what_a_shop_showed_at_any_moment_can_be_looked_up(a, near, far, history):
    b = sku("B")
    store, pair = shop(near), bundle((a, 1), (b, 1))
    moments = []

    def then(act):
        history.hour += 1
        act()
        moments.append((history(), shown(store, a), shown(store, pair)))

    then(lambda: stock(a, near, 10))
    then(lambda: stock(b, near, 4))
    then(lambda: reservations.reserve(wants=[want("l:1", a, 3, near)]))
    then(lambda: dated.set_policy(shop_id=store.pk, sku_id=None, buffer=D(1)))
    then(lambda: dated.set_policy(shop_id=store.pk, sku_id=None, buffer=D(2)))
    then(lambda: dated.replace(BundlePart.objects.get(part=a), {"quantity": D(2)}))
    then(lambda: dated.close(ShopWarehouse.objects.get()))
    then(lambda: ledger.post(entries=[]))
    then(lambda: reservations.consume(items=[("l:1", a.pk, near.pk, D(3))], document="s:1"))
    assert [moment[1:] for moment in moments] == [
        (10, 0), (10, 4), (7, 4), (6, 3), (5, 2), (5, 1), (0, 0), (0, 0), (0, 0)
    ]  # fmt: skip
    history.hour += 1
    assert [(at, shown(store, a, at), shown(store, pair, at)) for at, *_ in moments] == moments


def test_why_names_every_term_with_its_rows(a, near):
    store = shop(near)
    stock(a, near, 10)
    reservations.reserve(wants=[want("orders.line:1", a, 2, near)])
    reservations.book_demand(wants=[want("orders.line:2", a, 1, near)])
    policy = dated.set_policy(shop_id=store.pk, sku_id=a.pk, buffer=D(2), cap=D(4))
    found = explain.why(shop_id=store.pk, sku_id=a.pk)
    steps = [(term.code, term.amount, term.result) for term in found.terms if term.changes]
    assert steps == [("free", 7, 7), ("buffer", 2, 5), ("cap", 4, 4)]
    assert (found.quantity, found.policy, found.pauses) == (4, policy, ())
    assert [(row.reference, row.bucket, row.quantity) for row in found.held] == [
        ("orders.line:1", 3, 2),
        ("orders.line:2", 2, 1),
    ]
    assert [(row.warehouse, row.on_hand, row.free) for row in found.places] == [(near, 10, 7)]
    assert [entry.reason for entry in found.entries] == ["demand", "reserve", "opening"]


def test_why_looks_back(a, near, history):
    store = shop(near)
    history.hour = 1
    stock(a, near, 10)
    reservations.reserve(wants=[want("l:1", a, 2, near)])
    before = history()
    history.hour = 2
    reservations.release(references=["l:1"])
    dated.set_policy(shop_id=store.pk, sku_id=a.pk, paused=True, reason="recall")
    history.hour = 3
    then, now = (explain.why(shop_id=store.pk, sku_id=a.pk, at=at) for at in (before, None))
    assert (then.quantity, [row.reference for row in then.held], then.terms[-1].code) == (8, ["l:1"], "whole")
    assert (now.quantity, now.held, now.terms[-1].code, now.terms[-1].detail) == (0, (), "pause", "recall")


def test_why_costs_the_same_queries_whatever_happened(a, near, django_assert_max_num_queries):
    store = shop(near)
    stock(a, near, 50)
    for i in range(20):
        reservations.reserve(wants=[want(f"l:{i}", a, 1, near)])
    with django_assert_max_num_queries(13):
        explain.why(shop_id=store.pk, sku_id=a.pk)


def test_a_changed_policy_is_history_and_the_shops_are_told(a, near):
    store = shop(near)
    first = dated.set_policy(shop_id=store.pk, sku_id=a.pk, cap=D(3), actor="user:1")
    news = StockChange.objects.count()
    second = dated.set_policy(shop_id=store.pk, sku_id=a.pk, cap=D(5), actor="user:2")
    first.refresh_from_db()
    assert (first.valid_to, first.cap, second.cap) == (second.valid_from, 3, 5)
    assert StockChange.objects.count() == news + 1
    assert dated.set_policy(shop_id=store.pk, sku_id=a.pk, cap=D(5)) == second
    assert StockPolicy.objects.count() == 2


def test_a_row_replaced_meanwhile_cannot_be_replaced_again(a, near):
    store = shop(near)
    first = dated.set_policy(shop_id=store.pk, sku_id=a.pk, cap=D(3))
    stale = StockPolicy.objects.get(pk=first.pk)
    dated.replace(first, {"cap": D(4)})
    with pytest.raises(dated.AlreadyClosed):
        dated.replace(stale, {"cap": D(5)})
    assert StockPolicy.objects.count() == 2
