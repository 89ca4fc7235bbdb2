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
DIGITS_OF_A_PHONE = 7  # fewer are a house number: they stand in order numbers and amounts as well
_LATIN = "0-9A-Za-z\u00c0-\u024f"


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
    """Return what finds these values in a text: as a whole, word by word, and phone numbers however they are written.

    In Latin letters they are found where a word begins, a short one alone: "Li" is not in "Lisbon". What is in digits
    alone and shorter than a phone number is not looked for.
    """
    whole = {value.strip() for value in known if len(value.strip()) > 1}
    words = {
        word for value in whole for word in re.split(r"[\s,;/]+", value) if len(word) >= LETTERS_OF_A_WORD
    }  # fmt: skip
    told = {one for one in whole | words if any(sign.isalpha() for sign in one)}
    found = [re.compile(_as_word(one), re.IGNORECASE) for one in sorted(told, key=lambda one: (-len(one), one))]
    numbers = {digits[-9:] for value in whole if len(digits := re.sub(r"\D", "", value)) >= DIGITS_OF_A_PHONE}
    return [re.compile(r"\+?(?:\d[\s()./-]{0,2})*" + r"[\s()./-]{0,2}".join(one)) for one in sorted(numbers)] + found


def _as_word(value: str) -> str:
    first = rf"(?<![{_LATIN}])" if re.match(f"[{_LATIN}]", value) else ""
    short = len(value) < LETTERS_OF_A_WORD and re.match(f"[{_LATIN}]", value[-1])
    return first + re.escape(value) + (rf"(?![{_LATIN}])" if short else "")
