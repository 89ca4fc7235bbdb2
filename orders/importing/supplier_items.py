"""Suppliers' prices by file: what a supplier sells of our SKUs, in what packs, and cheaper from how many on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice.imports.errors import KeptAsIs
from backoffice.imports.kinds import Line, Plan
from backoffice.imports.records import RecordKind
from backoffice.spreadsheets.schema import Column
from inventory.importing import goods
from orders.importing.named_suppliers import Suppliers
from orders.models import PriceBreak, SupplierItem

SEPARATES, SAYS = re.compile(r"[;；\n|]+"), re.compile(r"[=＝:：→]")
NONE = ("none", "无", "-", "0")
Breaks = dict[Decimal, Decimal]


class SupplierItemKind(RecordKind):
    """One row is one SKU of one supplier."""

    key = "orders.supplier_items"
    title = _("Suppliers' SKUs and prices")
    note = _("One row is what a supplier takes for one SKU. Price breaks: 120=3.5; 500=3.2")
    view, order = ("orders.view_supplieritem", "orders.price_purchaseorder"), 81
    change = ("orders.add_supplieritem", "orders.change_supplieritem")
    change_list = "admin:orders_supplieritem_changelist"
    model = SupplierItem
    columns = (
        Column("supplier", _("supplier"),
               ("供应商", "供应商编码", "供应商名称", "往来单位", "supplier code", "supplier name", "vendor"),
               longest=200),
        *goods.COLUMNS,
        Column("supplier_code", _("supplier's code"),
               ("供应商货号", "供应商SKU", "供应商商品编码", "工厂货号", "厂家货号", "supplier sku", "vendor sku"),
               "code",
               required=False, longest=100),
        Column("price", _("price"), ("采购价", "单价", "进价", "供货价", "unit price"), "decimal", required=False,
               places=6,
               least=0),
        Column("minimum", _("minimum quantity"), ("起订量", "最小起订量", "moq"), "decimal", required=False, least=0),
        Column("pack_size", _("pack size"), ("装箱数", "箱规", "包装数量", "倍数"), "decimal", required=False, least=0),
        Column("breaks", _("price breaks"), ("阶梯价", "阶梯价格", "批量价"), required=False, longest=1_000),
        Column("preferred", _("preferred"), ("首选", "默认供应商", "主供应商"), "boolean", required=False),
        Column("active", _("active"), ("启用", "在用"), "boolean", required=False),
    )  # fmt: skip
    fields = {name: name for name in ("supplier_code", "price", "minimum", "pack_size", "preferred", "active")}
    examples = (("QL", "00123", "", "M-001", "4", "24", "12", "120=3.5; 500=3.2", "yes", "yes"),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._suppliers = Suppliers()
        self._pairs: dict[int, tuple[Any, Any]] = {}  # row → supplier and SKU
        self._preferred: dict[int, int] = {}  # SKU → the supplier preferred after the rows above
        self._asked: set[int] = set()

    def identity(self, line: Line) -> str:
        supplier, sku = self._pairs.get(line.row, (None, None))
        return f"{supplier.pk}/{sku.pk}" if supplier and sku else f"row {line.row}"

    def named(self, line: Line) -> str:
        return f"{line.values['supplier']} · {line.values['sku'] or line.values['barcode'] or '–'}"

    def find(self, lines: Sequence[Line]) -> Mapping[str, Any]:
        finder = goods.Finder(lines)
        for line in lines:
            supplier = self._suppliers.one(line, "supplier", line.values["supplier"])
            found = finder.one(line)
            if supplier is not None and found is not None:
                self._pairs[line.row] = (supplier, found[0])
        pairs = [self._pairs[line.row] for line in lines if line.row in self._pairs]
        skus = {sku.pk for _supplier, sku in pairs}
        rows = SupplierItem.objects.filter(sku__in=skus, supplier__in={one.pk for one, _sku in pairs})
        preferred = SupplierItem.objects.filter(sku__in=skus - self._asked, preferred=True)
        self._preferred |= dict(preferred.values_list("sku_id", "supplier_id"))
        self._asked |= skus
        return {f"{row.supplier_id}/{row.sku_id}": row for row in rows.prefetch_related("breaks")}

    def check(self, line: Line, found: Any) -> None:
        if line.values["pack_size"] == 0:
            line.refuse("pack_size", _now("More than zero, please."))
        if found is None and line.values["price"] is None:
            line.refuse("price", _now("is empty"))
        if line.row in self._pairs:
            self._check_preferred(line, *self._pairs[line.row])

    def _check_preferred(self, line: Line, supplier: Any, sku: Any) -> None:
        """One supplier is preferred for a SKU: another one is given up in a row above, or on its page."""
        wanted, now = line.values["preferred"], self._preferred.get(sku.pk)
        if wanted and now not in (None, supplier.pk):
            what = _now("another supplier is preferred for “%(sku)s”: set that one to “no” in a row above")
            line.refuse("preferred", what % {"sku": sku.code})
        elif wanted:
            self._preferred[sku.pk] = supplier.pk
        elif wanted is False and now == supplier.pk:
            self._preferred.pop(sku.pk)

    def more_changes(self, line: Line, found: Any) -> dict[str, list[Any]]:
        said = line.values["breaks"]
        if said is None:
            return {}
        wanted = _breaks(said)
        if wanted is None:
            line.refuse("breaks", _now("“%(said)s” cannot be read. Write: 120=3.5; 500=3.2") % {"said": said[:60]})
            return {}
        old = told({one.quantity: one.price for one in found.breaks.all()}) if found else ""
        return {"breaks": [old or None, told(wanted)]} if told(wanted) != old else {}

    def save(self, instance: Any, plan: Plan) -> dict[str, Any]:
        if plan.found is None:
            instance.supplier, instance.sku = self._pairs[plan.line.row]
        self.store(instance, plan)
        if "breaks" not in plan.changes:
            return {}
        _write(instance, _breaks(plan.changes["breaks"][1]) or {})
        return {"breaks": plan.changes["breaks"]}

    def undo_more(self, instance: Any, memory: Mapping[str, Any]) -> Sequence[str]:
        if "breaks" in memory:
            before, ours = memory["breaks"]
            now = told({one.quantity: one.price for one in instance.breaks.all()})
            if now != ours:
                raise KeptAsIs(_("Changed since: the price breaks are “%(now)s” now."), now=now or "–")
            _write(instance, _breaks(before or "") or {})
        return ()

    def out_rows(self) -> Iterator[Sequence[Any]]:
        rows = SupplierItem.objects.select_related("supplier", "sku").prefetch_related("breaks")
        for row in rows.order_by("supplier__code", "sku__code_key").iterator(chunk_size=2_000):
            breaks = told({one.quantity: one.price for one in row.breaks.all()})
            yield (row.supplier.code, row.sku.code, None, row.supplier_code, row.price, row.minimum, row.pack_size,
                   breaks, "1" if row.preferred else "0", "1" if row.active else "0")  # fmt: skip


def told(breaks: Breaks) -> str:
    """Return price breaks as a cell says them."""
    return "; ".join(f"{at.normalize():f}={price.normalize():f}" for at, price in sorted(breaks.items()))


def _breaks(said: str) -> Breaks | None:
    """Read “120=3.5; 500=3.2”; None for what is no such list, a quantity twice, or figures that are not kept."""
    if said.strip().casefold() in NONE:
        return {}
    found: Breaks = {}
    for piece in SEPARATES.split(said):
        if not piece.strip():
            continue
        sides = [one.strip().lstrip("≥>") for one in SAYS.split(piece)]
        try:
            at, price = (Decimal(one) for one in sides)
        except (InvalidOperation, ValueError):
            return None
        if not (at.is_finite() and price.is_finite() and 0 < at < 10**8 and 0 <= price < 10**8):
            return None
        if at in found or at != round(at, 3) or price != round(price, 6):
            return None
        found[at] = price
    return found


def _write(item: SupplierItem, breaks: Breaks) -> None:
    item.breaks.all().delete()
    PriceBreak.objects.bulk_create(PriceBreak(item=item, quantity=at, price=price) for at, price in breaks.items())
