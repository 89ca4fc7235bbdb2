"""Files of others between our own pages: in their place, without what acts by itself, refused when broken."""

import io

import pytest
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import Link
from pypdf.generic import DictionaryObject, NameObject, RectangleObject, TextStringObject

from backoffice.papers.merging import PdfRefused, clean, merge


def pdf(*texts, size=(100, 150)) -> bytes:
    made = FPDF(unit="mm", format=size)
    made.set_font("helvetica", size=16)
    for text in texts:
        made.add_page()
        made.text(10, 20, text)
    return bytes(made.output())


def texts(content: bytes) -> list[str]:
    return [page.extract_text().strip() for page in PdfReader(io.BytesIO(content)).pages]


def test_pages_of_others_come_where_they_belong_and_keep_their_size():
    ours, a, b = pdf("one", "two", size=(210, 297)), clean(pdf("A1", "A2")), clean(pdf("B"))
    made = merge(ours, [(0, b), (1, a), (1, b), (2, a)])
    assert texts(made) == ["B", "one", "A1", "A2", "B", "two", "A1", "A2"]
    widths = [round(float(page.mediabox.width) * 25.4 / 72) for page in PdfReader(io.BytesIO(made)).pages]
    assert widths == [100, 210, 100, 100, 100, 210, 100, 100]
    assert texts(merge(b"", [(0, a)])) == ["A1", "A2"]


def test_scripts_links_and_attachments_stay_behind():
    writer = PdfWriter(clone_from=io.BytesIO(pdf("A")))
    kind, text = NameObject("/JavaScript"), TextStringObject("alert")
    script = DictionaryObject({NameObject("/S"): kind, NameObject("/JS"): text})
    writer.root_object[NameObject("/OpenAction")] = script
    writer.add_attachment("bad.exe", b"MZ")
    writer.add_annotation(0, Link(rect=RectangleObject((0, 0, 9, 9)), url="http://evil.example"))
    writer.pages[0][NameObject("/AA")] = DictionaryObject({NameObject("/O"): script})
    made = io.BytesIO()
    writer.write(made)
    for sign in (b"alert", b"EmbeddedFile", b"/Link", b"/AA"):
        assert sign in made.getvalue()
    copied = clean(made.getvalue()).content
    assert texts(copied) == ["A"]
    for sign in (b"alert", b"EmbeddedFile", b"/Link", b"/AA"):
        assert sign not in copied


def locked(password: str) -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(pdf("A")))
    writer.encrypt(password, "owner", algorithm="AES-256")
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def empty() -> bytes:
    made = io.BytesIO()
    PdfWriter().write(made)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"%PDF-1.7 half a fi", "broken_pdf"),
        (b"<html>maintenance</html>", "broken_pdf"),
        (b"", "broken_pdf"),
        (pdf("A")[:700], "broken_pdf"),
        (empty(), "empty_pdf"),
        (locked("secret"), "locked_pdf"),
        (pdf(*"ABCDEFGHIJK"), "long_pdf"),
        (pdf("A", size=(2, 2)), "odd_pdf"),
        (pdf("A", size=(100, 5_000)), "odd_pdf"),
        (pdf("A") + b"\0" * 4_000_000, "large_pdf"),
    ],
)
def test_what_cannot_be_printed_is_refused_with_its_reason(content, code):
    with pytest.raises(PdfRefused) as caught:
        clean(content)
    assert caught.value.code == code
    assert "%" not in str(caught.value)


def test_a_file_locked_for_changes_only_is_printed():
    assert texts(clean(locked("")).content) == ["A"]
