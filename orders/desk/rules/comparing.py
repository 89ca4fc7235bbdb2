"""How one condition is tried: from a field's kind, a comparison and a value to a function of an order's values."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import re2
from django.utils.translation import gettext as _

from orders.desk.rules.fields import FLAG, HOUR, LISTS, NUMBER, TAGS, TEXT, WORDS

Values = Mapping[str, Any]
Test = Callable[[Values], bool]
PATTERN_MEMORY = 4 << 20


@lru_cache(maxsize=256)
def pattern_of(text: str) -> Any:
    """Compile with RE2: it cannot explode, whatever the pattern (no backtracking; its memory is bounded)."""
    options = re2.Options()
    options.case_sensitive, options.log_errors, options.max_mem = False, False, PATTERN_MEMORY
    try:
        return re2.compile(text, options)
    except re2.error as error:
        raise ValueError(_("The pattern “%(pattern)s” cannot be used.") % {"pattern": text[:60]}) from error


def folded(text: Any) -> str:
    """Text as it is compared: full width, case and doubled spaces make no difference."""
    return " ".join(unicodedata.normalize("NFKC", str(text)).casefold().split())


def test_of(kind: str, key: str, op: str, value: Any) -> Test:
    """Return the test of a field's kind; `key` is where the order's values hold what is asked, `value` is checked."""
    makers: dict[str, Callable[[str, str, Any], Test]] = {
        TEXT: _text_test, WORDS: _words_test, TAGS: _tags_test, NUMBER: _number_test, HOUR: _hour_test,
        FLAG: _flag_test,
    }  # fmt: skip
    return makers.get(kind, _choice_test)(key, op, value)


def _filled_test(key: str, op: str) -> Test:
    return (lambda v: not v[key]) if op == "empty" else (lambda v: bool(v[key]))


def _text_test(key: str, op: str, value: Any) -> Test:
    if op in ("empty", "filled"):
        return _filled_test(key, op)
    if op == "matches":
        pattern = pattern_of(value)
        return lambda v: pattern.search(v[key]) is not None
    if op in LISTS:
        wanted = frozenset(map(folded, value))
        return (lambda v: v[key] in wanted) if op == "one_of" else (lambda v: v[key] not in wanted)
    asked = folded(value)
    return {
        "is": lambda v: v[key] == asked,
        "is_not": lambda v: v[key] != asked,
        "contains": lambda v: asked in v[key],
        "contains_not": lambda v: asked not in v[key],
        "starts": lambda v: v[key].startswith(asked),
    }[op]


def _words_test(key: str, op: str, value: Any) -> Test:
    if op in ("empty", "filled", "matches"):
        return _text_test(key, op, value)
    words = tuple(filter(None, map(folded, value)))
    if op == "has_word":
        return lambda v: any(stands_in(v[key], word) for word in words)
    return lambda v: not any(stands_in(v[key], word) for word in words)


_WORD = frozenset("_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def stands_in(text: str, word: str) -> bool:
    """Say whether a word is in a text; one in Latin letters must stand alone, so that “gift” is not in “gifted”."""
    at = text.find(word)
    if at < 0 or not word.isascii():
        return at >= 0
    first, last = word[0] in _WORD, word[-1] in _WORD
    while at >= 0:
        end = at + len(word)
        before, after = at > 0 and text[at - 1] in _WORD, end < len(text) and text[end] in _WORD
        if before != first and after != last:
            return True
        at = text.find(word, at + 1)
    return False


def _choice_test(key: str, op: str, value: Any) -> Test:
    wanted = frozenset(map(str, value))
    return (lambda v: v[key] in wanted) if op == "one_of" else (lambda v: v[key] not in wanted)


def _tags_test(key: str, op: str, value: Any) -> Test:
    if op in ("empty", "filled"):
        return _filled_test(key, op)
    wanted = frozenset(map(folded, value))
    return (lambda v: not wanted.isdisjoint(v[key])) if op == "has" else (lambda v: wanted.isdisjoint(v[key]))


def _number_test(key: str, op: str, value: Any) -> Test:
    """A figure that is not known fails every comparison."""
    if op == "between":
        low, high = value
        return lambda v: v[key] is not None and low <= v[key] <= high
    return {
        "at_least": lambda v: v[key] is not None and v[key] >= value,
        "at_most": lambda v: v[key] is not None and v[key] <= value,
        "more": lambda v: v[key] is not None and v[key] > value,
        "less": lambda v: v[key] is not None and v[key] < value,
        "equals": lambda v: v[key] is not None and v[key] == value,
    }[op]


def _hour_test(key: str, op: str, value: Any) -> Test:
    """From 22 to 6 goes over midnight; the second hour is outside."""
    low, high = value
    if low <= high:
        return lambda v: low <= v[key] < high
    return lambda v: v[key] >= low or v[key] < high


def _flag_test(key: str, op: str, value: Any) -> Test:
    return (lambda v: v[key] is True) if op == "yes" else (lambda v: v[key] is False)
