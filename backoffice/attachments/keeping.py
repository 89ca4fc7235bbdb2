"""Attachments: add, remove with a reason, go with a dropped document. Each stands in the history of its document."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.formats import date_format

from backoffice import actors, audit, clock
from backoffice.attachments import documents, files, naming, owners
from backoffice.attachments.errors import FileRefused
from backoffice.models import Attachment

log = logging.getLogger(__name__)
FOLDER = "attachments"
MOST = 30  # files of one document
LEFT = 3_600  # seconds after which a file without a row belongs to nobody


def path_of(row: Attachment) -> Path:
    """Return where the file of an attachment lies, whether it is there or not."""
    return files.path_of(files.folder(FOLDER), row.token, row.kind)


def keep(document: Model, file: files.Sent, *, name: str, actor: str, priced: bool = False) -> Attachment:
    """Check, clean and store one file. Raises FileRefused: paper_kind, _empty, _large, _pixels, _broken, _many, _twice,
    _nowhere."""
    said = naming.said(name)
    sent = _read(file, said)
    data, kind = documents.checked(sent, name=said)
    owner, digest = audit.target_text(document), hashlib.sha256(sent).hexdigest()
    with _stored(data, kind) as token, transaction.atomic():
        _locked(document, said)
        _free(owner, digest, said)
        made = Attachment.objects.create(
            owner=owner, token=token, name=naming.shown(name, kind), kind=kind, size=len(data), digest=digest,
            priced=priced, at=clock.now(), by=actor[:150],
        )  # fmt: skip
        _note("attachment.add", document, made, actor)
    return made


@contextmanager
def _stored(data: bytes, kind: str) -> Iterator[str]:
    """Store the file; what fails inside leaves none behind. What a lost outer transaction leaves, `sweep` takes."""
    where = files.folder(FOLDER)
    token = files.write(where, data, kind)
    try:
        yield token
    except BaseException:
        files.path_of(where, token, kind).unlink(missing_ok=True)
        raise


def _read(file: files.Sent, said: str) -> bytes:
    try:
        return files.read(file, most=documents.PDF_MEGABYTES)
    except FileRefused as refusal:
        raise documents.too_large(said) from refusal


def _locked(document: Model, said: str) -> None:
    """Hold the document, so that two clicks count one after the other and nothing is added to what is dropped."""
    rows = type(document)._default_manager.select_for_update().filter(pk=document.pk)
    if not rows.values_list("pk").first():
        raise FileRefused("paper_nowhere", name=said)


def _free(owner: str, digest: str, said: str) -> None:
    there = dict(Attachment.objects.filter(owner=owner, removed_at=None).values_list("digest", "name"))
    if digest in there:
        raise FileRefused("paper_twice", name=said, known=there[digest])
    if len(there) >= MOST:
        raise FileRefused("paper_many", name=said, most=MOST)


def _note(action: str, document: Model, row: Attachment, actor: str, why: str = "") -> None:
    target = owners.of_row(document).history(document)
    text = f"{row.name} · {why}" if why else row.name
    after = {"name": row.name, "kind": row.kind, "size": row.size, "of": row.owner, "priced": row.priced}
    audit.record(action=action, target=target, summary=text[:300], after=after, actor=actor)


@transaction.atomic
def remove(document: Model, row: Attachment, *, actor: str, why: str) -> None:
    """Take an attachment away; who and why stays. Raises FileRefused: paper_why, paper_gone."""
    if not why:
        raise FileRefused("paper_why", name=row.name)
    still = Attachment.objects.filter(pk=row.pk, removed_at=None)
    if not still.update(removed_at=clock.now(), removed_by=actor[:150], removed_why=why[:300]):
        row.refresh_from_db()
        raise gone(row)
    _note("attachment.remove", document, row, actor, why)
    files.remove_after_commit([path_of(row)])


def gone(row: Attachment) -> FileRefused:
    """Return the refusal that names who removed it."""
    when = date_format(timezone.localtime(row.removed_at), "SHORT_DATETIME_FORMAT") if row.removed_at else "–"
    return FileRefused("paper_gone", name=row.name, who=actors.named(row.removed_by), when=when)


def locked(row: Attachment) -> FileRefused:
    """Return the refusal for who may not remove it."""
    return FileRefused("paper_locked", name=row.name)


def drop(document: Model) -> None:
    """Delete the attachments of a document that is dropped itself; the files go when the transaction has held."""
    rows = Attachment.objects.filter(owner=audit.target_text(document))
    paths = [path_of(row) for row in rows]
    rows.delete()
    files.remove_after_commit(paths)


def sweep() -> int:
    """Delete files that no row names, an hour after they were written: a worker was killed, a transaction lost."""
    before, left = time.time() - LEFT, 0
    old = [path for path in files.folder(FOLDER).iterdir() if path.is_file() and path.stat().st_mtime < before]
    for start in range(0, len(old), 500):
        some = old[start : start + 500]
        tokens = [path.stem for path in some]
        known = set(Attachment.objects.filter(token__in=tokens, removed_at=None).values_list("token", flat=True))
        for path in some:
            if path.stem not in known:
                path.unlink(missing_ok=True)
                left += 1
    if left:
        log.warning("attachments: %s files belonged to no document and were deleted", left)
    return left
