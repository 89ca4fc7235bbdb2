"""Labels that a carrier drew itself, put into the file of many orders as they are.

One that cannot be read is a page that says so, in its place: whoever packs must not take the next label for it.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from backoffice.papers.merging import CleanPdf, PdfRefused, clean
from backoffice.papers.sheet import LABEL, Sheet
from orders.fulfil.papers.errors import PaperError
from orders.fulfil.papers.words import say
from orders.models import Label, Order

MOST_BYTES = 80_000_000  # of carriers' labels in one file
AT_ONCE = 10


def read(labels: Collection[Model], *, sheet: Sheet) -> dict[int, CleanPdf | PaperError]:
    """Return the carriers' own files of these labels, or why one is not put in; a label without a file is not there.

    Read a few at a time: a page of large files must not fill the memory before the bound is reached.
    """
    taken = sum(len(other.content) for _after, other in sheet.inserted)
    rows = Label.objects.filter(pk__in=[one.pk for one in labels], pdf__isnull=False).order_by("pk")
    found: dict[int, CleanPdf | PaperError] = {}
    files = rows.values_list("pk", "tracking_number", "order__number", "pdf")
    for pk, number, order, kept in files.iterator(chunk_size=AT_ONCE):
        content, told = bytes(kept or b""), {"tracking": number, "number": order}
        if taken + len(content) > MOST_BYTES:
            found[pk] = PaperError("label_no_room", most=MOST_BYTES // 1_000_000, **told)
            continue
        try:
            made = clean(content)
        except PdfRefused as error:
            found[pk] = PaperError("label_file", why=error, **told)
        else:
            taken += len(made.content)
            found[pk] = made
    return found


def draw_missing(sheet: Sheet, label: Label, order: Order, problem: PaperError, *, language: str) -> None:
    """Draw the page that stands for a label which cannot be put in."""
    sheet.page(LABEL)
    sheet.box(4, 4, 92, 142, thick=0.8)
    y = sheet.text(8, 12, say(language, _("No label here")), size=20, bold=True, width=84, lines=3)
    y = sheet.text(8, y + 4, f"{say(language, _('Order'))} {order.number}", size=16, bold=True, width=84, lines=3)
    y = sheet.text(8, y + 4, f"{label.account.name} {label.tracking_number}", size=11, width=84, lines=3)
    sheet.text(8, y + 4, _said(problem, language), size=11, width=84, lines=12)


def _said(problem: PaperError, language: str) -> str:
    """The sentence in the paper's language, with the reason inside in the same one."""
    params = {name: say(language, value.message) % value.params if isinstance(value, PdfRefused) else value
              for name, value in problem.params.items()}  # fmt: skip
    return say(language, problem.message) % params
