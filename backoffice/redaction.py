"""What must not be kept: secrets by their name, and people in the words of strangers. No Django."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

REDACTED = "•••"
SECRET_NAME = re.compile(
    r"password|passwd|token|secret|credential|authorization|api_?key|private_?key|signature|session|cookie",
    re.IGNORECASE,
)

EMAIL = re.compile(r"[^\s@,;:<>\"'()]+@[^\s@,;:<>\"'()]+\.\w{2,}")
PHONE = re.compile(r"\+?\(?\d(?:[\s()./-]{0,2}\d){6,}")
LETTERS_OF_A_WORD = 4  # shorter words of a name or street also stand in other sentences


def redacted(value: Any) -> Any:
    """Return a copy in which whatever stands under a name like password, token or secret is blotted out."""
    if isinstance(value, Mapping):
        return {
            str(key): REDACTED if SECRET_NAME.search(str(key)) and item else redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return value


def without_people(text: str, known: Iterable[str] = (), *, any_number: bool = True) -> str:
    """Return a stranger's words without e-mail addresses, phone numbers and whatever is `known` of a person.

    Known values go as a whole and word by word, phone numbers however they are written. With `any_number` every
    number as long as a phone's goes, else only the known ones.
    """
    text = EMAIL.sub(REDACTED, without_known(text, known_patterns(known)))
    return PHONE.sub(REDACTED, text) if any_number else text


def without_known(value: Any, patterns: list[re.Pattern[str]]) -> Any:
    """Return a text, or JSON with all its texts, without what the patterns find."""
    if isinstance(value, str):
        for pattern in patterns:
            value = pattern.sub(REDACTED, value)
        return value
    if isinstance(value, Mapping):
        return {key: without_known(item, patterns) for key, item in value.items()}
    return [without_known(item, patterns) for item in value] if isinstance(value, list | tuple) else value


def known_patterns(known: Iterable[str]) -> list[re.Pattern[str]]:
    whole = {value.strip() for value in known if len(value.strip()) > 1}
    words = {
        word
        for value in whole
        for word in re.split(r"[\s,;/]+", value)
        if len(word) >= LETTERS_OF_A_WORD and not word.strip("+-.()").isdecimal()
    }
    found = [re.compile(re.escape(one), re.IGNORECASE) for one in sorted(whole | words, key=len, reverse=True)]
    numbers = {digits[-9:] for value in whole if len(digits := re.sub(r"\D", "", value)) >= 7}
    return [re.compile(r"\+?(?:\d[\s()./-]{0,2})*" + r"[\s()./-]{0,2}".join(one)) for one in numbers] + found
