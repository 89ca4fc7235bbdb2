"""Products and SKUs out to Excel and back in, through django-import-export: small master data, shown before it is kept.

The sheet is read by the guarded reader (never by the library); the library compares, validates and saves row by row.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import tablib
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from import_export import fields, resources, results

from backoffice import audit
from backoffice.errors import YikuError
from backoffice.spreadsheets.reading import Problem, read_upload
from backoffice.spreadsheets.schema import Column, SheetSchema
from backoffice.spreadsheets.writing import Out, write_xlsx
from inventory.codes import checked, normalise
from inventory.models import Barcode, Product, Sku

MOST_ROWS = 5_000
PLAIN = ("name", "name_en", "kind", "weight_g", "length_mm", "width_mm", "height_mm", "hs_code", "origin")
SCHEMA = SheetSchema(
    (
        Column("code", _("SKU code"), ("sku", "编码", "商品编码", "商家编码", "货号"), "code", longest=100),
        Column("name", _("name"), ("名称", "商品名称", "sku name"), longest=200),
        Column("name_en", _("English name"), ("英文名", "英文名称"), required=False, longest=200),
        Column("product", _("product"), ("款", "款式", "商品", "spu"), required=False, longest=200),
        Column("brand", _("brand"), ("品牌",), required=False, longest=100),
        Column("category", _("category"), ("类目", "分类"), required=False, longest=100),
        Column("kind", _("kind"), ("类型",), required=False),
        Column(
            "barcode", _("barcode"), ("条码", "条形码", "ean", "upc", "gtin"), "barcode", required=False, longest=64
        ),
        Column(
            "list_price",
            _("list price"),
            ("价格", "标价", "吊牌价", "price"),
            "decimal",
            required=False,
            places=4,
            least=0,
        ),
        Column("low_stock", _("low stock from"), ("库存预警", "安全库存"), "decimal", required=False, least=0),
        Column("weight_g", _("weight (g)"), ("重量", "重量(g)", "weight"), "integer", required=False, least=0),
        Column("length_mm", _("length (mm)"), ("长", "length"), "integer", required=False, least=0),
        Column("width_mm", _("width (mm)"), ("宽", "width"), "integer", required=False, least=0),
        Column("height_mm", _("height (mm)"), ("高", "height"), "integer", required=False, least=0),
        Column("hs_code", _("HS code"), ("海关编码",), required=False, longest=20),
        Column("origin", _("country of origin"), ("原产国", "产地", "origin"), required=False, longest=2),
        Column("active", _("active"), ("启用", "在售"), "boolean", required=False),
    ),
    most_rows=MOST_ROWS,
)


class SkusRefused(YikuError):
    """The import was not kept; the sentence says why."""


class SkuResource(resources.ModelResource):
    """One row is one SKU, found by its code however it is spelled; an empty cell leaves what is there."""

    product = fields.Field(attribute="product", column_name="product")
    barcode = fields.Field(column_name="barcode")

    class Meta:
        model = Sku
        import_id_fields = ("code_key",)
        fields = ("code_key", "code", "product", *PLAIN, "list_price", "low_stock", "active", "barcode")
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = True
        use_transactions = False  # the caller's transaction decides
        store_instance = True

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        """Give the row its key, its product and the words of the database."""
        row["code_key"] = checked(row.get("code"))
        row["product"] = self._product(row)
        if row.get("kind") is not None:
            row["kind"] = _kind(row["kind"])
        if row.get("origin") is not None:
            row["origin"] = str(row["origin"]).upper()

    def import_field(self, field: Any, instance: Any, row: Any, is_m2m: bool = False, **kwargs: Any) -> None:
        """An empty cell changes nothing."""
        value = row.get(field.column_name)
        if value is None or field.column_name == "barcode":
            return
        if field.column_name in ("product", "code", "code_key"):
            setattr(instance, field.column_name, value)
        else:
            setattr(instance, field.attribute, instance._meta.get_field(field.attribute).to_python(value))

    def skip_row(self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """Unchanged is unchanged also with its barcode."""
        if _new_barcode(instance, row) is not None:
            return False
        return bool(super().skip_row(instance, original, row, import_validation_errors))

    def after_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """Add the barcode; one that belongs to another SKU is refused."""
        code = _new_barcode(instance, row)
        if code is not None:
            Barcode.objects.create(sku=instance, code=code)

    def _product(self, row: Any) -> Product | None:
        """The product named; without a name the SKU's own, or a new one called like the SKU."""
        name = (row.get("product") or "").strip()
        known = Sku.objects.filter(code_key=row["code_key"]).select_related("product").first()
        if known and name in ("", known.product.name):
            return known.product
        name = name or row.get("name") or row["code"]
        found = Product.objects.filter(name=name).first()
        return found or Product.objects.create(
            name=name, brand=row.get("brand") or "", category=row.get("category") or ""
        )


