"""The pages: a whole transfer through the browser's addresses, by each end's people; files, papers, assemblies."""

import json
from decimal import Decimal
from io import BytesIO

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from inventory import adjusting, reservations
from inventory.models import Access, Assembly, Barcode, Pack, RecipePart, StockDocument, Transfer, TransferReceipt
from tests.inventory.factories import shop, sku, stock, want, warehouse
from tests.inventory.sheets import xlsx
from tests.inventory.transfers.conftest import came, lies, line, state

pytestmark = pytest.mark.django_db
D = Decimal


def address(name, *args, of="transfer"):
    return reverse(f"admin:inventory_{of}_{name}", args=args)


@pytest.fixture
def see(people, person):
    def client(role="warehouse_clerk"):
        person(role)
        return people.client(role)

    return client


def press(client, transfer, do, **more):
    return client.post(address("do", transfer.pk), {"do": do, **more}, follow=True).content.decode()


def lines(*rows):
    """The formset of the lines page."""
    data = {"lines-TOTAL_FORMS": len(rows), "lines-INITIAL_FORMS": 0}
    for place, (code, quantity) in enumerate(rows):
        data |= {f"lines-{place}-code": code, f"lines-{place}-quantity": quantity}
    return data


def book(client, transfer, *rows, **more):
    body = json.dumps({"lines": list(rows), "seen": Transfer.objects.get(pk=transfer.pk).turn, **more})
    return client.post(address("receive", transfer.pk), body, content_type="application/json").json()


def test_a_clerk_takes_a_transfer_from_plan_to_shelf(a, here, there, see):
    client = see()
    client.post(address("new"), {"origin": here.pk, "destination": there.pk, "note": "hall"})
    made = Transfer.objects.get()
    shown = client.post(address("lines", made.pk), lines(("a", "4"), ("", "")), follow=True).content.decode()
    assert "Request it" in shown
    assert "Requested" in press(client, made, "request")
    shown = press(client, made, "pick", **{f"q_{line(made).pk}": "3"})
    assert "off the shelf" in shown
    assert (lies(a, here)[0], line(made).picked) == (7, 3)
    assert "Sent" in press(client, made, "send")
    page = client.get(address("receive", made.pk)).content.decode()
    assert "yt-codes" in page
    answer = book(client, made, {"line": line(made).pk, "good": "2", "damaged": "1"}, once="k1")
    assert (answer["ok"], answer["there"]) == (True, address("change", made.pk))
    assert (state(made), lies(a, there)[0]) == ("received", 2)
    again = book(client, made, {"line": line(made).pk, "good": "2", "damaged": "1"}, once="k1")
    assert (again["ok"], again["repeated"], lies(a, there)[0]) == (True, True, 2)
    second = book(client, made, {"line": line(made).pk, "good": "3"}, once="k2")
    assert "“Received” already: warehouse_clerk did it" in second["message"]
    assert client.get(address("receive", made.pk)).status_code == 302


def test_a_wrong_line_is_named_and_the_draft_stays_as_it_was(a, planned, see):
    made, client = planned((a, 2)), see("buyer")
    for rows, sentence in (
        ([("a", "1"), ("nobody", "1")], "neither a SKU code nor a barcode"),
        ([("a", "1"), ("A", "2")], "stands on line 1 already"),
        ([("a", "0")], "must be above zero"),
    ):
        assert sentence in client.post(address("lines", made.pk), lines(*rows)).content.decode()
        assert line(made).quantity == 2


def test_a_buyer_plans_and_does_not_move(a, here, planned, see):
    made, buyer = planned((a, 2)), see("buyer")
    press(buyer, made, "request")
    assert state(made) == "requested"
    assert buyer.post(address("do", made.pk), {"do": "pick"}).status_code == 403
    assert buyer.get(address("receive", made.pk)).status_code == 403
    assert see("auditor").post(address("do", made.pk), {"do": "cancel"}).status_code == 403
    assert (state(made), lies(a, here)[0]) == ("requested", 10)


def test_lines_come_by_excel_whole_or_not_at_all_and_twice_is_the_same(a, b, planned, see):
    made, client = planned((a, 9)), see("buyer")
    pack = Pack.objects.create(sku=b, name="case", quantity=D(2))
    Barcode.objects.create(sku=b, code="4006381333931", pack=pack)
    good = [("A", 4), ("4006381333931", 2)]
    bad = client.post(
        address("upload", made.pk), {"file": xlsx([*good, ("X", 1), ("A", 1)], header=("SKU code", "数量"))}
    ).content.decode()
    assert "“X” is neither a SKU code nor a barcode." in bad
    assert "“A” stands in row 2 already" in bad
    assert [(one.sku, one.quantity) for one in made.lines.all()] == [(a, 9)]
    for _twice in range(2):
        client.post(address("upload", made.pk), {"file": xlsx(good, header=("SKU code", "数量"))})
        assert [(one.sku.code, one.quantity) for one in made.lines.order_by("pk")] == [("A", 4), ("B", 4)]
    book_ = load_workbook(BytesIO(b"".join(client.get(address("xlsx", made.pk)).streaming_content))).active
    assert [cell.value for cell in book_[2]][:3] == ["A", "A", 4]
    assert "value" not in [cell.value for cell in book_[1]]


