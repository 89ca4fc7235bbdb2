"""Lines of the sidebar: lists by their model, pages by their name."""

from __future__ import annotations

from typing import Any

from backoffice.site import register_sidebar

List = tuple[str, Any, str, str]  # section, title, model, icon
Page = tuple[str, Any, str, str, str]  # section, title, name of the page, icon, right


def register_lists(*lists: List, order: int) -> None:
    """Add lists, shown to whoever may read their model, from a place on."""
    for place, (section, title, model, icon) in enumerate(lists, order):
        url, right = f"admin:orders_{model}_changelist", f"orders.view_{model}"
        register_sidebar(section, title, url, icon=icon, permission=right, order=place)


def register_pages(*pages: Page, order: int, badge: Any = None) -> None:
    """Add pages that are no plain list, shown to whoever has the right."""
    for place, (section, title, name, icon, right) in enumerate(pages, order):
        url, permission = f"admin:orders_{name}", f"orders.{right}"
        register_sidebar(section, title, url, icon=icon, permission=permission, order=place, badge=badge)
