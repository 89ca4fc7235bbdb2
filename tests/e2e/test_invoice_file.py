"""A supplier's invoices by file in a real browser: from the list of orders to the value of goods, and back again."""

import datetime as dt

import pytest
from playwright.sync_api import expect

from inventory.models import Balance
from orders.models import SupplierInvoice
from tests.backoffice.sheets.kit import xlsx
from tests.e2e.test_clerks_day import log_in, until
from tests.orders.supply.conftest import Buyer, D

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]
HEADER = ("发票号码", "开票日期", "采购单号", "供应商货号", "数量", "金额", "税额")


def test_a_file_is_compared_booked_and_taken_back(page, company, tmp_path):
    from django.contrib.auth.models import Group

    company.clerk.groups.add(Group.objects.get(name="owner"))
    buyer = Buyer()
    made = buyer.ordered((buyer.mug, 24, "4"))
    buyer.receive(made, 24)
    file = tmp_path / "发票.xlsx"
    rows = (HEADER, ("F-1", dt.date(2026, 11, 5), made.number, "M-001", 24, "108.00", "14.04"),
            ("合计", None, None, None, 24, "108.00", "14.04"))  # fmt: skip
    file.write_bytes(xlsx(rows).read())

    def worth():
        return Balance.objects.get(sku=buyer.mug, warehouse=buyer.place).value

    log_in(page)
    page.goto(f"{page.base}/admin/orders/purchaseorder/")
    page.get_by_role("link", name="Import invoices").first.click()
    page.wait_for_url("**/imports/orders.invoices/")
    page.locator("[name=carry]").select_option("book")
    page.locator("input[type=file]").set_input_files(str(file))
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_text("The invoices of this file")).to_be_visible()
    for text in ("122.04", "+12.00", "1 row of totals was left out."):
        expect(page.get_by_text(text).first).to_be_visible()
    assert (worth(), SupplierInvoice.objects.count()) == (D(96), 0)
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Import all 1 rows").click()
    until(lambda: worth() == D(108))
    page.get_by_role("button", name="Undo this import").click()
    until(lambda: worth() == D(96))
    expect(page.get_by_text("1 rows taken back")).to_be_visible()
