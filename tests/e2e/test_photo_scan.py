"""A phone whose browser reads no barcodes: a photo of the code does what a scanner does."""

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from backoffice.papers import codes
from inventory.models import Barcode
from orders.returns import limits
from tests.backoffice.scanning.pictures import bars, below, file, noisy
from tests.e2e.test_clerks_day import log_in
from tests.orders.returns.conftest import Returns

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]
EAN = "4006381333931"


def photo(page, *pictures):
    """What the phone's camera gives back."""
    shot = {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": file(noisy(below(*pictures)))}
    page.locator("input.yp-photo").set_input_files(shot)


def test_a_return_is_found_and_counted_by_photos(page, company):
    company.clerk.groups.add(Group.objects.get(name="warehouse_clerk"))
    limits.seed()
    seller = Returns(MUG=9)
    sku = seller.skus["MUG"]
    Barcode.objects.create(sku=sku, code=EAN)
    seller.sent()
    found = seller.rma()
    log_in(page)
    page.set_viewport_size({"width": 360, "height": 740})

    page.goto(f"{page.base}/admin/orders/return/arrive/")
    expect(page.get_by_role("button", name="Take a photo of the code")).to_be_visible()
    photo(page, bars(codes.code128(found.number)))
    page.wait_for_url(f"**/return/{found.pk}/receive/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360

    photo(page, bars(codes.ean13(EAN)))
    expect(page.locator("#yt-said")).to_have_text(f"✓ {EAN}")
    photo(page, bars(codes.code128("SF1")), bars(codes.ean13(EAN)))
    said = page.locator(".yp-camera-said")
    expect(said).to_contain_text("Which of them?")
    said.get_by_role("button", name=EAN).click()
    expect(page.locator(".yt-count input")).to_have_value("2")
    page.locator("input.yp-photo").set_input_files({"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"GIF89a"})
    expect(said).to_have_text("Pictures are JPEG, PNG or WebP.")
