"""The error queue speaks of SKUs and orders, and finds them by these words."""

import pytest
from django.test import RequestFactory
from django.urls import reverse

from channels import error_queue, listings, naming
from channels.error_queue import Trouble
from channels.models import Listing, SyncError
from inventory.models import Access
from tests.inventory import factories as stock
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_of(people):
    def build(role):
        Access.objects.get_or_create(user=people[role], defaults={"all_shops": True, "all_warehouses": True})
        request = RequestFactory().get("/")
        request.user = people[role]
        return request

    return build


@pytest.fixture
def listed(connect):
    made = connect()
    stock.sku("MUG-1")
    made.front.offer("A", "MUG-1", 3)
    listings.sync(made.account.pk)
    return made


def entry(made, kind, reference):
    error_queue.record(made.account.pk, Trouble(kind=kind, reference=reference, code="listing_gone"))
    return SyncError.objects.select_related("account").get(kind=kind, reference=reference)


def test_a_figure_reads_as_its_sku_and_leads_to_the_listing(listed, request_of):
    row = entry(listed, "stock", Listing.objects.get().external_id)
    named = naming.subjects(request_of("owner"), [row])[row.pk]
    assert named.label == "MUG-1"
    assert named.url == reverse("admin:channels_listing_change", args=[Listing.objects.get().pk])


def test_the_location_is_split_off_at_the_last_sign():
    assert naming.split("gid://shop/1@gid://place/2") == ("gid://shop/1", "gid://place/2")
    assert naming.split("a@b@c") == ("a@b", "c")
    assert naming.split("plain") == ("plain", "")


def test_what_is_unknown_keeps_its_own_text(listed, request_of):
    rows = [entry(listed, kind, reference) for kind, reference in (("stock", "gone@x"), ("order", "77"), ("hook", "t"))]
    assert [naming.subjects(request_of("owner"), rows)[row.pk].label for row in rows] == ["gone@x", "77", "t"]


def test_an_order_reads_as_its_number(listed, request_of):
    seller = Seller(CUP=9)
    seller.take(order(1, line("CUP")))
    taken = seller.order(1)
    listed.account.shop = taken.shop
    listed.account.save(update_fields=["shop"])
    row = entry(listed, "order", taken.external_id)
    assert naming.subjects(request_of("owner"), [row])[row.pk].label == taken.number


@pytest.mark.parametrize(("term", "count"), [("mug", 1), ("MUG-1", 1), ("mug-2", 0), ("%", 0)])
def test_entries_are_found_by_sku(listed, people, request_of, term, count):
    entry(listed, "stock", f"{Listing.objects.get().external_id}@place")
    request_of("owner")
    page = people.client("owner").get(reverse("admin:channels_syncerror_changelist"), {"q": term})
    assert len(page.context["cl"].result_list) == count
