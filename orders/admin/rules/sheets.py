"""A test on past orders as a workbook."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any

from django.utils.translation import gettext_lazy as _

from backoffice.spreadsheets.writing import Out, write_xlsx
from orders.desk import sentences
from orders.desk.rules import backtest
from orders.models import Backtest, ReviewLog

ENDINGS: dict[str, Any] = {
    backtest.FINE: _("shipped, all well"),
    backtest.BACK: _("money went back"),
    backtest.CANCELLED: _("cancelled"),
    backtest.LATE: _("late"),
    backtest.OPEN: _("still open"),
}
COLUMNS = (
    Out(_("order number"), width=20), Out(_("shop"), width=20), Out(_("ordered"), "datetime", 18),
    Out(_("total in base currency"), "money", 16), Out(_("with these rules"), width=40),
    Out(_("at the time"), width=40), Out(_("what a person decided"), width=18), Out(_("how it ended"), width=20),
)  # fmt: skip
IN_MEMORY = 2_000_000  # bytes, then a temporary file


def workbook(row: Backtest) -> IO[bytes]:
    """Return the orders that differ, one a row."""
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 — the response closes it
    write_xlsx(file, COLUMNS, _rows(row), name=str(_("Orders that differ")))
    file.seek(0)
    return file


def _rows(row: Backtest) -> Iterator[tuple[Any, ...]]:
    person = dict(ReviewLog.PersonVerdict.choices)
    passed = str(_("passed"))
    for one in row.differing:
        yield (
            one["number"], one["shop"], dt.datetime.fromisoformat(one["placed_at"]),
            Decimal(one["total"]) if one["total"] else None,
            ", ".join(sentences.hold_title(code, name) for code, name in one["now"]) or passed,
            ", ".join(sentences.hold_title(code) for code in one["then"]) or passed,
            str(person.get(one["person"], "")) if one["person"] else "", str(ENDINGS.get(one["ending"], "")),
        )  # fmt: skip
