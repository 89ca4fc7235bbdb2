"""The sidebar of the admin, grouped by job. Apps bring their own entries; this module knows none of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet, Value
from django.http import HttpRequest
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.translation import gettext_lazy as _

SECTIONS: dict[str, Any] = {
    "orders": _("Orders"),
    "floor": _("Warehouse floor"),
    "after_sales": _("After-sales"),
    "desk": _("Incidents and messages"),
    "stock": _("Stock"),
    "purchasing": _("Purchasing"),
    "shops": _("Shops"),
    "books": _("Books"),
    "rules": _("Rules of orders"),
    "order_settings": _("Settings of orders"),
    "settings": _("Settings"),
}
FOLDED = ("rules", "order_settings", "settings")  # opened when one of their pages is shown
Permission = str | Callable[[HttpRequest], bool] | None
Badge = Callable[[HttpRequest], QuerySet[Any] | None]


@dataclasses.dataclass(frozen=True, slots=True)
class SidebarItem:
    """One line of the sidebar. `url` is a name (`admin:orders_order_changelist`) or an address starting with `/`."""

    section: str
    title: Any
    url: str
    icon: str = "chevron_right"
    permission: Permission = None
    order: int = 100
    query: str = ""  # "?state__exact=held"
    badge: Badge | None = None


_items: dict[tuple[str, str, str], SidebarItem] = {}


def register_sidebar(
    section: str,
    title: Any,
    url: str,
    *,
    icon: str = "chevron_right",
    permission: Permission = None,
    order: int = 100,
    query: str = "",
    badge: Badge | None = None,
) -> None:
    """Add a line to the sidebar; call it in AppConfig.ready(). `icon` is a Material Symbols name.

    `permission` is `app.codename` or a function of the request; without the right the line is not shown. `badge`
    returns the rows whose number stands behind the title (None or no row shows nothing); the badges of a page are
    counted in one statement, so it must not ask the database itself. Raises ValueError for an unknown section.
    """
    if section not in SECTIONS:
        raise ValueError(f"No sidebar section {section!r}; there are: {', '.join(SECTIONS)}.")
    item = SidebarItem(section, title, url, icon, permission, order, query, badge)
    _items[section, url, query] = item


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return what this person may see, section by section: `title`, whether it folds and is `open`, its `items`."""
    home = {"title": _("Home"), "icon": "home", "link": reverse("admin:index"), "badge": "", "active": False}
    groups: list[dict[str, Any]] = [{"title": "", "collapsible": False, "open": True, "items": [home]}]
    shown = [item for item in sorted(_items.values(), key=lambda one: one.order) if allowed(request, item.permission)]
    figures = _figures(request, shown)
    for section, title in SECTIONS.items():
        chosen = [(place, item) for place, item in enumerate(shown) if item.section == section]
        lines = [line for place, item in chosen if (line := _line(item, figures.get(place, 0)))]
        if lines:
            groups.append({"title": title, "collapsible": section in FOLDED, "open": False, "items": lines})
    _light(request, groups)
    return groups


def _figures(request: HttpRequest, items: Sequence[SidebarItem]) -> dict[int, int]:
    """Return the figures of the badges by the item's place, counted in one statement however many there are."""
    asked = [(place, rows) for place, one in enumerate(items) if one.badge and (rows := one.badge(request)) is not None]
    counts = [
        rows.order_by().annotate(badge_place=Value(place)).values("badge_place").annotate(badge_count=Count("pk"))
        for place, rows in asked
    ]
    if not counts:
        return {}
    told = counts[0].union(*counts[1:], all=True) if len(counts) > 1 else counts[0]
    return dict(told.values_list("badge_place", "badge_count"))


def _light(request: HttpRequest, groups: Sequence[dict[str, Any]]) -> None:
    """Light one line alone, the list's as well as on each page below its address, and open its section."""
    if request.path == groups[0]["items"][0]["link"]:
        groups[0]["items"][0]["active"] = True
        return
    here = f"{request.path}?{request.GET.urlencode()}"
    lines = [(line, group) for group in groups[1:] for line in group["items"]]
    exact = [pair for pair in lines if pair[0]["link"] == here]
    above = [pair for pair in lines if "?" not in pair[0]["link"] and request.path.startswith(pair[0]["link"])]
    for line, group in exact[:1] or sorted(above, key=lambda pair: len(pair[0]["link"]))[-1:]:
        line["active"] = group["open"] = True


def environment(request: HttpRequest) -> list[str] | None:
    """Mark the demo in the page's head (named in UNFOLD["ENVIRONMENT"])."""
    return [str(_("Demo")), "warning"] if settings.DEMO else None


def allowed(request: HttpRequest, permission: Permission) -> bool:
    """True when the person has the permission (`app.codename`), or the function says so."""
    if permission is None:
        return True
    return request.user.has_perm(permission) if isinstance(permission, str) else bool(permission(request))


def _line(item: SidebarItem, figure: int) -> dict[str, Any] | None:
    link = item.url if item.url.startswith("/") else _address(item.url, get_urlconf(), get_script_prefix())
    if link is None:
        return None
    badge = str(figure) if figure else ""
    return {"title": item.title, "icon": item.icon, "link": link + item.query, "badge": badge, "active": False}


@cache
def _address(name: str, urlconf: str | None, prefix: str) -> str | None:
    """Where a name leads: asked once, as each page names them all. None: registered, but its page is switched off."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return None
