"""The stock's admin pages: who sees them, what they show, what they let a person do, what they refuse."""

from decimal import Decimal
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from backoffice.models import AuditEntry, ImportRun
from inventory import counts, dated, reservations
from inventory.counts import CountOrder
from inventory.models import (
    Access,
    Balance,
    Barcode,
    BundlePart,
    Pack,
    Product,
    ShopWarehouse,
    Sku,
    StockDocument,
    StockEntry,
    StockPolicy,
)
from tests.inventory.factories import buckets, bundle, shop, sku, stock, want, warehouse
from tests.inventory.sheets import xlsx

pytestmark = pytest.mark.django_db
D = Decimal
MODELS = (
    "product", "sku", "warehouse", "shop", "shopwarehouse", "stockpolicy", "balance", "stockentry", "reservation",
    "stockdocument", "access",
)  # fmt: skip


def page(name, *args):
    return reverse(f"admin:inventory_{name}", args=args)


@pytest.fixture
def see(people):
    """A client of a role that sees all shops and warehouses."""

    def client(role="owner"):
        Access.objects.get_or_create(user=people[role], defaults={"all_shops": True, "all_warehouses": True})
        return people.client(role)

    return client


@pytest.fixture
def house():
    """A little of everything: (SKU, warehouse, shop)."""
    a, w = sku("A", low_stock=D(3)), warehouse("W")
    store = shop(w, code="S1")
    stock(a, w, 10, "2.5")
    bundle((a, 2), code="SET")
    reservations.reserve(wants=[want("orders.line:1", a, 2, w)])
    dated.set_policy(shop_id=store.pk, sku_id=a.pk, buffer=D(1))
    document = counts.preview(file=xlsx([("A", 8)]), order=CountOrder(warehouse_id=w.pk), user=None)
    counts.post(document_id=document.pk, user=None)
    return a, w, store


