"""Who can log in to the demo, read from what the demo loaded."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from backoffice.models import User
from backoffice.roles import ROLES, roles_of


def demo_people() -> tuple[list[tuple[str, str]], str]:
    """Return (role in words, user name) of each demo person, and their password."""
    company = json.loads((settings.BASE_DIR / "fixtures" / "company.json").read_text(encoding="utf-8"))
    wanted = [one["username"] for one in company["staff"]]
    users = {user.username: user for user in User.objects.filter(username__in=wanted, is_active=True)}
    people = [(_roles(users[name]), name) for name in wanted if name in users]
    return people, str(company["password"])


def _roles(user: User) -> str:
    names = sorted(user.groups.values_list("name", flat=True)) or sorted(roles_of(user))
    return ", ".join(str(ROLES.get(name, name)) for name in names)


def login_page(request: HttpRequest) -> dict[str, Any]:
    """Tell the log-in page whom to try it as (a context processor); nothing outside the demo."""
    if not settings.DEMO or request.path != reverse("admin:login"):
        return {}
    people, password = demo_people()
    return {"demo_people": people, "demo_password": password}
