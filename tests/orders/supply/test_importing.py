"""Suppliers, their prices and purchase orders by file."""

import datetime as dt
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from backoffice import clock
from backoffice.imports import applying, reading
from backoffice.imports.errors import ImportRefused
from backoffice.imports.kinds import import_kind_of
from inventory.models import Access, Barcode, ExpectedArrival, Pack
from orders.models import PriceBreak, PurchaseOrder, Supplier, SupplierItem
from orders.supply import drafting, ordering
from orders.supply.drafting import Wanted
from tests.inventory import factories as stock
from tests.inventory.importing.conftest import counts, do, said, upload, xlsx

pytestmark = pytest.mark.django_db
SUPPLIERS, ITEMS, ORDERS = "orders.suppliers", "orders.supplier_items", "orders.purchases"
HEADER = ("采购单号", "供应商", "入库仓库", "商品编码", "数量", "单价", "预计到货", "备注")
DANGEROUS = ("-12", "=1+1", "+86", "@SUM(A1)", "00123", "1.23E+12", "＝2+2", "'=1", "=cmd|' /C calc'!A0")


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def person(people):
    def named(role="buyer"):
        Access.objects.get_or_create(user=people[role], defaults={"all_shops": True, "all_warehouses": True})
        return people[role]

    return named


@pytest.fixture
def look(person, buyer):
    def preview(kind, *rows, user=None, options=None, file=None):
        return reading.preview(kind=kind, user=user or person(), file=file or xlsx(rows), options=options)

    return preview


@pytest.fixture
def take(look):
    def done(kind, *rows, skip_bad=False, **more):
        run = look(kind, *rows, **more)
        return applying.apply(run_id=run.pk, user=run.owner, skip_bad=skip_bad)

    return done


def lines(order):
    return {one.sku.code: (one.quantity, one.price) for one in order.lines.select_related("sku")}


def tomorrow(days=1):
    return clock.now().date() + dt.timedelta(days=days)


# --- suppliers -------------------------------------------------------------------------------------------------------


def test_suppliers_are_found_by_code_and_undone(take, person, buyer):
    run = take(SUPPLIERS, ("供应商编码", "供应商名称", "联系人", "电话", "币种", "交期", "起订金额"),
               ("ql", "青岚陶瓷", "李", 13800138000, "人民币", 12, 500), ("00NB", "Ningbo Linen", None, "0574-88",
                                                                  "usd", None, None))  # fmt: skip
    assert counts(run) == (1, 1, 0, 0)
    made, known = Supplier.objects.get(code="00NB"), Supplier.objects.get(code="QL")
    assert (made.currency, made.phone, made.lead_days, made.active) == ("USD", "0574-88", 14, True)
    assert (known.code, known.name, known.phone, known.lead_days, known.minimum_order) == (
        "QL", "青岚陶瓷", "13800138000", 12, D(500),
    )  # fmt: skip
    applying.undo(run_id=run.pk, user=person())
    known.refresh_from_db()
    assert (Supplier.objects.count(), known.name, known.lead_days) == (1, "青岚陶瓷厂", 10)


def test_a_suppliers_faults_are_named(look):
    run = look(SUPPLIERS, ("code", "name", "currency", "lead time", "e-mail"),
               ("A B", "x", None, None, None), ("C", None, None, None, None), ("D", "x", "€", None, None),
               ("E", "x", None, -1, None), ("F", "x", None, None, "nobody"), ("G", "x", None, None, None),
               ("g", "y", None, None, None))  # fmt: skip
    assert sorted(said(run)) == [2, 3, 4, 5, 6, 8]
    assert said(run)[2] == "Use letters, digits, “-”, “_” and “.” only."


def test_a_supplier_that_is_ordered_from_stays(take, person, buyer):
    run = take(SUPPLIERS, ("code", "name"), ("NB", "x"))
    drafting.draft(supplier_id=Supplier.objects.get(code="NB").pk, warehouse_id=buyer.place.pk, actor="x", once="x",
                   lines=[Wanted(sku_id=buyer.mug.pk, quantity=D(1), price=D(1))])  # fmt: skip
    with pytest.raises(ImportRefused):
        applying.undo(run_id=run.pk, user=person())
    assert run.rows.get().note == "It is in use by now: purchase orders."


# --- what they sell --------------------------------------------------------------------------------------------------