def test_what_went_out_as_a_workbook_comes_in_again(a, b, planned, see):
    made, other, client = planned((a, 4), (b, 2)), planned(), see()
    content = b"".join(client.get(address("xlsx", made.pk)).streaming_content)
    from django.core.files.uploadedfile import SimpleUploadedFile

    client.post(address("upload", other.pk), {"file": SimpleUploadedFile("t.xlsx", content)})
    assert [(one.sku, one.quantity) for one in other.lines.order_by("pk")] == [(a, 4), (b, 2)]


def test_papers_are_pdf(a, sent, see, here):
    client, made = see(), sent((a, 4))
    assert client.get(address("pdf", made.pk)).content.startswith(b"%PDF")
    document = adjusting.adjust(
        warehouse_id=here.pk, lines=[adjusting.Line(sku_id=a.pk, change=D(-1))], reason="lost", note="fell"
    )  # fmt: skip
    answer = client.get(address("pdf", document.pk, of="stockdocument"))
    assert (answer.content[:4], answer["Content-Type"]) == (b"%PDF", "application/pdf")
    for role, sees in (("owner", True), ("warehouse_clerk", False)):
        body = b"".join(see(role).get(address("xlsx", document.pk, of="stockdocument")).streaming_content)
        rows = list(load_workbook(BytesIO(body)).active.values)
        assert ("unit cost" in rows[0]) is sees
        assert rows[1][:9] == (1, "A", "A", "HERE", 6, None, -1, "Lost", "fell")
    assert "document.pdf" in client.get(address("change", document.pk, of="stockdocument")).content.decode()


def test_a_surplus_above_the_limit_is_booked_by_a_second_person(a, there, sent, see):
    made, clerk = sent((a, 4)), see()
    told = book(clerk, made, {"line": line(made).pk, "good": "9"})
    assert "waits for a second person" in told["message"]
    assert "Book as found" not in clerk.get(address("change", made.pk)).content.decode()
    owner, receipt = see("owner"), made.receipts.get()
    assert "Book as found" in owner.get(address("change", made.pk)).content.decode()
    assert clerk.post(address("do", made.pk), {"do": "surplus", "receipt": receipt.pk}).status_code == 403
    assert "Booked as found." in press(owner, made, "surplus", receipt=receipt.pk, accept="1")
    assert (lies(a, there)[0], StockDocument.objects.get().reason) == (9, "found")


def test_a_receipt_is_taken_back_from_the_page_and_the_page_says_who_and_why(a, there, sent, see, person):
    made, clerk, buyer = sent((a, 4)), see(), see("buyer")
    book(clerk, made, {"line": line(made).pk, "good": "3", "damaged": "1"})
    receipt = made.receipts.get()
    assert "Take back…" in clerk.get(address("change", made.pk)).content.decode()
    assert "Take back…" not in buyer.get(address("change", made.pk)).content.decode()
    assert buyer.post(address("do", made.pk), {"do": "take_back", "receipt": receipt.pk}).status_code == 403
    assert "Say why" in press(clerk, made, "take_back", receipt=receipt.pk)
    assert lies(a, there)[0] == 3
    shown = press(clerk, made, "take_back", receipt=receipt.pk, note="the <b>wrong</b> pallet")
    assert "in transit again" in shown
    assert "the &lt;b&gt;wrong&lt;/b&gt; pallet" in shown
    assert "Take back…" not in shown
    assert (state(made), lies(a, there)) == ("transit", (0, 4, 0))
    assert "taken back already: warehouse_clerk did it" in press(
        clerk, made, "take_back", receipt=receipt.pk, note="again"
    )
    other = sent((a, 1))
    for chosen in (receipt.pk, "x", "", "9" * 30):
        answer = clerk.post(address("do", other.pk), {"do": "take_back", "receipt": chosen, "note": "x"})
        assert answer.status_code == 404
    assert "Book what came" in clerk.get(address("receive", made.pk)).content.decode()


@pytest.mark.parametrize(
    "row", [{"good": "x"}, {"good": "NaN"}, {"good": "1e999"}, {"good": "-1"}, {"line": "1"}, {"line": 2**70}, {}]
)
def test_nonsense_from_a_phone_is_refused_and_nothing_comes(a, there, sent, see, row):
    made, client = sent((a, 4)), see()
    assert not book(client, made, {"line": line(made).pk, "good": "1", **row} if row else {})["ok"]
    assert (lies(a, there)[0], state(made)) == (0, "transit")


@pytest.mark.parametrize("body", ["", "[]", "{", '{"lines": [1]}', '{"lines": 1}', "[" * 100_000])
def test_a_body_that_is_none_is_refused(a, sent, see, body):
    answer = see().post(address("receive", sent((a, 1)).pk), body, content_type="application/json")
    assert answer.status_code == 400


