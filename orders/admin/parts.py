"""What the parts of the desk bring to the page and the list of orders: cards, buttons, actions on many.

A part registers them in its `orders.pages` module. The page itself knows no part.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

from django.http import HttpRequest

from orders.models import Order

Place = Literal["buttons", "main", "side"]
Facts = Callable[[HttpRequest, Order], dict[str, Any] | None]
Work = Callable[[HttpRequest, Order], Any]  # what it returns is the answer; None goes back to the order's page


@dataclasses.dataclass(frozen=True, slots=True)
class Card:
    """A piece of the page: `template` gets `part`, what `facts` says; None shows nothing."""

    name: str
    place: Place
    template: str
    facts: Facts
    order: int = 100


_cards: dict[str, Card] = {}
_work: dict[str, tuple[str, Work]] = {}
_bulk: dict[str, Any] = {}


def register_part(name: str, place: Place, template: str, facts: Facts, *, order: int = 100) -> None:
    """Add a piece to the page of an order: among the buttons, below the goods, or at the side."""
    _cards[name] = Card(name, place, template, facts, order)


def register_work(name: str, permission: str, work: Work) -> None:
    """Add what a button of the page (`<button name="do" value="NAME">`) does, and the right it takes."""
    _work[name] = (permission, work)


def register_bulk(action: Any) -> None:
    """Add an action on many orders: a function as `admin.action` makes it, called with (admin, request, queryset)."""
    _bulk[action.__name__] = action


def shown(request: HttpRequest, order: Order) -> dict[str, list[dict[str, Any]]]:
    """Return the pieces of one order's page by place, each with its template and its facts."""
    found: dict[str, list[dict[str, Any]]] = {"buttons": [], "main": [], "side": []}
    for card in sorted(_cards.values(), key=lambda one: one.order):
        facts = card.facts(request, order)
        if facts is not None:
            found[card.place].append({"template": card.template, "part": facts})
    return found


def work_of(name: str) -> tuple[str, Work | None]:
    """Return the right and the function behind a button; ("", None) when no part brings it."""
    return _work.get(name, ("", None))


def bulk_actions() -> Sequence[Any]:
    """Return the actions on many orders that the parts bring."""
    return tuple(_bulk.values())
