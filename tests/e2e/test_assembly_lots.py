"""A set built by lots and taken apart in a real browser: the lots are shown, changed and looked at once more."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from inventory.models import Assembly, RecipePart, Tracking
from tests.e2e.test_clerks_day import log_in
from tests.inventory import factories as stock
from tests.inventory.lots.conftest import come, expires, in_days, lots, tracked

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


def test_lots_are_looked_at_before_a_set_is_built_and_taken_apart(page, company):
    company.clerk.groups.add(Group.objects.get(name="warehouse_clerk"))
    here = stock.warehouse("W1")
    milk, box = tracked("MILK", Tracking.EXPIRY), tracked("BOX", Tracking.EXPIRY)
    RecipePart.objects.create(built=box, part=milk, quantity=Decimal(2))
    come(milk, here, {"A": 4, "B": 6})
    expires(milk, A=10, B=20)
    log_in(page)
    page.set_viewport_size({"width": 390, "height": 740})
    page.goto(f"{page.base}/admin/inventory/assembly/new/")
    page.locator("[name=warehouse]").select_option(str(here.pk))
    page.locator("[name=sku]").fill("box")
    page.locator("[name=quantity]").fill("2")
    page.locator("button.yi-primary").click()
    taken, made = page.locator(f"#lot_{milk.pk}"), page.locator(f"#lot_{box.pk}")
    expect(taken).to_have_value("A")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    taken.fill("A × 1\nB × 3")
    made.fill("M1")
    page.locator("button.yi-primary").click()
    expect(page.locator(".yi-warn")).to_be_visible()
    expect(taken).to_have_value("A × 1\nB × 3")
    expect(made).to_have_value("M1")
    assert Assembly.objects.count() == 0
    page.locator("button.yi-primary").click()
    page.wait_for_url("**/change/")
    assert (lots(milk, here), lots(box, here)) == ({"A": 3, "B": 3}, {"M1": 2})
    expect(page.locator(".yi")).to_contain_text("B × 3")
    page.goto(f"{page.base}/admin/inventory/assembly/new/?sku=BOX")
    page.locator("[name=kind]").select_option("apart")
    page.locator("[name=warehouse]").select_option(str(here.pk))
    page.locator("[name=quantity]").fill("1")
    page.locator("button.yi-primary").click()
    expect(page.locator(f"#lot_{box.pk}")).to_have_value("M1")
    expect(taken).to_have_value("A × 1\nB × 1")
    taken.fill("NEW × 1")
    page.locator("button.yi-primary").click()
    expect(page.locator(".yt-lot-row .yi-error")).to_be_visible()
    taken.fill(f"B × 1\nNEW × 1 @ {in_days(3)}")
    page.locator("button.yi-primary").click()
    page.wait_for_url("**/change/")
    assert (lots(milk, here), lots(box, here)) == ({"A": 3, "B": 4, "NEW": 1}, {"M1": 1})
