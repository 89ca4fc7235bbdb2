"""Who can log in to the demo, read from what the demo loaded."""

from __future__ import annotations

import json

from django.conf import settings

from backoffice.models import User
from backoffice.roles import ROLES, roles_of


def demo_people() -> tuple[list[tuple[str, str]], str]:
    """Return (role in words, user name) of each demo person, and their password."""
    company = json.loads((settings.BASE_DIR / "fixtures" / "company.json").read_text(encoding="utf-8"))
    people = []
    for one in company["staff"]:
        user = User.objects.filter(username=one["username"], is_active=True).first()
        if user:
            roles = sorted(user.groups.values_list("name", flat=True)) or sorted(roles_of(user))
            people.append((", ".join(_english(role) for role in roles), user.username))
    return people, str(company["password"])


def _english(role: str) -> str:
    from django.utils import translation

    with translation.override("en"):
        return str(ROLES.get(role, role))
