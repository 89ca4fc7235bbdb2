"""The brake: a batch that would put many listings to zero waits for a person, because it is more often a mistake."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import F

from backoffice import audit, clock
from backoffice.locks import Held
from backoffice.waking import wake
from channels import error_queue
from channels.error_queue import Trouble
from channels.models import Account, BrakeState, JobState, PublicationLog, PushBrake, PushJob
from channels.push.jobs import WAKE
from channels.push.rows import Row

WINDOW = dt.timedelta(minutes=10)


def held_back(account: Account, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that may not be sent: they would zero more listings than the account's limit in ten minutes.

    Zeros sent within the window count too, so that small batches do not slip through one by one.
    """
    zeroing = [row for row in rows if row.desired == 0 and (row.shown or 0) > 0 and not row.brake_cleared]
    known = [row for row in zeroing if row.brake_id is not None]
    fresh = [row for row in zeroing if row.brake_id is None]
    if not fresh:
        return known
    sent = PublicationLog.objects.filter(
        account=account, mode="live", desired=0, expected__gt=0, decided_at__gte=clock.now() - WINDOW
    )
    lately = sent.values("listing_id").distinct().count()
    return zeroing if len(fresh) + lately > account.zero_brake else known


def hold(account: Account, rows: Sequence[Row], held: Held) -> None:
    """Park the rows under the account's waiting brake (a denied one keeps its own) and tell the error queue."""
    denied = set(
        PushBrake.objects.filter(pk__in={row.brake_id for row in rows}, state=BrakeState.DENIED).values_list(
            "pk", flat=True
        )
    )
    for code, mine in (
        ("brake_denied", [row for row in rows if row.brake_id in denied]),
        ("brake", [row for row in rows if row.brake_id not in denied]),
    ):
        if not mine:
            continue
        brake_id = {"brake_id": _waiting(account).pk} if code == "brake" else {}
        PushJob.objects.filter(pk__in=[row.id for row in mine], fence=held.fence, state=JobState.SENDING).update(
            state=JobState.PARKED, code=code, desired=0, lease_until=None, attempts=0, **brake_id
        )
    count = PushJob.objects.filter(account=account, brake__state=BrakeState.WAITING, state=JobState.PARKED).count()
    if count:
        trouble = Trouble(
            kind=error_queue.ACCOUNT,
            reference="brake",
            code="brake",
            params={"listings": count, "limit": account.zero_brake},
        )
        error_queue.record(account.pk, trouble)


def _waiting(account: Account) -> PushBrake:
    try:
        with transaction.atomic():
            return PushBrake.objects.get_or_create(
                account=account,
                state=BrakeState.WAITING,
                defaults={"limit": account.zero_brake, "created_at": clock.now()},
            )[0]
    except IntegrityError:
        return PushBrake.objects.get(account=account, state=BrakeState.WAITING)


def decide(*, brake: PushBrake, approve: bool, actor: str) -> int:
    """Let the held figures go out, or keep them back; returns how many. Deciding twice changes nothing."""
    state = BrakeState.APPROVED if approve else BrakeState.DENIED
    with transaction.atomic():
        if not PushBrake.objects.filter(pk=brake.pk, state=BrakeState.WAITING).update(
            state=state, decided_at=clock.now(), decided_by=actor[:150]
        ):
            return 0
        jobs = PushJob.objects.filter(brake=brake, state=JobState.PARKED)
        if approve:
            changed = jobs.update(
                state=JobState.DUE, brake_cleared=True, code="", not_before=clock.now(), wanted=F("wanted") + 1
            )
            wake(WAKE)
        else:
            changed = jobs.update(code="brake_denied")
        audit.record(action=f"brake.{state.value}", target=brake, actor=actor, after={"listings": changed})
        error_queue.resolve(brake.account_id, error_queue.ACCOUNT, ["brake"], by=actor)
    return changed
