"""Where returned goods go: by rule, the narrowest first; else where they came from."""

import pytest
from django.db import IntegrityError, transaction

from backoffice import clock
from orders.fulfil import routing, shipping
from orders.models import ReturnPlace, ReturnRule
from tests.inventory import factories as stock
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db


def rule(place, **fields):
    return ReturnRule.objects.create(warehouse=place, updated_at=clock.now(), updated_by="x", **fields)


def went(**asked):
    found = routing.return_warehouse(**asked)
    return found and found.warehouse.code


def test_the_narrowest_rule_says_where_goods_go():
    shop = stock.shop()
    for name, fields in {
        "ALL": {}, "FR": {"country": "FR"}, "GD": {"country": "CN", "region": "广东"}, "SHOP": {"shop": shop},
        "SHOP-US": {"shop": shop, "country": "US"},
    }.items():  # fmt: skip
        rule(stock.warehouse(name), **fields)
    other = stock.shop()
    assert went(country="fr", shop=other) == "FR"
    assert went(country="CN", region="Guangdong", shop=other) == "GD"
    assert went(country="CN", region="", shop=other) == "ALL"
    assert went(country="FR", shop=shop) == "SHOP"
    assert went(country="US", shop=shop.pk) == "SHOP-US"
    assert went() == "ALL"


def test_rules_that_are_off_or_lead_to_a_closed_warehouse_count_for_nothing():
    rule(stock.warehouse(), active=False)
    rule(stock.warehouse(active=False), country="FR")
    assert went(country="FR") is None


def test_two_rules_for_the_same_place_are_refused_by_the_database():
    rule(stock.warehouse(), country="FR")
    with pytest.raises(IntegrityError), transaction.atomic():
        rule(stock.warehouse(), country="FR")
    rule(stock.warehouse(), country="FR", active=False)


def test_without_a_rule_goods_go_back_where_they_came_from():
    seller = Seller(warehouses=2)
    seller.add("MUG", 5, seller.places[1])
    seller.take(order(1, line("MUG")))
    assert routing.return_warehouse_of(seller.order(1)) == seller.places[0]
    shipping.ship(order_id=seller.order(1).pk, parcels=[shipping.Parcel()], actor="x", idempotency_key="k")
    assert routing.return_warehouse_of(seller.order(1)) == seller.places[1]
    by_rule = rule(stock.warehouse(), country="FR")
    ReturnPlace.objects.create(warehouse=by_rule.warehouse, line1="1 Way", city="Lyon")
    place = routing.return_place_of(seller.order(1))
    assert (place.warehouse, place.address.line1, place.rule) == (by_rule.warehouse, "1 Way", by_rule)


def test_a_warehouse_that_takes_no_returns_is_passed_over_whatever_the_rules_say():
    seller = Seller(MUG=1)
    seller.take(order(1, line("MUG")))
    closed, elsewhere = stock.warehouse(), stock.warehouse()
    rule(closed, country="FR")
    rule(elsewhere)
    assert routing.return_warehouse_of(seller.order(1)) == closed
    ReturnPlace.objects.create(warehouse=closed, takes_returns=False)
    assert routing.return_warehouse_of(seller.order(1)) == elsewhere
    ReturnPlace.objects.create(warehouse=elsewhere, takes_returns=False)
    assert routing.return_warehouse_of(seller.order(1)) == seller.place


def test_a_shop_that_sells_from_nowhere_has_no_place_for_returns():
    seller = Seller(MUG=1)
    seller.take(order(1, line("MUG")))
    seller.place.active = False
    seller.place.save()
    assert routing.return_warehouse_of(seller.order(1)) is None