@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_page_opens(see, house, model):
    client = see()
    listed = client.get(page(f"{model}_changelist"))
    assert listed.status_code == 200
    row = listed.context["cl"].result_list[0]
    assert client.get(page(f"{model}_change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", ["product", "sku", "warehouse", "shop", "shopwarehouse", "stockpolicy", "access"])
def test_every_form_to_add_opens(see, model):
    assert see().get(page(f"{model}_add")).status_code == 200


@pytest.mark.parametrize("model", ["balance", "stockentry", "reservation"])
def test_the_ledger_is_read_only_for_everybody(people, house, model):
    client = people.client("superuser")
    pk = client.get(page(f"{model}_changelist")).context["cl"].result_list[0].pk
    assert client.get(page(f"{model}_add")).status_code == 403
    assert client.post(page(f"{model}_change", pk), {"quantity": "9"}).status_code == 403
    assert client.post(page(f"{model}_delete", pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("role", "model", "status"),
    [
        ("warehouse_clerk", "balance", 200),
        ("warehouse_clerk", "stockpolicy", 403),
        ("warehouse_clerk", "access", 403),
        ("order_clerk", "stockentry", 200),
        ("order_clerk", "stockdocument", 403),
        ("customer_service", "stockentry", 403),
        ("bookkeeper", "stockdocument", 200),
        ("ops_admin", "access", 403),
        ("auditor", "access", 200),
    ],
)
def test_roles_open_what_is_theirs(see, house, role, model, status):
    assert see(role).get(page(f"{model}_changelist")).status_code == status


@pytest.mark.parametrize(
    ("role", "shown"), [("owner", True), ("bookkeeper", True), ("warehouse_clerk", False), ("ops_admin", False)]
)
def test_cost_is_hidden_from_whoever_may_not_know_it(see, house, role, shown):
    client = see(role)
    for name in ("balance", "stockentry"):
        row = client.get(page(f"{name}_changelist")).context["cl"].result_list[0]
        form = client.get(page(f"{name}_change", row.pk)).context["adminform"]
        assert ("value" in form.readonly_fields) is shown
    file = b"".join(client.get(page("balance_export_xlsx")).streaming_content)
    headers = [cell.value for cell in load_workbook(BytesIO(file)).active[1]]
    assert ("value" in headers) is shown


@pytest.mark.parametrize(
    "query", ["value__gt=1", "sku__list_price__gt=1", "unit_cost=2.5", "warehouse__adjust_limit=1"]
)
def test_hidden_columns_cannot_be_probed_by_the_address(see, house, query):
    client = see("warehouse_clerk")
    for name in ("balance", "stockentry"):
        answer = client.get(page(f"{name}_changelist") + f"?{query}")
        assert answer.status_code in (302, 400)


def test_lists_show_ones_own_warehouses_only(people, house):
    a, _w, _store = house
    mine = warehouse("MINE")
    stock(a, mine, 1)
    Access.objects.create(user=people["warehouse_clerk"]).warehouses.add(mine)
    client = people.client("warehouse_clerk")
    rows = client.get(page("balance_changelist")).context["cl"].result_list
    assert [row.warehouse for row in rows] == [mine]
    hidden = Balance.objects.exclude(warehouse=mine).first()
    assert client.get(page("balance_change", hidden.pk)).status_code == 302  # not there for this person
    document = StockDocument.objects.get()
    assert client.post(page("stockdocument_do", document.pk), {"do": "undo"}).status_code == 404


@pytest.mark.parametrize(("level", "found"), [("low", 1), ("out", 0), ("short", 0), ("some", 1)])
def test_balances_are_found_by_level(see, house, level, found):
    a, w, _store = house
    reservations.book_demand(wants=[want("l:9", a, 4, w)])  # 8 − 2 − 4 = 2, the mark is 3
    rows = see().get(page("balance_changelist") + f"?level={level}").context["cl"].result_list
    assert len(rows) == found


@pytest.mark.parametrize("typed", ["A", "ａ", "6901", "apple", "苹果"])
def test_skus_are_found_by_code_barcode_and_name(see, typed):
    item = sku("A-1", name_en="Red apple juice")
    Sku.objects.filter(pk=item.pk).update(name="苹果汁")
    Barcode.objects.create(sku=item, code="6901234567892")
    sku("zzz")
    rows = see().get(page("sku_changelist"), {"q": typed}).context["cl"].result_list
    assert [row.code for row in rows] == ["A-1"]


def sku_form(item, **fields):
    """The change form of a SKU as a browser sends it."""
    data = {"product": item.product_id, "code": item.code, "name": item.name, "kind": item.kind, "active": "on"}
    for prefix in ("parts", "barcodes", "packs", "recipe"):
        data |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    return data | fields


def parts(*rows, initial=0):
    """Rows of the parts inline: (part, quantity, row's id or '')."""
    data = {"parts-TOTAL_FORMS": len(rows), "parts-INITIAL_FORMS": initial}
    for i, (part, quantity, pk) in enumerate(rows):
        data |= {f"parts-{i}-part": part.pk if part else "", f"parts-{i}-quantity": quantity, f"parts-{i}-id": pk}
    return data


def test_a_changed_bundle_keeps_its_history(see):
    a, b = sku("A"), sku("B")
    made = bundle((a, 2), (b, 1), code="SET")
    first, second = made.parts.order_by("part__code")
    data = sku_form(made, **parts((a, 3, first.pk), (b, 1, second.pk), initial=2))
    assert see().post(page("sku_change", made.pk), data).status_code == 302
    rows = BundlePart.objects.filter(bundle=made, part=a).order_by("id").values_list("quantity", "valid_to")
    assert [(quantity, end is None) for quantity, end in rows] == [(2, False), (3, True)]
    assert BundlePart.objects.filter(bundle=made, part=b).count() == 1


def test_a_removed_part_is_closed_not_deleted(see):
    a, b = sku("A"), sku("B")
    made = bundle((a, 2), (b, 1))
    first, second = made.parts.order_by("part__code")
    data = sku_form(made, **parts((a, 2, first.pk), (b, 1, second.pk), initial=2)) | {"parts-1-DELETE": "on"}
    assert see().post(page("sku_change", made.pk), data).status_code == 302
    second.refresh_from_db()
    assert second.valid_to is not None


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("self", "A bundle cannot be part of itself."),
        ("bundle", "A bundle cannot hold another bundle: name its parts."),
        ("virtual", "Goods without stock cannot be part of a bundle."),
        ("none", "A bundle needs at least one part."),
        ("twice", "This part stands here twice."),
        ("zero", "More than zero, please."),
    ],
)
def test_impossible_bundles_are_form_errors(see, part, message):
    a = sku("A")
    made = Sku.objects.create(product=a.product, code="SET", name="SET", kind=Sku.Kind.BUNDLE)
    rows = {
        "self": [(made, 1, "")],
        "bundle": [(bundle((a, 1)), 1, "")],
        "virtual": [(sku(kind=Sku.Kind.VIRTUAL), 1, "")],
        "none": [],
        "twice": [(a, 1, ""), (a, 2, "")],
        "zero": [(a, 0, "")],
    }[part]
    answer = see().post(page("sku_change", made.pk), sku_form(made, **parts(*rows)))
    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert not made.parts.exists()


