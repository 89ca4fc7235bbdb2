"""Long work of stocktakes, handed to the task workers: reading a large sheet, posting many differences.

What is pending stands in the sheet or the stocktake: a doubled task finds it done, a lost one is started again.
"""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from backoffice import clock, longwork, progress
from backoffice.models import Upload, User
from backoffice.spreadsheets import uploads
from inventory.models import Stocktake, StocktakeSheet
from inventory.stocktakes import posting, sheets

PURPOSE = "inventory.stocktake"
LARGE_FILE, LARGE_STOCKTAKE = 200_000, 5_000  # bytes; differences: more goes to a worker while there is one
KEEP_PREVIEWS = dt.timedelta(days=7)


def begin_reading(sheet: StocktakeSheet, upload: Upload, user: User) -> bool:
    """Read a kept file now when it is small or nobody takes tasks, else later; True when it is read."""
    if upload.size < LARGE_FILE or not longwork.workers_alive():
        try:
            sheets.read(sheet, uploads.path_of(upload))
        finally:
            uploads.discard(upload)
        return True
    sheet.upload = upload.token
    sheet.progress = progress.start("inventory.stocktake.read", user, sheet.stocktake.line_count).row
    sheet.save(update_fields=["upload", "progress"])
    longwork.enqueue("inventory.stocktakes.tasks.read_sheet", sheet.pk, user.pk)
    return False


def begin_posting(stocktake: Stocktake, user: User) -> bool:
    """Post now, or later when it is large; True when it is posted. Raises what `posting.post` raises."""
    if stocktake.difference_count < LARGE_STOCKTAKE or not longwork.workers_alive():
        posting.post(stocktake_id=stocktake.pk, user=user)
        return True
    running = stocktake.progress
    if running is None or running.state != progress.RUNNING:
        row = progress.start("inventory.stocktake.post", user, stocktake.difference_count).row
        Stocktake.objects.filter(pk=stocktake.pk).update(progress=row)
        longwork.enqueue("inventory.stocktakes.tasks.post_stocktake", stocktake.pk, user.pk)
    return False


def read_sheet(sheet_id: int, user_id: int) -> str:
    """Read the kept file of a sheet."""
    sheet = StocktakeSheet.objects.filter(pk=sheet_id, state=StocktakeSheet.State.READING).first()
    if sheet is None or sheet.progress_id is None:
        return "done already"
    owner = User.objects.get(pk=user_id)

    def work(meter: progress.Meter) -> None:
        upload = uploads.find(sheet.upload, owner=owner, purpose=PURPOSE)
        try:
            sheets.read(sheet, uploads.path_of(upload), meter=meter)
        finally:
            uploads.discard(upload)

    return longwork.in_the_name_of(owner, sheet.progress_id, work)


def post_stocktake(stocktake_id: int, user_id: int) -> str:
    """Post a counted stocktake."""
    stocktake = Stocktake.objects.get(pk=stocktake_id)
    if stocktake.state not in ("counted", "review") or stocktake.progress_id is None:
        return "done already"
    owner = User.objects.get(pk=user_id)

    def work(meter: progress.Meter) -> None:
        meter.say(_("Posting"))
        posting.post(stocktake_id=stocktake_id, user=owner)

    return longwork.in_the_name_of(owner, stocktake.progress_id, work)


def clean_up() -> int:
    """Drop sheets nobody took within a week."""
    old = StocktakeSheet.objects.filter(created_at__lt=clock.now() - KEEP_PREVIEWS).exclude(state="taken")
    ids = list(old.values_list("pk", flat=True)[:200])
    for pk in ids:
        sheets.drop(sheet_id=pk)
    return len(ids)
