"""The purchase orders that an invoice file names: their lines, what came, what was asked for already. By the batch."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Sequence
from decimal import Decimal

from django.utils.translation import gettext as _now

from backoffice.imports.documents import folded
from backoffice.imports.kinds import Line
from backoffice.models import User
from inventory import access, codes
from inventory.importing import goods
from orders.models import PurchaseLine, PurchaseOrder, SupplierInvoice, SupplierInvoiceLine, SupplierItem
from orders.supply import invoicing
from orders.supply.costs import receipts
from orders.supply.costs.drafting import by_lines
from orders.supply.costs.receipts import Receipt

ZERO = Decimal(0)


@dataclasses.dataclass(slots=True)
class Known:
    """An invoice that is written down already: line → pieces and price."""

    parts: list[SupplierInvoice]
    lines: dict[int, tuple[Decimal, Decimal]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class Ordered:
    """A purchase order with its lines, by SKU and by the supplier's own code."""

    row: PurchaseOrder
    lines: dict[int, PurchaseLine] = dataclasses.field(default_factory=dict)
    theirs: dict[str, list[PurchaseLine]] = dataclasses.field(default_factory=lambda: defaultdict(list))


class Orders:
    """What a file names, asked for by the batch and kept for the file."""

    def __init__(self, user: User | None) -> None:
        self._user = user
        self._orders: dict[str, Ordered | None] = {}  # folded number → order; None: none that the person sees
        self._invoices: dict[int, dict[str, Known]] = {}  # supplier → folded number → invoice
        self.receipts: dict[int, list[Receipt]] = {}  # line → what came of it
        self.asked: dict[int, Decimal] = {}  # line → pieces that invoices ask for, those of the file included

    def read(self, numbers: Collection[str], invoices: Collection[str]) -> None:
        """Read the orders of these numbers, their goods, and what is written down of invoices of these numbers."""
        fresh = {folded(one) for one in numbers} - set(self._orders) - {""}
        if fresh:
            self._read_orders(fresh)
        named = {folded(one) for one in invoices}
        self._read_known([one for theirs in self._invoices.values() for name, one in theirs.items() if name in named])

    def _read_orders(self, fresh: set[str]) -> None:
        spelled = {form for one in fresh for form in (one, one.upper(), one.lower())}
        rows = PurchaseOrder.objects.select_related("supplier", "warehouse").filter(number__in=spelled)
        found = {row.pk: Ordered(row) for row in access.visible(self._user, rows)}
        self._orders |= dict.fromkeys(fresh) | {folded(one.row.number): one for one in found.values()}
        self._read_lines(found)
        self.receipts |= by_lines(receipts.of_orders(list(found)))
        self._read_invoices({one.row.supplier_id for one in found.values()} - set(self._invoices))

    def _read_lines(self, found: dict[int, Ordered]) -> None:
        lines = list(PurchaseLine.objects.filter(order__in=found).select_related("sku").order_by("row"))
        for line in lines:
            one = found[line.order_id]
            one.lines[line.sku_id] = line
            if line.supplier_code:
                one.theirs[codes.normalise(line.supplier_code)].append(line)
        self.asked |= invoicing.pieces_asked([line.pk for line in lines])
        self._read_codes(found)

    @staticmethod
    def _read_codes(found: dict[int, Ordered]) -> None:
        """Codes that a supplier's SKU got after the order was written."""
        suppliers = {one.row.supplier_id for one in found.values()}
        skus = {pk for one in found.values() for pk in one.lines}
        items = SupplierItem.objects.filter(supplier__in=suppliers, sku__in=skus).exclude(supplier_code="")
        by_supplier = defaultdict(list)
        for item in items:
            by_supplier[item.supplier_id].append(item)
        for one in found.values():
            for item in by_supplier[one.row.supplier_id]:
                line, same = one.lines.get(item.sku_id), one.theirs[codes.normalise(item.supplier_code)]
                if line is not None and line not in same:
                    same.append(line)

    def _read_invoices(self, suppliers: set[int]) -> None:
        self._invoices |= {pk: {} for pk in suppliers}
        rows = SupplierInvoice.objects.filter(supplier__in=suppliers, undone_at=None).order_by("pk")
        for row in rows:
            self._invoices[row.supplier_id].setdefault(folded(row.number), Known([])).parts.append(row)

    @staticmethod
    def _read_known(found: Collection[Known]) -> None:
        whose = {row.pk: one for one in found if not one.lines for row in one.parts}
        rows = SupplierInvoiceLine.objects.filter(invoice__in=whose)
        for invoice, line, quantity, price in rows.values_list("invoice", "line", "quantity", "price"):
            whose[invoice].lines[line] = (quantity, price)

    def order(self, number: str) -> Ordered | None:
        """Return the order of a number, None when there is none that the person sees."""
        return self._orders.get(folded(number))

    def known(self, supplier_id: int, number: str) -> Known | None:
        """Return the invoice of a supplier that is written down under the number."""
        return self._invoices[supplier_id].get(folded(number))


def line_of(line: Line, order: Ordered, finder: goods.Finder) -> tuple[PurchaseLine, Decimal] | None:
    """Return the line of the order a row means and the pieces one of it is; None, with the cell refused."""
    theirs = line.values["supplier_code"]
    if theirs and not line.values["sku"] and not line.values["barcode"]:
        return _by_their_code(line, order, theirs)
    found = finder.one(line)
    if found is None:
        return None
    there = order.lines.get(found[0].pk)
    if there is None:
        what = _now("%(sku)s is not ordered by %(number)s") % {"sku": found[0].code, "number": order.row.number}
        line.refuse("sku" if line.values["sku"] else "barcode", what)
        return None
    return there, found[1]


def _by_their_code(line: Line, order: Ordered, code: str) -> tuple[PurchaseLine, Decimal] | None:
    found: Sequence[PurchaseLine] = order.theirs.get(codes.normalise(code), [])
    if len(found) == 1:
        return found[0], Decimal(1)
    what = _now("several SKUs of %(number)s have this code: give the SKU code") if found else _now(
        "%(number)s orders nothing under “%(code)s”: give the SKU code"
    )  # fmt: skip
    line.refuse("supplier_code", what % {"number": order.row.number, "code": code})
    return None
