"""A warehouse clerk with a phone in a real browser: the connection goes away meanwhile."""

from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from inventory import arrivals
from inventory.models import Access, Balance, Barcode, Bin, FloorAction, ShelfPlace, StocktakeCount
from inventory.stocktakes import opening
from tests.e2e.test_clerks_day import log_in, until
from tests.e2e.test_packing import heard, scan
from tests.inventory import factories as stock

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]
EAN = "4006381333931"


@pytest.fixture
def phone(page, company):
    """The clerk, signed in on a phone 360 pixels wide; bins A-1 and A-2; twelve teas expected."""
    company.clerk.groups.add(Group.objects.get(name="warehouse_clerk"))
    assert Access.objects.get(user=company.clerk).all_warehouses
    Barcode.objects.create(sku=company.tea, code=EAN)
    for name in ("A-1", "A-2"):
        Bin.objects.create(warehouse=company.place, name=name)
    row = arrivals.Expected(
        sku_id=company.tea.pk, warehouse_id=company.place.pk, quantity=Decimal(12), expected_on=date(2027, 1, 4),
        source="PO 7",
    )  # fmt: skip
    arrivals.announce(rows=[row])
    log_in(page)
    page.set_viewport_size({"width": 360, "height": 740})
    return page


def on_hand(place):
    return int(Balance.objects.get(sku__code="TEA", warehouse=place).on_hand)


def narrow(page):
    return page.evaluate("document.documentElement.scrollWidth") <= 360


def large(page):
    """Every button that is seen is at least 44 pixels high."""
    return page.evaluate(
        "[...document.querySelectorAll('#yf-page button, #ys-count button')]"
        ".filter((one) => one.offsetParent).every((one) => one.offsetHeight >= 44)"
    )


def test_receiving_and_moving_go_on_while_the_connection_is_away(phone, company):
    phone.goto(f"{phone.base}/admin/inventory/flooraction/floor/")
    phone.get_by_role("link", name="Receive").last.click()
    expect(phone.locator(".yf-expected li")).to_have_count(1)
    assert (narrow(phone), large(phone)) == (True, True)
    scan(phone, EAN)
    form = phone.locator(".yf-form")
    expect(form.locator(".yf-what")).to_contain_text("TEA")
    expect(form.locator("[name=quantity]")).to_have_value("12")
    form.get_by_role("button", name="A-1 empty").click()
    expect(form.locator("[name=bin]")).to_have_value("A-1")
    assert (narrow(phone), large(phone)) == (True, True)
    form.locator("[name=quantity]").fill("5")
    form.get_by_role("button", name="Received").click()
    heard(phone, "good")
    expect(phone.locator(".yp-log li.yp-yes")).to_contain_text("TEA × 5 · 5 of TEA received.")
    assert (on_hand(company.place), ShelfPlace.objects.get().bin) == (25, "A-1")

    phone.context.set_offline(True)  # behind the steel racks
    scan(phone, EAN)
    expect(form.locator("[name=quantity]")).to_have_value("7")
    form.locator("[name=quantity]").fill("3")
    form.get_by_role("button", name="Received").click()
    scan(phone, "NOBODY")
    form.locator("[name=quantity]").fill("1")
    form.get_by_role("button", name="Received").click()
    expect(phone.locator("#yf-page")).to_have_attribute("data-pending", "2")
    expect(phone.locator(".yp-pending")).to_have_text("2 waiting to be sent")
    expect(phone.locator(".yp-offline")).to_contain_text("No connection")
    assert on_hand(company.place) == 25
    phone.context.set_offline(False)
    expect(phone.locator("#yf-page")).to_have_attribute("data-pending", "0", timeout=15_000)
    expect(phone.locator(".yp-log li.yp-no")).to_contain_text("“NOBODY” is not a SKU or barcode.")
    assert (on_hand(company.place), FloorAction.objects.count()) == (28, 2)


def test_an_answer_that_was_lost_is_sent_again_and_done_once(phone, company):
    other = stock.warehouse("BER")
    phone.goto(f"{phone.base}/admin/inventory/flooraction/move/")
    phone.locator("[name=warehouse]").select_option(str(company.place.pk))
    phone.get_by_role("button", name="Another warehouse").click()
    scan(phone, EAN)
    expect(phone.locator(".yf-hint")).to_contain_text("on hand 20")
    phone.locator("[name=destination]").select_option(str(other.pk))
    phone.locator("[name=quantity]").fill("4")
    assert (narrow(phone), large(phone)) == (True, True)
    lost = []

    def swallow(route):
        """The server does it; the phone never hears of it, the first time."""
        answer = route.fetch()
        if lost:
            return route.fulfill(response=answer)
        lost.append(answer.status)
        return route.abort()

    phone.route("**/flooraction/do/", swallow)
    phone.get_by_role("button", name="Moved").click()
    expect(phone.locator("#yf-page")).to_have_attribute("data-pending", "1")
    until(lambda: phone.wait_for_timeout(100) or lost)  # the route is served while the page is waited for
    phone.reload()  # the tab was closed: the queue lies on the device
    expect(phone.locator(".yp-log li.yp-yes")).to_contain_text("Done already", timeout=15_000)
    assert (lost, on_hand(company.place), on_hand(other), FloorAction.objects.count()) == ([200], 16, 4, 1)

    phone.get_by_role("button", name="Another bin").click()
    scan(phone, "TEA")
    phone.locator("[name=bin]").fill("a-2")
    phone.get_by_role("button", name="Moved").click()
    expect(phone.locator(".yp-message")).to_have_text("TEA: from – to A-2.")
    phone.goto(f"{phone.base}/admin/inventory/flooraction/look/")
    scan(phone, EAN)
    found = phone.locator(".yf-found")
    expect(found).to_contain_text("A-2")
    expect(found).to_contain_text("PO 7")
    expect(found).not_to_contain_text("unit cost")
    assert narrow(phone)


def test_counting_goes_on_without_a_connection_and_counts_once(phone, company):
    made = opening.start(stocktake_id=opening.plan(warehouse=company.place, user=None).pk, user=None)
    phone.goto(f"{phone.base}/admin/inventory/flooraction/floor/")
    phone.get_by_role("link", name=str(made)).click()
    expect(phone.locator(".ys-so-far")).to_have_text("0 of 1 counted")
    assert (narrow(phone), large(phone)) == (True, True)
    phone.context.set_offline(True)
    scan(phone, EAN)
    phone.locator("[name=quantity]").fill("19")
    phone.get_by_role("button", name="Counted, next").click()
    expect(phone.locator("#ys-count")).to_have_attribute("data-pending", "1")
    expect(phone.locator(".ys-all")).to_be_visible()
    assert StocktakeCount.objects.count() == 0
    phone.context.set_offline(False)
    expect(phone.locator("#ys-count")).to_have_attribute("data-pending", "0", timeout=15_000)
    assert [(int(one.quantity), one.active) for one in StocktakeCount.objects.all()] == [(19, True)]
    phone.reload()
    expect(phone.locator(".ys-so-far")).to_have_text("1 of 1 counted")
