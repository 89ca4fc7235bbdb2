"""Two clerks on one order: the second is told who has it open, and nothing is done by what no longer stands."""

import datetime as dt

import pytest
from django.urls import reverse

from backoffice import clock
from orders.desk import actions, presence, review, staleness
from orders.models import Order, OrderPresence
from tests.orders.factories import Seller, later, line, order
from tests.orders.factories import later as next_version

pytestmark = pytest.mark.django_db
WANG = "user:7 wang"
assert later is next_version


@pytest.fixture
def seller():
    made = Seller(MUG=5)
    made.first = order(1, line("MUG"), buyer_note="gift wrap")
    made.take(made.first)
    return made


def urls(seller):
    pk = seller.order(1).pk
    return [reverse(f"admin:orders_order_{name}", args=[pk]) for name in ("here", "change", "do")]


def test_the_second_is_told_who_has_it_open_and_since_when(desk, seller):
    here, page, _do = urls(seller)
    assert desk("order_clerk").post(here).json() == {"colleagues": [], "changed": ""}
    told = desk("owner").post(here).json()["colleagues"]
    assert len(told) == 1
    assert told[0].startswith("order_clerk has had this order open since ")
    assert "order_clerk has had this order open since" in desk("owner").get(page).content.decode()
    assert "has had this order open" not in desk("order_clerk").get(page).content.decode().replace("owner has", "")


def test_a_page_that_falls_silent_or_closes_is_forgotten(people, desk, seller, later):
    here, _page, _do = urls(seller)
    desk("order_clerk").post(here)
    later(seconds=40)
    assert len(presence.others(order_id=seller.order(1).pk, user=people["owner"])) == 1
    later(seconds=15)
    assert presence.others(order_id=seller.order(1).pk, user=people["owner"]) == []
    desk("order_clerk").post(here)
    desk("order_clerk").post(here, {"gone": "1"})
    assert not OrderPresence.objects.exists()


def test_after_a_silence_it_counts_anew(people, seller, later):
    presence.here(order_id=seller.order(1).pk, user=people["order_clerk"])
    first = OrderPresence.objects.get().since
    later(seconds=20)
    presence.here(order_id=seller.order(1).pk, user=people["order_clerk"])
    assert OrderPresence.objects.get().since == first
    later(minutes=5)
    presence.here(order_id=seller.order(1).pk, user=people["order_clerk"])
    assert OrderPresence.objects.get().since - first > dt.timedelta(minutes=5)
    assert presence.forget(clock.now() + dt.timedelta(hours=2)) == 1


def test_nobody_tells_of_an_order_he_may_not_see(people, seller):
    assert people.client("order_clerk").post(urls(seller)[0]).status_code == 404
    assert not OrderPresence.objects.exists()


def test_what_another_did_meanwhile_stops_the_button_and_is_told(desk, seller):
    _here, page, do = urls(seller)
    client = desk()
    seen = client.get(page).context["seen"]
    actions.hold(order_ids=[seller.order(1).pk], actor=WANG, reason="the buyer will call")
    answer = client.post(do, {"do": "cancel", "reason": "x", "seen": seen}, follow=True)
    text = answer.content.decode()
    assert "has changed since you opened it" in text
    assert "wang" in text
    assert ": Held." in text
    assert seller.order(1).state == "held"
    assert answer.context["seen"] != seen
    client.post(do, {"do": "cancel", "reason": "x", "seen": answer.context["seen"]})
    assert seller.order(1).state == "cancelled"


def test_the_open_page_is_told_that_the_order_changed(desk, seller):
    here, page, _do = urls(seller)
    client = desk()
    seen = client.get(page).context["seen"]
    assert client.post(here, {"seen": seen}).json()["changed"] == ""
    actions.hold(order_ids=[seller.order(1).pk], actor=WANG, reason="x")
    assert "wang" in client.post(here, {"seen": seen}).json()["changed"]


def test_a_newer_version_of_the_platform_stops_it_too(desk, seller):
    _here, page, do = urls(seller)
    client = desk()
    seen = client.get(page).context["seen"]
    seller.take(next_version(seller.first, buyer_note="gift wrap in red"))
    text = client.post(do, {"do": "approve", "seen": seen}, follow=True).content.decode()
    assert "The platform delivered 1 newer version." in text
    assert seller.order(1).state == "held"


def test_what_changed_by_itself_stops_it_too(desk, seller):
    _here, page, do = urls(seller)
    client = desk()
    seen = client.get(page).context["seen"]
    Order.objects.update(hold_code="undone")
    from orders.models import OrderContact

    OrderContact.objects.update(buyer_note="")
    review.review(order_ids=[seller.order(1).pk])
    text = client.post(do, {"do": "cancel", "reason": "x", "seen": seen}, follow=True).content.decode()
    assert "It was changed automatically and is now “To be shipped”." in text
    assert seller.order(1).state == "approved"


def test_a_double_click_of_the_same_person_is_left_to_the_action(desk, seller):
    _here, page, do = urls(seller)
    client = desk()
    seen = client.get(page).context["seen"]
    client.post(do, {"do": "approve", "seen": seen})
    text = client.post(do, {"do": "approve", "seen": seen}, follow=True).content.decode()
    assert "already" in text
    assert (seller.order(1).state, seller.buckets("MUG")) == ("approved", (5, 0, 1))


def test_a_note_of_a_colleague_does_not_stop_anybody(desk, seller):
    _here, page, do = urls(seller)
    client = desk()
    seen = client.get(page).context["seen"]
    desk("owner").post(do, {"do": "note", "text": "hello"})
    client.post(do, {"do": "approve", "seen": seen})
    assert seller.order(1).state == "approved"


@pytest.mark.parametrize("seen", ["", "x", "1-2-3", "0-0-0-held-paid-" + "9" * 30, "0-0-0-held-paid-1\0"])
def test_a_token_nobody_made_is_left_to_the_action(seller, seen):
    staleness.check(seller.order(1), seen, "user:1 li")
