"""What goes out: exports that come in again, templates, and the person's own file with the reasons."""

import csv as csv_module
import io
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from backoffice.imports.kinds import ImportKind, kinds
from backoffice.models import AuditEntry
from inventory.models import Barcode, Pack, Sku
from inventory.transfers import planning
from inventory.transfers.planning import Wish
from tests.inventory.factories import bundle, sku, stock, warehouse
from tests.inventory.importing.conftest import counts, csv, said, upload, xlsx

pytestmark = pytest.mark.django_db
DANGEROUS = ("-12", "=1+1", "+86", "@SUM(A1)", "00123", "1.23E+12", "＝2+2", "'=1", "=cmd|' /C calc'!A0")
LISTS = [kind.key for kind in kinds() if issubclass(kind, ImportKind)]


def fetched(client, name, *args, **query):
    return b"".join(client.get(reverse(name, args=args), query).streaming_content)


@pytest.fixture
def catalogue():
    """SKUs whose codes a spreadsheet would run or shorten, with all that hangs on them."""
    place = warehouse("W")
    items = [sku(code, list_price=D("9.5")) for code in DANGEROUS]
    for number, item in enumerate(items):
        Barcode.objects.create(sku=item, code=f"69{number}")
        pack = Pack.objects.create(sku=item, name="=Case", quantity=D(12))
        Barcode.objects.create(sku=item, code=f"79{number}", pack=pack)
        stock(item, place, 3)
    bundle(*((item, 2) for item in items), code="-SET")
    wishes = [Wish(sku_id=item.pk, quantity=D("1.5")) for item in items]
    planning.plan(origin=place, destination=warehouse("V"), lines=wishes, user=None, note="=1+1")
    return items


@pytest.mark.parametrize("key", [key for key in LISTS if key.startswith("inventory")])
@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_what_is_exported_comes_in_again_unchanged(people, owner, catalogue, key, form):
    client = people.client("owner")
    data = fetched(client, "import_export", key, **({"as": "csv"} if form == "csv" else {}))
    run, _answer = upload(client, key, SimpleUploadedFile(f"out.{form}", data))
    new, changed, same, bad = counts(run)
    assert (new, changed, bad, said(run)) == (0, 0, 0, {})
    assert same >= len(DANGEROUS)


@pytest.mark.parametrize("key", [kind.key for kind in kinds()])
def test_no_cell_of_an_export_is_a_formula(people, owner, catalogue, key):
    client = people.client("owner")
    book = load_workbook(io.BytesIO(fetched(client, "import_export", key)))
    assert [cell for row in book.active for cell in row if cell.data_type == "f"] == []
    lines = csv_module.reader(io.StringIO(fetched(client, "import_export", key, **{"as": "csv"}).decode("utf-8-sig")))
    live = [cell for line in lines for cell in line if cell[:1] in "=+@\t\r＝＋＠" and cell]
    assert live == []
    assert [cell for cell in live if cell[:1] == "-" and not cell[1:].replace(".", "").isdigit()] == []
    assert AuditEntry.objects.filter(action=f"export.{key.rpartition('.')[2]}", target=key).count() == 2


def test_balances_go_out_with_cost_for_who_may_see_it_only(people, owner, catalogue):
    from inventory.models import Access

    Access.objects.create(user=people["warehouse_clerk"], all_shops=True)  # no warehouse
    full = load_workbook(io.BytesIO(fetched(people.client("owner"), "import_export", "inventory.balances"))).active
    bare = load_workbook(io.BytesIO(fetched(people.client("warehouse_clerk"), "import_export", "inventory.balances")))
    assert (full.max_row, full["K1"].value) == (len(DANGEROUS) + 1, "unit cost")
    assert (bare.active.max_row, bare.active["K1"].value) == (1, None)


@pytest.mark.parametrize("key", LISTS)
def test_a_template_is_understood_by_its_own_import(people, owner, key):
    client = people.client("owner")
    data = fetched(client, "import_template", key)
    book = load_workbook(io.BytesIO(data))
    assert len(book.worksheets) == 2
    assert book.worksheets[1].max_row == book.worksheets[0].max_column + 1
    run, _answer = upload(client, key, SimpleUploadedFile("template.xlsx", data))
    assert (run.state, counts(run)) == ("preview", (0, 0, 0, 0))


def test_a_chinese_template_is_understood_in_english(people, owner):
    owner.language = "zh-hans"
    owner.save()
    data = fetched(people.client("owner"), "import_template", "inventory.skus")
    assert load_workbook(io.BytesIO(data)).active["A1"].value == "SKU 编码"
    owner.language = "en"
    owner.save()
    run, _answer = upload(people.client("owner"), "inventory.skus", SimpleUploadedFile("t.xlsx", data))
    assert run.state == "preview"


def test_the_error_sheet_is_the_persons_own_file_with_the_reason(people, owner):
    rows = (("Our goods 2026", None, None, None), (), ("colour", "SKU code", "list price", "name"),
            ("blue", "-12", 9.5, "good"), ("red", "00123", "cheap", None), (None, "合计", 9.5, None))  # fmt: skip
    client = people.client("owner")
    run, _answer = upload(client, "inventory.skus", xlsx(rows))
    assert (counts(run), run.totals_left_out) == ((1, 0, 0, 1), 1)
    sheet = load_workbook(io.BytesIO(fetched(client, "import_problems", run.pk))).active
    shown = [[cell.value or None for cell in row] for row in sheet]
    assert shown[0] == ["Our goods 2026", None, None, None, None]
    assert shown[2:] == [
        ["colour", "SKU code", "list price", "name", "Problem"],
        ["blue", "-12", 9.5, "good", None],
        ["red", "00123", "cheap", None, "name: is empty; list price: “cheap” is not a number"],
        [None, "合计", 9.5, None, None],
    ]
    assert sheet["B4"].data_type == "s"


def test_the_corrected_error_sheet_comes_in(people, owner):
    client = people.client("owner")
    run, _answer = upload(client, "inventory.skus", xlsx((("SKU code", "name"), ("A", "good"), ("B", None))))
    book = load_workbook(io.BytesIO(fetched(client, "import_problems", run.pk)))
    book.active["B3"] = "now it has one"
    target = io.BytesIO()
    book.save(target)
    again, _answer = upload(client, "inventory.skus", SimpleUploadedFile("again.xlsx", target.getvalue()))
    assert counts(again) == (2, 0, 0, 0)


def test_the_error_sheet_of_a_csv_is_a_csv_without_a_formula(people, owner):
    client = people.client("owner")
    run, _answer = upload(client, "inventory.skus", csv("SKU code,name,note\nA,,=1+1\nB,good,x\n"))
    text = fetched(client, "import_problems", run.pk).decode("utf-8-sig")
    assert text.splitlines() == ["SKU code,name,note,Problem", "A,,'=1+1,name: is empty", "B,good,x,"]


def test_more_problems_than_a_page_lists_stand_all_in_the_error_sheet(people, owner):
    client = people.client("owner")
    rows = [("SKU code", "name"), *((f"S{number}", None) for number in range(1_500))]
    run, _answer = upload(client, "inventory.skus", xlsx(rows))
    sheet = load_workbook(io.BytesIO(fetched(client, "import_problems", run.pk))).active
    assert sum(row[2].value == "name: is empty" for row in sheet) == 1_500
    assert not Sku.objects.exists()
