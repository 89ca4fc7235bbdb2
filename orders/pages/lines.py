"""Lines of the sidebar: lists by their model."""

from __future__ import annotations

from typing import Any

from backoffice.site import register_sidebar

List = tuple[str, Any, str, str]  # section, title, model, icon


def register_lists(*lists: List, order: int) -> None:
    """Add lists, shown to whoever may read their model, from a place on."""
    for place, (section, title, model, icon) in enumerate(lists, order):
        url, right = f"admin:orders_{model}_changelist", f"orders.view_{model}"
        register_sidebar(section, title, url, icon=icon, permission=right, order=place)
