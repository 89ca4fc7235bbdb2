"""Pictures of what came: checked by their content, written anew without what the camera put in, under random names.

The folder is not served by anything but the page that checks who asks.
"""

from __future__ import annotations

import io
import secrets
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from backoffice import clock
from orders.models import Return, ReturnPhoto, StrayParcel
from orders.returns.errors import ReturnError

try:
    from PIL import Image, ImageOps, UnidentifiedImageError
except ImportError:  # without Pillow only plain JPEG and PNG pass, cleaned by cutting
    Image = None  # type: ignore[assignment]

MEGABYTE = 1024 * 1024
MOST_MEGABYTES = 12
MOST_PHOTOS = 20
LONGEST_SIDE = 2000
MOST_PIXELS = 50_000_000  # beyond any phone; a small file can claim to be a thousand times that
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
KINDS = {"jpg": "image/jpeg", "png": "image/png"}


class Sent(Protocol):
    """A file as a form brings it."""

    size: int | None

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Its content, piece by piece."""
        ...


def folder() -> Path:
    """Return the folder of the pictures, made with rights for the service only."""
    path = Path(settings.MEDIA_ROOT) / "returns"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def path_of(photo: ReturnPhoto) -> Path:
    """Return where a picture lies."""
    return folder() / f"{Path(photo.token).name}.{photo.kind}"


def keep(file: Sent, *, actor: str, rma: Return | None = None, stray: StrayParcel | None = None) -> ReturnPhoto:
    """Check, clean and store one picture. Raises ReturnError: photo_kind, photo_large, photo_many, photo_broken."""
    of = {"rma": rma} if rma is not None else {"stray": stray}
    if ReturnPhoto.objects.filter(**of).count() >= MOST_PHOTOS:
        raise ReturnError("photo_many", most=MOST_PHOTOS)
    data, kind = cleaned(_read(file))
    token = secrets.token_urlsafe(32)
    path = folder() / f"{token}.{kind}"
    with path.open("xb") as target:
        path.chmod(0o600)
        target.write(data)
    return ReturnPhoto.objects.create(
        rma=rma, stray=stray, token=token, kind=kind, size=len(data), at=clock.now(), by=actor[:150]
    )


def remove(rows: QuerySet[ReturnPhoto]) -> None:
    """Delete pictures; the files go when the transaction has held."""
    paths = [path_of(row) for row in rows]
    rows.delete()
    for path in paths:
        transaction.on_commit(partial(path.unlink, missing_ok=True))


def _read(file: Sent) -> bytes:
    found = bytearray()
    for chunk in file.chunks():
        found += chunk
        if len(found) > MOST_MEGABYTES * MEGABYTE:
            raise ReturnError("photo_large", most=MOST_MEGABYTES)
    return bytes(found)


def kind_of(data: bytes) -> str:
    """Return what a file is by its first bytes, whatever it is called. Raises ReturnError photo_kind."""
    if data.startswith(JPEG):
        return "jpg"
    if data.startswith(PNG):
        return "png"
    raise ReturnError("photo_kind")


def cleaned(data: bytes) -> tuple[bytes, str]:
    """Return the picture written anew, upright and without place, camera and all else; raises ReturnError."""
    kind = kind_of(data)
    if Image is None:
        return (without_segments(data) if kind == "jpg" else without_chunks(data)), kind
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a picture that unpacks to far more than it says
            with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise ReturnError("photo_large", most=MOST_MEGABYTES)
                return _written(ImageOps.exif_transpose(picture), kind), kind
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError, Warning) as error:
        raise ReturnError("photo_broken") from error


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
        plain.save(out, "PNG")
    return out.getvalue()


# --- without Pillow --------------------------------------------------------------------------------------------------


def without_segments(data: bytes) -> bytes:
    """Return a JPEG without its APP1 to APP15 and comment segments. Raises ReturnError photo_broken."""
    out, place = bytearray(data[:2]), 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise ReturnError("photo_broken")
        marker, size = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == 0xDA:  # the picture itself begins
            return bytes(out + data[place:])
        if not (0xE1 <= marker <= 0xEF or marker == 0xFE):
            out += data[place : place + 2 + size]
        place += 2 + size
    raise ReturnError("photo_broken")


def without_chunks(data: bytes) -> bytes:
    """Return a PNG with only what is needed to draw it. Raises ReturnError photo_broken."""
    out, place = bytearray(data[:8]), 8
    while place + 12 <= len(data):
        size, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        if name in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"sRGB"):
            out += data[place : place + 12 + size]
        place += 12 + size
        if name == b"IEND":
            return bytes(out)
    raise ReturnError("photo_broken")
