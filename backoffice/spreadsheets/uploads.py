"""Files kept between preview and confirmation: under a random name, for their owner only, gone within the hour."""

from __future__ import annotations

import datetime as dt
import secrets
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from backoffice.errors import YikuError
from backoffice.models import Upload
from backoffice.spreadsheets.limits import MEGABYTE, MOST_BYTES
from backoffice.spreadsheets.magic import file_format
from backoffice.spreadsheets.reading import FileRefused, Named

KEEP = dt.timedelta(minutes=40)  # and cleaned up every quarter of an hour: never older than an hour
log = structlog.get_logger(__name__)


class UploadGone(YikuError):
    """The file is not there for this person: confirmed already, too old, or somebody else's."""

    def __init__(self) -> None:
        super().__init__("upload_gone", _("The uploaded file is no longer there. Upload it again."))


def folder() -> Path:
    """Return the folder of kept uploads, made with rights for the service only."""
    path = Path(settings.MEDIA_ROOT) / "uploads"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def keep(file: Named, *, owner: Any, purpose: str) -> Upload:
    """Check the kind of the file, store it and return its row; raises FileRefused. The sent name is only shown."""
    token = secrets.token_urlsafe(32)
    name = Path((file.name or "").replace("\\", "/")).name[:200]
    path = folder() / f"{token}{_extension(name)}"
    try:
        size = _store(file, path)
        file_format(path, name)
    except FileRefused:
        path.unlink(missing_ok=True)
        raise
    return Upload.objects.create(
        token=token, owner=owner, purpose=purpose, path=path.name, original_name=name, size=size,
        created_at=clock.now(),
    )  # fmt: skip


def keep_made(content: bytes, *, owner: Any, purpose: str, name: str) -> Upload:
    """Store a file that we made ourselves, for its owner to fetch; it goes the way of all uploads."""
    token = secrets.token_urlsafe(32)
    path = folder() / f"{token}.bin"
    with path.open("xb") as target:
        path.chmod(0o600)
        target.write(content)
    return Upload.objects.create(
        token=token, owner=owner, purpose=purpose, path=path.name, original_name=name[:200], size=len(content),
        created_at=clock.now(),
    )  # fmt: skip


def _extension(name: str) -> str:
    found = Path(name).suffix.lower()
    return found if found in {".xlsx", ".csv", ".tsv", ".txt"} else ".bin"


def _store(file: Named, path: Path) -> int:
    size = 0
    with path.open("xb") as target:
        path.chmod(0o600)
        for chunk in file.chunks():
            size += len(chunk)
            if size > MOST_BYTES:
                raise FileRefused("too_large", {"most": MOST_BYTES // MEGABYTE})
            target.write(chunk)
    return size


def find(token: str, *, owner: Any, purpose: str) -> Upload:
    """Return the row of a kept file. Raises UploadGone, the same for another's file as for none."""
    row = Upload.objects.filter(token=token, owner=owner, purpose=purpose, created_at__gt=clock.now() - KEEP).first()
    if row is None or not path_of(row).is_file():
        raise UploadGone
    return row


def path_of(row: Upload) -> Path:
    """Return where the file of a row lies, for `read_upload`."""
    return folder() / Path(row.path).name


def discard(row: Upload) -> None:
    """Remove a file that is done with, and its row."""
    path_of(row).unlink(missing_ok=True)
    row.delete()


def clean_up() -> int:
    """Remove what is too old, and files without a row; returns how many files went."""
    gone = 0
    limit = clock.now() - KEEP
    for row in Upload.objects.filter(created_at__lte=limit):
        discard(row)
        gone += 1
    for path in folder().iterdir():
        if path.stat().st_mtime < limit.timestamp() and not Upload.objects.filter(path=path.name).exists():
            path.unlink(missing_ok=True)
            gone += 1
    if gone:
        log.info("uploads_removed", files=gone)
    return gone
