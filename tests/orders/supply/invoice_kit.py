"""Files of suppliers' invoices for the tests: rows as an office writes them, what a preview says of them."""

import datetime as dt

from backoffice.imports import applying, reading
from inventory.models import Access
from orders.models import SupplierInvoiceLine
from tests.inventory.importing.conftest import xlsx

KIND = "orders.invoices"
HEADER = ("发票号", "开票日期", "采购单号", "商品编码", "数量", "单价", "金额", "币种", "税额", "备注")
DAY = dt.date(2026, 11, 5)
BOOK, DRAFT = {"carry": "book"}, {"carry": "draft"}


def asked(made, sku="MUG", pieces=24, price=4.5, amount=None, number="INV-1", **more):
    return (number, more.get("day", DAY), getattr(made, "number", made), sku, pieces, price, amount,
            more.get("currency"), more.get("tax"), more.get("note"))  # fmt: skip


def told(run, row=2):
    return {key: pair[1] for key, pair in run.rows.get(row=row).changes.items()}


def lines():
    rows = SupplierInvoiceLine.objects.filter(invoice__undone_at=None).order_by("invoice", "line")
    return [(one.invoice.number, one.line.sku.code, one.quantity, one.price) for one in rows]


class Person:
    """Short words for what somebody does with such files; the owner, unless said."""

    def __init__(self, people):
        self._people = people

    def __call__(self, role="owner"):
        """The user, who sees all."""
        every = {"all_shops": True, "all_warehouses": True}
        Access.objects.get_or_create(user=self._people[role], defaults=every)
        return self._people[role]

    def look(self, *rows, user=None, options=None, header=HEADER):
        """Upload rows; the prices are to be booked, unless said."""
        file, said = xlsx((header, *rows)), BOOK if options is None else options
        return reading.preview(kind=KIND, user=user or self(), file=file, options=said)

    def take(self, *rows, skip_bad=False, **more):
        """Upload and import."""
        run = self.look(*rows, **more)
        return applying.apply(run_id=run.pk, user=run.owner, skip_bad=skip_bad)