def test_halves_of_letters_from_a_phone_are_left_out_of_the_note(a, sent, see):
    made = sent((a, 1))
    told = book(see(), made, {"line": line(made).pk, "good": "1"}, note="ok \ud83d\x00 then", once="\ud800x")
    assert told["ok"] is True
    assert TransferReceipt.objects.get().note == "ok  then"


def test_transfers_of_other_warehouses_are_not_there(a, sent, people):
    made = sent((a, 4))
    Access.objects.create(user=people["warehouse_clerk"]).warehouses.add(warehouse("MINE"))
    client = people.client("warehouse_clerk")
    for name in ("receive", "xlsx", "pdf", "lines"):
        assert client.get(address(name, made.pk)).status_code == 404
    assert client.post(address("do", made.pk), {"do": "cancel"}).status_code == 404
    assert made.number not in client.get(address("changelist")).content.decode()
    assert state(made) == "transit"


def test_the_destinations_people_see_and_receive_what_others_sent(a, there, sent, people):
    made = sent((a, 4))
    Access.objects.create(user=people["warehouse_clerk"]).warehouses.add(there)
    client = people.client("warehouse_clerk")
    assert made.number in client.get(address("changelist")).content.decode()
    press(client, made, "cancel")
    assert state(made) == "transit"
    assert book(client, made, {"line": line(made).pk, "good": "4"})["ok"]


def test_the_proposal_says_why_and_makes_drafts(see):
    item, first, second = sku("TEA"), warehouse("W1"), warehouse("W2")
    stock(item, second, 10)
    shop(first, second)
    reservations.book_demand(wants=[want("l:1", item, 6, first)])
    client = see("buyer")
    page = client.get(address("proposal")).content.decode()
    assert "Orders wait for 6 in W1; 10 are free in W2." in page
    choice = f"{item.pk}-{second.pk}-{first.pk}"
    client.post(address("proposal"), {"choice": [choice, "x", "1-2"]})
    assert [(one.sku, one.quantity) for one in Transfer.objects.get().lines.all()] == [(item, 6)]
    again = client.post(address("proposal"), {"choice": choice}, follow=True).content.decode()
    assert ("Nothing of that is proposed any more" in again, Transfer.objects.count()) == (True, 1)


def test_a_box_is_built_and_undone_through_the_pages(a, here, see):
    box = sku("BOX")
    RecipePart.objects.create(built=box, part=a, quantity=D(2))
    client = see("owner")
    form = {"kind": "build", "warehouse": here.pk, "sku": "box", "quantity": "3", "labour": "1.5", "once": "k"}
    for _twice in range(2):
        client.post(address("new", of="assembly"), form)
    made = Assembly.objects.get()
    assert (lies(box, here)[0], made.labour) == (3, D("1.5"))
    short = client.post(address("new", of="assembly"), {**form, "once": "l", "quantity": "30"}).content.decode()
    assert "A @ HERE: 4 &lt; 60" in short
    clerk = see()
    assert "labour" not in clerk.get(address("new", of="assembly")).content.decode()
    assert "1.50" not in clerk.get(address("change", made.pk, of="assembly")).content.decode()
    client.post(address("undo", made.pk, of="assembly"), {"note": "wrong"})
    assert (lies(a, here)[0], lies(box, here)[0]) == (10, 0)
    assert see("buyer").post(address("undo", made.pk, of="assembly")).status_code == 403


def test_a_recipe_is_written_on_the_skus_page(a, see):
    box = sku("BOX")
    client = see("buyer")
    page = client.get(address("change", box.pk, of="sku"))
    data = {}
    for name, value in page.context["adminform"].form.initial.items():
        data[name] = "" if value is None else value
    for formset in page.context["inline_admin_formsets"]:
        prefix = formset.formset.prefix
        data |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    row = {"recipe-TOTAL_FORMS": 1, "recipe-0-part": a.pk, "recipe-0-quantity": "2", "recipe-0-built": box.pk}
    client.post(address("change", box.pk, of="sku"), {**data, **row})
    assert [(one.part, one.quantity) for one in box.recipe.all()] == [(a, 2)]
    box.recipe.all().delete()
    answer = client.post(address("change", box.pk, of="sku"), {**data, **row, "recipe-0-part": box.pk})
    assert "cannot be part of itself" in answer.content.decode()
    assert not box.recipe.exists()


def test_names_are_data_on_every_page(here, there, planned, sent, see):
    bad = "<script>alert(1)</script>%(x)s"
    item = sku("A")
    item.name = bad
    item.save()
    stock(item, here, 9)
    planned((item, 1), note=bad)
    made, client = sent((item, 3)), see("owner")
    came(made, 1, note=bad)
    for url in (address("change", made.pk), address("receive", made.pk), address("changelist")):
        assert "<script>alert(1)" not in client.get(url).content.decode()


def test_the_page_asks_a_constant_number_of_queries(here, sent, see, django_assert_max_num_queries):
    goods = [sku() for _ in range(25)]
    for item in goods:
        stock(item, here, 9)
    made, client = sent(*[(item, 2) for item in goods]), see("owner")
    for item in goods[:6]:
        came(made, 1, item=item)
    client.get(address("change", made.pk))
    with django_assert_max_num_queries(32):
        client.get(address("change", made.pk))