def test_prices_packs_and_breaks_come_in_and_go_again(take, person, buyer):
    plate = stock.sku("PLATE")
    run = take(ITEMS, ("供应商", "商品编码", "供应商货号", "采购价", "起订量", "装箱数", "阶梯价"),
               ("青岚陶瓷厂", "MUG", "M-002", 4.5, None, None, "60=4; 300：3.2"), ("QL", "PLATE", "P", 7, 10, 5,
                                                                             None))  # fmt: skip
    assert counts(run) == (1, 1, 0, 0)
    assert run.rows.get(row=2).changes["breaks"] == ["120=3.5", "60=4; 300=3.2"]
    buyer.item.refresh_from_db()
    assert (buyer.item.supplier_code, buyer.item.price, buyer.item.minimum) == ("M-002", D("4.5"), D(24))
    assert dict(buyer.item.breaks.values_list("quantity", "price")) == {D(60): D(4), D(300): D("3.2")}
    made = SupplierItem.objects.get(sku=plate)
    assert (made.price, made.minimum, made.pack_size, made.preferred) == (D(7), D(10), D(5), False)
    applying.undo(run_id=run.pk, user=person())
    buyer.item.refresh_from_db()
    assert (buyer.item.supplier_code, buyer.item.price, SupplierItem.objects.count()) == ("M-001", D(4), 2)
    assert dict(buyer.item.breaks.values_list("quantity", "price")) == {D(120): D("3.5")}


def test_breaks_that_somebody_changed_since_stay(take, person, buyer):
    run = take(ITEMS, ("supplier", "SKU", "price breaks"), ("QL", "MUG", "60=4"))
    PriceBreak.objects.filter(item=buyer.item).update(price=D(1))
    with pytest.raises(ImportRefused):
        applying.undo(run_id=run.pk, user=person())
    assert run.rows.get().note == "Changed since: the price breaks are “60=1” now."


@pytest.mark.parametrize("words", ["60", "60=x", "60=4; 60=3", "0=3", "60=4=5", "60=0.0000001", "10:30:00"])
def test_breaks_that_cannot_be_read_are_refused(look, buyer, words):
    run = look(ITEMS, ("supplier", "SKU", "price breaks"), ("QL", "MUG", words))
    assert "cannot be read. Write: 120=3.5; 500=3.2" in said(run)[2]
    assert dict(buyer.item.breaks.values_list("quantity", "price")) == {D(120): D("3.5")}


def test_one_supplier_is_preferred_and_another_only_after_it_is_given_up(look, take, buyer):
    other = Supplier.objects.create(code="NB", name="Ningbo")
    header = ("supplier", "SKU", "price", "preferred")
    assert "another supplier is preferred" in said(look(ITEMS, header, ("NB", "MUG", 3, "yes")))[2]
    take(ITEMS, header, ("QL", "MUG", None, "no"), ("NB", "MUG", 3, "yes"))
    assert SupplierItem.objects.get(sku=buyer.mug, preferred=True).supplier == other


def test_an_items_faults_are_named(look, buyer):
    stock.sku("PLATE")
    run = look(ITEMS, ("supplier", "SKU", "price", "pack size"), ("moon", "MUG", 1, None), ("QL", "nobody", 1, None),
               ("QL", "PLATE", None, None), ("QL", "MUG", 1, 0), ("QL", "MUG", 2, None), ("QL", None, 2,
                                                                                          None))  # fmt: skip
    assert said(run) == {
        2: "“moon” is not a supplier: import or add the supplier first", 3: "“nobody” is not a SKU", 4: "is empty",
        5: "More than zero, please.", 6: "“QL · MUG” stands in row 5 already", 7: "Give a SKU code or a barcode.",
    }  # fmt: skip


# --- purchase orders -------------------------------------------------------------------------------------------------


def test_rows_of_a_number_are_one_draft_at_the_suppliers_own_price(take, buyer, person):
    day = tomorrow(9)
    run = take(ORDERS, HEADER, ("甲1", "QL", "YW", "MUG", 120, None, day, "brown box"), ("甲1", "青岚陶瓷厂", "yw",
                                                                                        "CUP", 10, 1.75, day, None),
               ("甲2", "QL", "YW", "CUP", 5, None, None, None))  # fmt: skip
    first, second = PurchaseOrder.objects.order_by("pk")
    assert counts(run) == (3, 0, 0, 0)
    assert lines(first) == {"MUG": (D(120), D("3.5")), "CUP": (D(10), D("1.75"))}
    assert (first.state, first.expected_on, first.note, first.total) == ("draft", day, "brown box", D("437.5"))
    assert (lines(second), first.number, second.number) == ({"CUP": (D(5), D(2))}, "PO-00001", "PO-00002")
    assert run.rows.get(row=2).changes["price"] == [None, "3.5"]
    assert not ExpectedArrival.objects.exists()


