"""The pages of the order desk: what each role sees, and that a button does its work once."""

import datetime as dt

import pytest
from django.urls import reverse

from inventory.models import Access
from orders.desk import actions
from orders.fulfil import shipping
from orders.models import Order
from tests.inventory import factories as stock
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db


def test_the_list_opens_for_everyone_who_works_with_orders(people):
    for role in ("owner", "order_clerk", "warehouse_clerk", "bookkeeper", "buyer", "auditor"):
        Access.objects.create(user=people[role], all_shops=True, all_warehouses=True)
        assert people.client(role).get(reverse("admin:orders_order_changelist")).status_code == 200
    assert Order.objects.count() == 0


def clerk(people, seller, *places):
    """The warehouse clerk, who sees the shop and of its warehouses only those given."""
    access = Access.objects.create(user=people["warehouse_clerk"])
    access.shops.add(seller.shop)
    access.warehouses.add(*places)
    return people.client("warehouse_clerk")


def press(client, seller, **fields):
    """Press a button of order 1's page and follow; returns the page that comes then."""
    return client.post(reverse("admin:orders_order_do", args=[seller.order(1).pk]), fields, follow=True)


def test_a_clerk_ships_only_out_of_warehouses_he_may_see(people):
    seller = Seller(warehouses=2, MUG=5)
    seller.take(order(1, line("MUG", 2)))
    client = clerk(people, seller, seller.places[1])
    field = f"quantity_{seller.lines(1)[0].pk}"
    page = press(client, seller, do="ship", carrier="SF", tracking="1", **{field: "2"})
    assert "only 0 reserved there" in page.content.decode()
    assert (seller.order(1).state, seller.buckets("MUG")) == ("approved", (5, 0, 2))


def test_a_clerk_takes_back_only_parcels_from_warehouses_he_may_see(people):
    seller = Seller(warehouses=2, MUG=5)
    seller.take(order(1, line("MUG", 2)))
    (parcel,) = shipping.ship(
        order_id=seller.order(1).pk, parcels=[shipping.Parcel()], actor="user:2 wu", idempotency_key="k"
    )
    client = clerk(people, seller, seller.places[1])
    page = press(client, seller, do="void", shipment=parcel.pk, reason="wrong label")
    assert "a warehouse that you may not see" in page.content.decode()
    assert seller.order(1).state == "shipped"
    Access.objects.get().warehouses.add(seller.place)
    press(client, seller, do="void", shipment=parcel.pk, reason="wrong label")
    assert seller.order(1).state == "approved"


def test_the_page_names_no_warehouse_that_the_reader_may_not_see(people):
    seller = Seller(warehouses=2, MUG=5)
    seller.take(order(1, line("MUG", 2)))
    client = clerk(people, seller, seller.places[1])
    page = client.get(reverse("admin:orders_order_change", args=[seller.order(1).pk])).content.decode()
    assert seller.place.name not in page
    Access.objects.get().warehouses.add(seller.place)
    assert (
        seller.place.name
        in client.get(reverse("admin:orders_order_change", args=[seller.order(1).pk])).content.decode()
    )


def test_why_this_number_keeps_warehouses_of_others_to_itself(people):
    seller = Seller(warehouses=2, MUG=5)
    stock.stock(seller.skus["MUG"], seller.places[1], 4321, "4")
    seller.take(order(1, line("MUG", 2)))
    address = reverse("admin:inventory_sku_why", args=[seller.skus["MUG"].pk])
    page = clerk(people, seller, seller.place).get(address).content.decode()
    assert seller.place.code in page
    assert seller.places[1].code not in page
    assert "4321" not in page.replace(",", "")
    assert "other warehouses" in page
    Access.objects.get().warehouses.add(seller.places[1])
    page = people.client("warehouse_clerk").get(address).content.decode()
    assert seller.places[1].code in page
    assert "other warehouses" not in page


@pytest.mark.parametrize(
    "text", ["NaN", "sNaN", "Infinity", "-Infinity", "0.0001", "1.0005", "1E-400", "1E+400", "two"]
)
def test_a_quantity_that_cannot_be_counted_is_refused_by_the_name_of_its_line(people, text):
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)))
    client = clerk(people, seller, seller.place)
    field = f"quantity_{seller.lines(1)[0].pk}"
    page = press(client, seller, do="ship", carrier="SF\0", tracking="1", **{field: text})
    assert page.status_code == 200
    assert f"{seller.lines(1)[0]}”: “{text}” is no quantity" in page.content.decode()
    assert (seller.order(1).state, seller.buckets("MUG")) == ("approved", (5, 0, 2))
    press(client, seller, do="ship", carrier="SF\0", tracking="1", **{field: "2.000"})
    assert seller.order(1).state == "shipped"


def test_an_order_due_at_the_end_of_time_can_be_opened(people):
    seller = Seller(MUG=5)
    never = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
    seller.take(order(1, line("MUG", 2), ship_by=never))
    client = clerk(people, seller, seller.place)
    assert client.get(reverse("admin:orders_order_changelist")).status_code == 200
    assert client.get(reverse("admin:orders_order_change", args=[seller.order(1).pk])).status_code == 200
    assert seller.order(1).ship_by is None


def test_a_held_order_names_what_holds_it_before_what_the_checks_had_found(people):
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG"), buyer_note="gift wrap please"))
    actions.hold(order_ids=[seller.order(1).pk], actor="user:1 wang", reason="call the buyer")
    page = people.client("superuser").get(reverse("admin:orders_order_change", args=[seller.order(1).pk]))
    assert [one["title"] for one in page.context["findings"]] == ["Held by a person", "A wish in the note"]
