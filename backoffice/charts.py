"""Charts drawn on the server as SVG: no script needed, each point a link with its figure, readable in the dark."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 10, 24
COLOURS = ("#2563eb", "#f59e0b", "#10b981", "#a855f7", "#ef4444", "#64748b")
Number = Decimal | int | float


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """One line or one colour of bars; `urls` may name the rows behind each value."""

    name: Any
    values: Sequence[Number]
    urls: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """Values over labels. `kind` is `bar` (stacked) or `line`; negative values are drawn as zero."""

    labels: Sequence[Any]
    series: Sequence[Series]
    kind: str = "bar"
    title: Any = ""

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to draw."""
        return not self.labels or not any(value for one in self.series for value in one.values)

    def svg(self) -> SafeString:
        """Return the picture."""
        top = nice_top(self._highest())
        body = self._bars(top) if self.kind == "bar" else self._lines(top)
        return format_html(
            '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" class="yk-chart">{}{}{}</svg>',
            WIDTH, HEIGHT, self.title, self._grid(top), body, self._labels(),
        )  # fmt: skip

    def legend(self) -> SafeString:
        """Return names and colours, when there is more than one series."""
        if len(self.series) < 2:
            return SafeString("")
        rows = ((COLOURS[i % len(COLOURS)], one.name) for i, one in enumerate(self.series))
        return format_html_join(
            "",
            '<li class="yk-legend"><svg viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="{}"/></svg>{}</li>',
            rows,
        )

    def _highest(self) -> float:
        if self.kind == "bar":
            return max((sum(self._value(one, i) for one in self.series) for i in range(len(self.labels))), default=0)
        return max((self._value(one, i) for one in self.series for i in range(len(self.labels))), default=0)

    @staticmethod
    def _value(one: Series, place: int) -> float:
        return max(float(one.values[place]), 0.0) if place < len(one.values) else 0.0

    def _x(self, place: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * place / max(len(self.labels), 1)

    @staticmethod
    def _y(value: float, top: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top

    def _grid(self, top: float) -> SafeString:
        rows = []
        for quarter in range(5):
            value = top * quarter / 4
            y = round(self._y(value, top), 1)
            rows.append((LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, short(value)))
        return format_html_join(
            "",
            '<line class="yk-grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
            '<text class="yk-axis" text-anchor="end" x="{}" y="{}">{}</text>',
            rows,
        )

    def _labels(self) -> SafeString:
        step = max(len(self.labels) // 8, 1)
        shown = [(i, label) for i, label in enumerate(self.labels) if i % step == 0]
        rows = [
            (" yk-spare" if number % 3 else "", round(self._x(i + 0.5), 1), HEIGHT - 6, label)
            for number, (i, label) in enumerate(shown)
        ]
        return format_html_join("", '<text class="yk-axis{}" text-anchor="middle" x="{}" y="{}">{}</text>', rows)

    def _bars(self, top: float) -> SafeString:
        parts = []
        width = (self._x(1) - self._x(0)) * 0.7
        for place in range(len(self.labels)):
            base = 0.0
            for number, one in enumerate(self.series):
                value = self._value(one, place)
                if value:
                    y, under = self._y(base + value, top), self._y(base, top)
                    shape = format_html(
                        '<rect x="{}" y="{}" width="{}" height="{}" rx="2" fill="{}"><title>{}</title></rect>',
                        round(self._x(place + 0.15), 1), round(y, 1), round(width, 1), round(under - y, 1),
                        COLOURS[number % len(COLOURS)], self._tip(one, place),
                    )  # fmt: skip
                    parts.append((_linked(shape, one, place),))
                base += value
        return format_html_join("", "{}", parts)

    def _lines(self, top: float) -> SafeString:
        parts = []
        for number, one in enumerate(self.series):
            colour = COLOURS[number % len(COLOURS)]
            points = [
                (round(self._x(i + 0.5), 1), round(self._y(self._value(one, i), top), 1))
                for i in range(len(self.labels))
            ]
            path = " ".join(f"{x},{y}" for x, y in points)
            parts.append(
                (format_html('<polyline points="{}" fill="none" stroke="{}" stroke-width="2"/>', path, colour),)
            )
            for place, (x, y) in enumerate(points):
                dot = format_html(
                    '<circle cx="{}" cy="{}" r="4" fill="{}"><title>{}</title></circle>',
                    x, y, colour, self._tip(one, place),
                )  # fmt: skip
                parts.append((_linked(dot, one, place),))
        return format_html_join("", "{}", parts)

    def _tip(self, one: Series, place: int) -> str:
        value = one.values[place] if place < len(one.values) else 0
        name = f"{one.name} · " if len(self.series) > 1 else ""
        return f"{name}{self.labels[place]}: {value:,}"


def _linked(shape: SafeString, one: Series, place: int) -> SafeString:
    url = one.urls[place] if place < len(one.urls) else ""
    return format_html('<a href="{}">{}</a>', url, shape) if url else shape


def nice_top(highest: float) -> float:
    """Return the next round number (1, 2, 4, 5 or 8 times a power of ten, at least 4) for the axis."""
    if highest <= 4:
        return 4.0
    power = 10.0 ** (len(str(int(highest))) - 1)
    return next(step * power for step in (1, 2, 4, 5, 8, 10, 20) if step * power >= highest)


def short(value: float) -> str:
    """Return a figure for an axis: 950, 1.5k, 20k, 3M."""
    for limit, word in ((1_000_000, "M"), (1_000, "k")):
        if value >= limit:
            return f"{value / limit:.1f}".rstrip("0").rstrip(".") + word
    return f"{value:g}"
