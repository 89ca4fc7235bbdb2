"""Barcodes and QR codes read from a photo, for phones whose browser cannot read them by itself.

The picture is bounded before it is unpacked, read, and forgotten: nothing of it is kept.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from typing import Any, Protocol

import structlog
import zxingcpp
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageFilter, ImageOps

from backoffice.errors import YikuError

MOST_MEGABYTES = 12
MOST_PIXELS = 50_000_000  # beyond any phone; a small file can claim to be a thousand times that
SIDE = 2_400  # enough for the bars of a label that fills a third of the picture
HARDER = 1_600
MOST_CODES, MOST_TEXT = 20, 300
FORMATS = ("JPEG", "PNG", "WEBP")
TURNS = (0, 30, 60)  # bars are found up to some 20 degrees askew, and at every quarter turn
KINDS = {
    "EAN13": "ean13", "EAN8": "ean8", "UPCA": "upca", "UPCE": "upce", "ISBN": "ean13", "Code128": "code128",
    "Code39": "code39", "Code93": "code93", "ITF14": "itf14", "DataMatrix": "datamatrix", "QRCode": "qr",
}  # fmt: skip
_B = zxingcpp.BarcodeFormat
# No plain ITF and no Codabar: half of another code, or a pattern on a carton, reads as one of them.
WANTED = zxingcpp.BarcodeFormats(
    [_B.EAN13, _B.EAN8, _B.UPCA, _B.UPCE, _B.Code128, _B.Code39, _B.Code93, _B.ITF14, _B.QRCode, _B.DataMatrix]
)
log = structlog.get_logger(__name__)

SENTENCES: dict[str, Any] = {
    "photo_missing": _("No picture came with it. Take it once more."),
    "photo_large": _("The picture is larger than %(most)d MB."),
    "photo_pixels": _("The picture has more points than any phone takes: it is not unpacked."),
    "photo_kind": _("Pictures are JPEG, PNG or WebP."),
    "photo_broken": _("The picture cannot be read. Take it once more."),
}


class PhotoRefused(YikuError):
    """A picture that is not read, and why."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params)


class Sent(Protocol):
    """A file as a form brings it."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Its content, piece by piece."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Code:
    """One code in a picture."""

    text: str
    kind: str  # "ean13", "code128", "qr" …


def read_sent(file: Sent | None) -> list[Code]:
    """Return the codes in a picture that a form brought. Raises PhotoRefused."""
    if file is None:
        raise PhotoRefused("photo_missing")
    found = bytearray()
    for chunk in file.chunks():
        found += chunk
        if len(found) > MOST_MEGABYTES * 1024 * 1024:
            raise PhotoRefused("photo_large", most=MOST_MEGABYTES)
    return read(bytes(found))


def read(data: bytes) -> list[Code]:
    """Return the codes in a picture, from top to bottom, each once; none is no fault. Raises PhotoRefused."""
    picture = _opened(data)
    if found := _found(picture):
        return found
    picture.thumbnail((HARDER, HARDER))  # looking harder costs by the point
    for turn in TURNS:
        turned = picture.rotate(turn, expand=True, fillcolor=255) if turn else picture
        for tried in (turned, turned.filter(ImageFilter.MedianFilter(3))):
            if found := _found(tried):
                return found
    return []


def _opened(data: bytes) -> Image.Image:
    """Return the picture in grey and no larger than needed, whatever its file claims."""
    if not data:
        raise PhotoRefused("photo_missing")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise PhotoRefused("photo_pixels")
            picture.draft("L", (SIDE, SIDE))  # a JPEG is unpacked at half or a quarter of its size
            picture.thumbnail((SIDE, SIDE))  # before anything holds it a second time
            grey = _on_white(ImageOps.exif_transpose(picture)).convert("L")
    except Image.DecompressionBombError as error:
        raise PhotoRefused("photo_pixels") from error
    except Image.UnidentifiedImageError as error:
        raise PhotoRefused("photo_kind") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        log.info("photo_refused", error=type(error).__name__, size=len(data))
        raise PhotoRefused("photo_broken") from error
    return grey


def _on_white(picture: Image.Image) -> Image.Image:
    """A drawing with a clear background has black bars on nothing: nothing is white."""
    if "transparency" not in picture.info and not picture.mode.endswith("A"):
        return picture
    clear = picture.convert("RGBA")
    white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
    white.alpha_composite(clear)
    return white


def _found(picture: Image.Image) -> list[Code]:
    read_now = zxingcpp.read_barcodes(picture, formats=WANTED, text_mode=zxingcpp.TextMode.Plain)
    ordered = sorted(read_now, key=lambda one: (one.position.top_left.y, one.position.top_left.x))
    codes = (Code(_plain(one.text), KINDS.get(one.format.name, one.format.name.lower())) for one in ordered)
    return [one for one in dict.fromkeys(codes) if one.text][:MOST_CODES]


def _plain(text: str) -> str:
    """A code is letters that can be typed: signs without a shape are left out."""
    return "".join(sign for sign in text if sign.isprintable()).strip()[:MOST_TEXT]
