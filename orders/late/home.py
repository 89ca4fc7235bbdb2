"""Late orders on the home page: how many now, and the share that left late week by week."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice import clock
from backoffice.charts import Chart, Series
from backoffice.home import Figure, HomeCard
from inventory.access import sight, visible
from orders.late import board, trend
from orders.models import LateOrder, LatePlay

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
        figures=shown,
        chart=_chart(request),
        url=url,
        empty=_("Nothing is late, nothing has to leave by tomorrow."),
        as_of=clock.now(),
    )


def figures(request: HttpRequest) -> dict[str, int]:
    """How many orders of this person's shops (warehouses, for whoever only packs) fall into each span."""
    decides = request.user.has_perm("orders.decide_order") or not request.user.has_perm("orders.ship_order")
    rows = visible(request.user, LateOrder.objects.all())
    return board.figures(board.seen_by(rows, sight(request.user), decides=decides))


def late_badge(request: HttpRequest) -> int | None:
    """The figure behind the line of the sidebar."""
    return figures(request)[board.LATE] or None


def _chart(request: HttpRequest) -> Chart | None:
    weeks = trend.weeks(sight(request.user).shops)
    if not weeks:
        return None
    labels = [f"{one.monday.month}/{one.monday.day}" for one in weeks]
    return Chart(labels=labels, series=[Series(_("late, percent by week"), [one.share for one in weeks])], kind="line")
