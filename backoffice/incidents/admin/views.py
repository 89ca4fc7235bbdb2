"""The quick views of the incident list: mine, my department, overdue, new today; and their counts in one statement."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.departments import departments_of
from backoffice.incidents import kinds
from backoffice.incidents.sight import places, sight, visible
from backoffice.models import Incident
from backoffice.models.incidents import OPEN_STATES, WAITING_STATES

PARAMETER = "view"
VIEWS = {
    "": _("All open"),
    "mine": _("Mine"),
    "department": _("My department"),
    "overdue": _("Overdue"),
    "today": _("New today"),
    "closed": pgettext_lazy("incidents", "Closed"),
}


def condition(user: Any, view: str) -> Q:
    """Return what a view shows; an unknown one shows what is open."""
    open_ones = Q(state__in=OPEN_STATES)
    if view == "closed":
        return Q(state__in=(Incident.State.RESOLVED, Incident.State.GONE))
    if view == "mine":
        return open_ones & (Q(person=user.pk) | Q(escalated_person=user.pk))
    if view == "department":
        mine = departments_of(user)
        return open_ones & (Q(department__in=mine) | Q(escalated_department__in=mine) | Q(person=user.pk))
    if view == "overdue":
        return open_ones & Q(due_at__lt=clock.now())
    if view == "today":
        start = timezone.localtime(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
        return open_ones & Q(opened_at__gte=start)
    return open_ones


@dataclasses.dataclass(frozen=True, slots=True)
class Tab:
    """One quick view above the list."""

    label: Any
    query: str
    count: int | None
    active: bool
    bad: bool = False


def tabs(request: HttpRequest) -> list[Tab]:
    """Return the quick views with their counts; one statement beside the person's sight."""
    counted = [name for name in VIEWS if name != "closed"]
    rows = visible(request.user).filter(state__in=OPEN_STATES)
    counts = rows.aggregate(**{name or "open": Count("pk", filter=condition(request.user, name)) for name in counted})
    chosen = request.GET.get(PARAMETER, "")
    return [
        Tab(
            label, f"?{PARAMETER}={name}" if name else "?", counts.get(name or "open"), name == chosen,
            bad=name == "overdue" and bool(counts["overdue"]),
        )
        for name, label in VIEWS.items()
    ]  # fmt: skip


def waiting(request: HttpRequest) -> QuerySet[Incident]:
    """The rows behind the badge: what waits for this person or the department and nobody has in hand."""
    return visible(request.user).filter(condition(request.user, "department"), state__in=WAITING_STATES)


class ViewFilter(admin.SimpleListFilter):
    """The quick views, as a filter; without one the list shows what is open."""

    title = _("view")
    parameter_name = PARAMETER

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, label) for name, label in VIEWS.items() if name]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        return queryset.filter(condition(request.user, self.value() or ""))


class KindFilter(admin.SimpleListFilter):
    """The kinds in words."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(one.code, one.title) for one in kinds.registered().values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class ShopFilter(admin.SimpleListFilter):
    """The shops this person may see."""

    title = _("shop")
    parameter_name = "shop"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in shops(request.user)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        value = self.value()
        return queryset.filter(shop_id=int(value)) if value and value.isdecimal() and len(value) < 18 else queryset


def shops(user: Any) -> list[tuple[int, str]]:
    """Return the shops a person may see."""
    seen = sight(user).shops
    return [(pk, name) for pk, name in places().shops.items() if seen is None or pk in seen]


def warehouses(user: Any) -> list[tuple[int, str]]:
    """Return the warehouses a person may see."""
    seen = sight(user).warehouses
    return [(pk, name) for pk, name in places().warehouses.items() if seen is None or pk in seen]
