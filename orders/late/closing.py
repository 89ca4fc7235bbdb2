"""A late play ends: by hand with a cause and what was learnt, or by itself when every order has left."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from backoffice import audit, clock
from backoffice.incidents import desk as incident_desk
from backoffice.models import Incident, IncidentCause
from backoffice.models.incidents import OPEN_STATES
from orders.late import due, pausing
from orders.late.errors import LateError
from orders.late.plays import ALL_SHOPS, Shops, State, locked, opened
from orders.models import LatePlay, PlayOrder


@transaction.atomic
def close(
    *, play_id: int, actor: str, cause: IncidentCause | None = None, note: str = "", shops: Shops = ALL_SHOPS
) -> LatePlay:
    """Close a play by hand: with a cause and how it ended.

    The sale goes on if there is anything to sell, else as soon as there is. Open incidents of its orders are resolved.
    Whoever sees only some shops closes a play of those alone: it ends for every shop at once.
    Raises LateError: play_closed, play_beyond, play_no_cause, play_no_note.
    """
    play = opened(play_id)
    if shops is not None and _beyond(play, shops):
        raise LateError("play_beyond")
    play.cause = cause or play.cause
    if play.cause is None:
        raise LateError("play_no_cause")
    if not note.strip():
        raise LateError("play_no_note")
    return _end(play, actor=actor, note=note.strip())


def _beyond(play: LatePlay, shops: frozenset[int]) -> bool:
    return pausing.reaches_beyond(play, shops) or play.orders.exclude(order__shop__in=shops).exists()


def close_finished(limit: int = 100) -> int:
    """Close the plays of which every order has left or is cancelled; returns how many."""
    waiting = PlayOrder.objects.filter(play__state=State.OPEN, order__state__in=due.CLOCKED).values("play")
    begun = PlayOrder.objects.values("play")
    done = LatePlay.objects.filter(state=State.OPEN, pk__in=begun).exclude(pk__in=waiting)
    closed = 0
    for pk in list(done.order_by("pk").values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            play = locked(pk)
            if play.state == State.OPEN and not play.orders.filter(order__state__in=due.CLOCKED).exists():
                _end(play, actor="system", note="")
                closed += 1
    return closed


def _end(play: LatePlay, *, actor: str, note: str) -> LatePlay:
    now = clock.now()
    play.state, play.closed_at, play.closed_by, play.note = State.CLOSED, now, actor[:150], note[:500]
    play.save(update_fields=["state", "closed_at", "closed_by", "note", "cause"])
    audit.record(action="late_play.close", target=play, actor=actor, summary=note[:300])
    pausing.at_the_end(play, actor=actor)
    if play.cause is not None:
        _resolve(play, actor, note)
    return play


def _resolve(play: LatePlay, actor: str, note: str) -> None:
    """Close the loop: what the incident desk has open about these orders ends with the same cause."""
    keys = [f"order:{pk}" for pk in play.orders.values_list("order_id", flat=True)]
    standing = Incident.objects.filter(kind="late", key__in=keys, state__in=OPEN_STATES)
    ids = list(standing.values_list("pk", flat=True))
    if play.incident_id and play.incident_id not in ids:
        ids.append(play.incident_id)
    done = note or _("Every order of the play has left or is cancelled.")
    if ids:
        incident_desk.resolve_many(ids=ids, cause=play.cause, done=done, actor=actor)


def undone(play: LatePlay) -> int:
    """Return how many of its orders still have to leave."""
    return play.orders.filter(order__state__in=due.CLOCKED).count()
