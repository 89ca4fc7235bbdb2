"""Real threads on a real PostgreSQL: of two clerks one wins, and two parcels never wait for each other."""

import threading
import time
from decimal import Decimal

import pytest
from django.db import transaction

from backoffice import locks
from orders.contracts import Buyer
from orders.desk import gifts, merging, quotes, replacing, splitting
from orders.errors import OrderError
from orders.fulfil import shipping
from orders.models import MergeGroup, MergeMember, NumberRange, Order, OrderPart, Quote, Shipment
from tests.inventory.invariants import broken
from tests.inventory.threads import after, errors, slowly, together
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


def test_an_order_that_is_taken_out_while_a_packer_ships_stops_the_parcel_and_is_told():
    seller, begun = Seller(MUG=100, CUP=100), threading.Event()
    of_ana(seller, 1, 2, 3)
    ids = [seller.order(n).pk for n in (1, 2, 3)]
    merging.merge(order_ids=ids, actor="x")
    group = MergeGroup.objects.get()
    told = together(
        slowly(lambda: merging.unmerge(order_ids=ids[2:], actor="user:1 li"), begun),
        after(begun, lambda: merging.ship_merged(
            group_id=group.pk, carrier="SF", tracking="1", actor="user:2 wu", idempotency_key="k")),
    )  # fmt: skip
    assert [one.code for one in errors(told)] == ["merge_changed"]
    assert Shipment.objects.count() == 0
    merging.ship_merged(group_id=group.pk, carrier="SF", tracking="1", actor="user:2 wu", idempotency_key="k")
    assert [seller.order(n).state for n in (1, 2, 3)] == ["shipped", "shipped", "approved"]
    assert broken() == []


def test_an_order_that_joins_while_a_packer_ships_stops_the_parcel_and_is_told():
    seller, begun = Seller(MUG=100, CUP=100), threading.Event()
    of_ana(seller, 1, 2, 3)
    ids = [seller.order(n).pk for n in (1, 2, 3)]
    merging.merge(order_ids=ids[:2], actor="x")
    group = MergeGroup.objects.get()
    told = together(
        slowly(lambda: merging.merge(order_ids=ids, actor="user:1 li"), begun),
        after(begun, lambda: merging.ship_merged(
            group_id=group.pk, carrier="SF", tracking="1", actor="user:2 wu", idempotency_key="k")),
    )  # fmt: skip
    assert [one.code for one in errors(told)] == ["merge_changed"]
    assert (Shipment.objects.count(), MergeMember.objects.filter(state="in").count()) == (0, 3)
    merging.ship_merged(group_id=group.pk, carrier="SF", tracking="1", actor="user:2 wu", idempotency_key="k")
    assert [seller.order(n).state for n in (1, 2, 3)] == ["shipped"] * 3
    assert broken() == []


def test_two_clerks_who_split_one_order_plan_it_once():
    seller = Seller(MUG=100, CUP=100)
    of_ana(seller, 1)
    (mugs, _cups) = seller.lines(1)

    def split(who):
        return lambda: splitting.split(order_ids=[seller.order(1).pk], by={mugs.pk: Decimal(1)}, actor=who)[0]

    told = together(split("user:1 li"), split("user:2 wu"))
    assert errors(told) == []
    assert sorted(one.code for one in told) == ["split", "split_already"]
    assert list(OrderPart.objects.values_list("number", flat=True)) == [1, 2]


def test_a_planned_parcel_that_two_clerks_send_leaves_once():
    seller = Seller(MUG=100, CUP=100)
    of_ana(seller, 1)
    (mugs, _cups) = seller.lines(1)
    splitting.split(order_ids=[seller.order(1).pk], by={mugs.pk: Decimal(1)}, actor="x")
    part = OrderPart.objects.last()

    def send(who):
        return lambda: splitting.ship_part(
            order_id=seller.order(1).pk, part_id=part.pk, carrier="", tracking="", actor=who, idempotency_key=who
        )

    told = together(send("a"), send("b"))
    assert [one.code for one in errors(told)] == ["part_sent"]
    assert (Shipment.objects.count(), broken()) == (1, [])


def test_splitting_by_stock_waits_for_orders_in_the_order_of_their_keys():
    seller, begun = Seller(MUG=5, CUP=5), threading.Event()
    seller.take(order(1, line("MUG", 1)), order(2, line("MUG", 9)))
    first, second = (seller.order(n).pk for n in (1, 2))
    assert seller.order(2).state == "held"

    def another():
        locks.locked_rows(Order.objects.filter(pk=first))
        begun.set()
        time.sleep(0.5)
        return locks.locked_rows(Order.objects.filter(pk=second))

    def waiting():
        with transaction.atomic():
            return another()

    told = together(
        waiting, after(begun, lambda: splitting.split(order_ids=[first, second], by="stock", actor="user:1 li"))
    )
    assert errors(told) == []
    assert seller.order(2).state == "approved"
