"""Late orders, supplies and reviews as workbooks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import actors
from backoffice.spreadsheets.writing import Out, write_xlsx
from orders.late import standing
from orders.models.order import Department

IN_MEMORY = 2_000_000  # bytes, then a temporary file
BOARD = (
    Out(_("order number"), width=20), Out(_("shop"), width=20), Out(_("has to leave"), "datetime", 18),
    Out(_("ordered"), "datetime", 18), Out(_("where it stands"), width=22), Out(_("what keeps it"), width=30),
    Out(_("department"), width=16), Out(_("warehouse"), width=20), Out(_("total in base currency"), "money", 16),
    Out(_("orders of this buyer within a year"), "number", 14), Out(_("priority"), "number", 10),
)  # fmt: skip
SUPPLY = (
    Out(_("kind"), width=12), Out(_("SKU"), width=20), Out(_("name"), width=30), Out(_("pieces"), "number", 12),
    Out(pgettext_lazy("warehouse", "from"), width=20), Out(_("to"), width=20), Out(_("supplier"), width=24),
    Out(_("expected on"), "date", 14), Out(_("state"), width=14), Out(_("note"), width=30),
    Out(_("created"), "datetime", 18), Out(_("by"), width=16),
)  # fmt: skip
REVIEW = (
    Out(_("part"), width=14), Out(_("name"), width=28), Out(_("orders"), "number", 10),
    Out(pgettext_lazy("orders", "late"), "number", 10), Out(_("late, percent"), "number", 12),
    Out(_("oversold"), "number", 10), Out(_("compensations"), "money", 14), Out(_("refunds"), "money", 14),
    Out(_("penalties"), "money", 14), Out(_("cost"), "money", 14), Out(_("late the month before"), "number", 14),
    Out(_("cost the month before"), "money", 16),
)  # fmt: skip
COMPARED = (
    Out(_("found"), width=28), Out(_("order number"), width=20), Out(_("shop"), width=20),
    Out(_("ordered"), "datetime", 18), Out(_("state"), width=16), Out(_("details"), width=40),
    Out(_("total in base currency"), "money", 16),
)  # fmt: skip


def workbook(columns: Sequence[Out], rows: Iterable[Sequence[Any]], name: str) -> IO[bytes]:
    """Return a workbook, open at its start; the response closes it."""
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
    write_xlsx(file, columns, rows, name=name[:31])
    file.seek(0)
    return file


def board_row(order: Any) -> Sequence[Any]:
    """One order of the board."""
    found: standing.Standing = order.standing
    return (
        order.number, order.shop.name, order.due_at, order.placed_at, str(standing.STAGES[found.stage]), found.reason,
        str(dict(Department.choices).get(found.department, "")), ", ".join(found.warehouses), order.base_total,
        found.bought, order.priority,
    )  # fmt: skip


def supply_row(row: Any) -> Sequence[Any]:
    """One draft."""
    return (
        str(row.get_kind_display()), row.sku.code, row.sku.name, row.quantity, row.origin.name if row.origin else "",
        row.destination.name if row.destination else "", row.supplier, row.expected_on, str(row.get_state_display()),
        row.note, row.created_at, actors.named(row.created_by),
    )  # fmt: skip
