"""A person's own notices, and how he wants to be told."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_time
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from backoffice import audit, clock
from backoffice.models import NoticePreference, StaffNotice, User

MOST = 100


@require_http_methods(["GET", "POST"])
def own(request: HttpRequest) -> HttpResponse:
    """Show the newest notices; mark them read, or save the wishes."""
    if request.method == "POST":
        if request.POST.get("do") == "read":
            StaffNotice.objects.filter(user=request.user.pk, read_at__isnull=True).update(read_at=clock.now())
        else:
            _save(request)
        return HttpResponseRedirect(reverse("notices"))
    wish = NoticePreference.objects.filter(user=request.user.pk).first() or NoticePreference()
    rows = list(StaffNotice.objects.filter(user=request.user.pk).order_by("-id")[:MOST])
    context = {
        **admin.site.each_context(request), "title": _("My notices"), "rows": rows, "wish": wish,
        "digests": NoticePreference.Digest.choices, "unread": any(row.read_at is None for row in rows),
        "email": request.user.email,  # type: ignore[union-attr]
    }  # fmt: skip
    return TemplateResponse(request, "admin/messages/notices.html", context)


def _save(request: HttpRequest) -> None:
    post = request.POST
    digest = post.get("digest", "")
    start, end = _time(post.get("quiet_from", "")), _time(post.get("quiet_to", ""))
    values: dict[str, Any] = {
        "email": "email" in post,
        "digest": digest if digest in NoticePreference.Digest.values else NoticePreference.Digest.NOW,
        "quiet_from": start if end else None,  # one of the two alone says nothing
        "quiet_to": end if start else None,
    }
    NoticePreference.objects.update_or_create(user=cast(User, request.user), defaults=values)
    audit.record(
        action="notices.wishes", target=f"backoffice.user:{request.user.pk}",
        after={name: value if isinstance(value, bool) else str(value or "") for name, value in values.items()},
    )  # fmt: skip
    messages.success(request, _("Saved."))


def _time(text: str) -> dt.time | None:
    try:
        return parse_time(text[:8])
    except ValueError:
        return None
