"""Saved views: kept, shared, opened first, arranged, counted; a filter that is gone is said."""

import pytest
from django.contrib import admin
from django.urls import reverse

from backoffice import clock
from orders.admin import views
from orders.contracts import PaymentStatus
from orders.desk import marking
from orders.models import ListSetting, Order, SavedView
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db
LIST = "admin:orders_order_changelist"


def save(client, name="Held ones", query="state__exact=held", role="", **fields):
    data = {"do": "save", "name": name, "query": query, "role": role, **fields}
    return client.post(reverse("admin:orders_order_views_do"), data, follow=True)


def numbers(page) -> list[str]:
    return [one.number for one in page.context["cl"].result_list]


@pytest.fixture
def seller():
    made = Seller(MUG=5)
    made.take(order(1, line("MUG")), order(2, line("MUG"), buyer_note="gift wrap"))
    return made


def test_what_is_saved_shows_the_same_orders_again(desk, seller):
    client = desk()
    page = save(client, query="state__exact=held&key_after=abc&view=late&q=")
    row = SavedView.objects.get()
    assert (row.name, row.query, row.role) == ("Held ones", "state__exact=held", "")
    assert numbers(page) == ["#1002"]
    assert [one.name for one in page.context["views"] if one.active] == ["Held ones"]


def test_a_private_view_is_nobody_elses_and_a_shared_one_is_the_roles(desk, seller):
    save(desk())
    save(desk(), name="For the desk", role="order_clerk")
    names = [one.name for one in desk("customer_service").get(reverse(LIST)).context["views"]]
    assert "Held ones" not in names
    assert "For the desk" not in names
    save(desk("owner"), name="For service", role="customer_service")
    names = [one.name for one in desk("customer_service").get(reverse(LIST)).context["views"]]
    assert "For service" in names


def test_a_clerk_shares_with_her_own_roles_only(desk, seller):
    page = save(desk(), role="owner")
    assert "You can share views with your own roles only." in page.content.decode()
    assert not SavedView.objects.exists()


def test_a_colleague_can_neither_rename_nor_drop_it(desk, seller):
    save(desk("owner"), name="For the desk", role="order_clerk")
    key = f"v{SavedView.objects.get().pk}"
    for do in ("rename", "drop"):
        page = desk().post(reverse("admin:orders_order_views_do"), {"do": do, "key": key, "name": "x"}, follow=True)
        assert "This view is not yours" in page.content.decode()
    assert SavedView.objects.get().name == "For the desk"


def test_it_is_renamed_moved_opened_first_and_dropped(desk, seller):
    client, do = desk(), reverse("admin:orders_order_views_do")
    save(client)
    key = f"v{SavedView.objects.get().pk}"
    client.post(do, {"do": "rename", "key": key, "name": "Mine"})
    client.post(do, {"do": "up", "key": key})
    client.post(do, {"do": "first", "key": key})
    keys = [one.key for one in client.get(reverse("admin:orders_order_views")).context["views"]]
    assert keys[-2:] == [key, "urgent"]
    answer = client.get(reverse(LIST))
    assert answer.status_code == 302
    assert answer["Location"].endswith(f"?view={key}&state__exact=held")
    assert numbers(client.get(reverse(LIST) + "?view=all")) == ["#1002", "#1001"]
    client.post(do, {"do": "drop", "key": key})
    assert client.get(reverse(LIST)).status_code == 200
    assert ListSetting.objects.get().first == key


def test_a_filter_that_is_gone_is_said_and_the_rest_still_holds(people, desk, seller):
    client = desk()
    old = {"name": "Old", "query": "state__exact=held&colour__exact=red"}
    row = SavedView.objects.create(owner=people["order_clerk"], **old)
    url = next(one.url for one in client.get(reverse(LIST) + "?view=all").context["views"] if one.row == row)
    page = client.get(url)
    assert "does not exist any more: colour__exact" in page.content.decode()
    assert numbers(page) == ["#1002"]


def test_a_view_is_no_way_round_the_list_of_filters(desk, seller):
    client = desk()
    save(client, query="shop__currency=EUR&contact__email__startswith=a")
    page = client.get(reverse(LIST) + "?view=all")
    one = next(one for one in page.context["views"] if one.saved)
    assert one.lost == ("shop__currency", "contact__email__startswith")
    assert one.query == ""


def test_the_figures_are_asked_for_apart_and_end_at_a_hundred(desk, seller, monkeypatch):
    client = desk()
    save(client)
    key = f"v{SavedView.objects.get().pk}"
    address = reverse("admin:orders_order_views_counts")
    assert client.get(address, {"keys": f"{key},mine,unpaid,all,nonsense"}).json() == {
        key: "1", "mine": "1", "unpaid": "0",
    }  # fmt: skip
    monkeypatch.setattr(views, "MOST_COUNTED", 1)
    assert client.get(address, {"keys": key}).json() == {key: "99+"}


def test_of_other_shops_nothing_is_counted(people, desk, seller):
    assert people.client("customer_service").get(
        reverse("admin:orders_order_views_counts"), {"keys": "mine"}
    ).json() == {"mine": "0"}


def test_the_views_of_the_house_find_what_they_say(desk, seller):
    client, now = desk(), clock.now()
    seller.take(order(3, line("MUG"), payment=PaymentStatus.PENDING), order(4, line("MUG", 50)), order(5, line("MUG")))
    marking.mark(order_ids=[seller.order(5).pk], marks=["VIP"], actor="user:1 li")
    marking.set_priority(order_ids=[seller.order(5).pk], priority=8, actor="user:1 li")
    Order.objects.filter(pk=seller.order(1).pk).update(ship_by=now, due_at=now)
    found = {}
    for one in client.get(reverse(LIST) + "?view=all").context["views"]:
        found[one.key] = numbers(client.get(one.url))
    assert found == {
        "all": ["#1005", "#1004", "#1003", "#1002", "#1001"],
        "mine": ["#1002"],
        "late": ["#1001"],
        "soon": [],
        "today": ["#1001"],
        "unpaid": ["#1003"],
        "presale": [],
        "backorder": ["#1004"],
        "marked": ["#1005"],
        "urgent": ["#1005"],
    }


def test_the_size_of_the_page_is_the_persons_choice(desk, seller):
    client = desk()
    assert client.get(reverse(LIST) + "?per=500").context["cl"].list_per_page == 500
    assert client.get(reverse(LIST) + "?per=7").context["cl"].list_per_page == 50


def test_rows_outside_a_page_are_the_persons_own(people, desk, seller):
    rows = views.found_by(admin.site._registry[Order], people["bookkeeper"], "state__exact=held")
    assert rows.count() == 0