def test_a_name_and_a_code_of_one_supplier_are_no_difference(look, buyer):
    run = look(
        ORDERS,
        HEADER,
        ("1", "QL", "YW", "MUG", 24, None, None, None),
        ("1", "青岚陶瓷厂", "YW", "CUP", 1, None, None, None),
    )
    assert counts(run) == (2, 0, 0, 0)


def test_goods_are_named_by_the_suppliers_code_or_a_barcode(take, buyer):
    case = Pack.objects.create(sku=buyer.cup, name="Case", quantity=D(6))
    Barcode.objects.create(sku=buyer.cup, code="690001", pack=case)
    take(
        ORDERS,
        ("供应商", "供应商货号", "条码", "数量"),
        ("QL", "m-001", None, 24),
        ("QL", None, "690001", 2),
        options={"warehouse": "YW"},
    )
    assert lines(PurchaseOrder.objects.get()) == {"MUG": (D(24), D(4)), "CUP": (D(12), D(2))}


def test_without_numbers_each_supplier_warehouse_and_day_is_an_order(take, buyer):
    day = tomorrow(5)
    take(
        ORDERS,
        HEADER[1:],
        ("QL", "YW", "MUG", 24, None, None, None),
        ("QL", "YW", "CUP", 1, None, day, None),
        ("QL", "YW", "CUP", 1, None, None, None),
    )
    assert [(one.expected_on, sorted(lines(one))) for one in PurchaseOrder.objects.order_by("pk")] == [
        (None, ["CUP", "MUG"]), (day, ["CUP"]),
    ]  # fmt: skip


def test_each_fault_is_told_by_row_and_column(look, buyer):
    stock.sku("SET", kind="bundle"), stock.sku("NEW")
    Supplier.objects.create(code="OFF", name="Off", active=False)
    run = look(
        ORDERS, (*HEADER, "供应商货号", "币种"),
        ("1", "moon", "YW", "MUG", 24, 1, None, None, None, None), ("2", "QL", "moon", "MUG", 24, 1, None, None,
                                                                    None, None),
        ("3", "OFF", "YW", "MUG", 24, 1, None, None, None, None), ("4", "QL", "YW", "NEW", 24, None, None, None,
                                                                   None, None),
        ("5", "QL", "YW", "SET", 24, 1, None, None, None, None), ("6", "QL", "YW", "MUG", 0, 1, None, None, None, None),
        ("7", "QL", "YW", "MUG", 1, 1, dt.date(2020, 1, 1), None, None, None), ("8", "QL", "YW", None, 1, 1, None,
                                                                                None, "zzz", None),
        ("9", "QL", "YW", "MUG", 1, 1, None, None, None, "USD"), ("10", None, "YW", "MUG", 1, 1, None, None, None,
                                                                  None),
        ("11", "QL", "YW", "MUG", 1, -1, None, None, None, None),
    )  # fmt: skip
    faults = said(run)
    assert faults[2] == "“moon” is not a supplier: import or add the supplier first"
    assert faults[3] == "“moon” is not a warehouse of yours"
    assert faults[4] == "Off is switched off: nothing is ordered there."
    assert faults[5] == "is empty, and 青岚陶瓷厂 has no price for it"
    assert faults[6].endswith("has no stock of its own")
    assert faults[7] == "More than zero, please."
    assert faults[8] == "a day from today on, within two years"
    assert faults[9] == "青岚陶瓷厂 sells nothing under “zzz”: give the SKU code"
    assert faults[10] == "is ordered in CNY, the supplier's currency"
    assert faults[11] == "is empty"
    assert 12 in faults
    assert not PurchaseOrder.objects.exists()


def test_a_bad_row_holds_back_its_order_and_no_other(take, buyer):
    rows = (
        ("1", "QL", "YW", "MUG", 24, None, None, None),
        ("1", "QL", "YW", "nobody", 1, None, None, None),
        ("2", "QL", "YW", "CUP", 1, None, None, None),
    )
    run = take(ORDERS, HEADER, *rows, skip_bad=True)
    assert (counts(run), [lines(one) for one in PurchaseOrder.objects.all()]) == ((1, 0, 0, 2), [{"CUP": (D(1), D(2))}])


