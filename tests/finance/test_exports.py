"""Vouchers as a workbook: every line, nothing live."""

import datetime as dt
from io import BytesIO, StringIO

import openpyxl
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from backoffice.models import AuditEntry
from finance import posting
from finance.exports import export_vouchers
from finance.models import Period, Voucher
from inventory.models import Access
from tests.finance.factories import line, rate, sale, shop, warehouse

pytestmark = pytest.mark.django_db


@pytest.fixture
def books():
    """A foreign sale whose order number is a trap, and one of another shop and month."""
    rate(value="7.1")
    goods = line("10.5", cost="4", warehouse_id=warehouse().pk)
    posting.request_sale(sale=sale("orders.shipment:1", goods, currency="USD", number="=HYPERLINK(1)"))
    october = dt.datetime(2026, 10, 5, tzinfo=dt.UTC)
    posting.request_sale(sale=sale("orders.shipment:2", shop_id=shop("S2").pk, occurred_at=october))
    posting.post_due()


def rows_of(data):
    sheet = openpyxl.load_workbook(BytesIO(data)).active
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)], sheet


def written(queryset):
    buffer = BytesIO()
    export_vouchers(buffer, queryset, of="test")
    return rows_of(buffer.getvalue())


def test_every_line_is_a_row_with_accounts_amounts_and_its_document(books):
    rows, _sheet = written(Voucher.objects.filter(reference="orders.shipment:1"))
    assert rows[0] == [
        "2026-11-00001", dt.datetime(2026, 11, 10), "Sale", "Sale, order =HYPERLINK(1)", "1122", "Accounts receivable",
        74.55, None, "USD", 10.5, "7.1", "S1", None, "=HYPERLINK(1)", "orders.shipment:1", dt.datetime(2026, 11, 10),
    ]  # fmt: skip
    assert [(row[4], row[6], row[7], row[12]) for row in rows[2:]] == [("5401", 4, None, "W1"), ("1405", None, 4, "W1")]


def test_no_cell_is_a_formula(books):
    _rows, sheet = written(Voucher.objects.all())
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "d"}


def test_the_export_is_noted(books):
    written(Voucher.objects.all())
    assert AuditEntry.objects.get(action="books.export").after == {"lines": 6, "of": "test"}


def test_the_chosen_vouchers_are_downloaded(books, people):
    Access.objects.create(user=people["bookkeeper"], all_shops=True)
    keys = list(Voucher.objects.filter(reference="orders.shipment:2").values_list("pk", flat=True))
    data = {"action": "export", "_selected_action": keys}
    answer = people.client("bookkeeper").post(reverse("admin:finance_voucher_changelist"), data)
    rows, _sheet = rows_of(b"".join(answer.streaming_content))
    assert answer["Content-Disposition"] == 'attachment; filename="vouchers-1-vouchers.xlsx"'
    assert {row[14] for row in rows} == {"orders.shipment:2"}


def test_a_month_is_downloaded_with_own_shops_only(books, people):
    Access.objects.create(user=people["bookkeeper"]).shops.set([shop("S2")])
    keys = list(Period.objects.values_list("pk", flat=True))
    data = {"action": "export", "_selected_action": keys}
    answer = people.client("bookkeeper").post(reverse("admin:finance_period_changelist"), data)
    rows, _sheet = rows_of(b"".join(answer.streaming_content))
    assert {row[11] for row in rows} == {"S2"}


def test_too_many_lines_for_a_page_are_refused_with_the_command(books, people, monkeypatch):
    monkeypatch.setattr("finance.admin.downloads.MOST_LINES", 3)
    data = {"action": "export", "_selected_action": list(Period.objects.values_list("pk", flat=True))}
    answer = people.client("superuser").post(reverse("admin:finance_period_changelist"), data, follow=True)
    assert "More than 3 lines: use the command export_vouchers" in answer.content.decode()


def test_the_command_writes_a_month(books, tmp_path):
    out = StringIO()
    call_command("export_vouchers", "2026-11", str(tmp_path / "a.xlsx"), stdout=out)
    assert out.getvalue().startswith("4 lines written to")
    assert len(rows_of((tmp_path / "a.xlsx").read_bytes())[0]) == 4


def test_the_command_refuses_what_is_no_month(tmp_path):
    with pytest.raises(CommandError, match="'11/2026' is not a month"):
        call_command("export_vouchers", "11/2026", str(tmp_path / "a.xlsx"))
