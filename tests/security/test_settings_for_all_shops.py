"""A setting for all shops is read by who sees one of them, and written by who sees all."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse

from backoffice import clock
from inventory.models import Access, StockPolicy
from orders.models import MergeCircle, PresaleOffer, PriceFloor, ReturnRule, RoutedShop, RoutingPolicy, ShipPolicy
from tests.inventory import factories as stock

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # who may is decided above the engine


class House:
    """Two shops of one warehouse, and a person who sees the first."""

    def __init__(self, people, role="ops_admin"):
        self.place = stock.warehouse()
        self.mine, self.other, self.sku = stock.shop(self.place), stock.shop(self.place), stock.sku()
        self.access = Access.objects.create(user=people[role], all_warehouses=True)
        self.access.shops.add(self.mine)
        self.client = people.client(role)

    def sees_all(self):
        """From now on."""
        self.access.all_shops = True
        self.access.save()


def _floor(house, shop):
    return PriceFloor.objects.create(sku=house.sku, shop=shop, price=Decimal(5), updated_at=clock.now())


def _presale(house, shop):
    soon = clock.now() + dt.timedelta(days=3)
    return PresaleOffer.objects.create(sku=house.sku, shop=shop, quantity=5, ship_after=soon)


MAKE = {
    "inventory_stockpolicy": lambda house, shop: StockPolicy.objects.create(shop=shop, sku=house.sku, buffer=3),
    "orders_pricefloor": _floor,
    "orders_presaleoffer": _presale,
    "orders_returnrule": lambda house, shop: ReturnRule.objects.create(
        shop=shop, warehouse=house.place, updated_at=clock.now()
    ),
    "orders_shippolicy": lambda house, shop: ShipPolicy.objects.create(shop=shop),
}
NEW = {
    "inventory_stockpolicy": (StockPolicy, {"buffer": 3, "share": 1, "stop_below": 0, "presale": 0}),
    "orders_pricefloor": (PriceFloor, {"price": 5}),
    "orders_presaleoffer": (PresaleOffer, {"quantity": 5, "ship_after_0": "2099-01-01", "ship_after_1": "10:00",
                                           "valid_from_0": "2026-01-01", "valid_from_1": "10:00"}),
    "orders_returnrule": (ReturnRule, {"active": "on"}),
    "orders_shippolicy": (ShipPolicy, {"amount": 2, "unit": "work_days", "cut_off": "16:00", "soon_hours": 4,
                                       "active": "on", "work_days": [0, 1], "opens": "09:00", "closes": "18:00"}),
}  # fmt: skip


@pytest.mark.parametrize("name", MAKE)
def test_one_for_all_shops_is_read_and_not_written_by_who_sees_one(people, name):
    house = House(people)
    url = reverse(f"admin:{name}_change", args=[MAKE[name](house, None).pk])
    assert (house.client.get(url).status_code, house.client.post(url, {"post": "yes"}).status_code) == (200, 403)
    gone = url.replace("/change/", "/delete/")
    assert house.client.post(gone, {"post": "yes"}).status_code == 403
    house.sees_all()
    assert house.client.post(url, {"post": "yes"}).status_code == 200  # the form, with what is missing


@pytest.mark.parametrize("name", MAKE)
def test_the_own_shops_setting_is_written(people, name):
    house = House(people)
    url = reverse(f"admin:{name}_change", args=[MAKE[name](house, house.mine).pk])
    assert house.client.post(url, {"post": "yes"}).status_code == 200
    hidden = reverse(f"admin:{name}_change", args=[MAKE[name](house, house.other).pk])
    assert house.client.post(hidden, {"post": "yes"}).status_code in (302, 403, 404)


@pytest.mark.parametrize("name", NEW)
def test_nobody_adds_one_for_shops_he_does_not_see(people, name):
    house = House(people)
    model, values = NEW[name]
    url, values = reverse(f"admin:{name}_add"), {**values, "sku": house.sku.pk, "warehouse": house.place.pk}
    for shop in ("", house.other.pk):
        answer = house.client.post(url, {**values, "shop": shop})
        assert (answer.status_code, "shop" in answer.context["adminform"].form.errors) == (200, True)
    assert not model.objects.exists()
    assert house.client.post(url, {**values, "shop": house.mine.pk}).status_code == 302
    house.sees_all()
    assert house.client.post(url, {**values, "shop": ""}).status_code == 302
    assert set(model.objects.values_list("shop", flat=True)) == {house.mine.pk, None}


def test_pasted_least_prices_for_all_shops_are_refused_with_their_row(people):
    house = House(people)
    url, row = reverse("admin:orders_pricefloor_paste"), f"{house.sku.code},5"
    answer = house.client.post(url, {"text": row})
    assert [text[:6] for text in answer.context["form"].errors["text"]] == ["Row 1:"]
    assert not PriceFloor.objects.exists()
    assert house.client.post(url, {"text": f"{row},{house.mine.code}"}).status_code == 302
    house.sees_all()
    assert house.client.post(url, {"text": row}).status_code == 302
    assert PriceFloor.objects.count() == 2


def test_a_presale_of_all_shops_is_not_released_by_who_sees_one(people):
    house = House(people)
    offer, url = _presale(house, None), reverse("admin:orders_presaleoffer_changelist")
    house.client.post(url, {"action": "release", "_selected_action": [offer.pk]})
    assert PresaleOffer.objects.get().released_at is None
    house.sees_all()
    house.client.post(url, {"action": "release", "_selected_action": [offer.pk]})
    assert PresaleOffer.objects.get().released_at is not None


def test_a_least_price_for_all_shops_is_not_deleted_from_the_list(people):
    house = House(people)
    floor, url = _floor(house, None), reverse("admin:orders_pricefloor_changelist")
    data = {"action": "delete_selected", "_selected_action": [floor.pk], "post": "yes"}
    house.client.post(url, data)
    assert PriceFloor.objects.exists()
    house.sees_all()
    house.client.post(url, data)
    assert not PriceFloor.objects.exists()


def test_a_routing_policy_that_reaches_other_shops_is_read_only(people):
    house = House(people)
    terms = {"criteria": [{"by": "complete"}], "updated_at": clock.now()}
    mine, shared = (RoutingPolicy.objects.create(name=name, **terms) for name in ("a", "b"))
    general = RoutingPolicy.objects.create(name="c", general=True, **terms)
    RoutedShop.objects.create(policy=mine, shop=house.mine)
    RoutedShop.objects.create(policy=shared, shop=house.other)
    data = {"name": "new", "criteria": "complete", "unknown_weight_g": 500, "general": "on"}
    for policy in (shared, general):
        url = reverse("admin:orders_routingpolicy_change", args=[policy.pk])
        assert (house.client.get(url).status_code, house.client.post(url, data).status_code) == (200, 403)
    url = reverse("admin:orders_routingpolicy_change", args=[mine.pk])
    assert house.client.post(url, {**data, "shops": [house.mine.pk]}).status_code == 302
    kept = {one.name: one.general for one in RoutingPolicy.objects.all()}
    assert kept == {"new": False, "b": False, "c": True}


def test_a_circle_that_holds_other_shops_is_read_only_and_keeps_them(people):
    house = House(people)
    circle = MergeCircle.objects.create(name="all")
    circle.shops.set([house.mine, house.other])
    url = reverse("admin:orders_mergecircle_change", args=[circle.pk])
    assert house.client.post(url, {"name": "x", "shops": [house.mine.pk]}).status_code == 403
    assert set(circle.shops.all()) == {house.mine, house.other}
    house.sees_all()
    answer = house.client.post(url, {"name": "x", "shops": [house.mine.pk, house.other.pk], "active": "on"})
    assert answer.status_code == 302