def test_an_order_that_fails_at_the_last_moment_leaves_none(take, buyer, monkeypatch):
    real, calls = drafting.draft, []

    def fails(**fields):
        calls.append(fields)
        if len(calls) == 2:
            raise drafting.SupplyError("supplier_off", supplier="QL")
        return real(**fields)

    monkeypatch.setattr(drafting, "draft", fails)
    rows = [(number, "QL", "YW", "CUP", 1, None, None, None) for number in "12"]
    with pytest.raises(ImportRefused) as refusal:
        take(ORDERS, HEADER, *rows)
    assert "Row 3 could not be imported: QL is switched off" in str(refusal.value)
    assert not PurchaseOrder.objects.exists()


def test_an_export_with_a_figure_changed_changes_the_draft_and_undo_gives_it_back(take, buyer, person):
    order = buyer.draft(note="old")
    run = take(
        ORDERS,
        HEADER,
        (order.number, "QL", "YW", "MUG", 36, 3.9, None, "new"),
        (order.number, "QL", "YW", "CUP", 10, 2, None, "new"),
    )
    assert (counts(run), run.rows.get(row=2).changes) == (
        (0, 1, 1, 0), {"quantity": ["24", "36"], "price": ["4", "3.9"], "note": ["old", "new"]},
    )  # fmt: skip
    order.refresh_from_db()
    assert (lines(order), order.note) == ({"MUG": (D(36), D("3.9")), "CUP": (D(10), D(2))}, "new")
    applying.undo(run_id=run.pk, user=person())
    order.refresh_from_db()
    assert (lines(order), order.note, order.state) == ({"MUG": (D(24), D(4)), "CUP": (D(10), D(2))}, "old", "draft")


def test_a_line_the_file_does_not_name_stays_in_the_draft(take, buyer):
    order = buyer.draft()
    take(ORDERS, HEADER, (order.number, None, None, "MUG", 48, None, None, None))
    assert lines(order) == {"MUG": (D(48), D(4)), "CUP": (D(10), D(2))}


def test_what_has_been_ordered_is_not_changed_by_file(look, buyer):
    order = buyer.ordered()
    run = look(
        ORDERS,
        HEADER,
        (order.number, "QL", "YW", "MUG", 36, 4, None, None),
        (order.number, "QL", "YW", "CUP", 10, 2, None, None),
    )
    assert said(run)[2] == f"{order.number} is “Ordered”: only a draft is changed by file."


def test_a_number_of_another_file_is_not_doubled(take, look, buyer):
    row = ("A7", "QL", "YW", "CUP", 1, None, None, None)
    run = take(ORDERS, HEADER, row)
    with pytest.raises(ImportRefused):
        reading.refuse_twin(ORDERS, run.fingerprint)
    assert counts(look(ORDERS, HEADER, row, ("A8", "QL", "YW", "CUP", 1, None, None, None))) == (1, 0, 1, 0)
    run = look(ORDERS, HEADER, ("a7", "QL", "YW", "CUP", 2, None, None, None))
    assert said(run) == {2: "“a7” came in by file already: it is PO-00001 (Draft). Use another number."}


def test_undo_cancels_the_drafts_and_leaves_what_was_ordered_since(take, buyer, person):
    run = take(
        ORDERS,
        HEADER,
        ("1", "QL", "YW", "MUG", 24, None, None, None),
        ("1", "QL", "YW", "CUP", 1, None, None, None),
        ("2", "QL", "YW", "CUP", 1, None, None, None),
    )
    first, second = PurchaseOrder.objects.order_by("pk")
    ordering.hand_in(order_id=second.pk, actor="x", limit=None)
    run = applying.undo(run_id=run.pk, user=person())
    first.refresh_from_db(), second.refresh_from_db()
    assert (run.undone_count, run.kept_count, first.state, second.state) == (2, 1, "cancelled", "ordered")
    assert run.rows.get(row=4).note == f"{second.number} is “Ordered” by now: it stays."


def test_undo_leaves_a_draft_that_somebody_has_changed(take, buyer, person):
    run = take(ORDERS, HEADER, ("1", "QL", "YW", "MUG", 24, None, None, None))
    order = PurchaseOrder.objects.get()
    drafting.change(order_id=order.pk, actor="x", lines=[Wanted(sku_id=buyer.mug.pk, quantity=D(36))])
    with pytest.raises(ImportRefused):
        applying.undo(run_id=run.pk, user=person())
    order.refresh_from_db()
    assert (run.rows.get().note, order.state) == (f"{order.number} was changed since the import.", "draft")


