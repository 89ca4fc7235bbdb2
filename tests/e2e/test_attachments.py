"""A clerk attaches papers to a stock document with a phone in a real browser, looks at them and takes one away."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from backoffice.models import Attachment
from inventory.counts import CountOrder, preview
from tests.attached import PDF, picture
from tests.e2e.test_clerks_day import log_in, until
from tests.inventory import factories as stock
from tests.inventory.sheets import xlsx

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


def test_papers_are_attached_looked_at_and_taken_away_on_a_phone(page, company):
    from django.contrib.auth.models import Group

    company.clerk.groups.add(Group.objects.get(name="warehouse_clerk"))
    place = stock.warehouse("W1")
    stock.stock(stock.sku("MUG-1"), place, 20, "2")
    made = preview(file=xlsx([("MUG-1", Decimal(18))]), order=CountOrder(warehouse_id=place.pk), user=company.clerk)
    log_in(page)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{page.base}/admin/inventory/stockdocument/{made.pk}/change/")
    field = page.get_by_label("Pictures or PDF")
    assert (field.get_attribute("accept") or "").startswith("image/jpeg")
    assert field.get_attribute("capture") is None  # the camera is offered, not forced
    long = "the sheet that three people signed on the second of November 2026 in hall W1"
    field.set_input_files(
        [
            {"name": f"{long}.pdf", "mimeType": "application/pdf", "buffer": PDF},
            {"name": "carton.jpg", "mimeType": "image/jpeg", "buffer": picture(size=(900, 600))},
            {"name": "page.pdf", "mimeType": "application/pdf", "buffer": b"<script>alert(1)</script>"},
        ]
    )
    page.get_by_role("button", name="Attach", exact=True).click()
    until(lambda: Attachment.objects.count() == 2)
    expect(page.get_by_text("“page.pdf”: only pictures")).to_be_visible()
    expect(page.locator("#attachments")).to_contain_text("clerk")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    until(lambda: page.evaluate("document.querySelector('.yk-file img').naturalWidth") == 900)
    with page.expect_download() as saved:
        page.get_by_role("link", name=long).click()
    assert saved.value.suggested_filename == f"{long}.pdf"
    item = page.locator(".yk-files li", has_text="carton.jpg")
    item.locator("summary").click()
    item.get_by_label("Why").fill("of another hall")
    item.get_by_role("button", name="Remove", exact=True).click()
    until(lambda: Attachment.objects.filter(removed_at=None).count() == 1)
    page.get_by_text("1 removed").click()
    expect(page.get_by_text("of another hall")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
