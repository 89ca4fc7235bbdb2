"""Pause the sale of a SKU on all shops and let it go on: a stock policy that pauses, so that every shop is told."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from backoffice import audit, clock, locks
from inventory import dated
from inventory.models import StockPolicy
from orders.late import plays, sources
from orders.late.errors import LateError
from orders.models import LatePlay

TERMS = ("buffer", "share", "cap", "stop_below", "presale")


@transaction.atomic
def pause(
    *, play_id: int, actor: str, shops: frozenset[int] | None = None, resume_on_arrival: bool = False
) -> LatePlay:
    """Let every shop show 0 of the play's SKU; whoever sees only some shops pauses those.

    What stands in the policies besides the pause is kept and comes back with `resume`.
    Raises LateError: play_closed, play_no_sku, play_paused.
    """
    play = plays.opened(play_id)
    if play.sku_id is None:
        raise LateError("play_no_sku")
    if play.paused:
        raise LateError("play_paused", who=plays.named(play.paused_by), when=plays.at(play.paused_at))
    reason = _("Late play %d") % play.pk
    wanted = [None] if shops is None else sorted(shops)
    standing = _taken_over(play)
    changed = [_pause_one(shop_id, play.sku_id, reason, actor) for shop_id in wanted]
    play.pauses = [*standing, *(one for one in changed if one is not None)]
    play.paused_at, play.paused_by, play.resumed_at = clock.now(), actor[:150], None
    play.resume_on_arrival = resume_on_arrival
    play.save(update_fields=["pauses", "paused_at", "paused_by", "resumed_at", "resume_on_arrival"])
    after = {"shops": "all" if shops is None else sorted(shops), "resume_on_arrival": resume_on_arrival}
    audit.record(action="late_play.pause", target=play, actor=actor, summary=play.title, after=after)
    return play


def _taken_over(play: LatePlay) -> list[dict[str, Any]]:
    """What an earlier play of the SKU still has paused: it does not let it go on any more, this one does."""
    paused = LatePlay.objects.filter(sku=play.sku_id, paused_at__isnull=False, resumed_at__isnull=True)
    rows = locks.locked_rows(paused.exclude(pk=play.pk))
    LatePlay.objects.filter(pk__in=[row.pk for row in rows]).update(resumed_at=clock.now(), resume_on_arrival=False)
    return [one for row in rows for one in row.pauses]


def _pause_one(shop_id: int | None, sku_id: int, reason: str, actor: str) -> dict[str, Any] | None:
    """Pause one policy and return what to undo; None when somebody else has paused it already."""
    standing = _policy(shop_id, sku_id)
    if standing is None:
        row = StockPolicy(shop_id=shop_id, sku_id=sku_id, paused=True, reason=reason)
        dated.open_row(row, actor=actor)
        return {"shop": shop_id, "made": True, "reason": ""}
    if standing.paused:
        return None
    dated.replace(standing, {"paused": True, "reason": reason}, actor=actor)
    return {"shop": shop_id, "made": False, "reason": standing.reason}


def _policy(shop_id: int | None, sku_id: int) -> StockPolicy | None:
    rows = StockPolicy.objects.select_for_update().filter(sku_id=sku_id, valid_to__isnull=True)
    return rows.filter(shop__isnull=True).first() if shop_id is None else rows.filter(shop_id=shop_id).first()


@transaction.atomic
def resume(*, play_id: int, actor: str, shops: frozenset[int] | None = None) -> LatePlay:
    """Let the sale go on as it was before the pause; whoever sees only some shops lets those go on.

    What stays paused elsewhere keeps the play paused. Raises LateError: play_not_paused, play_paused_elsewhere.
    """
    play = plays.locked(play_id)
    if not play.paused or play.sku_id is None:
        raise LateError("play_not_paused")
    rest = [one for one in play.pauses if not _within(one, shops)]
    if rest and len(rest) == len(play.pauses):
        raise LateError("play_paused_elsewhere")
    for one in play.pauses:
        if one not in rest:
            _resume_one(one, play.sku_id, actor)
    if rest:
        play.pauses = rest
    else:
        play.resumed_at, play.resume_on_arrival = clock.now(), False
    play.save(update_fields=["pauses", "resumed_at", "resume_on_arrival"])
    after = {"shops": "all" if shops is None else sorted(shops), "still_paused": len(rest)}
    audit.record(action="late_play.resume", target=play, actor=actor, summary=play.title, after=after)
    return play


def _within(pause: dict[str, Any], shops: frozenset[int] | None) -> bool:
    """One for all shops is undone by whoever sees all of them."""
    return shops is None or pause["shop"] in shops


def reaches_beyond(play: LatePlay, shops: frozenset[int] | None) -> bool:
    """True when it has paused the sale in shops that are not seen."""
    return play.paused and not all(_within(one, shops) for one in play.pauses)


def _resume_one(undo: dict[str, Any], sku_id: int, actor: str) -> None:
    """What somebody has let go on, or ended, meanwhile stays as that person left it."""
    standing = _policy(undo["shop"], sku_id)
    if standing is None or not standing.paused:
        return
    plain = StockPolicy()
    changed = any(getattr(standing, name) != getattr(plain, name) for name in TERMS)
    if undo["made"] and not changed:
        dated.close(standing, actor=actor)
    else:
        dated.replace(standing, {"paused": False, "reason": undo["reason"]}, actor=actor)


def at_the_end(play: LatePlay, *, actor: str) -> None:
    """A closed play leaves no sale paused for ever: it goes on now if there is anything, else when there is."""
    if not play.paused or play.sku_id is None:
        return
    if sources.free_pieces(play.sku_id) > 0:
        resume(play_id=play.pk, actor=actor)
    else:
        LatePlay.objects.filter(pk=play.pk).update(resume_on_arrival=True)


def resume_arrived(limit: int = 100) -> int:
    """Let the sales go on that wait for goods which are there now; returns how many. A play may be closed by then."""
    waiting = LatePlay.objects.filter(
        resume_on_arrival=True, paused_at__isnull=False, resumed_at__isnull=True, sku__isnull=False
    )
    resumed = 0
    for pk, sku_id in list(waiting.order_by("pk").values_list("pk", "sku_id")[:limit]):
        if sku_id is not None and sources.free_pieces(sku_id) > 0:
            resumed += _resumed(pk)
    return resumed


def _resumed(play_id: int) -> bool:
    try:
        resume(play_id=play_id, actor="system")
    except LateError:  # a person was quicker
        return False
    return True
