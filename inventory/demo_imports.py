"""Two files of the demo's buyer: one imported, one waiting as a preview with rows to correct."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from django.core.files.base import ContentFile
from django.utils import translation

from backoffice.imports import applying, reading
from backoffice.models import ImportRun, User
from inventory.models import Product, Sku

HEADER = ("SKU 编码", "名称", "标价", "条码", "重量(g)")


def load() -> None:
    """Add them once, when somebody buys and there are goods."""
    buyer = User.objects.filter(groups__name="buyer", is_active=True).order_by("pk").first()
    skus = list(Sku.objects.order_by("pk")[:3])
    if buyer is None or len(skus) < 3 or ImportRun.objects.exists():
        return
    with translation.override(buyer.language or "zh-hans"):
        products = Product.objects.filter(description="").order_by("pk")[:2]
        told = [("商品名称", "描述"), *((row.name, f"{row.name}（2026 秋季）") for row in products)]
        run = reading.preview(kind="inventory.products", user=buyer, file=_file("秋季商品描述.csv", told))
        if run.good_count and not run.bad_count:
            applying.apply(run_id=run.pk, user=buyer)
        first, second, third = skus
        rows = [
            HEADER,
            (first.code, first.name, "128", "", "320"),
            (second.code, second.name, "面议", "", ""),
            (third.code, third.name, "", "6.9E+12", ""),
            ("NEW-2027-01", "春季新品 帆布包", "89.9", "", "410"),
            ("合计", "", "217.9", "", ""),
        ]
        reading.preview(kind="inventory.skus", user=buyer, file=_file("新品与改价.csv", rows))


def _file(name: str, rows: Sequence[Sequence[str]]) -> ContentFile[bytes]:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return ContentFile(text.getvalue().encode("gbk", errors="replace"), name=name)
