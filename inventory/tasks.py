"""Long work on stock documents, handed to the task workers: reading a large file, posting a large document.

What is pending stands in the document: a doubled task finds it done, a lost one is started again.
"""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from backoffice import clock, longwork, progress
from backoffice.models import Upload, User
from backoffice.spreadsheets import uploads
from inventory import counts, documents
from inventory.models import StockDocument

PURPOSE = "inventory.count"
KEEP_PREVIEWS = dt.timedelta(days=7)
LARGE_FILE, LARGE_DOCUMENT = 200_000, 5_000  # bytes; lines: more goes to a worker while there is one


def begin_reading(document: StockDocument, upload: Upload, user: User) -> bool:
    """Read a kept file now when it is small or nobody takes tasks, else later; True when it is read.

    Raises FileRefused for a file that cannot be read at all.
    """
    if upload.size < LARGE_FILE or not longwork.workers_alive():
        try:
            counts.read(document, uploads.path_of(upload))
        finally:
            uploads.discard(upload)
        return True
    document.upload = upload.token
    document.progress = progress.start("inventory.count.read", user).row
    document.save(update_fields=["upload", "progress"])
    longwork.enqueue("inventory.tasks.read_count", document.pk, user.pk)
    return False


def begin_posting(document: StockDocument, user: User, *, without_bad_rows: bool) -> bool:
    """Post now, or later when it is large; True when it is posted. Raises what `inventory.counts.post` raises."""
    if document.difference_count < LARGE_DOCUMENT or not longwork.workers_alive():
        counts.post(document_id=document.pk, user=user, without_bad_rows=without_bad_rows)
        return True
    running = document.progress
    if running is None or running.state != progress.RUNNING:
        document.progress = progress.start("inventory.count.post", user, document.difference_count).row
        document.save(update_fields=["progress"])
        longwork.enqueue("inventory.tasks.post_count", document.pk, user.pk, without_bad_rows)
    return False


def read_count(document_id: int, user_id: int) -> str:
    """Read the kept file of a document."""
    document = StockDocument.objects.filter(pk=document_id, state=StockDocument.State.READING).first()
    if document is None or document.progress_id is None:
        return "done already"
    owner = User.objects.get(pk=user_id)

    def work(meter: progress.Meter) -> None:
        upload = uploads.find(document.upload, owner=owner, purpose=PURPOSE)
        try:
            counts.read(document, uploads.path_of(upload), meter=meter)
        finally:
            uploads.discard(upload)

    return longwork.in_the_name_of(owner, document.progress_id, work)


def post_count(document_id: int, user_id: int, without_bad_rows: bool) -> str:
    """Post a previewed document."""
    document = StockDocument.objects.get(pk=document_id)
    if not document.open or document.progress_id is None:
        return "done already"
    owner = User.objects.get(pk=user_id)

    def work(meter: progress.Meter) -> None:
        meter.say(_("Posting"))
        counts.post(document_id=document_id, user=owner, without_bad_rows=without_bad_rows)

    return longwork.in_the_name_of(owner, document.progress_id, work)


def clean_up() -> int:
    """Drop previews nobody confirmed within a week, readings that died, and old uploads; returns how many rows."""
    old = StockDocument.objects.filter(
        created_at__lt=clock.now() - KEEP_PREVIEWS,
        state__in=[StockDocument.State.READING, StockDocument.State.FAILED, StockDocument.State.DRAFT],
    )
    ids = list(old.values_list("pk", flat=True)[:200])
    for pk in ids:
        documents.discard(document_id=pk)
    return len(ids) + uploads.clean_up()
