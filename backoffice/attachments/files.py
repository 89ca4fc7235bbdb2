"""The files themselves: read within bounds, written for the service only, given out so that no browser runs them.

The folders are not served by anything but the pages that check who asks.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import transaction
from django.http import FileResponse

from backoffice.attachments.errors import FileRefused

MEGABYTE = 1024 * 1024
KINDS = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "pdf": "application/pdf"}


class Sent(Protocol):
    """A file as a form brings it."""

    size: int | None

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Its content, piece by piece."""
        ...


def folder(name: str) -> Path:
    """Return a folder of the media, made with rights for the service only."""
    path = Path(settings.MEDIA_ROOT) / name
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def path_of(where: Path, token: str, kind: str) -> Path:
    """Return where a file lies."""
    return where / f"{Path(token).name}.{kind}"


def read(file: Sent, *, most: int) -> bytes:
    """Return the content of at most so many megabytes. Raises FileRefused photo_large."""
    found = bytearray()
    for chunk in file.chunks():
        found += chunk
        if len(found) > most * MEGABYTE:
            raise FileRefused("photo_large", most=most)
    return bytes(found)


def write(where: Path, data: bytes, kind: str) -> str:
    """Store a file under a random name that cannot be guessed; returns the name."""
    token = secrets.token_urlsafe(32)
    path = path_of(where, token, kind)
    with path.open("xb") as target:
        path.chmod(0o600)
        target.write(data)
    return token


def remove_after_commit(paths: Iterable[Path]) -> None:
    """Delete files when the transaction has held."""
    for path in paths:
        transaction.on_commit(partial(path.unlink, missing_ok=True))


def answer(path: Path, kind: str, name: str = "") -> FileResponse:
    """Give a file out; never cached by others, never run by a browser, and a PDF only to be saved."""
    given = FileResponse(
        path.open("rb"), content_type=KINDS[kind], as_attachment=kind == "pdf", filename=name or f"{kind}.{kind}"
    )
    given["Cache-Control"] = "private, max-age=3600"
    given["X-Content-Type-Options"] = "nosniff"
    given["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return given
