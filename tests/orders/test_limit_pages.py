"""The pages of listed buyers, forbidden destinations and least prices."""

from decimal import Decimal

import pytest
from django.urls import reverse

from inventory.models import Access
from orders.models import DestinationBan, ListedBuyer, Order, PriceFloor
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Seller:
    return Seller(MUG=50, CUP=50)


@pytest.fixture
def owner(people):
    Access.objects.create(user=people["owner"], all_shops=True, all_warehouses=True)
    return people.client("owner")


def add(client, model: str, **fields):
    return client.post(reverse(f"admin:orders_{model}_add"), fields, follow=True)


def test_a_buyer_is_listed_by_hand_and_taken_off(owner):
    page = add(owner, "listedbuyer", side="blocked", by="domain", text="Spam.Example", reason="Fraud")
    entry = ListedBuyer.objects.get()
    assert (page.status_code, entry.key) == (200, "spam.example")
    owner.post(reverse("admin:orders_listedbuyer_changelist"), {"action": "end_now", "_selected_action": [entry.pk]})
    entry.refresh_from_db()
    assert entry.until is not None


def test_what_is_no_domain_is_an_error_of_the_field(owner):
    page = add(owner, "listedbuyer", side="blocked", by="domain", text="no domain", reason="Fraud")
    assert "Type a domain such as example.com." in page.content.decode()
    assert not ListedBuyer.objects.exists()


def test_a_buyer_is_listed_on_an_orders_page_and_open_orders_are_held(owner, seller):
    seller.take(order(1, line("MUG")))
    address = reverse("admin:orders_order_do", args=[seller.order(1).pk])
    fields = {"do": "list_buyer", "side": "blocked", "by": "buyer", "reason": "Bricks", "hold": "1"}
    page = owner.post(address, fields, follow=True).content.decode()
    assert "1 approved order is held now." in page
    assert "Blocked" in page
    assert seller.order(1).state == Order.State.HELD


def test_listing_without_a_reason_is_refused(owner, seller):
    seller.take(order(1, line("MUG")))
    address = reverse("admin:orders_order_do", args=[seller.order(1).pk])
    page = owner.post(address, {"do": "list_buyer", "side": "blocked", "by": "buyer"}, follow=True)
    assert "Say why" in page.content.decode()
    assert not ListedBuyer.objects.exists()


def test_the_warehouse_cannot_list_buyers(people, seller):
    Access.objects.create(user=people["warehouse_clerk"], all_shops=True, all_warehouses=True)
    seller.take(order(1, line("MUG")))
    address = reverse("admin:orders_order_do", args=[seller.order(1).pk])
    fields = {"do": "list_buyer", "side": "blocked", "by": "buyer", "reason": "x"}
    assert people.client("warehouse_clerk").post(address, fields).status_code == 403
    assert not ListedBuyer.objects.exists()


def test_a_destination_is_forbidden(owner, seller):
    add(owner, "destinationban", sku=seller.skus["MUG"].pk, mode="never", countries="us，fr", reason="x", active="on")
    assert DestinationBan.objects.get().countries == ["FR", "US"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"countries": "XX", "category": "lamps"}, "There is no country XX."),
        ({"countries": "FR"}, "Name the goods"),
        ({"category": "lamps"}, "This field is required."),
    ],
)
def test_a_ban_that_says_nothing_is_refused(owner, fields, told):
    page = add(owner, "destinationban", mode="never", reason="x", active="on", **fields)
    assert told in page.content.decode()
    assert not DestinationBan.objects.exists()


def paste(client, text: str):
    return client.post(reverse("admin:orders_pricefloor_paste"), {"text": text}, follow=True).content.decode()


def test_least_prices_come_out_of_excel(owner, seller):
    assert "2 least prices kept." in paste(owner, f"mug\t12.50\t{seller.shop.code}\nCUP\t3\n\n")
    assert "1 least price kept." in paste(owner, "CUP,4")
    found = PriceFloor.objects.order_by("pk").values_list("sku__code", "shop__code", "price")
    assert list(found) == [("MUG", seller.shop.code, Decimal("12.5")), ("CUP", None, Decimal(4))]


def test_one_wrong_row_keeps_all_out_and_is_named(owner, seller):
    told = paste(owner, "MUG\t5\nNOPE\t5\nCUP\tcheap\nCUP\t1\tNOSHOP\nCUP\t-1\nCUP\tNaN")
    for row, what in (
        (2, "there is no SKU"),
        (3, "a number above 0"),
        (4, "there is no shop"),
        (5, "above 0"),
        (6, ""),
    ):
        assert f"Row {row}: " in told
        assert what in told
    assert not PriceFloor.objects.exists()
