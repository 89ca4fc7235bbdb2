"""S23, S24, S06: what strangers wrote is shown as letters, runs nowhere, and is masked where it must be."""

import re

import pytest
from django.urls import reverse

from backoffice.masking import DOT
from tests.security.desk import PAGES
from tests.security.house import BUYER, scrawl
from tests.security.pages import dangers, pages

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # templates escape, not the engine
MARK = "zqx"
PAPER = re.compile(r"/quote/\d+/(print|change|pdf)/$|/return/\d+/slip\.pdf$")  # papers, the open form: on the record
BREAK_OUT = f"\"'><{MARK}-el></script><{MARK}-el onload={MARK}()>`{MARK}`"
HANDLER = f"\" onfocus={MARK}() autofocus x=\"' onfocus={MARK}() x='"
ADDRESS = f"javascript:{MARK}()"
TEMPLATE = f"{MARK}{{{{7*7}}}}{{% now 'Y' %}}${{7*7}}{{0.__class__}}%(id)s%s%n"


@pytest.mark.soak
def test_no_page_runs_or_fills_in_what_is_written_in_any_text_column(people, desk):
    assert scrawl(f"{ADDRESS}//{BREAK_OUT}{HANDLER}{TEMPLATE}") > 60
    for url, html in pages(people.client("superuser"), rows=1):
        assert dangers(html, MARK) == [], url
        for filled in (f"{MARK}49", "{% now 'Y' %}$49", "&lt;class", "<class"):
            assert filled not in html, url


def test_the_finder_of_dangers_finds_them():
    assert dangers(f"<p>{BREAK_OUT}</p>", MARK)
    assert dangers(f'<p title="{HANDLER}">', MARK)
    assert dangers(f'<a href="{ADDRESS}">', MARK)
    assert not dangers("<p>&lt;zqx-el&gt;</p>", MARK)


def test_messages_search_and_autocomplete_escape_too(people, house):
    scrawl(BREAK_OUT)
    client = people.client("superuser")
    told = client.post(
        reverse("admin:orders_order_changelist"),
        {"action": "approve", "_selected_action": [house.held.pk]},
        follow=True,
    )
    assert dangers(told.content.decode(), MARK) == []
    for url in ("/admin/search/?s=", "/admin/orders/order/?q=", "/admin/inventory/balance/?warehouse="):
        assert dangers(client.get(url + BREAK_OUT).content.decode(), MARK) == []
    query = "app_label=inventory&model_name=stockpolicy&field_name=sku&term="
    answer = client.get(f"/admin/autocomplete/?{query}")
    assert answer.status_code == 403 or answer["Content-Type"] == "application/json"


@pytest.mark.soak
@pytest.mark.parametrize(
    "role", ["warehouse_clerk", "bookkeeper", "buyer", "auditor", "customer_service", "order_clerk", "owner"]
)
def test_no_page_shows_a_buyer_in_clear_before_he_is_uncovered(see, desk, role):
    shown = [
        (url, clear)
        for url, html in pages(see(role), rows=5)
        for clear in BUYER.values()
        if clear in html and not PAPER.search(url)
    ]
    assert shown == []


def test_no_page_of_the_order_desk_runs_or_fills_in_what_is_written(people, desk):
    scrawl(f"{ADDRESS}//{BREAK_OUT}{HANDLER}{TEMPLATE}")
    for url, html in pages(people.client("superuser"), rows=1, about=PAGES):
        assert dangers(html, MARK) == [], url
        assert not any(filled in html for filled in (f"{MARK}49", "{% now 'Y' %}$49", "&lt;class", "<class")), url


@pytest.mark.parametrize("role", ["warehouse_clerk", "bookkeeper", "order_clerk"])
def test_no_page_of_the_order_desk_shows_a_buyer_in_clear(see, desk, role):
    shown = [
        (url, clear)
        for url, html in pages(see(role), rows=2, about=PAGES)
        for clear in BUYER.values()
        if clear in html and not PAPER.search(url)
    ]
    assert shown == []


def test_a_buyer_is_uncovered_for_one_look_and_on_the_record(see, house):
    from backoffice.models import AuditEntry

    client, page = see("order_clerk"), reverse("admin:orders_order_change", args=[house.order.pk])
    client.post(reverse("admin:orders_order_reveal", args=[house.order.pk]))
    assert BUYER["name"] in client.get(page).content.decode()
    assert BUYER["name"] not in client.get(page).content.decode()
    assert DOT in client.get(page).content.decode()
    assert AuditEntry.objects.filter(action="order.reveal_buyer", target=f"orders.order:{house.order.pk}").count() == 1


@pytest.mark.parametrize("term", ["quirina", "Canaryvogel", "0698765432", "+33698765432", "quirina@canary"])
@pytest.mark.parametrize("role", ["warehouse_clerk", "bookkeeper", "buyer", "auditor"])
def test_searching_tells_nobody_who_may_not_know(see, house, role, term):
    client = see(role)
    rows = client.get(reverse("admin:orders_order_changelist"), {"q": term}).context["cl"].result_list
    assert list(rows) == []
    assert "#100" not in client.get("/admin/search/", {"s": term}).content.decode()
