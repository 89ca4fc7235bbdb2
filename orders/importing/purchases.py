"""Purchase orders by file: rows of one number, or of one supplier, are one draft; nobody has ordered anything yet."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from backoffice import audit, clock, locks
from backoffice.imports.documents import Document, DocumentKind, demand_draft, folded, ids_of, repeated
from backoffice.imports.errors import ImportRefused, KeptAsIs
from backoffice.imports.kinds import BAD, CHANGE, NEW, SAME, Line, Plan, plain
from backoffice.spreadsheets.schema import Column
from inventory import access, codes
from inventory.importing import goods
from inventory.models import Sku, Warehouse
from orders.importing.named_suppliers import Suppliers
from orders.models import PurchaseLine, PurchaseOrder, SupplierItem
from orders.supply import drafting, locking, ordering, terms
from orders.supply.drafting import Wanted

TARGET = "orders.purchaseorder"


class PlaceForm(forms.Form):
    """Where the goods arrive, when the file does not say it."""

    warehouse = forms.ChoiceField(label=_("arrives in"), required=False, widget=UnfoldAdminSelectWidget())

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = access.visible(user, Warehouse.objects.filter(active=True, read_only=False)).order_by("code")
        named = [(one.code, str(one)) for one in places]
        self.fields["warehouse"].choices = [("", _("as the file says in each row")), *named]  # type: ignore[attr-defined]


@dataclasses.dataclass(slots=True)
class Ours:
    """A purchase order of ours with its lines as they are."""

    row: PurchaseOrder
    lines: dict[int, PurchaseLine]


@dataclasses.dataclass(slots=True)
class Meant:
    """What a row orders."""

    sku: Sku
    quantity: Decimal
    price: Decimal | None


class PurchaseKind(DocumentKind):
    """One row is one line of one purchase order."""

    key = "orders.purchases"
    title = _("Purchase orders")
    note = _("One row is one line. Rows with the same number, or of the same supplier, are one order, left as a draft.")
    view, order = ("orders.view_purchaseorder",), 82
    change = ("orders.change_purchaseorder", "orders.price_purchaseorder")
    change_list = "admin:orders_purchaseorder_changelist"
    options_form = PlaceForm
    document = ("number", "supplier", "warehouse", "expected_on")
    head = ("supplier", "warehouse", "currency", "expected_on", "note")
    columns = (
        Column("number", _("purchase order"),
               ("采购单号", "采购单", "采购订单", "采购订单号", "订单号", "单号", "单据编号", "po", "po number",
                "po no",
                "order number", "order no", "number"), "reference", required=False, longest=60),
        Column("supplier", _("supplier"),
               ("供应商", "供应商编码", "供应商名称", "往来单位", "supplier code", "supplier name", "vendor"),
               required=False,
               longest=200),
        Column("warehouse", _("arrives in"), ("仓库", "入库仓库", "收货仓库", "到货仓库", "仓库编码", "warehouse"),
               required=False, longest=100),
        *goods.COLUMNS,
        Column("supplier_code", _("supplier's code"),
               ("供应商货号", "供应商SKU", "供应商商品编码", "工厂货号", "厂家货号", "supplier sku", "vendor sku"),
               "code",
               required=False, longest=100),
        Column("quantity", _("quantity"), ("数量", "采购数量", "订购数量", "下单数量", "ordered quantity", "qty",
                                           "pieces"),
               "decimal", least=0),
        Column("price", _("price"), ("单价", "采购价", "采购单价", "进价", "unit price"), "decimal",
               required=False, places=6,
               least=0),
        Column("currency", _("currency"), ("币种", "货币"), required=False, longest=3),
        Column("expected_on", _("expected on"),
               ("预计到货", "预计到货日期", "到货日期", "交货日期", "交期", "要求到货日期", "eta", "expected date",
                "delivery date"),
               "date", required=False),
        Column("note", _("note"), ("备注", "说明", "remark"), required=False, longest=300),
    )  # fmt: skip
    examples = (("1", "QL", "SH", "00123", "", "", "120", "3.50", "CNY", "2026-12-15", ""),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._suppliers = Suppliers()
        self._places: dict[str, list[Warehouse]] = defaultdict(list)
        for one in access.visible(self.user, Warehouse.objects.filter(active=True, read_only=False)):
            for word in {folded(one.code), folded(one.name)}:
                self._places[word].append(one)
        self._seen: dict[str, dict[Any, int]] = defaultdict(dict)
        self._foreign: set[str] = set()  # numbers of orders that this person does not see
        self._items: dict[int, dict[int, SupplierItem]] = {}  # supplier → SKU → terms
        self._theirs: dict[int, dict[str, list[SupplierItem]]] = {}  # supplier → its code → terms

    # --- the preview -------------------------------------------------------------------------------------------------

    def ours(self, numbers: Collection[str], targets: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        spelled = {form for one in numbers for form in (one, one.upper(), one.lower())}
        rows = PurchaseOrder.objects.select_related("supplier", "warehouse")
        seen = access.visible(self.user, rows)
        by_number = list(seen.filter(number__in=spelled)) if spelled else []
        by_target = list(seen.filter(pk__in=ids_of(targets))) if targets else []
        known = {folded(one.number) for one in by_number}
        taken = PurchaseOrder.objects.filter(number__in=spelled).values_list("number", flat=True) if spelled else ()
        self._foreign |= {folded(one) for one in taken} - known
        with_lines = _with_lines([*by_number, *by_target])
        return ({folded(one.number): with_lines[one.pk] for one in by_number},
                {f"{TARGET}:{one.pk}": with_lines[one.pk] for one in by_target})  # fmt: skip

    def prepare(self, lines: Sequence[Line]) -> None:
        """The goods named, and the terms of the suppliers named, a query for each kind of them."""
        self._goods = goods.Finder(lines)
        wanted = {one.pk for line in lines if (one := self._suppliers.named(line.values["supplier"]))}
        wanted |= {one.ours.row.supplier_id for one in self.documents.values() if one.ours}
        fresh = wanted - set(self._items)
        for pk in fresh:
            self._items[pk], self._theirs[pk] = {}, defaultdict(list)
        for item in SupplierItem.objects.filter(supplier__in=fresh).select_related("sku").prefetch_related("breaks"):
            self._items[item.supplier_id][item.sku_id] = item
            if item.supplier_code:
                self._theirs[item.supplier_id][codes.normalise(item.supplier_code)].append(item)

    def row(self, document: Document, line: Line, said: Sequence[str]) -> Plan:
        number = document.ours.row.number if document.ours else document.number
        code = line.values["sku"] or line.values["supplier_code"] or line.values["barcode"] or "–"
        plan = Plan(line, BAD, f"{number or document.head.get('supplier') or ''} · {code}")
        self._check_head(document, line, said)
        found = self._meant(document, line)
        if found is None:
            return plan
        sku, pieces = found[0], found[1] * line.values["quantity"]
        repeated(line, self._seen[line.document], sku.pk, sku.code, "sku")
        if not 0 < pieces < drafting.MOST or pieces != round(pieces, 3):
            line.refuse("quantity", _now("More than zero, please."))
            return plan
        plan.found = Meant(sku, pieces, line.values["price"])
        self._compare(document, line, plan, said)
        return plan

    def _meant(self, document: Document, line: Line) -> tuple[Sku, Decimal] | None:
        """The goods of a row: by our code or barcode, else by the supplier's own code for them."""
        theirs, supplier = line.values["supplier_code"], self._supplier(document)
        if line.values["sku"] or line.values["barcode"] or not theirs or supplier is None:
            return self._goods.one(line)
        items = self._theirs.get(supplier.pk, {}).get(codes.normalise(theirs), [])
        if len(items) == 1:
            return items[0].sku, Decimal(1)
        what = _now("several SKUs have this code at %(supplier)s: give the SKU code") if items else _now(
            "%(supplier)s sells nothing under “%(code)s”: give the SKU code"
        )  # fmt: skip
        line.refuse("supplier_code", what % {"supplier": supplier.name, "code": theirs})
        return None

    def _supplier(self, document: Document) -> Any:
        return document.ours.row.supplier if document.ours else self._suppliers.named(document.head.get("supplier"))

    def _check_head(self, document: Document, line: Line, said: Sequence[str]) -> None:
        if folded(document.number) in self._foreign:
            what = _now("%(number)s is an order for a warehouse that you do not see")
            line.refuse("number", what % {"number": document.number})
        first = line.row == document.row
        if "supplier" in said or (first and document.ours is None):
            self._check_supplier(document, line)
        if "warehouse" in said or (first and document.ours is None):
            self._check_place(document, line)
        if "currency" in said:
            self._check_currency(document, line)
        day, today = document.head.get("expected_on"), clock.now().date()
        old = document.ours.row.expected_on if document.ours else None
        near = day is None or today - dt.timedelta(days=1) <= day <= today + drafting.FAR
        if "expected_on" in said and day != old and not near:
            line.refuse("expected_on", _now("a day from today on, within two years"))

    def _check_supplier(self, document: Document, line: Line) -> None:
        word = document.head.get("supplier")
        supplier = self._suppliers.one(line, "supplier", word)
        ours = document.ours.row.supplier if document.ours else None
        if supplier is not None and ours is not None and ours.pk != supplier.pk:
            what = _now("%(number)s is an order to %(supplier)s")
            line.refuse("supplier", what % {"number": document.ours.row, "supplier": ours.name})
        elif supplier is not None and ours is None and not supplier.active:
            line.refuse("supplier", _now("%(supplier)s is switched off: nothing is ordered there.")
                        % {"supplier": supplier.name})  # fmt: skip

    def same(self, column: str, one: Any, other: Any) -> bool:
        if column == "supplier" and self._suppliers.named(one) is not None:
            return self._suppliers.named(one) == self._suppliers.named(other)
        if column == "warehouse" and self._named_place(one) is not None:
            return self._named_place(one) == self._named_place(other)
        return super().same(column, one, other)

    def _place(self, document: Document) -> Warehouse | None:
        return self._named_place(document.head.get("warehouse") or self.options.get("warehouse"))

    def _named_place(self, word: str | None) -> Warehouse | None:
        """The one warehouse that a word names: its code first, else its name."""
        found = self._places.get(folded(word), [])
        named = [one for one in found if folded(one.code) == folded(word)] or found
        return named[0] if len(named) == 1 else None

    def _check_place(self, document: Document, line: Line) -> None:
        word = document.head.get("warehouse") or self.options.get("warehouse")
        ours = document.ours.row.warehouse if document.ours else None
        if ours is not None and folded(word) in (folded(ours.code), folded(ours.name)):
            return
        if self._place(document) is None:
            what = _now("“%(said)s” is not a warehouse of yours") % {"said": word} if word else _now("is empty")
            line.refuse("warehouse", what)

    def _check_currency(self, document: Document, line: Line) -> None:
        supplier, said = self._supplier(document), document.head["currency"].upper()
        currency = document.ours.row.currency if document.ours else supplier and supplier.currency
        if currency and said != currency:
            what = _now("is ordered in %(currency)s, the supplier's currency")
            line.refuse("currency", what % {"currency": currency})

    def _compare(self, document: Document, line: Line, plan: Plan, said: Sequence[str]) -> None:
        ours, meant = document.ours, plan.found
        there = ours.lines.get(meant.sku.pk) if ours else None
        changes: dict[str, list[Any]] = {}
        if there is None or there.quantity != meant.quantity:
            changes["quantity"] = [plain(there.quantity) if there else None, plain(meant.quantity)]
        changes |= self._price_change(document, line, meant, there)
        for column in said:
            if column != "currency":
                old, new = _shown(ours.row, column) if ours else None, self._said(document, column)
                changes |= {column: [old, new]} if old != new else {}
        gone = document.by_file and ours.row.state == PurchaseOrder.State.CANCELLED
        if ours and (changes or gone):
            demand_draft(document, line, PurchaseOrder.State.DRAFT)
        plan.changes = changes
        plan.outcome = SAME if not changes else CHANGE if there is not None else NEW

    def _price_change(self, document: Document, line: Line, meant: Meant, there: Any) -> dict[str, list[Any]]:
        """The price said, else of a new line the supplier's own for so many."""
        if there is not None:
            if meant.price is None:
                meant.price = there.price
            return {"price": [plain(there.price), plain(meant.price)]} if meant.price != there.price else {}
        if meant.price is None:
            supplier = self._supplier(document)
            item = self._items.get(supplier.pk, {}).get(meant.sku.pk) if supplier else None
            if item is None:
                if supplier is not None:
                    line.refuse("price", _now("is empty, and %(supplier)s has no price for it")
                                % {"supplier": supplier.name})  # fmt: skip
                return {}
            meant.price = terms.price_of(item, meant.quantity)
        return {"price": [None, plain(meant.price)]}

    def _said(self, document: Document, column: str) -> Any:
        """What a head says, as it is kept: the code of a supplier or warehouse, however it was spelled."""
        if column == "supplier":
            supplier = self._suppliers.named(document.head["supplier"])
            return supplier.code if supplier else document.head["supplier"]
        if column == "warehouse":
            ours, place = document.ours, self._place(document)
            same = ours and folded(document.head["warehouse"]) in (
                folded(ours.row.warehouse.code), folded(ours.row.warehouse.name)
            )  # fmt: skip
            return ours.row.warehouse.code if same else place.code if place else document.head["warehouse"]
        return plain(document.head[column])

    # --- the import --------------------------------------------------------------------------------------------------

    def serialise(self) -> None:
        locking.setting(lock=True)

    def lock_ours(self, rows: Sequence[Ours]) -> None:
        locked = {one.pk: one for one in locks.locked_rows(PurchaseOrder.objects.filter(
            pk__in=[one.row.pk for one in rows]))}  # fmt: skip
        for one in rows:
            if locked[one.row.pk].revision != one.row.revision or locked[one.row.pk].state != one.row.state:
                message = _("“%(name)s” was changed at the same moment. Try again.")
                raise ImportRefused("changed_meanwhile", message, retryable=True, params={"name": str(one.row)})

    def make(self, document: Document) -> tuple[str, dict[str, Any]]:
        head, actor = document.head, audit.current_actor().name
        meant = {plan.found.sku.pk: Wanted(sku_id=plan.found.sku.pk, quantity=plan.found.quantity,
                                           price=plan.found.price) for plan in document.plans}  # fmt: skip
        within = access.sight(self.user).warehouses
        place = self._place(document)
        if document.ours is None:
            supplier = self._supplier(document)
            made = drafting.draft(
                supplier_id=supplier.pk, warehouse_id=place.pk if place else 0, lines=list(meant.values()), actor=actor,
                once=f"file:{uuid.uuid4().hex}", note=head.get("note") or "", expected_on=head.get("expected_on"),
                warehouses=within,
            )  # fmt: skip
            return f"{TARGET}:{made.pk}", {"revision": made.revision}
        row, lines = document.ours.row, document.ours.lines.values()
        before = _told(row, lines)
        as_they_are = {one.sku_id: Wanted(sku_id=one.sku_id, quantity=one.quantity, price=one.price) for one in lines}
        wanted = list((as_they_are | meant).values())
        changed = drafting.change(
            order_id=row.pk, lines=wanted, actor=actor, revision=row.revision, warehouses=within,
            expected_on=head.get("expected_on") or row.expected_on, note=head.get("note") or row.note,
            warehouse_id=place.pk if place and head.get("warehouse") else None,
        )  # fmt: skip
        return f"{TARGET}:{row.pk}", {"revision": changed.revision, "before": before}

    def lock_targets(self, targets: Sequence[str]) -> None:
        locks.locked_rows(PurchaseOrder.objects.filter(pk__in=ids_of(targets)))

    def take_back(self, target: str, memory: Mapping[str, Any]) -> None:
        pk, actor = ids_of([target])[0], audit.current_actor().name
        order = PurchaseOrder.objects.get(pk=pk)
        if order.state != PurchaseOrder.State.DRAFT:
            raise KeptAsIs(_("%(number)s is “%(state)s” by now: it stays."), number=order,
                           state=order.get_state_display())  # fmt: skip
        if order.revision != memory["revision"]:
            raise KeptAsIs(_("%(number)s was changed since the import."), number=order)
        before = memory.get("before")
        if before is None:
            ordering.cancel(order_id=pk, actor=actor, reason=_now("Import undone"))
            return
        lines = [Wanted(sku_id=sku, quantity=Decimal(pieces), price=Decimal(price))
                 for sku, pieces, price in before["lines"]]  # fmt: skip
        day = before["expected_on"]
        drafting.change(order_id=pk, lines=lines, actor=actor, note=before["note"], warehouse_id=before["warehouse"],
                        expected_on=dt.date.fromisoformat(day) if day else None)  # fmt: skip

    def out_rows(self) -> Iterator[Sequence[Any]]:
        prices = self.user is not None and self.user.has_perm("orders.price_purchaseorder")
        rows = PurchaseLine.objects.filter(order__in=access.visible(self.user, PurchaseOrder.objects.all()))
        rows = rows.select_related("order__supplier", "order__warehouse", "sku").order_by("order_id", "row")
        for row in rows.iterator(chunk_size=2_000):
            one = row.order
            yield (one.number, one.supplier.code, one.warehouse.code, row.sku.code, None, row.supplier_code,
                   row.quantity, row.price if prices else None, one.currency, one.expected_on, one.note)  # fmt: skip


def _with_lines(rows: Sequence[PurchaseOrder]) -> dict[int, Ours]:
    found = {one.pk: Ours(one, {}) for one in rows}
    for line in PurchaseLine.objects.filter(order__in=found).select_related("sku").order_by("row"):
        found[line.order_id].lines[line.sku_id] = line
    return found


def _shown(row: PurchaseOrder, column: str) -> Any:
    value = getattr(row, column)
    return value.code if column in ("supplier", "warehouse") else plain(value) or None


def _told(row: PurchaseOrder, lines: Any) -> dict[str, Any]:
    """What of an order a file changes, as JSON carries it."""
    return {"note": row.note, "expected_on": plain(row.expected_on), "warehouse": row.warehouse_id,
            "lines": [[one.sku_id, plain(one.quantity), plain(one.price)] for one in lines]}  # fmt: skip