def test_goods_that_moved_cannot_become_a_bundle(see, house):
    a = house[0]
    answer = see().post(page("sku_change", a.pk), sku_form(a, kind="bundle"))
    assert "its kind can no longer change" in answer.content.decode()
    assert Sku.objects.get(pk=a.pk).kind == "stocked"


def test_a_taken_code_is_a_form_error(see):
    a, b = sku("A"), sku("B")
    answer = see().post(page("sku_change", b.pk), sku_form(b, code="ａ"))
    assert "already exists (as “A”)" in answer.content.decode()
    assert a.code == "A"


def policy_form(store, item, **fields):
    data = {"shop": store.pk if store else "", "sku": item.pk if item else "", "buffer": 0, "share": 1, "stop_below": 0}
    return data | {"presale": 0} | fields


def test_editing_a_policy_opens_a_new_row_and_the_old_one_is_closed_for_ever(see, house):
    a, _w, store = house
    client, old = see(), StockPolicy.objects.get()
    assert client.post(page("stockpolicy_change", old.pk), policy_form(None, None, cap=4)).status_code == 302
    new = StockPolicy.objects.get(valid_to=None)
    assert (new.shop, new.sku, new.cap, new.buffer) == (store, a, 4, 0)
    assert new.created_by.endswith("owner")
    assert client.post(page("stockpolicy_change", old.pk), policy_form(None, None, cap=9)).status_code == 403
    old.refresh_from_db()
    assert (old.cap, old.valid_to) == (None, new.valid_from)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"share": "1.5"}, "Between 0 and 1."),
        ({"buffer": "-1"}, "Not below zero."),
        ({"paused": "on"}, "Say why it is paused"),
        ({}, "There is a policy for this shop and SKU already"),
        ({"buffer": "1.2345"}, "no more than 3 decimal places"),
    ],
)
def test_nonsense_in_a_policy_is_a_form_error(see, house, fields, message):
    a, _w, store = house
    answer = see().post(page("stockpolicy_add"), policy_form(store, a, **fields))
    assert message in answer.content.decode()
    assert StockPolicy.objects.count() == 1


def test_a_shop_can_stop_selling_from_a_warehouse(see, house):
    link = ShopWarehouse.objects.get()
    data = {"action": "end", "_selected_action": [link.pk]}
    see().post(page("shopwarehouse_changelist"), data)
    link.refresh_from_db()
    assert link.valid_to is not None


def test_access_is_for_one_person_or_one_key(see, people):
    answer = see().post(page("access_add"), {"all_shops": "on"})
    assert "Choose a person or an API key" in answer.content.decode()
    data = {"user": people["buyer"].pk, "all_shops": "on"}
    assert see().post(page("access_add"), data).status_code == 302
    assert Access.objects.get(user=people["buyer"]).all_shops


# --- why -------------------------------------------------------------------------------------------------------------


def test_why_this_number_shows_the_terms_and_who_holds_the_goods(see, house):
    a, _w, store = house
    answer = see("order_clerk").get(page("sku_why", a.pk), {"shop": store.pk})
    text = answer.content.decode()
    assert [figure.quantity for _shop, figure, _chosen in answer.context["shops"]] == [5]
    assert "orders.line:1" in text
    assert "Less the buffer" in text


@pytest.mark.parametrize(
    "query",
    [{"at": "yesterday"}, {"at": "9999-99-99T99:99"}, {"shop": "x"}, {"shop": "9" * 30}, {"at": "2020-01-01T00:00"}],
)
def test_why_survives_nonsense_in_the_address(see, house, query):
    assert see().get(page("sku_why", house[0].pk), query).status_code == 200