def _kind(word: str) -> str:
    """A kind in the words of either language, or its own name."""
    names = {normalise(str(label)): kind for kind, label in Sku.Kind.choices}
    names |= {kind: kind for kind in Sku.Kind.values} | {
        "套装": "bundle",
        "组合": "bundle",
        "普通": "stocked",
        "虚拟": "virtual",
    }
    kind = names.get(normalise(word))
    if kind is None:
        raise ValidationError({"kind": _now("“%(word)s” is not a kind of SKU.") % {"word": word}})
    return kind


def _new_barcode(instance: Sku, row: Any) -> str | None:
    code = normalise(row.get("barcode"))
    if not code:
        return None
    owner = Barcode.objects.filter(code=code).first()
    if owner is None:
        return code
    if owner.sku_id != instance.pk:
        message = _now("Barcode “%(code)s” belongs to %(sku)s.") % {"code": code, "sku": owner.sku}
        raise ValidationError({"barcode": message})
    return None


def look(path: Path) -> tuple[tablib.Dataset, list[Problem], results.Result]:
    """Read a kept file and say what it would do: rows, faults of cells, and the library's comparison."""
    dataset, problems = _dataset(path)
    with transaction.atomic():
        result = SkuResource().import_data(dataset, dry_run=True, raise_errors=False)
        transaction.set_rollback(True)
    return dataset, problems, result


@transaction.atomic
def keep(path: Path) -> results.Result:
    """Import a kept file, all rows or none. Raises SkusRefused when any row has a fault."""
    dataset, problems = _dataset(path)
    result = SkuResource().import_data(dataset, dry_run=False, raise_errors=False)
    if problems or result.has_errors() or result.has_validation_errors():
        raise SkusRefused("rows_with_problems", _("Some rows have a problem. Nothing was kept."))
    totals = {name: count for name, count in result.totals.items() if count}
    audit.record(action="catalogue.import", target="inventory.sku", summary=f"{len(dataset)}", after=totals)
    return result


def _dataset(path: Path) -> tuple[tablib.Dataset, list[Problem]]:
    keys = [column.key for column in SCHEMA.columns]
    dataset = tablib.Dataset(headers=[*keys, "code_key", "sheet_row"])
    seen: dict[str, int] = {}
    with read_upload(path, SCHEMA) as reading:
        for row in reading.rows():
            key = normalise(row[1])
            if seen.setdefault(key, row[0]) != row[0]:
                raise SkusRefused(
                    "sku_twice",
                    _("SKU “%(code)s” stands in row %(first)s and in row %(row)s."),
                    params={"code": row[1], "first": seen[key], "row": row[0]},
                )
            dataset.append([*row[1:], key, row[0]])
    return dataset, list(reading.problems)


def export_skus(target: IO[bytes]) -> int:
    """Write every SKU in the columns that the import reads."""
    columns = [
        Out(column.title, "number" if column.kind in ("decimal", "integer") else "text", 18)
        for column in SCHEMA.columns
    ]
    return write_xlsx(target, columns, _rows(), name="SKU")


def _rows() -> Iterator[list[Any]]:
    skus = Sku.objects.select_related("product").prefetch_related("barcodes").order_by("code_key")
    for sku in skus.iterator(chunk_size=2_000):
        barcode = next((row.code for row in sku.barcodes.all()), None)
        yield [
            sku.code, sku.name, sku.name_en, sku.product.name, sku.product.brand, sku.product.category,
            sku.get_kind_display(), barcode, sku.list_price, sku.low_stock, sku.weight_g, sku.length_mm, sku.width_mm,
            sku.height_mm, sku.hs_code, sku.origin, "1" if sku.active else "0",
        ]  # fmt: skip
