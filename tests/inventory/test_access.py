"""Who sees which shops and warehouses: nothing without a row, and everything passes through one function."""

import pytest

from backoffice.models import ApiKey, User
from inventory.access import may_see, visible
from inventory.models import Access, Balance, Shop, ShopWarehouse, Sku, StockEntry, StockPolicy, Warehouse
from tests.inventory.factories import shop, sku, stock, warehouse

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    """Two shops, two warehouses, stock in both, and a clerk who sees one of each."""
    places = [warehouse("W1"), warehouse("W2")]
    shops = [shop(places[0], code="S1"), shop(places[1], code="S2")]
    for place in places:
        stock(sku(), place, 1)
    clerk = User.objects.create_user("clerk")
    access = Access.objects.create(user=clerk)
    access.shops.add(shops[0])
    access.warehouses.add(places[0])
    return clerk, access


MODELS = (Shop, Warehouse, ShopWarehouse, Balance, StockEntry)


def seen(principal):
    return [visible(principal, model.objects.all()).count() for model in MODELS]


def test_a_clerk_sees_his_own_shops_and_warehouses(house):
    clerk, _access = house
    assert seen(clerk) == [1, 1, 1, 1, 1]
    assert may_see(clerk, Shop.objects.get(code="S1"))
    assert not may_see(clerk, Shop.objects.get(code="S2"))


def test_all_shops_is_not_all_warehouses(house):
    clerk, access = house
    Access.objects.filter(pk=access.pk).update(all_shops=True)
    assert seen(clerk) == [2, 1, 1, 1, 1]


@pytest.mark.parametrize("stranger", ["no row", "gone", "nobody"])
def test_without_a_row_or_a_login_there_is_nothing(house, stranger):
    from django.contrib.auth.models import AnonymousUser

    clerk, access = house
    if stranger == "no row":
        access.delete()
    if stranger == "gone":
        clerk.is_active = False
    assert seen(AnonymousUser() if stranger == "nobody" else clerk) == [0] * 5


def test_the_superuser_and_the_system_see_everything(house):
    assert seen(User.objects.create_superuser("root")) == seen(None) == [2] * 5


def test_a_key_sees_what_its_own_row_says(house):
    from backoffice import clock

    key = ApiKey.objects.create(name="erp", prefix="p", digest="d", created_at=clock.now())
    assert seen(key) == [0] * 5
    Access.objects.create(api_key=key, all_shops=True, all_warehouses=True)
    assert seen(key) == [2] * 5


def test_a_rule_for_all_shops_is_seen_by_whoever_sees_one(house):
    clerk, access = house
    for place in (None, *Shop.objects.all()):
        StockPolicy.objects.create(shop=place)
    assert visible(clerk, StockPolicy.objects.all()).count() == 2
    access.shops.clear()
    assert visible(clerk, StockPolicy.objects.all()).count() == 0


def test_a_model_without_a_rule_is_not_shown_at_all(house):
    with pytest.raises(LookupError):
        visible(house[0], Sku.objects.all())
