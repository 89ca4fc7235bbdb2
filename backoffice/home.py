"""The home page: cards brought by the apps, each a question the seller asks in the morning, each figure a link.

An app registers a provider in `ready()`; the provider gets the request and returns a `HomeCard` (None hides it). One
that fails shows as a card that cannot be read now: the others stand.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from django.db import connection, transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from backoffice.charts import Chart
from backoffice.site import Permission, allowed

log = structlog.get_logger(__name__)
TONES = ("neutral", "good", "warn", "bad")


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """One number with what it counts. `value` is ready for reading; `url` leads to the rows behind it."""

    label: Any
    value: Any
    url: str = ""
    tone: str = "neutral"
    note: Any = ""  # "12 % more than yesterday"
    share: float | None = None  # 0..1 draws a thin bar below the line


@dataclasses.dataclass(frozen=True, slots=True)
class HomeCard:
    """One card. `complete` False says that the figures may still grow, and `note` why ("Shop A: last read 14:02")."""

    title: Any
    figures: Sequence[Figure] = ()
    chart: Chart | None = None
    headline: Figure | None = None  # the one big number
    url: str = ""  # the whole list behind the card
    icon: str = "monitoring"
    empty: Any = _("Nothing here yet.")
    as_of: dt.datetime | None = None
    complete: bool = True
    note: Any = ""


Provider = Callable[[HttpRequest], HomeCard | None]


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    key: str
    provider: Provider
    order: int
    permission: Permission
    wide: bool


_places: dict[str, _Place] = {}


def register_card(
    key: str, provider: Provider, *, order: int = 100, permission: Permission = None, wide: bool = False
) -> None:
    """Add a card to the home page; a second registration under the same key replaces the first.

    `permission` is `app.codename` or a function of the request; `wide` cards take two columns on a desktop.
    """
    _places[key] = _Place(key, provider, order, permission, wide)


@dataclasses.dataclass(frozen=True, slots=True)
class ShownCard:
    """A card with its place in the order."""

    key: str
    wide: bool
    card: HomeCard
    place: int = 0

    @property
    def height(self) -> float:
        """About how high it will be, in lines."""
        card = self.card
        chart = 7.0 if card.chart and not card.chart.is_empty else 0.0
        return 2.0 + len(card.figures) * 1.3 + chart + (2.0 if card.headline else 0.0) + (1.0 if card.as_of else 0.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Columns:
    """The cards as a desktop shows them: wide ones over two columns, a third beside. A phone shows them in order."""

    wide: list[ShownCard]
    left: list[ShownCard]
    middle: list[ShownCard]
    right: list[ShownCard]


def in_columns(shown: Sequence[ShownCard]) -> Columns:
    """Spread the cards so that the columns end at about the same height."""
    columns = Columns([], [], [], [])
    heights = {"left": 0.0, "middle": 0.0, "right": 0.0}
    for one in (card for card in shown if card.wide):
        columns.wide.append(one)
        heights["left"] += one.height
        heights["middle"] += one.height
    for one in (card for card in shown if not card.wide):
        name = min(heights, key=lambda column: heights[column])
        getattr(columns, name).append(one)
        heights[name] += one.height
    return columns


def cards(request: HttpRequest) -> list[ShownCard]:
    """Return what this person sees, in order."""
    shown: list[ShownCard] = []
    for place in sorted(_places.values(), key=lambda one: (one.order, one.key)):
        if allowed(request, place.permission):
            card = _provided(place, request)
            if card:
                shown.append(ShownCard(place.key, place.wide, card, len(shown)))
    return shown


def _provided(place: _Place, request: HttpRequest) -> HomeCard | None:
    try:
        # Inside a transaction a failed query would spoil the cards behind it; outside, BEGIN IMMEDIATE would only wait.
        with transaction.atomic() if connection.in_atomic_block else contextlib.nullcontext():
            return place.provider(request)
    except Exception as error:  # one app's fault must not take the whole page away
        log.exception("home_card_failed", card=place.key, error=type(error).__name__)
        return HomeCard(
            title=place.key,
            icon="error",
            empty=_("This card cannot be read at the moment. The fault has been noted in the log."),
            complete=False,
        )


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Fill the admin's index page (named in UNFOLD["DASHBOARD_CALLBACK"])."""
    return {**context, "title": _("Home"), **page(request)}


def fragment(request: HttpRequest) -> str:
    """Return the cards alone, for the page that refreshes itself."""
    return render_to_string("admin/home_cards.html", page(request), request)


def page(request: HttpRequest) -> dict[str, Any]:
    """Return what the template of the cards needs."""
    return {"home": in_columns(cards(request)), "home_now": clock.now()}
