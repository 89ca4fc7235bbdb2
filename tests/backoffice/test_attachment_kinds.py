"""What is taken as an attachment, judged by its content, and what a file is called then."""

import io
import struct
import zipfile
import zlib

import pytest
from PIL import Image

from backoffice.attachments import documents, naming, pictures
from backoffice.attachments.errors import FileRefused
from tests.attached import PDF, picture

HTML = b"<!doctype html><script>alert(1)</script>"


def archive(comment=b"") -> bytes:
    """A ZIP file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a.txt", "x" * 2000)
        made.comment = comment
    return out.getvalue()


def claimed(width, height) -> bytes:
    """A PNG of a few bytes that says it is huge."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return pictures.PNG + b"".join(parts)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "paper_empty"),
        (HTML, "paper_kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "paper_kind"),
        (b"<?xml version='1.0'?><svg/>", "paper_kind"),
        (b"GIF89a" + b"\0" * 40, "paper_kind"),
        (b"MZ" + b"\0" * 100, "paper_kind"),
        (archive(), "paper_kind"),
        (HTML + PDF, "paper_kind"),  # a browser would read the beginning
        (b" " + PDF, "paper_kind"),
        (b"%PDF-x.y\n" + PDF[9:], "paper_kind"),
        (PDF + HTML, "paper_broken"),
        (PDF + archive(), "paper_broken"),
        (PDF[:-20], "paper_broken"),
        (PDF + archive(b"\nstartxref\n9\n%%EOF\n"), "paper_kind"),  # ends as a PDF and opens as an archive
        (b"\xff\xd8\xff" + b"junk" * 10, "paper_broken"),
        (picture("PNG")[:40], "paper_broken"),
        (b"RIFF\x10\0\0\0WEBP" + b"junk" * 4, "paper_broken"),
    ],
)
def test_what_is_not_taken(data, code):
    with pytest.raises(FileRefused) as refusal:
        documents.checked(data, name="invoice.pdf")
    assert refusal.value.code == code
    assert "invoice.pdf" in str(refusal.value)


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (8_000, 7_000), (2**31 - 1, 1)])
def test_a_small_file_that_says_it_is_a_huge_picture(width, height):
    with pytest.raises(FileRefused) as refusal:
        documents.checked(claimed(width, height), name="a.png")
    assert refusal.value.code == "paper_pixels"


def test_a_picture_or_pdf_that_is_too_large(monkeypatch):
    monkeypatch.setattr(pictures, "MOST_MEGABYTES", 0)
    with pytest.raises(FileRefused) as refusal:
        documents.checked(picture(), name="a.jpg")
    assert "0 MB at most, a PDF 20 MB" in str(refusal.value)
    monkeypatch.setattr(documents, "PDF_MEGABYTES", 0)
    with pytest.raises(FileRefused, match="a PDF 0 MB"):
        documents.checked(PDF, name="a.pdf")


@pytest.mark.parametrize(("kind", "ending"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
def test_pictures_are_written_anew_without_what_the_camera_put_in(kind, ending):
    exif = Image.Exif()
    exif[0x010F] = "SecretCam"
    sent = picture(kind, exif=exif.tobytes()) + HTML
    assert b"SecretCam" in sent
    data, found = documents.checked(sent, name="x")
    assert (found, b"SecretCam" in data, b"script" in data) == (ending, False, False)
    assert Image.open(io.BytesIO(data)).size == (40, 30)


def test_a_pdf_stays_as_it_came():
    assert documents.checked(PDF, name="x") == (PDF, "pdf")
    assert documents.checked(PDF + b"\r\n\0", name="x") == (PDF + b"\r\n\0", "pdf")


@pytest.mark.parametrize(
    ("sent", "kind", "shown"),
    [
        ("invoice.pdf", "pdf", "invoice.pdf"),
        ("IMG_1.JPEG", "jpg", "IMG_1.jpg"),
        ("送货单 12.PDF", "pdf", "送货单 12.pdf"),
        ("../../etc/passwd", "pdf", "passwd.pdf"),
        ("C:\\Users\\li\\发票.pdf", "pdf", "发票.pdf"),
        ("invoice\u202efdp.exe", "pdf", "invoicefdp.exe.pdf"),
        ("a\u2066b\u200bc\0.pdf", "pdf", "abc.pdf"),
        ("=HYPERLINK(1).pdf", "pdf", "HYPERLINK(1).pdf"),
        ("-12+3.pdf", "pdf", "12+3.pdf"),
        ("<img src=x>.pdf", "pdf", "_img src=x_.pdf"),
        (".htaccess", "png", "htaccess.png"),
        ("page.html", "pdf", "page.html.pdf"),
        ("", "jpg", "jpg.jpg"),
        ("....", "pdf", "pdf.pdf"),
        ("x" * 5000 + ".pdf", "pdf", "x" * 100 + ".pdf"),
        ("a\r\nSet-Cookie: b.pdf", "pdf", "aSet-Cookie_ b.pdf"),
    ],
)
def test_what_a_file_is_called(sent, kind, shown):
    assert naming.shown(sent, kind) == shown
    assert len(shown) <= 110
