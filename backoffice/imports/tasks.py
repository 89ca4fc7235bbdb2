"""Long work of imports, handed to the task workers: reading a large file, importing many rows, taking them back.

What is pending stands in the run: a doubled task finds it done, a lost one is started again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.utils.translation import gettext as _

from backoffice import clock, longwork, progress
from backoffice.imports import applying, reading
from backoffice.models import ImportRun, Upload, User
from backoffice.spreadsheets import uploads

PURPOSE = "import"
LARGE_FILE, LARGE_RUN = 100_000, 500  # bytes; rows: more goes to a worker while there is one
KEEP_PREVIEWS = dt.timedelta(days=7)
STALLED = dt.timedelta(minutes=10)  # an import that says nothing for so long may be started again


def begin_reading(run: ImportRun, upload: Upload) -> bool:
    """Read a kept file now when it is small or nobody takes tasks, else later; True when it is read."""
    if upload.size < LARGE_FILE or not longwork.workers_alive():
        try:
            reading.read(run, uploads.path_of(upload))
        finally:
            uploads.discard(upload)
        return True
    run.upload = upload.token
    run.progress = progress.start("import.read", run.owner).row
    run.save(update_fields=["upload", "progress"])
    longwork.enqueue("backoffice.imports.tasks.read_run", run.pk)
    return False


def begin_applying(run: ImportRun, user: User, *, skip_bad: bool) -> bool:
    """Import now, or later when it is much; True when it is done. Raises what `applying.apply` raises."""
    if run.good_count < LARGE_RUN or not longwork.workers_alive():
        applying.apply(run_id=run.pk, user=user, skip_bad=skip_bad)
        return True
    return _later(run, user, "apply", run.good_count, skip_bad)


def begin_undoing(run: ImportRun, user: User) -> bool:
    """Take back now, or later when it is much; True when it is done. Raises what `applying.undo` raises."""
    if run.good_count < LARGE_RUN or not longwork.workers_alive():
        applying.undo(run_id=run.pk, user=user)
        return True
    return _later(run, user, "undo", run.good_count)


def _later(run: ImportRun, user: User, work: str, total: int, *flags: bool) -> bool:
    if not is_running(run):
        run.progress = progress.start(f"import.{work}", user, total).row
        run.save(update_fields=["progress"])
        longwork.enqueue(f"backoffice.imports.tasks.{work}_run", run.pk, user.pk, *flags)
    return False


def is_running(run: ImportRun) -> bool:
    """True while a worker is at it."""
    bar = run.progress
    return bar is not None and bar.state == progress.RUNNING and bar.updated_at > clock.now() - STALLED


def read_run(run_id: int) -> str:
    """Read the kept file of a run."""
    run = ImportRun.objects.filter(pk=run_id, state=ImportRun.State.READING).select_related("owner").first()
    if run is None or run.progress_id is None:
        return "done already"

    def work(meter: progress.Meter) -> None:
        upload = uploads.find(run.upload, owner=run.owner, purpose=PURPOSE)
        try:
            reading.read(run, uploads.path_of(upload), meter=meter)
        finally:
            uploads.discard(upload)

    return longwork.in_the_name_of(run.owner, run.progress_id, work)


def apply_run(run_id: int, user_id: int, skip_bad: bool) -> str:
    """Import the rows of a previewed run."""
    run = ImportRun.objects.get(pk=run_id)
    if run.state != ImportRun.State.PREVIEW:
        return "done already"
    return _named(run, user_id, lambda user, meter: applying.apply(
        run_id=run_id, user=user, skip_bad=skip_bad, meter=meter))  # fmt: skip


def undo_run(run_id: int, user_id: int) -> str:
    """Take a run back."""
    run = ImportRun.objects.get(pk=run_id)
    if run.state not in (ImportRun.State.APPLIED, ImportRun.State.UNDONE):
        return "done already"
    return _named(run, user_id, lambda user, meter: applying.undo(run_id=run_id, user=user, meter=meter))


def _named(run: ImportRun, user_id: int, work: Callable[[User, progress.Meter | None], object]) -> str:
    owner = User.objects.get(pk=user_id)
    if run.progress_id is None:
        return "done already"

    def told(meter: progress.Meter) -> None:
        with progress.at_once(meter) as seen:
            meter.say("" if seen else _("All rows in one go: the bar moves at the end."))
            work(owner, seen)

    return longwork.in_the_name_of(owner, run.progress_id, told)


def clean_up() -> int:
    """Drop previews nobody confirmed within a week; returns how many."""
    states = [ImportRun.State.READING, ImportRun.State.FAILED, ImportRun.State.PREVIEW]
    old = ImportRun.objects.filter(created_at__lt=clock.now() - KEEP_PREVIEWS, state__in=states)
    ids = list(old.values_list("pk", flat=True)[:200])
    for pk in ids:
        applying.drop(run_id=pk)
    return len(ids)
