"""A transfer received with a phone and a wedge scanner in a real browser: a case, a broken piece, a lost connection."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from inventory.models import Barcode, Pack, Transfer, TransferReceipt
from inventory.transfers import picking, planning
from tests.e2e.test_clerks_day import log_in, until
from tests.e2e.test_packing import heard, scan
from tests.inventory import factories as stock
from tests.inventory.transfers.conftest import came, lies

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


def sent(here, there, *goods):
    """A transfer on its way."""
    lines = [planning.Wish(sku_id=item.pk, quantity=Decimal(quantity)) for item, quantity in goods]
    made = planning.plan(origin=here, destination=there, lines=lines, user=None)
    planning.request(transfer_id=made.pk, user=None)
    picking.pick(transfer_id=made.pk, user=None)
    return picking.send(transfer_id=made.pk, user=None)


def test_goods_are_scanned_and_booked_once_though_the_connection_was_away(page, company):
    from django.contrib.auth.models import Group

    company.clerk.groups.add(Group.objects.get(name="warehouse_clerk"))
    here, there, mug, cup = stock.warehouse("W1"), stock.warehouse("W2"), stock.sku("MUG-1"), stock.sku("CUP-1")
    for item in (mug, cup):
        stock.stock(item, here, 20, "2")
    case = Pack.objects.create(sku=cup, name="case", quantity=Decimal(6))
    Barcode.objects.create(sku=cup, code="4006381333931", pack=case)
    made = sent(here, there, (mug, 3), (cup, 12))
    log_in(page)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{page.base}/admin/inventory/transfer/{made.pk}/change/")
    page.get_by_role("link", name="Receive", exact=True).click()
    page.wait_for_url("**/receive/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    scan(page, "SPOON")
    heard(page, "bad")
    expect(page.locator(".yp-message")).to_contain_text("“SPOON” is not in this transfer.")
    for code in ("mug-1", "MUG-1", "4006381333931"):
        scan(page, code)
        heard(page, "good")
    page.get_by_label("What I scan now is damaged").check()
    scan(page, "MUG-1")
    heard(page, "good")
    page.reload()  # the phone slept
    mugs = page.locator(".yt-row", has_text="MUG-1")
    expect(mugs.locator("[name=good]")).to_have_value("2")
    expect(mugs.locator("[name=damaged]")).to_have_value("1")
    expect(page.locator(".yt-row", has_text="CUP-1").locator("[name=good]")).to_have_value("6")
    page.context.set_offline(True)
    page.get_by_role("button", name="Book what came").click()
    expect(page.locator(".yp-offline")).to_contain_text("No connection")
    assert TransferReceipt.objects.count() == 0
    page.context.set_offline(False)
    until(lambda: Transfer.objects.get().state == "partly")
    expect(page.get_by_text("Partly received").first).to_be_visible()
    assert (lies(mug, there)[0], lies(cup, there)[0], TransferReceipt.objects.count()) == (2, 6, 1)

    page.get_by_role("link", name="Receive", exact=True).click()
    page.get_by_role("button", name="All came").click()
    page.get_by_role("button", name="Book what came").click()
    until(lambda: Transfer.objects.get().state == "received")
    assert (lies(cup, there)[0], TransferReceipt.objects.count()) == (12, 2)


def test_a_wrong_receipt_is_taken_back_on_a_phone_with_a_reason(page, company):
    from django.contrib.auth.models import Group

    company.clerk.groups.add(Group.objects.get(name="warehouse_clerk"))
    here, there, mug = stock.warehouse("W1"), stock.warehouse("W2"), stock.sku("MUG-1")
    stock.stock(mug, here, 20, "2")
    made = sent(here, there, (mug, 3))
    came(made, 3)
    log_in(page)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{page.base}/admin/inventory/transfer/{made.pk}/change/")
    page.get_by_text("Take back…").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Take this receipt back").click()  # without a reason the browser does not send it
    assert TransferReceipt.objects.get().undone_at is None
    page.get_by_label("Why").fill("the other pallet")
    page.get_by_role("button", name="Take this receipt back").click()
    expect(page.get_by_text("The receipt is taken back: its goods are in transit again.")).to_be_visible()
    expect(page.get_by_text("the other pallet")).to_be_visible()
    expect(page.get_by_text("Take back…")).to_have_count(0)
    assert (lies(mug, there)[0], Transfer.objects.get().state) == (0, "transit")
