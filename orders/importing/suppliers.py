"""Suppliers by file: found by their code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.imports.documents import folded
from backoffice.imports.kinds import Line
from backoffice.imports.records import RecordKind
from backoffice.spreadsheets.schema import Column
from orders.models import Supplier


class SupplierKind(RecordKind):
    """One row is one supplier."""

    key = "orders.suppliers"
    title = _("Suppliers")
    note = _("One row is one supplier, found by its code.")
    view, order = ("orders.view_supplier",), 80
    change = ("orders.add_supplier", "orders.change_supplier")
    change_list = "admin:orders_supplier_changelist"
    model = Supplier
    columns = (
        Column("code", pgettext_lazy("identifier", "code"),
               ("supplier code", "供应商编码", "供应商编号", "往来单位编码", "编码", "vendor code"), "code",
               longest=40),
        Column("name", _("name"),
               ("供应商", "供应商名称", "往来单位", "往来单位名称", "名称", "supplier", "supplier name", "vendor"),
               longest=200),
        Column("contact", _("contact"), ("联系人", "负责人"), required=False, longest=100),
        Column("phone", _("phone"), ("电话", "手机", "联系电话", "手机号", "mobile", "tel"), "reference",
               required=False,
               longest=40),
        Column("email", _("e-mail"), ("邮箱", "电子邮箱", "email", "mail"), required=False, longest=254),
        Column("address", _("address"), ("地址", "联系地址"), required=False, longest=300),
        Column("currency", _("currency"), ("币种", "结算币种", "货币"), required=False, longest=3),
        Column("lead_days", _("stated lead time (days)"),
               ("交期", "交货周期", "采购周期", "到货天数", "lead time", "lead days"), "integer", required=False,
               least=0),
        Column("minimum_order", _("minimum order"), ("起订金额", "最低起订", "最小订单金额"), "decimal", required=False,
               places=4, least=0),
        Column("note", _("note"), ("备注", "说明", "remark"), required=False, longest=300),
        Column("active", _("active"), ("启用", "在用"), "boolean", required=False),
    )  # fmt: skip
    fields = {column.key: column.key for column in columns}
    examples = (("QL", "Qinglan Ceramics", "Ms Li", "13800138000", "li@example.com", "", "CNY", "14", "0", "", "yes"),)

    def identity(self, line: Line) -> str:
        return folded(line.values["code"])

    def find(self, lines: Sequence[Line]) -> Mapping[str, Any]:
        keys = [self.identity(line) for line in lines]
        rows = Supplier.objects.annotate(code_key=Lower("code")).filter(code_key__in=keys)
        return {folded(row.code): row for row in rows}

    def check(self, line: Line, found: Any) -> None:
        if found is not None:
            line.values["code"] = found.code  # “ql” names QL and does not rename it
        if line.values["currency"] is not None:
            line.values["currency"] = WORDS.get(line.values["currency"], line.values["currency"].upper())

    def out_rows(self) -> Iterator[Sequence[Any]]:
        for row in Supplier.objects.order_by("code").iterator(chunk_size=2_000):
            yield (row.code, row.name, row.contact, row.phone, row.email, row.address, row.currency, row.lead_days,
                   row.minimum_order, row.note, "1" if row.active else "0")  # fmt: skip


WORDS = {"人民币": "CNY", "RMB": "CNY", "rmb": "CNY", "美元": "USD", "欧元": "EUR", "日元": "JPY", "港币": "HKD",
         "英镑": "GBP"}  # fmt: skip
