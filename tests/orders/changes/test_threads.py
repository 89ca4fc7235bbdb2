"""Real threads on a real PostgreSQL: of two clerks one wins, and two parcels never wait for each other."""

from decimal import Decimal

import pytest

from orders.contracts import Buyer
from orders.desk import gifts, merging, quotes, replacing
from orders.errors import OrderError
from orders.fulfil import shipping
from orders.models import MergeGroup, MergeMember, NumberRange, Order, Quote, Shipment
from tests.inventory.invariants import broken
from tests.inventory.threads import errors, together
from tests.orders.changes.looking import ANA
from tests.orders.changes.test_own_orders import basket, goods
from tests.orders.changes.test_quotes import day
from tests.orders.factories import Seller, line, order

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def of_ana(seller, *numbers, codes=("MUG", "CUP"), buyer=ANA):
    first, second = codes
    seller.take(*(order(n, line(first, n), line(second, 1, 2), buyer=buyer) for n in numbers))


def test_two_clerks_with_overlapping_orders_put_each_in_one_group():
    seller = Seller(MUG=100, CUP=100)
    of_ana(seller, 1, 2, 3)
    ids = {n: seller.order(n).pk for n in (1, 2, 3)}
    told = together(
        lambda: merging.merge(order_ids=[ids[1], ids[2]], actor="user:1 li"),
        lambda: merging.merge(order_ids=[ids[3], ids[2]], actor="user:2 wu"),
    )
    assert errors(told) == []
    active = list(MergeMember.objects.filter(state="in").values_list("order_id", flat=True))
    assert len(active) == len(set(active)) >= 2
    assert MergeGroup.objects.filter(state="open").count() == 1


def test_a_group_that_two_packers_ship_at_once_leaves_once():
    seller = Seller(MUG=100, CUP=100)
    of_ana(seller, 1, 2)
    merging.merge(order_ids=[seller.order(n).pk for n in (1, 2)], actor="x")
    group = MergeGroup.objects.get()

    def ship(key):
        return lambda: merging.ship_merged(
            group_id=group.pk, carrier="SF", tracking=key, actor=key, idempotency_key=key
        )

    told = together(ship("a"), ship("b"), ship("a"))
    assert [type(one) for one in errors(told)] in ([OrderError], [OrderError, OrderError])
    assert {one.code for one in errors(told)} == {"merge_not_open"}
    assert Shipment.objects.count() == 2
    assert broken() == []


def test_two_groups_with_the_same_goods_do_not_block_each_other():
    seller = Seller(MUG=500, CUP=500)
    for nth in range(6):
        buyer = Buyer(name="Bo", email=f"bo{nth}@example.com")
        codes = ("MUG", "CUP") if nth % 2 else ("CUP", "MUG")
        of_ana(seller, 10 * nth + 1, 10 * nth + 2, codes=codes, buyer=buyer)
    merging.merge(order_ids=list(Order.objects.order_by("-pk").values_list("pk", flat=True)), actor="x")
    groups = list(MergeGroup.objects.values_list("pk", flat=True))
    assert len(groups) == 6

    def ship(pk):
        return lambda: merging.ship_merged(group_id=pk, carrier="", tracking="", actor="x", idempotency_key="k")

    assert errors(together(*(ship(pk) for pk in groups))) == []
    assert set(Order.objects.values_list("state", flat=True)) == {"shipped"}
    assert broken() == []


def test_clicks_at_the_same_moment_make_one_order_of_a_quote_and_one_reissue():
    seller = Seller(MUG=100, CUP=100)
    of_ana(seller, 1)
    shipping.ship(order_id=seller.order(1).pk, parcels=[shipping.Parcel()], actor="x", idempotency_key="s")
    quote = quotes.make(
        shop_id=seller.shop.pk, basket=basket(goods(seller)), valid_until=day(), text="", key="q", actor="x"
    )
    wanted = [replacing.Goods(seller.skus["MUG"].pk, Decimal(1))]

    def again():
        return replacing.replace(
            order_id=seller.order(1).pk, kind="reissue", goods=wanted, reason="lost", actor="x", key="once"
        )

    told = together(again, again, lambda: quotes.order(quote_id=quote.pk, actor="a"),
                    lambda: quotes.order(quote_id=quote.pk, actor="b"))  # fmt: skip
    assert [one.code for one in errors(told)] == ["quote_ordered"]
    assert sorted(Order.objects.exclude(kind="").values_list("kind", flat=True)) == ["manual", "reissue"]
    assert Quote.objects.get().order is not None
    assert set(NumberRange.objects.values_list("next", flat=True)) == {2}


def test_two_who_give_gifts_to_many_orders_from_two_warehouses_do_not_block_each_other():
    seller = Seller(warehouses=2, MUG=100, PEN=15)
    seller.add("CUP", 100, seller.places[1])
    seller.add("PEN", 15, seller.places[1])
    seller.take(*(order(n, line("MUG" if n % 2 else "CUP")) for n in range(40)))
    ids = [seller.order(n).pk for n in range(40)]
    mine, yours = ids[:20], ids[21:]  # one meets the second warehouse first, the other one the first

    def give(chosen):
        return lambda: gifts.add(order_ids=chosen, sku_id=seller.skus["PEN"].pk, quantity=Decimal(1), actor="x")

    told = together(give(mine), give(yours), give(mine[::-1]), give(yours[::-1]))
    assert errors(told) == []
    assert sum(one.ok for rows in told for one in rows) == 30
    assert [seller.buckets("PEN", place) for place in seller.places] == [(15, 0, 15), (15, 0, 15)]
    assert broken() == []