def test_why_shows_only_the_shops_one_sees(people, house):
    a, _w, _store = house
    Access.objects.create(user=people["order_clerk"])
    answer = people.client("order_clerk").get(page("sku_why", a.pk))
    assert answer.context["shops"] == []
    assert people.client("order_clerk").get(page("sku_why", 10**9)).status_code == 404


# --- counts ----------------------------------------------------------------------------------------------------------


def upload(client, file, place=None, **fields):
    """Send a count as the browser does; returns the document it became (or the refused page)."""
    data = {"kind": "count", "warehouse": place.pk if place else "", "file": file}
    answer = client.post(page("stockdocument_upload_count"), data | fields)
    return StockDocument.objects.order_by("-id").first() if answer.status_code == 302 else answer


def do(client, document, name, **fields):
    return client.post(page("stockdocument_do", document.pk), {"do": name} | fields, follow=True)


def test_a_clerk_counts_from_the_sheet_to_the_posted_stock(see, house):
    a, w, _store = house
    client = see("warehouse_clerk")
    sheet = load_workbook(
        BytesIO(b"".join(client.get(page("stockdocument_count_sheet"), {"warehouse": w.pk}).streaming_content))
    )
    rows = list(sheet.active.iter_rows(values_only=True))
    assert rows[1][0] == "A"
    sheet.active.cell(2, 4).value = 7
    filled = BytesIO()
    sheet.save(filled)
    document = upload(client, SimpleUploadedFile("count.xlsx", filled.getvalue()), w)
    shown = client.get(page("stockdocument_change", document.pk)).content.decode()
    assert "−1" in shown
    assert buckets(a, w)[0] == 8
    for _double_click in range(2):
        assert do(client, document, "post").status_code == 200
    assert buckets(a, w)[0] == 7
    assert AuditEntry.objects.filter(action="stock.count", actor__endswith="warehouse_clerk").count() == 1


def test_a_file_that_cannot_be_read_is_said_on_the_form(see, house):
    answer = upload(see(), SimpleUploadedFile("count.xlsx", b"MZ not a workbook"), house[1])
    assert "its content is something else" in answer.content.decode()
    answer = upload(see(), xlsx([("A", 1)], ("Colour", "Size")), house[1])
    assert "Columns are missing: SKU code, counted quantity" in answer.content.decode()
    assert not StockDocument.objects.filter(state="draft").exists()


def test_bad_rows_are_listed_and_left_out_only_on_purpose(see, house):
    a, w, _store = house
    client = see()
    document = upload(client, xlsx([("A", 5), ("nobody", 3)]), w)
    text = client.get(page("stockdocument_change", document.pk)).content.decode()
    assert "“nobody” is not a SKU" in text
    assert "1 rows have a problem" in do(client, document, "post").content.decode()
    assert buckets(a, w)[0] == 8
    do(client, document, "post", leave_out="1")
    assert buckets(a, w)[0] == 5


def test_a_difference_over_the_limit_is_proposed_and_posted_by_another(see, house):
    a, w, _store = house
    type(w).objects.filter(pk=w.pk).update(adjust_limit=D(2))
    clerk, ops = see("warehouse_clerk"), see("ops_admin")
    document = upload(clerk, xlsx([("A", 20)]), w)
    do(clerk, document, "post")
    assert buckets(a, w)[0] == 8
    do(clerk, document, "propose")
    do(ops, document, "post")
    assert buckets(a, w)[0] == 20


def test_undo_needs_the_right_and_works_once(see, house):
    a, w, _store = house
    document = StockDocument.objects.get()
    assert see("warehouse_clerk").post(page("stockdocument_do", document.pk), {"do": "undo"}).status_code == 403
    for _twice in range(2):
        do(see(), document, "undo", note="wrong shelf")
    assert buckets(a, w)[0] == 10
    assert StockDocument.objects.count() == 2


def test_dropping_a_preview_posts_nothing(see, house):
    a, w, _store = house
    client = see()
    document = upload(client, xlsx([("A", 1)]), w)
    do(client, document, "discard")
    assert buckets(a, w)[0] == 8
    assert not StockDocument.objects.filter(pk=document.pk).exists()


