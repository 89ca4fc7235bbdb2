"""Two versions of an order side by side; personal data stay masked, and who let a version in is told."""

import pytest
from django.urls import reverse

from backoffice.models import AuditEntry
from orders.contracts import Address
from orders.desk import actions
from orders.desk.compare import compare
from tests.orders.factories import Seller, later, line, order

pytestmark = pytest.mark.django_db
BERLIN = Address(
    name="Bob Weber", line1="X-Str. 1", city="Berlin", postcode="10115", country="DE", phone="+49301234567"
)


def page(client, seller, query="") -> object:
    return client.get(reverse("admin:orders_order_versions", args=[seller.order(1).pk]) + query)


@pytest.fixture
def seller():
    made = Seller(MUG=9, CUP=9)
    first = order(1, line("MUG", 2), line("CUP", 1, 2))
    made.take(first)
    made.take(later(first, lines=(line("MUG", 3), line("HAT", 1, 3)), shipping=BERLIN, tags=("vip",)))
    return made


def test_every_field_and_line_that_differs_is_named():
    one = order(1, line("MUG", 2), line("CUP", 1, 2))
    two = later(one, lines=(line("MUG", 3), line("HAT", 1, 3)), shipping=BERLIN, tags=("vip",), test=True)
    found = compare(one, two)
    fields = {row.label: (row.before, row.after) for row in found.fields}
    assert fields["tags"] == ("", "vip")
    assert fields["test order"] == ("no", "yes")
    assert fields["delivery address: town"] == ("Lyon", "Berlin")
    assert fields["total"] == ("30", "40")
    assert [(row.change, row.label, row.quantity) for row in found.lines] == [
        ("changed", "MUG", "3"), ("gone", "CUP", "1"), ("new", "HAT", "1"),
    ]  # fmt: skip
    assert [(row.label, row.before, row.after) for row in found.lines[0].fields] == [
        ("wanted", "2", "3"), ("line total", "20", "30"),
    ]  # fmt: skip
    assert compare(one, one).same


def test_the_page_compares_what_is_in_force_with_the_newest(desk, seller):
    answer = page(desk(), seller)
    assert (answer.context["before"].number, answer.context["after"].number) == (1, 2)
    text = answer.content.decode()
    assert "line gone" in text
    assert "HAT" in text


def test_names_and_streets_are_masked_until_somebody_uncovers_them_on_record(desk, seller):
    client = desk()
    text = page(client, seller).content.decode()
    assert "Bob" not in text
    assert "B•• W••••" in text
    reveal = reverse("admin:orders_order_reveal", args=[seller.order(1).pk])
    text = client.post(reveal, {"next": "versions", "a": "1", "b": "2"}, follow=True).content.decode()
    assert "Bob Weber" in text
    assert AuditEntry.objects.filter(action="order.reveal_buyer").count() == 1
    assert "Bob Weber" not in page(client, seller).content.decode()


def test_the_waiting_edit_on_the_orders_page_is_masked_too(desk, seller):
    text = desk("warehouse_clerk").get(reverse("admin:orders_order_change", args=[seller.order(1).pk])).content.decode()
    assert "Bob" not in text
    assert "X-Str" not in text
    assert "Berlin" in text


def test_who_may_not_know_the_buyer_sees_that_it_changed_and_no_more(desk, seller):
    text = page(desk("buyer"), seller).content.decode()
    assert "B••" not in text
    assert "delivery address: recipient" in text


def test_who_accepted_a_version_stands_beside_it(desk, seller):
    rows = page(desk(), seller).context["rows"]
    assert [(row.version.number, row.by) for row in rows] == [(2, ""), (1, "automatically")]
    actions.accept_edit(order_ids=[seller.order(1).pk], actor="user:7 wang")
    rows = page(desk(), seller).context["rows"]
    assert [(row.version.number, row.by, row.accepted) for row in rows] == [
        (2, "wang", True), (1, "", False),
    ]  # fmt: skip


@pytest.mark.parametrize("query", ["?a=1&b=1", "?a=99&b=2", "?a=x&b=%00", "?a=99999999999999999999&b=1"])
def test_versions_that_are_not_there_break_nothing(desk, seller, query):
    assert page(desk(), seller, query).status_code == 200


def test_of_an_order_somebody_may_not_see_there_are_no_versions(people, seller):
    assert page(people.client("order_clerk"), seller).status_code == 404


def test_the_history_can_be_narrowed_to_one_kind(desk, seller):
    actions.hold(order_ids=[seller.order(1).pk], actor="user:7 wang", reason="call first")
    address = reverse("admin:orders_order_change", args=[seller.order(1).pk])
    client = desk()
    everything = client.get(address).context["timeline"]
    assert {"version", "review", "audit"} <= {one.kind for one in everything}
    audit = client.get(address + "?history=audit").context["timeline"]
    assert [(one.what, one.who, one.more) for one in audit if one.kind == "audit"] == [("Held", "wang", "call first")]
    assert {one.kind for one in audit} == {"audit", "version"}  # the order itself begins every history
    assert client.get(address + "?history=nonsense").status_code == 200
