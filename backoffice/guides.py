"""How each task goes, on one screen with a picture: the apps bring the guides, this module shows them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _now
from django.views.decorators.http import require_safe

from backoffice.site import Permission, allowed


@dataclasses.dataclass(frozen=True, slots=True)
class Guide:
    """One task. `pages` are names of addresses: there and below them the guide is one click away; the first is its own.

    `picture` is a static file without the ending "-zh.webp" or "-en.webp"; `tall` for one of a phone.
    """

    key: str
    title: Any
    intro: Any
    steps: Sequence[tuple[Any, Any]]  # what to do, and a sentence about it
    pages: Sequence[str]
    picture: str
    permission: Permission = None
    tips: Sequence[Any] = ()
    tall: bool = False
    order: int = 100

    def picture_in(self, language: str) -> str:
        """Return the picture for a language."""
        return f"{self.picture}-{'zh' if language.startswith('zh') else 'en'}.webp"


_guides: dict[str, Guide] = {}


def register_guide(guide: Guide) -> None:
    """Add a guide; call it in AppConfig.ready()."""
    _guides[guide.key] = guide


def guides() -> list[Guide]:
    """Return all guides in their order."""
    return sorted(_guides.values(), key=lambda one: (one.order, one.key))


def guide_link(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: the address of the guide to this page, or of all guides."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {"guide_url": lambda: _url_for(request)}


def _url_for(request: HttpRequest) -> str:
    best, length = "", 0
    for guide in guides():
        for name in guide.pages:
            start = _address(name)
            if start and request.path.startswith(start) and len(start) > length and allowed(request, guide.permission):
                best, length = guide.key, len(start)
    return reverse("guide", args=[best]) if best else reverse("guides")


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All tasks that this person's rights allow."""
    shown = [one for one in guides() if allowed(request, one.permission)]
    context = {**admin.site.each_context(request), "title": _now("How it goes"), "guides": shown}
    return TemplateResponse(request, "admin/guides/index.html", context)


@require_safe
def page(request: HttpRequest, key: str) -> HttpResponse:
    """One task on one screen. A guide to what the person may not do is not there."""
    guide = _guides.get(key)
    if guide is None or not allowed(request, guide.permission):
        raise Http404
    context = {
        **admin.site.each_context(request), "title": guide.title, "guide": guide,
        "picture": guide.picture_in(get_language() or "en"), "page_url": _address(guide.pages[0]),
    }  # fmt: skip
    return TemplateResponse(request, "admin/guides/page.html", context)
