"""Papers of the warehouse as PDF: the document of an adjustment, the pick and delivery list of a transfer."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from backoffice.papers.letters import one_line
from backoffice.papers.sheet import A4, Column, Sheet
from inventory.models import StockDocument, Transfer
from inventory.readable import money, pieces

LEFT, RIGHT, BOTTOM = 14.0, 196.0, 270.0
MOST_LINES = 5_000  # on paper; a larger document is exported as a workbook
Pairs = Sequence[tuple[object, object]]


class Paper:
    """One A4 paper: head with number and barcode, what it is about, a table, room for two signatures."""

    def __init__(self, title: str, number: str, code: str = "") -> None:
        self.title, self.number, self.code = title, number, code
        self.sheet = Sheet(title=f"{title} {number}")
        self.y = self.begin()

    def begin(self) -> float:
        """Begin a page; returns where its text starts."""
        sheet = self.sheet
        sheet.page(A4)
        sheet.text(LEFT, 11, self.title, size=15, bold=True, width=100)
        sheet.text(118, 11, self.number, size=12, bold=True, width=RIGHT - 118, align="R")
        text = one_line(self.code)
        if text.isascii() and text and sheet.pages == 1:
            sheet.barcode(126, 17, 74, 8, text, shown=False)
        sheet.text(LEFT, 287, f"{self.number} · {sheet.pages}", size=7, width=RIGHT - LEFT, align="C")
        sheet.rule(LEFT, 27, RIGHT, thick=0.4)
        return 30.0

    def pairs(self, pairs: Pairs) -> None:
        """Write label and value below each other; empty values are left out."""
        for label, value in pairs:
            if value:
                self.y = self.sheet.text(LEFT, self.y, f"{label}: {value}", size=9, width=RIGHT - LEFT, lines=3)
        self.y += 3

    def finish(self, columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> bytes:
        """Draw the table and the lines to sign on; returns the file."""
        self.y = self.sheet.table(LEFT, self.y, columns, rows, bottom=BOTTOM, again=self.begin)
        y = self.begin() if self.y > BOTTOM - 16 else self.y
        for x, label in ((LEFT, _("Done by")), (LEFT + 95, _("Checked by"))):
            self.sheet.rule(x, y + 14, x + 80)
            self.sheet.text(x, y + 15, label, size=8, width=80)
        return self.sheet.content()


def of_document(document: StockDocument, *, cost: bool) -> bytes:
    """Return the paper of an adjustment or count: reason, people, every line that differs."""
    paper = Paper(document.get_kind_display(), f"#{document.pk}", f"SD{document.pk}")
    paper.pairs(
        [(_("warehouse"), document.warehouse), (_("state"), document.get_state_display()),
         (_("reason"), document.get_reason_display()), (_("note"), document.note),
         (_("created"), f"{_moment(document.created_at)} {document.created_by or ''}"),
         (_("posted"), document.posted_at and f"{_moment(document.posted_at)} {document.posted_by or ''}")]
    )  # fmt: skip
    columns = [
        Column(_("No."), 12, "R"), Column(_("SKU"), 36, lines=2), Column(_("name"), 56 if cost else 74),
        Column(_("warehouse"), 18), Column(_("counted"), 20, "R"), Column(_("difference"), 22, "R", bold=True),
    ]  # fmt: skip
    columns += [Column(_("unit cost"), 18, "R")] if cost else []
    lines = document.lines.exclude(difference=0).select_related("sku", "warehouse").order_by("row")[:MOST_LINES]
    rows = [
        [line.row, line.sku.code, line.sku.name, line.warehouse.code, pieces(line.counted_quantity),
         f"{'+' if line.difference > 0 else ''}{pieces(line.difference)}", *([money(line.unit_cost)] if cost else [])]
        for line in lines
    ]  # fmt: skip
    return paper.finish(columns, rows)


def of_transfer(transfer: Transfer) -> bytes:
    """Return the paper that goes along: what was wanted and picked, room for what came."""
    paper = Paper(_("Transfer"), str(transfer), str(transfer))
    paper.pairs(
        [(_("From"), transfer.origin), (_("To"), transfer.destination), (_("state"), transfer.get_state_display()),
         (_("expected on"), transfer.expected_on), (_("note"), transfer.note),
         (_("picked by"), transfer.picked_at and f"{transfer.picked_by or ''} {_moment(transfer.picked_at)}"),
         (_("sent by"), transfer.sent_at and f"{transfer.sent_by or ''} {_moment(transfer.sent_at)}")]
    )  # fmt: skip
    columns = [
        Column(_("No."), 12, "R"), Column(_("SKU"), 40, lines=2), Column(_("name"), 66),
        Column(pgettext("transfer", "wanted"), 20, "R", bold=True),
        Column(pgettext("transfer", "picked"), 20, "R"), Column(_("came"), 24),
    ]  # fmt: skip
    lines = transfer.lines.select_related("sku").order_by("pk")[:MOST_LINES]
    picked = transfer.picked_at is not None
    rows = [
        [place, line.sku.code, line.sku.name, pieces(line.quantity), pieces(line.picked) if picked else "", ""]
        for place, line in enumerate(lines, 1)
    ]
    return paper.finish(columns, rows)


def _moment(value: object) -> str:
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M") if value else ""  # type: ignore[arg-type]
