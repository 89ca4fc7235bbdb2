"""What a page asks of the database: the badges one question for all, an order's page the same however long it is."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice import site
from inventory.models import Access
from orders.models import Order
from tests.inventory import factories as stock
from tests.orders.factories import NOW, Seller, line, order, parcel

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(people):
    Access.objects.create(user=people["order_clerk"], all_shops=True, all_warehouses=True)
    return people.client("order_clerk")


def page(client, found, query=""):
    with CaptureQueriesContext(connection) as spent:  # fmt: skip
        answer = client.get(reverse("admin:orders_order_change", args=[found.pk]) + query)
    return answer, len(spent)


def sent(seller, number, lines, parcels):
    """An order of so many lines of one mug, and as many parcels as told, a mug in each; the last line waits."""
    goods = [line("MUG", 1, n) for n in range(1, lines + 1)]
    gone = tuple(parcel(number * 1000 + n, (goods[n].external_id, "1"), tracking=f"T{n}") for n in range(parcels))
    assert seller.take(order(number, *goods)) == ["created"]
    seller.take(order(number, *goods, minutes=10, fulfilments=gone))
    return seller.order(number)


def test_an_order_of_400_lines_and_300_parcels_costs_what_one_of_two_lines_and_a_parcel_costs(clerk):
    seller = Seller(MUG=5000)
    small, large = sent(seller, 1, 2, 1), sent(seller, 2, 400, 300)
    assert (large.lines.count(), large.shipments.count(), large.state) == (400, 300, "partly_shipped")
    page(clerk, small)  # the first page of a process reads what is remembered afterwards
    (_one, few), (answer, many) = page(clerk, small), page(clerk, large)
    assert many <= few
    assert (len(answer.context["rows"]), len(answer.context["shipments"])) == (100, 20)
    text = answer.content.decode()
    assert 'href="?lines=all#lines"' in text
    assert 'href="?parcels=all#parcels"' in text
    everything, spent = page(clerk, large, "?lines=all&parcels=all")
    assert (len(everything.context["rows"]), len(everything.context["shipments"])) == (400, 300)
    assert spent <= few
    assert "?parcels=all#parcels" not in everything.content.decode()


def test_a_short_order_has_nothing_more_to_show(clerk):
    answer, _spent = page(clerk, sent(Seller(MUG=5), 1, 2, 1))
    assert "=all#lines" not in answer.content.decode()
    assert "=all#parcels" not in answer.content.decode()


def shown(rf, user):
    request = rf.get("/admin/")
    request.user = user
    with CaptureQueriesContext(connection) as spent:  # fmt: skip
        groups = site.navigation(request)
    counted = [one for one in spent.captured_queries if "badge_count" in one["sql"]]
    badges = {str(line["title"]): line["badge"] for group in groups for line in group["items"] if line["badge"]}
    return badges, len(counted)


def test_the_badges_are_counted_in_one_statement_and_only_of_what_one_may_see(rf, people):
    seen, other = Seller(MUG=5), Seller(CUP=5)
    seen.take(*(order(n, line("MUG")) for n in (1, 2)))
    other.take(*(order(n, line("CUP")) for n in (11, 12, 13)))
    Order.objects.filter(pk__in=[seen.order(1).pk, other.order(11).pk, other.order(12).pk]).update(
        state="held", hold_code="address", held_since=NOW, hold_department="desk"
    )
    access = Access.objects.create(user=people["order_clerk"], all_warehouses=True)
    access.shops.add(seen.shop)
    assert shown(rf, people["order_clerk"]) == ({"Held": "1"}, 1)
    access.shops.add(other.shop)
    assert shown(rf, people["order_clerk"])[0]["Held"] == "3"
    access.shops.set([stock.shop()])
    assert shown(rf, people["order_clerk"])[0] == {}
    access.shops.clear()
    assert shown(rf, people["order_clerk"])[0] == {}
