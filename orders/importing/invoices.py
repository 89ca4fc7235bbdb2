"""Suppliers' invoices by file: each row is matched to the line it asks for; nothing is booked unseen."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from backoffice import audit, clock
from backoffice.imports.documents import Document, DocumentKind, ids_of, repeated
from backoffice.imports.errors import ImportRefused
from backoffice.imports.kinds import BAD, NEW, SAME, Done, Line, Overview, Plan, plain
from backoffice.models import ImportRun
from backoffice.money import round_money
from backoffice.spreadsheets.schema import Column
from finance import currencies, rates
from inventory import access, balances
from inventory.costing.ripple import Correction, trace
from inventory.importing import goods
from orders.importing import invoice_effects, invoice_figures, invoice_totals
from orders.importing.invoice_effects import Effect
from orders.importing.invoice_orders import Ordered, Orders, line_of
from orders.importing.suppliers import WORDS
from orders.models import CostDocument, PurchaseLine, PurchaseOrder, SupplierInvoice, SupplierInvoiceLine
from orders.supply import invoicing, locking
from orders.supply.costs import booking, drafting, withdrawing
from orders.supply.costs.receipts import Receipt
from orders.supply.invoicing import Asked

TARGET = "orders.supplierinvoice"
DRAFT, BOOK = "draft", "book"
NEEDS = {DRAFT: "orders.add_costdocument", BOOK: "orders.book_costdocument"}
SEES_COSTS = "orders.view_costdocument"
ZERO = Decimal(0)


class CarryForm(forms.Form):
    """What becomes of prices that differ from the order: as much as the person may do on the page too."""

    carry = forms.ChoiceField(
        label=_("where a price differs from the order"), required=False, widget=UnfoldAdminSelectWidget()
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        may = user.has_perm(NEEDS[DRAFT])
        choices = [(BOOK, _("book it into the costs with the import"))] if may and user.has_perm(NEEDS[BOOK]) else []
        choices += [(DRAFT, _("leave a late cost to be looked at and booked"))] if may else []
        self.fields["carry"].choices = [*choices, ("", _("only write it down"))]  # type: ignore[attr-defined]
        self.fields["carry"].initial = DRAFT if may else ""


@dataclasses.dataclass(slots=True)
class Meant:
    """What a row asks for, and what its price changes."""

    order: PurchaseOrder
    line: PurchaseLine
    asked: Asked
    parts: list[tuple[Receipt, Decimal]] = dataclasses.field(default_factory=list)
    effect: Effect = dataclasses.field(default_factory=lambda: Effect({}))


class InvoiceKind(DocumentKind):
    """One row is one line of a supplier's invoice."""

    key = "orders.invoices"
    title = _("Suppliers' invoices")
    note = _("One row is one line. Rows of the same number are one invoice, of one or several purchase orders.")
    view, order = ("orders.view_purchaseorder", "orders.price_purchaseorder"), 83
    change = ("orders.change_purchaseorder",)
    change_list = "admin:orders_purchaseorder_changelist"
    options_form = CarryForm
    most_rows = 2_000  # each price is followed through the stock
    document = ("number",)
    head = ("issued_on", "currency", "note")
    columns = (
        Column("number", _("invoice number"),
               ("发票号", "发票号码", "发票编号", "发票", "invoice no", "invoice", "invoice #"), "reference",
               optional_cell=True, longest=60),
        Column("issued_on", _("invoice date"), ("发票日期", "开票日期", "日期", "date"), "date", optional_cell=True),
        Column("order", _("purchase order"),
               ("采购单号", "采购单", "采购订单", "采购订单号", "订单号", "po", "po number", "po no", "order number"),
               "reference", optional_cell=True, longest=60),
        *goods.COLUMNS,
        Column("supplier_code", _("supplier's code"),
               ("供应商货号", "供应商SKU", "供应商商品编码", "工厂货号", "厂家货号", "supplier sku", "vendor sku"),
               "code", required=False, longest=100),
        Column("quantity", _("quantity invoiced"), ("数量", "开票数量", "发票数量", "quantity", "qty", "pieces"),
               "decimal", least=0),
        Column("price", _("unit price"), ("单价", "price"), "decimal", required=False, places=6, least=0),
        Column("amount", _("amount of the line"), ("金额", "行金额", "amount", "line amount", "line total"), "decimal",
               required=False, places=4, least=0),
        Column("currency", _("currency"), ("币种", "货币"), required=False, longest=3),
        Column("tax", _("tax"), ("税额", "tax amount", "vat"), "decimal", required=False, places=4, least=0),
        Column("note", _("note"), ("备注", "说明", "remark"), required=False, longest=300),
    )  # fmt: skip
    examples = (
        ("24312000001", "2026-12-01", "PO-00012", "00123", "", "", "120", "3.60", "432.00", "CNY", "56.16", ""),
    )  # fmt: skip
    effects = {
        "over": _("more than has come"), "known": _("written down already"), "difference": _("difference to the order"),
        "stock": _("into the value of stock"), "gone": _("gone with sold goods"), "orders": _("sold by orders"),
        "months": _("months that change"), "closed": _("closed months that stay"),
    }  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._orders = Orders(self.user)
        self._carry = self.options.get("carry") or ""
        self._base, self._places = currencies.base_code(), currencies.places_by_code()
        self._first: dict[str, Ordered] = {}  # document → the order of its first row
        self._above: dict[str, str] = {}  # document → the order of the row above
        self._seen: dict[str, dict[Any, int]] = defaultdict(dict)
        self._rates: dict[tuple[str, dt.date], Decimal | None] = {}

    # --- the preview -------------------------------------------------------------------------------------------------

    def ours(self, numbers: Collection[str], targets: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}  # whose invoice a number is, only the order of a row says

    def prepare(self, lines: Sequence[Line]) -> None:
        self._goods = goods.Finder(lines)
        self._orders.read([line.values["order"] or "" for line in lines],
                          [self.documents[line.document].number for line in lines])  # fmt: skip

    def row(self, document: Document, line: Line, said: Sequence[str]) -> Plan:
        word = line.values["order"] or self._above.get(line.document, "")
        self._above[line.document] = word
        code = line.values["sku"] or line.values["supplier_code"] or line.values["barcode"] or "–"
        plan = Plan(line, BAD, f"{document.number or '–'} · {word or '–'} · {code}")
        self._check_head(document, line, said)
        order = self._order(document, line, word)
        found = line_of(line, order, self._goods) if order else None
        if order is None or found is None:
            return plan
        repeated(line, self._seen[line.document], found[0].pk, found[0].sku.code, "sku")
        asked = invoice_figures.asked(line, found[1], self._places[order.row.currency])
        if asked is not None and not line.problems:
            plan.found = Meant(order.row, found[0], asked)
            self._compare(document, plan)
        return plan

    def _check_head(self, document: Document, line: Line, said: Sequence[str]) -> None:
        if not document.number:
            line.refuse("number", _now("is empty"))
        day = document.head.get("issued_on")
        if day is None:
            line.refuse("issued_on", _now("is empty"))
        elif "issued_on" in said and day > clock.now().date() + dt.timedelta(days=1):
            line.refuse("issued_on", _now("a day that has come, please"))

    def _order(self, document: Document, line: Line, word: str) -> Ordered | None:
        """The order a row names, when an invoice may ask for it."""
        found = self._orders.order(word)
        if found is None:
            what = _now("“%(said)s” is not a purchase order that you see") if word else _now("is empty")
            line.refuse("order", what % {"said": word})
            return None
        row, first = found.row, self._first.setdefault(line.document, found).row
        if row.state not in invoicing.ASKABLE:
            what = _now("%(number)s is “%(state)s”: no invoice belongs to it")
            line.refuse("order", what % {"number": row, "state": row.get_state_display()})
        if row.supplier_id != first.supplier_id:
            what = _now("%(number)s is an order to %(supplier)s, %(first)s above it is not: give them two invoices")
            line.refuse("order", what % {"number": row, "supplier": row.supplier.name, "first": first})
        elif row.currency != _currency(document.head.get("currency") or first.currency):
            line.refuse("currency", _now("%(number)s is ordered in %(currency)s")
                        % {"number": row, "currency": row.currency})  # fmt: skip
        return found

    def _compare(self, document: Document, plan: Plan) -> None:
        """Beside what is written down, what was agreed and what came."""
        line, meant = plan.line, plan.found
        known = self._orders.known(meant.order.supplier_id, document.number)
        if known is not None:
            row = known.parts[0]
            told = f"{row.issued_on} · {locking.last(row.by, row.at)['who']}"
            if known.lines.get(meant.line.pk) == (meant.asked.quantity, meant.asked.price):
                plan.outcome, plan.changes = SAME, {"known": [None, told]}
                return
            what = _now("Invoice %(number)s of %(supplier)s is written down already (%(told)s): it is not doubled.")
            line.refuse("number", what % {"number": row, "supplier": meant.order.supplier.name, "told": told})
            return
        if self._follow(document, plan):
            plan.outcome, plan.changes = NEW, self._told(meant)
            self._orders.asked[meant.line.pk] = self._before(meant) + meant.asked.quantity

    def _before(self, meant: Meant) -> Decimal:
        return self._orders.asked.get(meant.line.pk, ZERO)

    def _follow(self, document: Document, plan: Plan) -> bool:
        """Where the difference of the price goes; False, with the cell refused, when no rate is known."""
        meant = plan.found
        more = meant.asked.price - meant.line.price
        if not (self._carry and more):
            return True
        pair = (meant.order.currency, document.head["issued_on"])
        if pair not in self._rates:
            self._rates[pair] = rates.rates_for({pair}).get(pair)
        rate = self._rates[pair]
        if rate is None:
            plan.line.refuse("currency", _now("no exchange rate of that day is known: enter one"))
            return False
        found = self._orders.receipts.get(meant.line.pk, [])
        places = self._places[self._base]
        parts = drafting.spread(found, self._before(meant), meant.asked.quantity, more * rate, places)
        meant.parts = [part for part in parts if part[1]]
        meant.effect = invoice_effects.of(meant.parts, self.user)
        return True

    def _told(self, meant: Meant) -> dict[str, list[Any]]:
        asked, agreed = meant.asked, meant.line.price
        changes: dict[str, list[Any]] = {
            "quantity": [None, plain(asked.quantity)],
            "price": [plain(agreed) if agreed != asked.price else None, plain(asked.price)],
        }
        over = asked.quantity - max(invoicing.kept(meant.line) - self._before(meant), ZERO)
        if over > 0:
            changes["over"] = [None, plain(over)]
        difference = round_money((asked.price - agreed) * asked.quantity, self._places[meant.order.currency])
        if difference:
            changes["difference"] = [None, f"{difference:f}"]
        if self.user is None or self.user.has_perm(SEES_COSTS):
            changes |= {name: [None, value] for name, value in meant.effect.told.items()}
        return changes

    def shown(self, column: str, value: Any) -> str:
        if value and column in ("stock", "gone"):
            return f"{Decimal(value):+,.2f} {self._base}"
        if value and column == "difference":
            return f"{Decimal(value):+,.2f}"
        if value and column == "months":
            named, now = [one.partition("=") for one in value.split("; ")], _now("present month")
            return "; ".join(f"{month or now}: {Decimal(amount):+,.2f}" for month, _is, amount in named)
        return super().shown(column, value)

    def overview(self, run: ImportRun) -> Overview:
        return invoice_totals.overview(run, self)

    # --- the import --------------------------------------------------------------------------------------------------

    def serialise(self) -> None:
        locking.setting(lock=True)

    def lock(self, plans: Sequence[Plan]) -> None:
        needed = NEEDS.get(self._carry)
        if needed and self.user is not None and not self.user.has_perm(needed):
            message = _("You may not book late costs: upload the file again with another choice.")
            raise ImportRefused("not_yours", message)
        for plan in plans:
            self.documents[plan.line.document].plans.append(plan)
        self.serialise()
        meant = [plan.found for plan in plans]
        invoicing.locked_orders({one.order.pk for one in meant}, access.sight(self.user).warehouses)
        self._refuse_twins([one for one in self.documents.values() if one.plans])
        if self._carry == BOOK and len({(plan.line.document, plan.found.order.pk) for plan in plans}) > 1:
            corrections = [Correction(one.entry_key, share) for found in meant for one, share in found.parts]
            balances.lock(trace(corrections).pairs)

    @staticmethod
    def _refuse_twins(documents: Collection[Document]) -> None:
        """An invoice that was written down between the preview's last look and these locks."""
        wanted = {(one.plans[0].found.order.supplier_id, one.number) for one in documents}
        rows = SupplierInvoice.objects.filter(number__in={number for _supplier, number in wanted}, undone_at=None)
        if wanted & set(rows.values_list("supplier", "number")):
            message = _("A file with the same numbers came in at the same moment. Look at the preview again.")
            raise ImportRefused("changed_meanwhile", message, retryable=True)

    def make(self, document: Document) -> tuple[str, dict[str, Any]]:
        actor, within = audit.current_actor().name, access.sight(self.user).warehouses
        parts: dict[int, dict[int, Asked]] = defaultdict(dict)
        shown: dict[int, Decimal] = defaultdict(Decimal)
        for plan in document.plans:
            parts[plan.found.order.pk][plan.found.line.pk] = plan.found.asked
            if plan.found.parts:
                shown[plan.found.order.pk] += plan.found.effect.stock
        made = invoicing.note_parts(
            number=document.number, issued_on=document.head["issued_on"], parts=parts, actor=actor,
            note=document.head.get("note") or "", warehouses=within,
        )  # fmt: skip
        for invoice in made:
            if invoice.order_id in shown:
                cost = drafting.from_invoice(invoice_id=invoice.pk, actor=actor, warehouses=within)
                if self._carry == BOOK:
                    booking.book(document_id=cost.pk, actor=actor, shown=shown[invoice.order_id])
        return f"{TARGET}:{made[0].pk}", {}

    def apply(self, plan: Plan) -> Done:
        return Done(super().apply(plan).target)  # a number alone does not say whose invoice it is

    def lock_targets(self, targets: Sequence[str]) -> None:
        numbers = SupplierInvoice.objects.filter(pk__in=ids_of(targets)).values("supplier", "number")
        invoices = SupplierInvoice.objects.filter(
            supplier__in=numbers.values("supplier"), number__in=numbers.values("number"), undone_at=None
        )
        orders = set(invoices.values_list("order_id", flat=True))
        if orders:
            invoicing.locked_orders(orders, None)
        booked = CostDocument.objects.filter(invoice__in=invoices, state=CostDocument.State.POSTED)
        withdrawing.lock_goods(list(booked.values_list("pk", flat=True)))

    def take_back(self, target: str, memory: Mapping[str, Any]) -> None:
        withdrawing.withdraw(
            invoice_id=ids_of([target])[0], actor=audit.current_actor().name,
            may_book=self.user is not None and self.user.has_perm(NEEDS[BOOK]),
            warehouses=access.sight(self.user).warehouses,
        )  # fmt: skip

    def out_rows(self) -> Iterator[Sequence[Any]]:
        seen = access.visible(self.user, PurchaseOrder.objects.all())
        rows = SupplierInvoiceLine.objects.filter(invoice__order__in=seen, invoice__undone_at=None)
        rows = rows.select_related("invoice__order", "line__sku").order_by("invoice__supplier", "invoice__number", "pk")
        for row in rows.iterator(chunk_size=2_000):
            one, order = row.invoice, row.invoice.order
            yield (one.number, one.issued_on, order.number, row.line.sku.code, None, row.line.supplier_code,
                   row.quantity, row.price, None, order.currency, row.tax, one.note)  # fmt: skip


def _currency(word: str) -> str:
    """A code as it is kept, of a code or of what people call the currency."""
    return WORDS.get(word, word.upper())
