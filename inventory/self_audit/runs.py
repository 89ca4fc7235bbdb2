"""Audits: begun by the clock or a person, one at a time; what they find becomes rows that stay until it is over."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from decimal import Decimal

import structlog
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _now
from django.utils.translation import ngettext

from backoffice import audit, clock, longwork, progress, workhours
from backoffice.models import Progress, User
from inventory.models import AuditFinding, AuditRepair, AuditRun, AuditSetting
from inventory.self_audit import alarm, recompute, snapshot
from inventory.self_audit.errors import AuditRefused, refused
from inventory.self_audit.recompute import Audited, Difference

log = structlog.get_logger(__name__)
State, Counter = AuditFinding.State, AuditFinding.Counter
PATIENCE = dt.timedelta(hours=2)  # a run that says nothing for so long was killed
PARTS = 5
CLOCK, TASK = "task:stock_audit", "inventory.self_audit.runs.work_on"
PAGE = 1_000


def setting() -> AuditSetting:
    """Return the setting, as it is before anybody has touched it."""
    return AuditSetting.objects.filter(pk=1).first() or AuditSetting(pk=1)


# --- beginning -------------------------------------------------------------------------------------------------------


def begin(*, actor: str, user: User | None = None) -> AuditRun:
    """Begin an audit; without a worker it is done at once. Raises AuditRefused while one runs."""
    _bury_the_dead()
    try:
        with transaction.atomic():
            meter = progress.start("inventory.audit", user, PARTS)
            run = AuditRun.objects.create(started_by=actor[:150], progress=meter.row)
    except IntegrityError:  # the unique key says that one runs
        raise refused("running") from None
    if longwork.workers_alive():
        longwork.enqueue(TASK, run.pk)
    else:
        work_on(run.pk)
        run.refresh_from_db()
    return run


def _bury_the_dead() -> None:
    old = clock.now() - PATIENCE
    dead = AuditRun.objects.filter(state=AuditRun.State.RUNNING, started_at__lt=old).exclude(
        progress__updated_at__gte=old
    )
    dead.update(state=AuditRun.State.FAILED, ended_at=clock.now())


def nightly() -> None:
    """A chore: begin the audit of the night once its time has come and none has run since."""
    mine = setting()
    if not mine.enabled:
        return
    last = workhours.next_time(clock.now(), mine.audit_at, workhours.current().zone) - dt.timedelta(days=1)
    if not AuditRun.objects.filter(started_at__gte=last, state__in=("running", "done")).exists():
        with contextlib.suppress(AuditRefused):  # somebody began one this very moment
            begin(actor=CLOCK)


def work_on(run_id: int) -> str:
    """Do an audit; a doubled task finds it done. Never raises: returns a short code."""
    run = AuditRun.objects.filter(pk=run_id, state=AuditRun.State.RUNNING).first()
    if run is None or run.progress_id is None:
        return "done already"
    meter = progress.resume(run.progress_id)
    try:
        with audit.acting_as(run.started_by or CLOCK), progress.followed(meter):
            measure(run, meter)
    except Exception as error:
        log.exception("stock_audit_failed", run=run_id, error=type(error).__name__)
        AuditRun.objects.filter(pk=run_id, state="running").update(state="failed", ended_at=clock.now())
        return type(error).__name__
    return "ok"


def measure(run: AuditRun, meter: progress.Meter | None = None) -> AuditRun:
    """Work everything out in one moment, then write what differs."""
    moment = clock.now()
    with snapshot.one_moment():
        found = recompute.differences(lambda done: _show(meter, done))
    return keep(run, found, moment)


def _show(meter: progress.Meter | None, done: int) -> None:
    """Move the bar from a connection of its own: the audit's one reads only."""
    if meter is None:
        return
    meter.row.done = done
    if connection.in_atomic_block and not _only_ours():
        return

    def write() -> None:
        try:
            Progress.objects.filter(pk=meter.row.pk).update(done=done, updated_at=clock.now())
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    writer.join()


def _only_ours() -> bool:
    """True when the open transaction is the audit's snapshot, not one of a caller whose rows nobody else sees yet."""
    return connection.vendor == "postgresql" and len(connection.atomic_blocks) == 1


# --- keeping ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def keep(run: AuditRun, audited: Audited, moment: dt.datetime) -> AuditRun:
    """Write the differences down: new ones open, known ones are seen again, the others are gone.

    What was repaired after the moment of the audit is not found again.
    """
    now = clock.now()
    since = set(
        AuditRepair.objects.filter(made_at__gte=moment, undone_at__isnull=True).values_list("finding__key", flat=True)
    )
    by_key = {one.key: one for one in audited.differences if one.key not in since}
    standing = {
        row.key: row for row in AuditFinding.objects.select_for_update().filter(state=State.OPEN).order_by("pk")
    }
    again = [_seen(row, by_key[key], run, now) for key, row in standing.items() if key in by_key]
    AuditFinding.objects.bulk_update(again, [*_FIGURES, "last_seen_at", "last_run"], batch_size=PAGE)
    new = [_seen(AuditFinding(first_seen_at=now), one, run, now) for key, one in by_key.items() if key not in standing]
    AuditFinding.objects.bulk_create(new, batch_size=PAGE)
    over = [row.pk for key, row in standing.items() if key not in by_key]
    AuditFinding.objects.filter(pk__in=over).update(state=State.GONE, closed_at=now, closed_by=run.started_by)
    run.state, run.ended_at = AuditRun.State.DONE, now
    run.balances, run.reservations = audited.balances, audited.reservations
    run.found, run.opened, run.gone = len(by_key), len(new), len(over)
    run.save()
    alarm.sound()
    return run


_FIGURES = ("should_be", "found", "size", "money", "documents")


def _seen(row: AuditFinding, one: Difference, run: AuditRun, now: dt.datetime) -> AuditFinding:
    places = -4 if one.counter == Counter.VALUE else -3
    row.key, row.kind, row.counter = one.key, one.kind, one.counter
    row.sku_id, row.warehouse_id, row.reference = one.sku_id, one.warehouse_id, one.reference[:120]
    row.should_be, row.found = (_scaled(value, places) for value in (one.should_be, one.found))
    row.size, row.money = row.found - row.should_be, _scaled(one.money, -4)
    row.documents, row.last_seen_at, row.last_run = list(one.documents), now, run
    return row


def _scaled(value: int, places: int) -> Decimal:
    return Decimal(value).scaleb(places)


def told(run: AuditRun) -> str:
    """Return the result of an audit in one sentence."""
    if not run.found:
        return _now("Nothing differs: every counter is what its documents say.")
    told = ngettext("%(found)d difference", "%(found)d differences", run.found) % {"found": run.found}
    return _now("%(differences)s, new among them: %(opened)d.") % {"differences": told, "opened": run.opened}
