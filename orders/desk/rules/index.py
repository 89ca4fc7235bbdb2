"""Which rules could match an order at all: each is filed under one thing that must be true of every order it matches.

A thing is a value (of the order or of one of its lines), a tag, a word in a note, a yes or no, or a figure that must be
reached or not passed. Looking up what an order has finds the few rules that are worth evaluating.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from typing import Any

import re2

from orders.desk.rules.comparing import Values, folded
from orders.desk.rules.conditions import LINES, Conditions, Row
from orders.desk.rules.fields import CHOICE, FLAG, NUMBER, TAGS, TEXT, WORDS

LEAST = {"at_least", "more", "equals", "between"}  # the figure must reach something
MOST = {"at_most", "less"}  # the figure must not pass something
# How many values a lookup is worth: the fewer, the more telling. What has to be worked out first comes later.
SHOP_WORTH, FIGURE_WORTH, FLAG_WORTH, DEAR_FIGURE_WORTH = 3, 4, 6, 8
MANY_WORDS = 300  # from here on one pattern for all of them says sooner that none is there
Figures = list[tuple[float, int]]


@dataclasses.dataclass(frozen=True, slots=True)
class Thing:
    """Something that must be true: kind of lookup, key in the values, what is looked for; `worth` is its length."""

    kind: str  # value | tag | word | line | least | most | line_least | line_most
    key: str
    wanted: tuple[Any, ...]
    worth: int


class Index:
    """Numbers of rules by what must be true of an order they match."""

    def __init__(self) -> None:
        self.always: list[int] = []
        self._sets: dict[str, dict[str, dict[Any, list[int]]]] = {"value": {}, "tag": {}, "word": {}, "line": {}}
        self._figures: dict[str, dict[str, Figures]] = {"least": {}, "most": {}, "line_least": {}, "line_most": {}}
        self._patterns: dict[str, Any] = {}

    def add(self, number: int, things: Sequence[Thing]) -> None:
        """File a rule under the most telling of the things that must be true."""
        if not things:
            self.always.append(number)
            return
        thing = min(things, key=lambda one: SHOP_WORTH if one.key == "shop" else one.worth)
        if thing.kind in self._figures:
            insort(self._figures[thing.kind].setdefault(thing.key, []), (float(thing.wanted[0]), number))
            return
        for value in thing.wanted:
            self._sets[thing.kind].setdefault(thing.key, {}).setdefault(value, []).append(number)

    def close(self) -> None:
        """Call it once, when all rules are filed."""
        many = {key: words for key, words in self._sets["word"].items() if len(words) > MANY_WORDS}
        self._patterns = {key: re2.compile("|".join(map(re2.escape, words))) for key, words in many.items()}

    def find(self, values: Values) -> list[int]:
        """Return the numbers of the rules worth evaluating, in order."""
        found = set(self.always)
        for key, by_value in self._sets["value"].items():
            found.update(by_value.get(values[key], ()))
        for key, by_tag in self._sets["tag"].items():
            for tag in values[key]:
                found.update(by_tag.get(tag, ()))
        for key, by_text in self._sets["line"].items():
            for line in values[LINES]:
                found.update(by_text.get(line[key], ()))
        self._add_words(values, found)
        self._add_figures(values, found)
        return sorted(found)

    def _add_words(self, values: Values, found: set[int]) -> None:
        for key, by_word in self._sets["word"].items():
            text, pattern = values[key], self._patterns.get(key)
            if text and (pattern is None or pattern.search(text)):
                for word, numbers in by_word.items():
                    if word in text:
                        found.update(numbers)

    def _add_figures(self, values: Values, found: set[int]) -> None:
        for kind, by_key in self._figures.items():
            for key, figures in by_key.items():
                figure = _extreme(kind, key, values)
                if figure is None:
                    continue
                reached = (
                    figures[: bisect_right(figures, (figure, _LAST))]
                    if kind.endswith("least")
                    else figures[bisect_left(figures, (figure, -1)) :]
                )
                found.update(number for _threshold, number in reached)


_LAST = 1 << 62


def _extreme(kind: str, key: str, values: Values) -> float | None:
    """Return the figure of the order, or the most favourable one of its lines."""
    if not kind.startswith("line"):
        return values[key]
    known = [line[key] for line in values[LINES] if line[key] is not None]
    return (max if kind == "line_least" else min)(known) if known else None


def necessary(conditions: Conditions) -> list[Thing]:
    """Return what must be true whenever the conditions hold, as far as it can be looked up."""
    if len(conditions.groups) > 1 and not conditions.every:
        return []
    found: list[Thing] = []
    for group in conditions.groups:
        if group.of in ("order", "any_line") and (group.every or len(group.rows) == 1):
            found += [one for one in (_looked_up(row, group.of) for row in group.rows) if one is not None]
    return found


def scoped(name: str, values: Iterable[str], *, tags: bool) -> Thing:
    """Return the scope of a rule as a thing that must be true."""
    wanted = tuple(sorted(values))
    return Thing("tag" if tags else "value", name, wanted, len(wanted))


def _looked_up(row: Row, of: str) -> Thing | None:
    if row.field.kind == NUMBER:
        return _figure(row, of)
    wanted = row.value if isinstance(row.value, list) else [row.value]
    if row.field.kind == TEXT and row.op in ("is", "one_of"):
        return _set("value" if of == "order" else "line", row, map(folded, wanted))
    if of != "order":
        return None
    if row.field.kind == FLAG:
        return Thing("value", row.key, (row.op == "yes",), FLAG_WORTH)
    if row.field.kind == CHOICE and row.op == "one_of":
        return _set("value", row, map(str, wanted))
    if row.field.kind == TAGS and row.op == "has":
        return _set("tag", row, map(folded, wanted))
    if row.field.kind == WORDS and row.op == "has_word":
        return _set("word", row, map(folded, wanted))
    return None


def _set(kind: str, row: Row, wanted: Iterable[str]) -> Thing:
    values = tuple(wanted)
    return Thing(kind, row.key, values, len(values))


def _figure(row: Row, of: str) -> Thing | None:
    """A figure that must be reached (or not passed); equal and between are covered by what they must reach."""
    if row.op not in LEAST | MOST:
        return None
    threshold = row.value[0] if isinstance(row.value, list) else row.value
    kind = ("" if of == "order" else "line_") + ("least" if row.op in LEAST else "most")
    return Thing(kind, row.key, (threshold,), DEAR_FIGURE_WORTH if row.field.needs else FIGURE_WORTH)
