"""PDF files of others put between our own pages: copied without what acts by itself, bounded, refused when broken.

A file is copied into a small clean one first, by itself: what is wrong with it shows then, and costs no other paper.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from typing import Any

import structlog
from django.utils.translation import gettext_lazy as _
from pypdf import PageObject, PdfReader, PdfWriter

from backoffice.errors import YikuError

MOST_PAGES = 10
MOST_BYTES = 4_000_000
SIDE = (20.0, 1_200.0)  # mm, the shortest and the longest a page may be
POINT = 25.4 / 72
ACTING = ("/Annots", "/AA", "/B", "/PZ", "/Metadata", "/PieceInfo")  # links, scripts, what follows from opening a page
log = structlog.get_logger(__name__)

SENTENCES: dict[str, Any] = {
    "empty_pdf": _("The file has no page."),
    "large_pdf": _("The file is larger than %(most)d MB."),
    "long_pdf": _("The file has more than %(most)d pages."),
    "locked_pdf": _("The file is locked with a password."),
    "odd_pdf": _("A page of the file has no size that can be printed."),
    "broken_pdf": _("The file cannot be read; it is no whole PDF."),
}


class PdfRefused(YikuError):
    """A file that is not put in, and why."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params)


@dataclasses.dataclass(frozen=True, slots=True)
class CleanPdf:
    """A file of others as we copied it."""

    content: bytes
    pages: int


def clean(content: bytes, *, most_pages: int = MOST_PAGES, most_bytes: int = MOST_BYTES) -> CleanPdf:
    """Copy the pages of a file of others, without scripts, links and attachments. Raises PdfRefused."""
    if len(content) > most_bytes:
        raise PdfRefused("large_pdf", most=most_bytes // 1_000_000)
    try:
        return _copied(content, most_pages)
    except PdfRefused:
        raise
    except Exception as error:  # whatever a stranger's file makes the reader do is told as what it is: broken
        log.info("pdf_refused", error=type(error).__name__, size=len(content))
        raise PdfRefused("broken_pdf") from error


def _copied(content: bytes, most_pages: int) -> CleanPdf:
    reader = PdfReader(io.BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise PdfRefused("locked_pdf")
    count = len(reader.pages)
    if count == 0:
        raise PdfRefused("empty_pdf")
    if count > most_pages:
        raise PdfRefused("long_pdf", most=most_pages)
    writer = PdfWriter()
    for page in reader.pages:
        _check(page)
        for name in ACTING:
            page.pop(name, None)
        writer.add_page(page)
    made = io.BytesIO()
    writer.write(made)
    return CleanPdf(made.getvalue(), count)


def _check(page: PageObject) -> None:
    """A page that cannot be printed is found here, not at the printer."""
    shortest, longest = sorted((float(page.mediabox.width) * POINT, float(page.mediabox.height) * POINT))
    if not SIDE[0] <= shortest <= longest <= SIDE[1]:
        raise PdfRefused("odd_pdf")
    contents = page.get_contents()
    if contents is not None:
        contents.get_data()


def merge(own: bytes, inserted: Sequence[tuple[int, CleanPdf]]) -> bytes:
    """Return our pages with the others in between: each after so many pages of ours, in the order given."""
    writer, ours, done = PdfWriter(), PdfReader(io.BytesIO(own)) if own else None, 0
    for after, other in inserted:
        done = _take(writer, ours, done, after)
        for page in PdfReader(io.BytesIO(other.content)).pages:
            writer.add_page(page)
    if ours is not None:
        _take(writer, ours, done, len(ours.pages))
        if ours.metadata:
            writer.add_metadata(ours.metadata)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def _take(writer: PdfWriter, ours: PdfReader | None, done: int, until: int) -> int:
    if ours is not None:
        for place in range(done, until):
            writer.add_page(ours.pages[place])
    return max(done, until)
