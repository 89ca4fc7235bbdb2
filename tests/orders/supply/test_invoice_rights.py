"""Suppliers' invoices by file: who may what, taken back by hand, files that go out and come in again."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from openpyxl import load_workbook

from backoffice import clock
from backoffice.imports import applying
from backoffice.imports.errors import ImportRefused
from backoffice.imports.kinds import import_kind_of
from backoffice.models import AuditEntry
from inventory.models import Access
from orders.models import CostDocument, SupplierInvoice
from orders.supply import invoicing
from orders.supply.costs import booking, drafting, withdrawing
from orders.supply.errors import SupplyError
from tests.inventory import factories as stock
from tests.inventory.importing.conftest import counts, do, said, upload, xlsx
from tests.orders.supply.conftest import LI, D
from tests.orders.supply.invoice_kit import BOOK, DAY, DRAFT, HEADER, KIND, Person, asked, lines, told
from tests.orders.supply.test_costs import value

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(people, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return Person(people)


@pytest.fixture
def look(person, buyer):
    return person.look


@pytest.fixture
def take(person, buyer):
    return person.take


# --- rights and sight ------------------------------------------------------------------------------------------------


def test_a_buyer_leaves_a_late_cost_for_who_may_book_it(buyer, came, take, person, people):
    run = take(asked(came), user=person("buyer"), options=DRAFT)
    assert told(run)["stock"] == "12.0000"
    cost = CostDocument.objects.get()
    assert (cost.state, value(buyer)) == ("draft", 96)
    booking.book(document_id=cost.pk, actor=LI)
    with pytest.raises(ImportRefused):
        applying.undo(run_id=run.pk, user=person("buyer"))
    assert "somebody who may undo late costs" in run.rows.get().note
    assert (value(buyer), len(lines())) == (108, 1)
    applying.undo(run_id=run.pk, user=person("owner"))
    assert (value(buyer), lines()) == (96, [])


def test_who_may_not_book_cannot_book_by_file(buyer, came, look, person, people):
    person("buyer")
    client = people.client("buyer")
    page = client.get(reverse("import_start", args=[KIND])).content.decode()
    assert ('value="draft"' in page, 'value="book"' in page) == (True, False)
    upload(client, KIND, xlsx((HEADER, asked(came))), carry="book")
    assert not SupplierInvoice.objects.exists()
    run = look(asked(came), user=people["buyer"], options=BOOK)  # asked for past the page
    with pytest.raises(ImportRefused, match="may not book"):
        applying.apply(run_id=run.pk, user=people["buyer"])
    assert (value(buyer), SupplierInvoice.objects.count()) == (96, 0)


def test_without_carrying_only_the_paper_is_written_down(buyer, came, take):
    run = take(asked(came), options={"carry": ""})
    assert "stock" not in told(run)
    assert (value(buyer), len(lines()), CostDocument.objects.count()) == (96, 1, 0)
    assert [one.amount for one in invoicing.differences(came)] == [12]


@pytest.mark.parametrize(
    "role",
    ["owner", "ops_admin", "buyer", "bookkeeper", "auditor", "warehouse_clerk", "order_clerk", "customer_service"],
)
def test_who_may_bring_invoices_in_and_take_them_out(people, role):
    kind, user = import_kind_of(KIND), people[role]
    brings = role in ("owner", "ops_admin", "buyer")
    assert (kind.may_see(user), kind.may_import(user)) == (brings or role in ("bookkeeper", "auditor"), brings)


def test_orders_of_other_warehouses_are_not_there(buyer, came, look, people):
    Access.objects.create(user=people["owner"], all_shops=True).warehouses.add(stock.warehouse("SH"))
    run = look(asked(came), user=people["owner"])
    assert "is not a purchase order that you see" in said(run)[2]


# --- taken back by hand ----------------------------------------------------------------------------------------------


def test_an_invoice_is_taken_back_on_the_page_of_its_order(buyer, came, take, person, people):
    run = take(asked(came))
    client, invoice = people.client("owner"), SupplierInvoice.objects.get()
    page = reverse("admin:orders_purchaseorder_change", args=[came.pk])
    html = client.get(page).content.decode()
    assert ("Take the invoice back" in html, "Invoices by file" in html) == (True, True)
    where = reverse("admin:orders_purchaseorder_do", args=[came.pk])
    client.post(where, {"do": "withdraw", "invoice": invoice.pk})
    assert (value(buyer), lines()) == (96, [])
    assert AuditEntry.objects.filter(action="purchase.invoice_undone").count() == 1
    assert "was taken back already" in client.post(
        where, {"do": "withdraw", "invoice": invoice.pk}, follow=True
    ).content.decode()  # fmt: skip
    with pytest.raises(SupplyError, match="taken back already"):
        drafting.from_invoice(invoice_id=invoice.pk, actor=LI)
    with pytest.raises(ImportRefused):
        applying.undo(run_id=run.pk, user=person())
    assert "was taken back already" in run.rows.get().note


def test_a_typed_invoice_is_taken_back_with_the_draft_of_its_prices(buyer, came):
    rows = {buyer.line(came).pk: (D(24), D(5))}
    made = invoicing.note_invoice(order_id=came.pk, number="T", issued_on=DAY, rows=rows, actor=LI)
    drafting.from_invoice(invoice_id=made.pk, actor=LI)
    withdrawing.withdraw(invoice_id=made.pk, actor=LI, may_book=False)
    assert (CostDocument.objects.count(), lines(), invoicing.differences(came)) == (0, [], [])
    invoicing.note_invoice(order_id=came.pk, number="T", issued_on=DAY, rows=rows, actor=LI)
    assert len(lines()) == 1


def test_the_database_holds_a_number_of_a_supplier_once_while_it_stands(buyer, came):
    fields = {"order": came, "supplier": buyer.supplier, "number": "N", "issued_on": DAY, "at": clock.now()}
    one = SupplierInvoice.objects.create(**fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        SupplierInvoice.objects.create(**fields)
    SupplierInvoice.objects.filter(pk=one.pk).update(undone_at=clock.now())
    SupplierInvoice.objects.create(**fields)


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_what_is_exported_comes_in_again_unchanged(buyer, came, take, people, form):
    take(asked(came, tax="14.04", note="=1+1"), asked(came, "CUP", 10, None, "20.01"))
    client = people.client("owner")
    query = {"as": "csv"} if form == "csv" else {}
    data = b"".join(client.get(f"/admin/imports/{KIND}/export/", query).streaming_content)
    run, _answer = upload(client, KIND, SimpleUploadedFile(f"out.{form}", data), carry="book")
    assert (counts(run), said(run)) == ((0, 0, 2, 0), {})


def test_the_error_sheet_corrected_comes_in(buyer, came, look, people, person):
    run = look(asked(came), asked(came, "CUPP", 10, 2))
    client = people.client("owner")
    data = b"".join(client.get(reverse("import_problems", args=[run.pk])).streaming_content)
    book = load_workbook(io.BytesIO(data))
    sheet = book.active
    assert "CUPP" in str(sheet.cell(3, len(HEADER) + 1).value)
    sheet.cell(3, 4).value = "CUP"
    out = io.BytesIO()
    book.save(out)
    again, _answer = upload(client, KIND, SimpleUploadedFile("again.xlsx", out.getvalue()), carry="book")
    assert (counts(again), said(again)) == ((2, 0, 0, 0), {})


def test_the_owner_does_it_in_the_browser(buyer, came, people, person):
    person()
    client = people.client("owner")
    assert "import-invoices" in client.get(reverse("admin:orders_purchaseorder_changelist")).content.decode()
    assert KIND in client.get(reverse("imports")).content.decode()
    assert client.get(reverse("import_template", args=[KIND])).status_code == 200
    file = xlsx((HEADER, asked(came, tax="14.04"), asked(came, "CUP", 10, 2, number="INV-2"),
                 asked(came, "NOPE", 1, 1, number="INV-2")))  # fmt: skip
    run, _answer = upload(client, KIND, file, carry="book")
    html = client.get(reverse("import_run", args=[run.pk])).content.decode()
    for text in ("The invoices of this file", "108.00", "14.04", "122.04", "+12.00", "2 rows with a problem"):
        assert text in html
    assert "1 new, 0 changed" in do(client, run, "good").content.decode()
    assert value(buyer) == 108
    assert "1 rows taken back" in do(client, run, "undo").content.decode()
    assert value(buyer) == 96


def test_the_number_of_queries_does_not_grow_with_the_rows(look, buyer, django_assert_max_num_queries):
    goods = [stock.sku(f"S{number}") for number in range(60)]
    made = [buyer.ordered(*((sku, 1, "2") for sku in goods[at : at + 10])) for at in range(0, 60, 10)]
    rows = [asked(made[at // 10], f"S{at}", 1, 2, number=f"N{at // 10}") for at in range(60)]
    with django_assert_max_num_queries(35):
        assert counts(look(*rows)) == (60, 0, 0, 0)
