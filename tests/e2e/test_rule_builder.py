"""A clerk builds a rule in a real browser, tests it on past orders and publishes it; the next order follows it."""

import pytest
from playwright.sync_api import expect

from orders.models import Order, Rule, RuleVersion
from tests.e2e.test_clerks_day import log_in, until

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


def row(page, group=0, number=0):
    """One condition of the builder."""
    return page.locator(".yr-group").nth(group).locator(".yr-row").nth(number)


def test_a_rule_is_built_tested_published_and_followed(page, company, dispatching):
    log_in(page)
    page.goto(f"{page.base}/admin/orders/rule/")
    page.get_by_role("link", name="New rule").click()
    page.fill("input[name=name]", "A lot of tea to Germany")

    page.get_by_role("button", name="Add conditions").click()
    row(page).get_by_label("What").select_option("country")
    row(page).get_by_label("add…").select_option("DE")
    page.get_by_role("button", name="Add conditions").click()
    page.locator(".yr-group").nth(1).get_by_label("Asked of").select_option("any_line")
    row(page, 1).get_by_label("What").select_option("quantity")
    row(page, 1).get_by_label("Comparison").select_option("at_least")
    row(page, 1).get_by_label("Value").fill("many")
    page.get_by_role("button", name="Add something to do").click()
    page.get_by_label("Department").select_option("service")
    page.get_by_label("Why, and what to do").fill("Ask whether it is meant.")
    page.get_by_role("button", name="Save on the desk").click()
    expect(row(page, 1)).to_contain_text("“many” is no number.")

    row(page, 1).get_by_label("Value").fill("5")
    page.get_by_role("button", name="Save on the desk").click()
    expect(page.locator(".yr-list")).to_contain_text("pieces of the line is at least 5")
    assert Rule.objects.get().deeds[0]["department"] == "service"

    page.get_by_role("link", name="Look and publish").click()
    page.get_by_role("button", name="Test on the last 30 days first").click()
    expect(page.locator(".yr-figures")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Look and publish").click()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator(".yr-list")).to_contain_text("in force")
    assert RuleVersion.objects.count() == 1

    address = {"name": "Anna Weber", "address1": "Hauptstr. 5", "city": "Hamburg", "zip": "20095", "countryCode": "DE",
               "phone": "+49 40 1234567"}  # fmt: skip
    company.counters["shopify"].sandbox.place_order([{"sku": "TEA", "quantity": 6}], shipping_address=address)
    order = until(lambda: Order.objects.filter(state="held").first())
    assert (order.hold_note, order.hold_department) == ("A lot of tea to Germany", "service")
    page.goto(f"{page.base}/admin/orders/order/{order.pk}/change/")
    expect(page.locator("#why")).to_contain_text("Ask whether it is meant.")
    page.get_by_text("1 rule tried, 1 matched").click()
    expect(page.locator("#rules")).to_contain_text("country is one of Germany")