@pytest.mark.parametrize("name", ["", "explode", "post; drop"])
def test_an_unknown_button_is_not_there(see, house, name):
    document = StockDocument.objects.get()
    assert see().post(page("stockdocument_do", document.pk), {"do": name}).status_code == 404
    assert see().get(page("stockdocument_do", document.pk)).status_code == 405


def test_the_same_file_twice_is_said(see, house):
    client, content = see(), xlsx([("A", 5)]).read()
    document = upload(client, SimpleUploadedFile("a.xlsx", content), house[1])
    do(client, document, "post")
    answer = upload(client, SimpleUploadedFile("b.xlsx", content), house[1])
    assert "This file was posted already" in answer.content.decode()


# --- adjustments -----------------------------------------------------------------------------------------------------


def adjustment(place, *rows, **fields):
    """The adjustment form as a browser sends it: rows of (code, change, counted)."""
    data = {"warehouse": place.pk, "reason": "damaged", "note": "fell down", "lines-TOTAL_FORMS": len(rows)}
    data["lines-INITIAL_FORMS"] = 0
    for i, (code, change, counted) in enumerate(rows):
        data |= {f"lines-{i}-code": code, f"lines-{i}-change": change, f"lines-{i}-counted": counted}
    return data | fields


def test_an_adjustment_is_posted_with_its_reason(see, house):
    a, w, _store = house
    case = Pack.objects.create(sku=a, name="case", quantity=2)
    Barcode.objects.create(sku=a, code="690", pack=case)
    answer = see("warehouse_clerk").post(page("stockdocument_adjust"), adjustment(w, ("690", "-1", ""), ("", "", "")))
    assert answer.status_code == 302
    assert buckets(a, w)[0] == 6
    entry = StockEntry.objects.order_by("-id").first()
    assert (entry.reason, entry.quantity, entry.actor[-15:]) == ("damaged", -2, "warehouse_clerk")


@pytest.mark.parametrize(
    ("rows", "fields", "message"),
    [
        ([("nobody", "1", "")], {}, "neither a SKU code nor a barcode"),
        ([("A", "1", "2")], {}, "Give either the change or what is there now."),
        ([("A", "", "")], {}, "Give either the change or what is there now."),
        ([("A", "0", "")], {}, "A change of 0 changes nothing."),
        ([("", "3", "")], {}, "Which SKU?"),
        ([("", "", "")], {}, "Fill in at least one line."),
        ([("A", "-7", "")], {}, "Not enough stock: A @ W: 6 &lt; 7."),
        ([("A", "1", ""), ("a", "1", "")], {}, "Each SKU may stand on one line only."),
        ([("SET", "1", "")], {}, "have no stock of their own"),
        ([("A", "1", "")], {"reason": "lost", "note": " "}, "Say in a few words what happened."),
        ([("A", "1", "")], {"reason": "shipment"}, "Select a valid choice"),
        ([("A", "1.2345", "")], {}, "no more than 3 decimal places"),
        ([("A", "lots", "")], {}, "Enter a number."),
    ],
)
def test_an_adjustment_that_cannot_be_is_refused_on_the_form(see, house, rows, fields, message):
    a, w, _store = house
    entries = StockEntry.objects.count()
    answer = see().post(page("stockdocument_adjust"), adjustment(w, *rows, **fields))
    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert (buckets(a, w)[0], StockEntry.objects.count()) == (8, entries)
    assert StockDocument.objects.count() == 1


def test_an_adjustment_over_the_limit_is_only_proposed(see, house):
    a, w, _store = house
    type(w).objects.filter(pk=w.pk).update(adjust_limit=D(2))
    see("warehouse_clerk").post(page("stockdocument_adjust"), adjustment(w, ("A", "-3", "")))
    assert (buckets(a, w)[0], StockDocument.objects.order_by("-id").first().state) == (8, "proposed")


# --- export and import -----------------------------------------------------------------------------------------------


def test_the_export_of_balances_cannot_be_a_formula(see):
    stock(sku("=1+1"), warehouse("W"), 3)
    file = b"".join(see().get(page("balance_export_xlsx")).streaming_content)
    cell = load_workbook(BytesIO(file)).active["A2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")
    assert AuditEntry.objects.filter(action="export.stock").count() == 1


