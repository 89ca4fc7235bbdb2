"""A file of purchase orders of the demo's buyer, read as a preview: two orders are good, one has a row to correct."""

from __future__ import annotations

import csv
import io

from django.core.files.base import ContentFile
from django.utils import translation

from backoffice.imports import reading
from backoffice.models import ImportRun, User
from inventory.models import Warehouse
from orders.models import SupplierItem

HEADER = ("采购单号", "供应商", "入库仓库", "SKU 编码", "供应商货号", "数量", "单价", "备注")
KIND = "orders.purchases"


def finish() -> None:
    """Add it once, when there are suppliers with goods."""
    buyer = User.objects.filter(groups__name="buyer", is_active=True).order_by("pk").first()
    place = Warehouse.objects.filter(active=True, read_only=False).order_by("pk").first()
    items = list(SupplierItem.objects.select_related("supplier", "sku").order_by("supplier_id", "pk"))
    if buyer is None or place is None or len(items) < 3 or ImportRun.objects.filter(kind=KIND).exists():
        return
    first, last = [one for one in items if one.supplier_id == items[0].supplier_id], items[-1]
    rows = [HEADER]
    for number, item in (("A01", first[0]), ("A01", first[1]), ("A02", last)):
        pieces = max(item.minimum, item.pack_size) * 4
        rows.append((number, item.supplier.name, place.code, item.sku.code, "", f"{pieces:f}", "", "双十二备货"))
    rows.append(("A03", first[0].supplier.name, place.code, first[0].sku.code, "", "24", "面议", ""))
    rows.append(("A03", first[0].supplier.name, place.code, first[1].sku.code, "", "24", "", ""))
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    with translation.override(buyer.language or "zh-hans"):
        file = ContentFile(text.getvalue().encode("gbk", errors="replace"), name="双十二采购.csv")
        reading.preview(kind=KIND, user=buyer, file=file)
