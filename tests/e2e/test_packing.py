"""A packer with a phone and a wedge scanner: one order picked and packed in a real browser, wrong item included."""

import pytest
from playwright.sync_api import expect

from orders.models import PackScan, Shipment, Wave
from tests.e2e.test_clerks_day import log_in, until
from tests.inventory import factories as stock
from tests.orders.factories import order
from tests.orders.packing.floor import Floor, line

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


def scan(page, code):
    """As a wedge scanner does it: keys, whatever is in focus, then Enter."""
    page.wait_for_load_state()  # whoever scans sees the page
    page.evaluate("document.activeElement.blur()")
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def heard(page, sound):
    """Which sound was made last."""
    expect(page.locator("html")).to_have_attribute("data-yp-sound", sound)
    page.evaluate("delete document.documentElement.dataset.ypSound")


def test_one_order_is_picked_and_packed_with_a_scanner(page, company):
    from django.contrib.auth.models import Group

    company.clerk.groups.add(Group.objects.get(name="warehouse_clerk"))
    floor = Floor(MUG=9, CUP=9)
    stock.sku("SPOON")
    floor.bin("MUG", "A-1")
    floor.bin("CUP", "A-2")
    floor.barcode("CUP", "4006381333931")
    floor.take(order(1, line("MUG", 2, 1), line("CUP", 1, 2)))
    wave = floor.wave(1)
    log_in(page)
    page.set_viewport_size({"width": 360, "height": 740})

    page.goto(f"{page.base}/admin/orders/wave/{wave.pk}/change/")
    page.get_by_role("button", name="Start picking").click()
    stop = page.locator(".yp-stop:visible")
    expect(stop).to_contain_text("A-1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    scan(page, "SPOON")
    heard(page, "bad")
    expect(page.locator(".yp-message")).to_contain_text("Wrong item: SPOON")
    scan(page, "MUG")
    heard(page, "good")
    expect(stop.locator(".yp-counted")).to_contain_text("1 of 2")
    page.context.set_offline(True)  # the lift to the cellar
    page.get_by_role("button", name="Took 2").click()
    expect(stop).to_contain_text("A-2")
    expect(page.locator(".yp-offline")).to_contain_text("No connection")
    expect(page.locator("#yp-pick")).to_have_attribute("data-pending", "1")
    page.context.set_offline(False)
    scan(page, "4006381333931")
    expect(page.locator(".yp-finished")).to_be_visible()
    until(lambda: Wave.objects.get().state == "picked")

    page.get_by_role("link", name="To the packing table").click()
    expect(page.locator(".yo h1")).to_have_text(f"Pack {wave.code}")
    page.wait_for_load_state()  # a scanner types at once; until the page listens, nobody hears it
    scan(page, f"{wave.code}-1")
    expect(page.locator(".yo h1")).to_have_text("#1001")
    scan(page, "spoon")
    heard(page, "bad")
    expect(page.locator(".yp-message")).to_have_text("Wrong item: SPOON is not wanted here.")
    for code in ("mug", "MUG", "4006381333931"):
        scan(page, code)
        heard(page, "good")
    expect(page.locator(".yp-left-all")).to_have_text("0")
    scan(page, "MUG")
    heard(page, "bad")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.fill("input[name=tracking]", "SF1")
    page.get_by_role("button", name="Packed: ship it").click()
    expect(page.get_by_text("Order #1001 is packed.").first).to_be_visible()
    assert Shipment.objects.get().tracking_number == "SF1"
    wrong = PackScan.objects.filter(right=False).order_by("pk").values_list("stage", "code")
    assert list(wrong) == [("pick", "wrong_item"), ("pack", "wrong_item"), ("pack", "too_many")]