def test_an_order_for_a_warehouse_one_does_not_see_is_neither_shown_nor_changed(look, buyer, people):
    order = buyer.draft()
    near = stock.warehouse("NEAR")
    Access.objects.create(user=people["buyer"]).warehouses.add(near)
    run = look(
        ORDERS,
        HEADER,
        (order.number, "QL", None, "MUG", 36, 4, None, None),
        ("9", "QL", "YW", "CUP", 1, None, None, None),
        user=people["buyer"],
    )
    assert said(run)[2].startswith(f"{order.number} is an order for a warehouse that you do not see")
    assert said(run)[3] == "“YW” is not a warehouse of yours"
    assert list(import_kind_of(ORDERS)(people["buyer"]).out_rows()) == []


def test_prices_go_out_for_who_may_see_them_only(buyer, person):
    buyer.draft()
    kind = import_kind_of(ORDERS)
    assert [row[7] for row in kind(person("buyer")).out_rows()] == [D(4), D(2)]
    assert [row[7] for row in kind(person("warehouse_clerk")).out_rows()] == [None, None]


@pytest.mark.parametrize("form", ["xlsx", "csv"])
@pytest.mark.parametrize("key", [SUPPLIERS, ITEMS, ORDERS])
def test_what_is_exported_comes_in_again_unchanged(people, person, buyer, key, form):
    person("owner")
    goods = [stock.sku(code) for code in DANGEROUS]
    for number, sku in enumerate(goods):
        item = SupplierItem.objects.create(
            supplier=buyer.supplier, sku=sku, price=D("1.234567"), supplier_code=f"-{number}"
        )
        PriceBreak.objects.create(item=item, quantity=D("10.5"), price=D("0.9"))
    Supplier.objects.create(
        code="0012", name="=cmd", contact="+86", phone="0086138001380001", note="-1", minimum_order=D("10.5")
    )
    buyer.draft(*((sku, 3) for sku in goods), note="=1+1", expected_on=tomorrow(30))
    buyer.ordered()
    client = people.client("owner")
    query = {"as": "csv"} if form == "csv" else {}
    data = b"".join(client.get(f"/admin/imports/{key}/export/", query).streaming_content)
    run, _answer = upload(client, key, SimpleUploadedFile(f"out.{form}", data))
    assert (counts(run)[:2], counts(run)[3], said(run)) == ((0, 0), 0, {})
    assert run.same_count == {SUPPLIERS: 2, ITEMS: 11, ORDERS: 11}[key]


def test_a_buyer_does_it_in_the_browser(people, person, buyer):
    person("buyer")
    client = people.client("buyer")
    for page in ("purchaseorder", "supplier", "supplieritem"):
        html = client.get(f"/admin/orders/{page}/").content.decode()
        assert "import-file" in html
        assert "export-file" in html
    start = client.get(f"/admin/imports/{ORDERS}/").content.decode()
    assert "采购单号" in start
    assert "YW" in start
    run, _answer = upload(
        client, ORDERS, xlsx((HEADER, ("1", "QL", None, "MUG", 24, None, None, None))), warehouse="YW"
    )
    assert "1 new, 0 changed" in do(client, run, "all").content.decode()
    assert PurchaseOrder.objects.get().warehouse == buyer.place


@pytest.mark.parametrize("key", [SUPPLIERS, ITEMS, ORDERS])
@pytest.mark.parametrize(
    "role",
    ["owner", "ops_admin", "buyer", "bookkeeper", "auditor", "warehouse_clerk", "order_clerk", "customer_service"],
)
def test_who_may_bring_what_in_and_take_it_out(people, role, key):
    kind, user = import_kind_of(key), people[role]
    brings = role in ("owner", "ops_admin", "buyer")
    sees = brings or role in ("bookkeeper", "auditor") or (role == "warehouse_clerk" and key == ORDERS)
    assert (kind.may_see(user), kind.may_import(user)) == (sees, brings)


def test_the_number_of_queries_does_not_grow_with_the_rows(look, buyer, django_assert_max_num_queries):
    for number in range(60):
        stock.sku(f"S{number}")
    rows = [(f"D{number // 6}", "QL", "YW", f"S{number}", 1, 2, None, None) for number in range(60)]
    with django_assert_max_num_queries(35):
        assert counts(look(ORDERS, HEADER, *rows)) == (60, 0, 0, 0)