def workbook(*rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    buffer = BytesIO()
    book.save(buffer)
    return SimpleUploadedFile("skus.xlsx", buffer.getvalue())


HEADER = ("SKU code", "name", "product", "list price", "kind", "barcode")


@pytest.fixture
def send(see, settings, tmp_path):
    """Send a file of SKUs; returns its run."""
    settings.MEDIA_ROOT = tmp_path

    def sent(file, role="owner"):
        see(role).post(reverse("import_start", args=["inventory.skus"]), {"file": file})
        return ImportRun.objects.order_by("-pk").first()

    return sent


def confirm(client, run, what="all"):
    return client.post(reverse("import_do", args=[run.pk]), {"do": what}, follow=True)


def totals(run):
    return {"new": run.new_count, "update": run.change_count, "skip": run.same_count, "faults": run.bad_count}


def test_the_button_of_the_list_leads_to_the_import(see):
    answer = see().get(page("sku_import_skus"))
    assert answer.url == reverse("import_start", args=["inventory.skus"])


def test_skus_come_in_by_file_after_a_preview(see, send):
    sku("00123", name_en="kept")
    file = workbook(
        HEADER, ("００123", "New name", None, 9.5, None, "690"), ("B-1", "Second", "Line", None, "bundle", None)
    )
    run = send(file)
    assert totals(run) == {"new": 1, "update": 1, "skip": 0, "faults": 0}
    assert Sku.objects.count() == 1
    confirm(see(), run)
    old, new = Sku.objects.order_by("code_key")
    assert (old.name, old.name_en, old.list_price, old.barcodes.get().code) == ("New name", "kept", D("9.5"), "690")
    assert (new.code, new.kind, new.product.name) == ("B-1", "bundle", "Line")
    assert Product.objects.count() == 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("B", None, None, None, None, None), "is empty"),
        (("B", "x", None, "cheap", None, None), "“cheap” is not a number"),
        (("B", "x", None, None, "spaceship", None), "is not a kind of SKU"),
        (("B", "x", None, None, None, "690"), "belongs to A"),
    ],
)
def test_a_bad_sku_row_is_named_and_nothing_is_kept(see, send, row, message):
    Barcode.objects.create(sku=sku("A"), code="690")
    run = send(workbook(HEADER, ("C", "good", None, None, None, None), row))
    assert message in see().get(reverse("import_run", args=[run.pk])).content.decode()
    confirm(see(), run)
    assert Sku.objects.count() == 1


def test_another_persons_file_cannot_be_kept(see, send):
    run = send(workbook(HEADER, ("C", "x", None, None, None, None)))
    assert confirm(see("ops_admin"), run).status_code == 404
    assert not Sku.objects.exists()


def test_what_is_exported_comes_in_again_unchanged(see, send):
    item = sku("00123", list_price=D("9.5"), weight_g=120, origin="CN")
    Barcode.objects.create(sku=item, code="6901234567892")
    file = b"".join(see().get(page("sku_export_skus")).streaming_content)
    run = send(SimpleUploadedFile("s.xlsx", file))
    assert totals(run) == {"new": 0, "update": 0, "skip": 1, "faults": 0}


def test_the_home_page_counts_what_runs_out(see, house):
    a, w, _store = house
    reservations.book_demand(wants=[want("l:9", a, 9, w)])
    text = see().get(reverse("admin:index")).content.decode()
    assert "More wanted than there is" in text


FORMS = ("stocktake_new", "transfer_new", "assembly_new", "stockdocument_adjust")


@pytest.mark.parametrize("name", FORMS)
def test_forms_offer_the_only_warehouse_and_say_when_there_is_none(see, name):
    owner = see()
    assert "No warehouses yet: add one first." in owner.get(page(name)).content.decode()
    only = warehouse("W1")
    told = owner.get(page(name)).content.decode()
    assert "No warehouses yet" not in told
    assert (f'<option value="{only.pk}" selected>' in told) is (name != "transfer_new")
    warehouse("W2")
    chosen = f'<option value="{only.pk}" selected>'
    assert chosen not in owner.get(page(name)).content.decode() or name == "stockdocument_adjust"
