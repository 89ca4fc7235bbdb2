"""What references to the ground's own rows mean to a person: an incident, a member of staff, a robot."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.http import HttpRequest
from django.urls import reverse

from backoffice import references
from backoffice.incidents.kinds import sentence_of, title_of
from backoffice.incidents.sight import visible
from backoffice.models import Incident, Robot, User
from backoffice.references import Described


def register() -> None:
    """Register the kinds; called once by AppConfig.ready()."""
    references.register("backoffice.incident", _incidents)
    references.register("backoffice.user", _people)
    references.register("backoffice.robot", _robots)


def _incidents(request: HttpRequest, ids: Collection[int]) -> Mapping[int, Described]:
    if not request.user.has_perm("backoffice.view_incident"):
        return {}
    rows = visible(request.user, Incident.objects.filter(pk__in=ids))
    return {
        row.pk: Described(
            f"#{row.pk} {sentence_of(row.kind, row.data) or title_of(row.kind)}"[:120],
            reverse("admin:backoffice_incident_change", args=[row.pk]),
        )
        for row in rows
    }


def _people(request: HttpRequest, ids: Collection[int]) -> Mapping[int, Described]:
    may = request.user.has_perm("backoffice.view_user")
    return {
        one.pk: Described(
            one.get_full_name() or one.get_username(),
            reverse("admin:backoffice_user_change", args=[one.pk]) if may else "",
        )
        for one in User.objects.filter(pk__in=ids)
    }


def _robots(request: HttpRequest, ids: Collection[int]) -> Mapping[int, Described]:
    may = request.user.has_perm("backoffice.view_robot")
    return {
        pk: Described(name, reverse("admin:backoffice_robot_change", args=[pk]) if may else "")
        for pk, name in Robot.objects.filter(pk__in=ids).values_list("pk", "name")
    }
