"""SKUs by file: found by their code however it is spelled, with their product and one barcode."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice.imports.errors import KeptAsIs
from backoffice.imports.kinds import Line, Plan
from backoffice.imports.records import RecordKind
from backoffice.spreadsheets.schema import Column
from inventory import codes
from inventory.importing.words import chosen, label
from inventory.lots import switching
from inventory.lots.errors import LotRefused
from inventory.models import Balance, Barcode, BundlePart, Product, Sku, StockEntry, Tracking

KIND_WORDS = {"套装": "bundle", "组合": "bundle", "普通": "stocked", "虚拟": "virtual"}
OWN = ("code", "name", "name_en", "kind", "list_price", "low_stock", "weight_g", "length_mm", "width_mm", "height_mm",
       "hs_code", "origin", "active", "shelf_life_days", "ship_days")  # fmt: skip
TRACKING_WORDS = {"批次": 1, "效期": 2, "有效期": 2, "序列号": 3, "lot": 1, "expiry": 2, "serial": 3, "no": 0}


class SkuKind(RecordKind):
    """One row is one SKU."""

    key = "inventory.skus"
    title = _("SKUs")
    note = _("One row is one SKU, found by its code. A product that does not exist yet is made.")
    view, order = ("inventory.view_sku",), 20
    change = ("inventory.add_sku", "inventory.change_sku")
    change_list = "admin:inventory_sku_changelist"
    model = Sku
    columns = (
        Column("code", _("SKU code"), ("sku", "编码", "商品编码", "商家编码", "规格编码", "货号"), "code", longest=100),
        Column("name", _("name"), ("名称", "商品名称", "规格名称", "品名", "sku name"), longest=200),
        Column("name_en", _("English name"), ("英文名", "英文名称"), required=False, longest=200),
        Column("product", _("product"), ("款", "款式", "商品", "spu"), required=False, longest=200),
        Column("brand", _("brand"), ("品牌",), required=False, longest=100),
        Column("category", _("category"), ("类目", "分类"), required=False, longest=100),
        Column("kind", _("kind"), ("类型",), required=False),
        Column("barcode", _("barcode"), ("条码", "条形码", "ean", "upc", "gtin"), "barcode", required=False,
               longest=64),
        Column("list_price", _("list price"), ("价格", "标价", "吊牌价", "price"), "decimal", required=False, places=4,
               least=0),
        Column("low_stock", _("low stock from"), ("库存预警", "安全库存"), "decimal", required=False, least=0),
        Column("weight_g", _("weight (g)"), ("重量", "重量(g)", "weight"), "integer", required=False, least=0),
        Column("length_mm", _("length (mm)"), ("长", "length"), "integer", required=False, least=0),
        Column("width_mm", _("width (mm)"), ("宽", "width"), "integer", required=False, least=0),
        Column("height_mm", _("height (mm)"), ("高", "height"), "integer", required=False, least=0),
        Column("hs_code", _("HS code"), ("海关编码",), "reference", required=False, longest=20),
        Column("origin", _("country of origin"), ("原产国", "产地", "origin"), required=False, longest=2),
        Column("active", _("active"), ("启用", "在售"), "boolean", required=False),
        Column("tracking", _("lots and serials"), ("批次管理", "批次与序列号", "tracking"), required=False),
        Column("shelf_life_days", _("shelf life (days)"), ("保质期", "保质期(天)", "shelf life"), "integer",
               required=False, least=0),
        Column("ship_days", _("days a lot must still be good when it is shipped"), ("发货有效期", "ship days"),
               "integer", required=False, least=0),
    )  # fmt: skip
    fields = {name: name for name in OWN}
    examples = (("00123", "Linen shirt, blue, M", "", "Linen shirt", "", "", "Stocked", "6901234567892", "99.00", "5",
                 "250", "", "", "", "", "CN", "yes", "Not tracked", "", ""),)  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._barcodes: dict[str, Barcode] = {}
        self._products: Counter[str] = Counter()
        self._claimed: dict[str, str] = {}  # barcode → the SKU of this file that claims it

    def identity(self, line: Line) -> str:
        return codes.normalise(line.values["code"])

    def find(self, lines: Sequence[Line]) -> Mapping[str, Any]:
        keys = [self.identity(line) for line in lines]
        rows = Sku.objects.filter(code_key__in=keys).select_related("product")
        barcodes = [code for line in lines if (code := codes.normalise(line.values["barcode"]))]
        self._barcodes = {row.code: row for row in Barcode.objects.filter(code__in=barcodes).select_related("sku")}
        names = {line.values["product"] for line in lines if line.values["product"]}
        self._products = Counter(Product.objects.filter(name__in=names).values_list("name", flat=True))
        return {row.code_key: row for row in rows}

    def check(self, line: Line, found: Any) -> None:
        if not self.identity(line):
            line.refuse("code", _now("is empty"))
        if found is not None and unicodedata.normalize("NFKC", found.code) == line.values["code"]:
            line.values["code"] = found.code  # the reader folds full-width letters: that alone is no change
        self._check_kind(line, found)
        origin = line.values["origin"]
        if origin is not None:
            line.values["origin"] = origin.upper()
            if not (len(origin) == 2 and origin.isascii() and origin.isalpha()):
                line.refuse("origin", _now("Write the country as two letters, such as CN."))
        self._check_tracking(line, found)
        self._check_barcode(line, found)
        product = line.values["product"]
        if product and self._products[product] > 1 and (found is None or found.product.name != product):
            line.refuse("product", _now("several products are called “%(name)s”") % {"name": product})

    def _check_kind(self, line: Line, found: Any) -> None:
        word = line.values["kind"]
        if word is None:
            return
        kind = line.values["kind"] = chosen(word, Sku.Kind, KIND_WORDS)
        if kind is None:
            line.refuse("kind", _now("“%(word)s” is not a kind of SKU.") % {"word": word})
        elif found is not None and kind != found.kind:
            if StockEntry.objects.filter(sku=found).exists():
                line.refuse("kind", _now("This SKU has stock movements: its kind can no longer change."))
            elif BundlePart.objects.filter(part=found, valid_to=None).exists():
                line.refuse("kind", _now("This SKU is part of a bundle: it must stay a stocked one."))

    def _check_tracking(self, line: Line, found: Any) -> None:
        """Goods that lie there belong to lots or to none: that is said on the SKU's page, not by a file."""
        word = line.values["tracking"]
        if word is None:
            return
        how = line.values["tracking"] = chosen(str(word), Tracking, TRACKING_WORDS)
        if how is None:
            line.refuse("tracking", _now("“%(word)s” is no way to tell goods apart.") % {"word": word})
        elif found is not None and how != found.tracking:
            if found.kind != Sku.Kind.STOCKED:
                line.refuse("tracking", _now("“%(code)s” has no stock of its own") % {"code": found.code})
            elif Balance.objects.filter(sku=found, on_hand__gt=0).exists():
                line.refuse(
                    "tracking", _now("Goods of it lie in stock: change it on the SKU's page, which books them.")
                )

    def _check_barcode(self, line: Line, found: Any) -> None:
        code = codes.normalise(line.values["barcode"])
        if not code:
            return
        owner = self._barcodes.get(code)
        taken = owner.sku.code if owner else self._claimed.setdefault(code, line.values["code"])
        mine = owner.sku_id == (found.pk if found else None) if owner else taken == line.values["code"]
        if not mine:
            line.refuse("barcode", _now("Barcode “%(code)s” belongs to %(sku)s.") % {"code": code, "sku": taken})

    def more_changes(self, line: Line, found: Any) -> dict[str, list[Any]]:
        changes: dict[str, list[Any]] = {}
        product, code = line.values["product"], codes.normalise(line.values["barcode"])
        old = found.product.name if found else None
        if product and product != old or found is None:
            changes["product"] = [old, product or line.values["name"]]
        if code and code not in self._barcodes:
            changes["barcode"] = [None, code]
        how = line.values["tracking"]
        if how is not None and how != (found.tracking if found else Tracking.NONE):
            changes["tracking"] = [str(Tracking(found.tracking).label) if found else None, str(Tracking(how).label)]
        return changes

    def save(self, instance: Any, plan: Plan) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if "product" in plan.changes:
            name = plan.changes["product"][1]
            product = Product.objects.filter(name=name).order_by("pk").first()
            if product is None:
                brand, category = (plan.line.values[key] or "" for key in ("brand", "category"))
                product = Product.objects.create(name=name, brand=brand, category=category)
                more["product_made"] = product.pk
            if instance.pk:
                more["product"] = [instance.product_id, product.pk]
            instance.product = product
        self.store(instance, plan, *(("product",) if "product" in plan.changes else ()))
        if "barcode" in plan.changes:
            more["barcode"] = Barcode.objects.create(sku=instance, code=plan.changes["barcode"][1]).pk
        if "tracking" in plan.changes:
            more["tracking"] = [instance.tracking, plan.line.values["tracking"]]
            instance.tracking = switching.turn(sku_id=instance.pk, tracking=plan.line.values["tracking"]).tracking
        return more

    def undo_more(self, instance: Any, memory: Mapping[str, Any]) -> Sequence[str]:
        if "barcode" in memory:
            Barcode.objects.filter(pk=memory["barcode"], sku=instance, pack=None).delete()
        if "tracking" in memory:
            self._turn_back(instance, *memory["tracking"])
        if "product" in memory:
            before, ours = memory["product"]
            if instance.product_id != ours:
                raise KeptAsIs(_("Changed since: it belongs to another product now."))
            instance.product_id = before
            return ("product",)
        return ()

    def _turn_back(self, instance: Any, before: int, ours: int) -> None:
        if instance.tracking != ours:
            raise KeptAsIs(_("Changed since: its goods are told apart in another way now."))
        try:
            instance.tracking = switching.turn(sku_id=instance.pk, tracking=before).tracking
        except LotRefused as refusal:
            raise KeptAsIs(str(refusal)) from None

    def undo(self, target: str, memory: Mapping[str, Any]) -> None:
        super().undo(target, memory)
        made = memory.get("product_made")
        if made and not Sku.objects.filter(product_id=made).exists():
            Product.objects.filter(pk=made).delete()

    def shown(self, column: str, value: Any) -> str:
        if column == "tracking" and value is not None and str(value).isdecimal():
            return str(Tracking(int(value)).label)
        return label(Sku.Kind, value) if column == "kind" and value else super().shown(column, value)

    def out_rows(self) -> Iterator[Sequence[Any]]:
        skus = Sku.objects.select_related("product").prefetch_related("barcodes").order_by("code_key")
        for sku in skus.iterator(chunk_size=2_000):
            barcode = next((row.code for row in sku.barcodes.all()), None)
            yield [
                sku.code, sku.name, sku.name_en, sku.product.name, sku.product.brand, sku.product.category,
                sku.get_kind_display(), barcode, sku.list_price, sku.low_stock, sku.weight_g, sku.length_mm,
                sku.width_mm, sku.height_mm, sku.hs_code, sku.origin, "1" if sku.active else "0",
                sku.get_tracking_display(), sku.shelf_life_days, sku.ship_days,
            ]  # fmt: skip
