"""Pictures of what came. How a file is checked, cleaned, kept and given out stands in `backoffice.attachments`."""

from __future__ import annotations

from pathlib import Path

from django.db.models import QuerySet

from backoffice import clock
from backoffice.attachments import files, pictures
from orders.models import Return, ReturnPhoto, StrayParcel
from orders.returns.errors import ReturnError

MOST_PHOTOS = 20
FOLDER = "returns"


def path_of(photo: ReturnPhoto) -> Path:
    """Return where a picture lies."""
    return files.path_of(files.folder(FOLDER), photo.token, photo.kind)


def keep(file: files.Sent, *, actor: str, rma: Return | None = None, stray: StrayParcel | None = None) -> ReturnPhoto:
    """Check, clean and store one picture. Raises ReturnError photo_many, FileRefused photo_kind, _large, _broken."""
    of = {"rma": rma} if rma is not None else {"stray": stray}
    if ReturnPhoto.objects.filter(**of).count() >= MOST_PHOTOS:
        raise ReturnError("photo_many", most=MOST_PHOTOS)
    data, kind = pictures.cleaned(files.read(file, most=pictures.MOST_MEGABYTES))
    token = files.write(files.folder(FOLDER), data, kind)
    return ReturnPhoto.objects.create(
        rma=rma, stray=stray, token=token, kind=kind, size=len(data), at=clock.now(), by=actor[:150]
    )


def remove(rows: QuerySet[ReturnPhoto]) -> None:
    """Delete pictures; the files go when the transaction has held."""
    paths = [path_of(row) for row in rows]
    rows.delete()
    files.remove_after_commit(paths)
