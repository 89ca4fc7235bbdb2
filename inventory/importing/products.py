"""Products by file: found by their name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice.imports.kinds import Line
from backoffice.imports.records import RecordKind
from backoffice.spreadsheets.schema import Column
from inventory import codes
from inventory.importing.words import chosen, label
from inventory.models import Product

CHANGE = ("inventory.add_product", "inventory.change_product")


class ProductKind(RecordKind):
    """One row is one product."""

    key = "inventory.products"
    title = _("Products")
    note = _("One row is one product, found by its name.")
    view, change, order = ("inventory.view_product",), CHANGE, 10
    change_list = "admin:inventory_product_changelist"
    model = Product
    columns = (
        Column("name", _("name"), ("名称", "商品名称", "产品名称", "品名", "款名", "product", "product name"),
               longest=200),
        Column("name_en", _("English name"), ("英文名", "英文名称"), required=False, longest=200),
        Column("brand", _("brand"), ("品牌",), required=False, longest=100),
        Column("category", _("category"), ("类目", "分类", "类别"), required=False, longest=100),
        Column("status", _("status"), ("状态",), required=False),
        Column("image", _("picture (address)"), ("图片", "主图", "image", "picture"), required=False, longest=500),
        Column("description", _("description"), ("描述", "说明", "简介"), required=False),
    )  # fmt: skip
    fields = {column.key: column.key for column in columns}
    examples = (("Linen shirt", "Linen shirt", "Yiku", "Shirts", "On sale", "", ""),)

    def identity(self, line: Line) -> str:
        return codes.display(line.values["name"])

    def find(self, lines: Sequence[Line]) -> Mapping[str, Any]:
        names = {self.identity(line) for line in lines} | {line.values["name"] for line in lines}
        rows = list(Product.objects.filter(name__in=names).order_by("pk"))
        counted = Counter(codes.display(row.name) for row in rows)
        for line in lines:
            if counted[self.identity(line)] > 1:
                line.refuse("name", _now("several products are called so; change them on their pages"))
        return {codes.display(row.name): row for row in reversed(rows)}

    def check(self, line: Line, found: Any) -> None:
        word = line.values.get("status")
        if word is not None:
            line.values["status"] = chosen(word, Product.Status, STATUS_WORDS)
            if line.values["status"] is None:
                known = ", ".join(str(one) for one in Product.Status.labels)
                line.refuse("status", _now("“%(word)s” is not one of: %(known)s") % {"word": word, "known": known})

    def shown(self, column: str, value: Any) -> str:
        return label(Product.Status, value) if column == "status" else super().shown(column, value)

    def out_rows(self) -> Iterator[Sequence[Any]]:
        for row in Product.objects.order_by("name", "pk").iterator(chunk_size=2_000):
            yield (row.name, row.name_en, row.brand, row.category, row.get_status_display(), row.image,
                   row.description)  # fmt: skip


STATUS_WORDS = {"在售": "active", "上架": "active", "启用": "active", "草稿": "draft", "下架": "archived",
                "停用": "archived", "归档": "archived"}  # fmt: skip
