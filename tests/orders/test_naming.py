"""A reference in the stock ledger reads as the order's number, and leads to it for who may open it."""

import pytest
from django.urls import reverse

from backoffice import references
from backoffice.references import Described
from inventory.models import Access, StockEntry
from orders.models import Order, OrderLine
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    made = Seller(MUG=50)
    made.take(order(1, line("MUG")), order(2, line("MUG")))
    return made


@pytest.fixture
def told(rf):
    def describe(user, *texts):
        request = rf.get("/")
        request.user = user
        return references.describe(request, texts)

    return describe


def everything(user):
    Access.objects.create(user=user, all_shops=True, all_warehouses=True)
    return user


def test_a_line_reads_as_its_order(seller, told, people):
    first = Order.objects.order_by("pk")[0]
    reference = OrderLine.objects.get(order=first).reference
    assert told(everything(people["owner"]), reference) == {
        reference: Described(first.number, reverse("admin:orders_order_change", args=[first.pk]))
    }


def test_who_may_not_see_the_order_reads_only_the_reference(seller, told, people):
    reference = OrderLine.objects.all()[0].reference
    assert told(people["owner"], reference) == {reference: Described(reference)}  # no shop is open to him
    nobody = everything(people["customer_service"])
    nobody.groups.clear()
    assert told(nobody, reference) == {reference: Described(reference)}


@pytest.mark.parametrize(
    "text", ["", "orders.line:", "orders.line:x", "orders.line:9" + "9" * 30, "unknown:1", "free text"]
)
def test_what_nobody_knows_stays_as_it_is(told, people, db, text):
    assert told(everything(people["owner"]), text) == {text: Described(text)}


def test_a_page_of_movements_asks_once_per_kind(seller, people, django_assert_max_num_queries):
    everything(people["owner"])
    client = people.client("owner")
    url = reverse("admin:inventory_stockentry_changelist")
    client.get(url)  # the first page of a process reads what is remembered afterwards
    assert StockEntry.objects.count() > 2
    with django_assert_max_num_queries(12) as captured:
        page = client.get(url)
    orders = [query for query in captured.captured_queries if 'FROM "orders_orderline"' in query["sql"]]
    assert len(orders) == 1
    assert Order.objects.order_by("pk")[0].number in page.content.decode()
