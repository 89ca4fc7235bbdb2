"""Differences as a workbook: what, where, how much, since when, and the documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import references
from backoffice.spreadsheets.writing import Out, write_xlsx
from inventory.models import AuditFinding

COLUMNS = (
    Out(_("SKU code"), width=20), Out(_("name"), width=32), Out(_("warehouse"), width=12),
    Out(_("what differs"), width=28), Out(_("counter"), width=12), Out(_("is"), "number", 12),
    Out(_("should be"), "number", 12), Out(_("difference"), "number", 12), Out(_("first seen"), "datetime", 17),
    Out(_("last seen"), "datetime", 17), Out(_("documents"), width=60),
)  # fmt: skip
COST = (Out(_("value of the difference"), "money", 16),)


def export(target: IO[bytes], request: HttpRequest, rows: QuerySet[AuditFinding], *, cost: bool) -> int:
    """Write the differences; what they are worth only for who may see cost."""
    listed = list(rows.select_related("sku", "warehouse").order_by("-money", "pk"))
    named = references.describe(request, {text for row in listed for text in row.documents})
    return write_xlsx(target, (*COLUMNS, *COST) if cost else COLUMNS, _rows(listed, named, cost), _now("Differences"))


def _rows(listed: list[AuditFinding], named: dict[str, Any], cost: bool) -> Iterator[tuple[Any, ...]]:
    for row in listed:
        documents = "; ".join(named[text].label for text in row.documents)
        plain = (
            row.sku.code, row.sku.name, row.warehouse.code, row.get_kind_display(), row.get_counter_display(),
            row.found, row.should_be, row.size, row.first_seen_at, row.last_seen_at, documents,
        )  # fmt: skip
        yield (*plain, row.money) if cost else plain
