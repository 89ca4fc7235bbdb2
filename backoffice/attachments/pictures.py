"""Pictures: known by their first bytes, opened within bounds, written anew without what the camera put in."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

from backoffice.attachments.errors import FileRefused

try:
    from PIL import Image, ImageOps, UnidentifiedImageError
except ImportError:  # without Pillow only plain JPEG and PNG pass, cleaned by cutting
    Image = None  # type: ignore[assignment]

MOST_MEGABYTES = 12
LONGEST_SIDE = 2000
MOST_PIXELS = 50_000_000  # beyond any phone; a small file can claim to be a thousand times that
FORMATS = {"jpg": ("JPEG",), "png": ("PNG",), "webp": ("WEBP",)}
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"


def kind_of(data: bytes, *, kinds: Sequence[str] = ("jpg", "png")) -> str:
    """Return what a file is by its first bytes, whatever it is called. Raises FileRefused photo_kind."""
    if data.startswith(JPEG):
        return "jpg"
    if data.startswith(PNG):
        return "png"
    if "webp" in kinds and data[:4] == b"RIFF" and data[8:12] == b"WEBP" and Image is not None:
        return "webp"
    raise FileRefused("photo_kind")


def cleaned(data: bytes, *, kinds: Sequence[str] = ("jpg", "png")) -> tuple[bytes, str]:
    """Return the picture written anew, upright and without place, camera and all else; raises FileRefused."""
    kind = kind_of(data, kinds=kinds)
    if Image is None:
        return (without_segments(data) if kind == "jpg" else without_chunks(data)), kind
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a picture that unpacks to far more than it says
            with Image.open(io.BytesIO(data), formats=FORMATS[kind]) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise FileRefused("photo_large", most=MOST_MEGABYTES)
                return _written(ImageOps.exif_transpose(picture), kind), kind
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise FileRefused("photo_large", most=MOST_MEGABYTES) from error
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Warning) as error:
        raise FileRefused("photo_broken") from error


def _written(picture: Image.Image, kind: str) -> bytes:
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    if kind == "jpg":
        plain = picture.convert("RGB")
        plain.info.clear()  # the comment would be written again
        plain.save(out, "JPEG", quality=85)
    else:
        plain = picture.convert("RGBA" if "transparency" in picture.info or picture.mode.endswith("A") else "RGB")
        plain.info.clear()
        plain.save(out, "PNG") if kind == "png" else plain.save(out, "WEBP", quality=85)
    return out.getvalue()


# --- without Pillow --------------------------------------------------------------------------------------------------


def without_segments(data: bytes) -> bytes:
    """Return a JPEG without its APP1 to APP15 and comment segments. Raises FileRefused photo_broken."""
    out, place = bytearray(data[:2]), 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise FileRefused("photo_broken")
        marker, size = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == 0xDA:  # the picture itself begins
            return bytes(out + data[place:])
        if not (0xE1 <= marker <= 0xEF or marker == 0xFE):
            out += data[place : place + 2 + size]
        place += 2 + size
    raise FileRefused("photo_broken")


def without_chunks(data: bytes) -> bytes:
    """Return a PNG with only what is needed to draw it. Raises FileRefused photo_broken."""
    out, place = bytearray(data[:8]), 8
    while place + 12 <= len(data):
        size, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        if name in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"sRGB"):
            out += data[place : place + 12 + size]
        place += 12 + size
        if name == b"IEND":
            return bytes(out)
    raise FileRefused("photo_broken")
