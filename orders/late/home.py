"""Late orders on the home page: how many now, and the share that left late week by week."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice import clock
from backoffice.home import Figure, HomeCard
from inventory.access import sight, visible
from orders.late import board, trend
from orders.models import LateOrder, LatePlay

SHOWN_WEEKS = 4
TONES = {board.LATE: "bad", board.TWO_HOURS: "warn"}


def card(request: HttpRequest) -> HomeCard:
    """What has to leave, and the trend."""
    counts = figures(request)
    url = reverse("admin:orders_lateorder_changelist")
    shown = [
        Figure(board.SPANS[span], f"{count:,}", f"{url}?when={span}", TONES.get(span, "neutral"))
        for span, count in counts.items()
        if count
    ]
    plays = LatePlay.objects.filter(state=LatePlay.State.OPEN).count()
    if plays and request.user.has_perm("orders.view_lateplay"):
        shown.append(Figure(_("Plays under way"), str(plays), reverse("admin:orders_lateplay_changelist")))
    return HomeCard(
        title=_("Late orders"),
        icon="alarm",
        figures=[*shown, *_weeks(request)],
        url=url,
        empty=_("Nothing is late, nothing has to leave by tomorrow."),
        as_of=clock.now(),
    )


def figures(request: HttpRequest) -> dict[str, int]:
    """How many orders of this person's shops (warehouses, for whoever only packs) fall into each span."""
    return board.figures(_mine(request))


def late_rows(request: HttpRequest) -> QuerySet[LateOrder]:
    """The orders behind the badge of the sidebar."""
    return board.clocked(_mine(request)).filter(due_at__lt=clock.now())


def _mine(request: HttpRequest) -> QuerySet[LateOrder]:
    decides = request.user.has_perm("orders.decide_order") or not request.user.has_perm("orders.ship_order")
    return board.seen_by(visible(request.user, LateOrder.objects.all()), sight(request.user), decides=decides)


def _weeks(request: HttpRequest) -> list[Figure]:
    """The share of late orders in the last weeks, this one first, each with a bar beside the worst."""
    weeks = trend.weeks(sight(request.user).shops)[-SHOWN_WEEKS:]
    worst = max((one.share for one in weeks), default=0.0) or 1.0
    url = reverse("admin:orders_lateplay_review") if request.user.has_perm("orders.see_latereview") else ""
    return [
        Figure(
            _("Late, week of %s") % f"{one.monday.month}/{one.monday.day}",
            f"{one.share:g} %",
            url,
            note=_("%(late)d of %(all)d") % {"late": one.late, "all": one.orders},
            share=one.share / worst,
        )
        for one in reversed(weeks)
    ]
