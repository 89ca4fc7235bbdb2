"""Incidents on the home page."""

from __future__ import annotations

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice import clock
from backoffice.home import Figure, HomeCard
from backoffice.incidents.admin import views
from backoffice.incidents.kinds import title_of
from backoffice.incidents.sight import visible
from backoffice.models.incidents import OPEN_STATES


def card(request: HttpRequest) -> HomeCard:
    """What is open by kind, the overdue first; mine on top."""
    url = reverse("admin:backoffice_incident_changelist")
    rows = visible(request.user).filter(state__in=OPEN_STATES)
    late = Q(due_at__lt=clock.now())
    by_kind = list(
        rows.order_by()
        .values("kind")
        .annotate(count=Count("pk"), late=Count("pk", filter=late))
        .order_by("-late", "-count")
    )
    mine = rows.filter(views.condition(request.user, "department")).count() if by_kind else 0
    figures = [
        Figure(
            title_of(row["kind"]), f"{row['count']:,}", f"{url}?kind={row['kind']}",
            "bad" if row["late"] else "neutral",
            note=_("%d overdue") % row["late"] if row["late"] else "",
        )
        for row in by_kind[:6]
    ]  # fmt: skip
    if mine:
        figures.insert(0, Figure(_("For me and my department"), f"{mine:,}", f"{url}?view=department", "warn"))
    return HomeCard(
        title=_("Incidents"), icon="emergency_home", figures=figures, url=url, as_of=clock.now(),
        empty=_("Nothing is wrong. Troubles come here by themselves."),
    )  # fmt: skip
