"""The clerk's day in a real browser: a held order, why, the fix, approve, ship; the stock changes in the other shop."""

import time

import pytest
from playwright.sync_api import expect

from inventory.models import Balance
from orders.models import Order, Shipment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ADDRESS = {"name": "Anna Weber", "address1": "Hauptstr. 5", "city": "Hamburg", "phone": "+49 40 1234567"}


def until(check, seconds=40):
    """Wait for a fact of the running product."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {check()!r}")


def log_in(page):
    page.goto(f"{page.base}/admin/")
    page.fill("input[name=username]", "clerk")
    page.fill("input[name=password]", "tea-time")
    page.press("input[name=password]", "Enter")
    expect(page.locator("#yk-home")).to_be_visible()


def test_a_held_order_is_understood_fixed_approved_and_shipped(page, company, dispatching):
    assert company.shown() == {"shopify": 20, "woocommerce": 20}
    bad = {**ADDRESS, "zip": "1", "countryCode": "DE"}
    company.counters["shopify"].sandbox.place_order([{"sku": "TEA", "quantity": 3}], shipping_address=bad)
    order = until(lambda: Order.objects.filter(state="held").first())
    until(lambda: company.shown() == {"shopify": 17, "woocommerce": 17})

    log_in(page)
    page.locator("a[href*='state__exact=held']").first.click()
    page.get_by_role("link", name=order.number).first.click()
    expect(page.locator("#why")).to_contain_text("postcode")
    page.get_by_role("button", name="Uncover").click()
    page.get_by_text("Correct the address…").click()
    page.fill("input[name=address_postcode]", "20095")
    page.get_by_role("button", name="Save and check again").click()
    expect(page.locator(".yo-state")).to_have_text("To be shipped")

    page.fill("input[name=carrier]", "DHL")
    page.fill("input[name=tracking]", "JD014600")
    page.get_by_role("button", name="Ship this parcel").click()
    expect(page.locator(".yo-state")).to_have_text("Shipped")
    expect(page.locator("#parcels")).to_contain_text("JD014600")

    assert Shipment.objects.get().tracking_number == "JD014600"
    assert Balance.objects.get().on_hand == 17
    until(lambda: company.counters["shopify"].parcels(order.external_id) == 1)
    assert company.shown() == {"shopify": 17, "woocommerce": 17}


def test_a_sale_in_one_shop_lowers_the_other_untouched(dispatching, company):
    company.counters["woocommerce"].buy("TEA", 2)
    until(lambda: company.shown() == {"shopify": 18, "woocommerce": 18})
    assert until(lambda: Order.objects.filter(state="approved").count() == 1)


@pytest.mark.sqlite
def test_hostile_text_in_an_order_stays_text(page, company, dispatching):
    payload = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"
    evil = {**ADDRESS, "zip": "20095", "countryCode": "DE", "name": payload, "address1": payload}
    shop = company.counters["shopify"].sandbox
    shop.place_order([{"sku": "TEA", "quantity": 1}], shipping_address=evil, note=f"{payload} gift wrap")
    order = until(lambda: Order.objects.filter(state="held").first())
    log_in(page)
    page.goto(f"{page.base}/admin/orders/order/")
    page.goto(f"{page.base}/admin/orders/order/{order.pk}/change/")
    page.get_by_role("button", name="Uncover").click()
    expect(page.locator("#buyer")).to_contain_text("<script>alert(2)</script>{{7*7}}")
    assert page.locator("#buyer img, #buyer script").count() == 0
