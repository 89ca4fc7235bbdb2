"""Bins as a workbook: what they are, in the columns that can be pasted back, and what lies in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.spreadsheets.writing import Out, write_xlsx
from inventory.models import Bin, ShelfPlace

COLUMNS = (
    Out(_("warehouse"), width=14), Out(_("bin"), width=16), Out(_("place on the way"), "number", 14),
    Out(_("filled in this order"), "number", 16), Out(pgettext_lazy("bin", "what lies there"), width=60),
)  # fmt: skip
SHOWN = 20


def export(target: IO[bytes], bins: QuerySet[Bin]) -> int:
    """Write the bins in walking order; returns how many."""
    return write_xlsx(target, COLUMNS, _rows(bins), name=str(_("Bins")))


def _rows(bins: QuerySet[Bin]) -> Iterator[tuple[Any, ...]]:
    rows = bins.filter(active=True).select_related("warehouse").order_by("warehouse__code", "pick_order", "name")
    lying: dict[tuple[int, str], list[str]] = {}
    places = ShelfPlace.objects.filter(warehouse__in=rows.order_by().values("warehouse")).order_by("sku__code_key")
    for place, name, code in places.values_list("warehouse_id", "bin", "sku__code").iterator():
        lying.setdefault((place, name.casefold()), []).append(code)
    for row in rows:
        codes = lying.get((row.warehouse_id, row.name.casefold()), [])
        more = " …" if len(codes) > SHOWN else ""
        yield row.warehouse.code, row.name, row.pick_order, row.put_order, ", ".join(codes[:SHOWN]) + more
