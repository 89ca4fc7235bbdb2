"""Which kinds of file are taken as attachments, and how each is checked: by its content, never by its name."""

from __future__ import annotations

import io
import re
import zipfile

from backoffice.attachments import pictures
from backoffice.attachments.errors import FileRefused

PDF_MEGABYTES = 20
PDF = re.compile(rb"%PDF-[12]\.\d")
END = re.compile(rb"startxref\s+\d+\s+%%EOF[\s\0]*\Z")
LAST = 1024  # bytes in which a PDF ends
WEBP = (b"RIFF", b"WEBP")
KINDS = ("jpg", "png", "webp", "pdf")


def kind_of(data: bytes, *, name: str) -> str:
    """Return what a file is by its first bytes. Raises FileRefused paper_kind, paper_empty."""
    if not data:
        raise FileRefused("paper_empty", name=name)
    if data.startswith(pictures.JPEG):
        return "jpg"
    if data.startswith(pictures.PNG):
        return "png"
    if data[:4] == WEBP[0] and data[8:12] == WEBP[1]:
        return "webp"
    if PDF.match(data):  # at the very beginning: what reads as something else first is no PDF for us
        return "pdf"
    raise FileRefused("paper_kind", name=name)


def checked(data: bytes, *, name: str) -> tuple[bytes, str]:
    """Return a file as it is kept, and its kind: pictures written anew, a PDF as it came. Raises FileRefused."""
    kind = kind_of(data, name=name)
    most = PDF_MEGABYTES if kind == "pdf" else pictures.MOST_MEGABYTES
    if len(data) > most * 1024 * 1024:
        raise too_large(name)
    if kind == "pdf":
        _whole_pdf(data, name)
        return data, kind
    try:
        return pictures.cleaned(data, kinds=("jpg", "png", "webp"))
    except FileRefused as refusal:
        if refusal.code == "photo_large":
            raise FileRefused("paper_pixels", name=name, most=pictures.MOST_PIXELS // 1_000_000) from refusal
        raise FileRefused("paper_broken", name=name) from refusal


def too_large(name: str) -> FileRefused:
    """Return the refusal of a file that is too large."""
    return FileRefused("paper_large", name=name, picture=pictures.MOST_MEGABYTES, pdf=PDF_MEGABYTES)


def _whole_pdf(data: bytes, name: str) -> None:
    """A PDF begins and ends as one, and is no archive besides. It is not opened: only who downloads it does."""
    if not END.search(data[-LAST:]):
        raise FileRefused("paper_broken", name=name)
    if zipfile.is_zipfile(io.BytesIO(data)):
        raise FileRefused("paper_kind", name=name)
