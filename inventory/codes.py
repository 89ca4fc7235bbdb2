"""SKU codes and barcodes: how two spellings of one code are told to be the same."""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LONGEST = 100
_SPACES = re.compile(r"\s+")
# Letters that are drawn as nothing at all but are not of category Cf: Hangul and Khmer fillers, Braille blank.
_BLANKS = dict.fromkeys(map(ord, "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"))
_DASHES = {ord(dash): "-" for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"}


def normalise(text: str | None) -> str:
    """Return the key under which a code is found: NFKC, no invisible characters, single spaces, case folded.

    Nothing is ever read as a number: `00123`, `1.23E+12` and `-12` stay three different codes. Empty text gives "".
    """
    if not text:
        return ""
    if text.isascii() and text.isprintable():  # nearly every code
        return " ".join(text.split()).casefold()
    folded = unicodedata.normalize("NFKC", display(text)).translate(_DASHES).casefold()
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", folded)).strip()


def display(text: str | None) -> str:
    """Return the code as a person typed it, without what nobody can see."""
    visible = "".join(char for char in (text or "").translate(_BLANKS) if not _invisible(char))
    return _SPACES.sub(" ", visible).strip()


def _invisible(char: str) -> bool:
    if char in "\t\n\r\v\f\x1c\x1d\x1e\x1f\x85":  # white space, becomes one space
        return False
    kind = unicodedata.category(char)
    return kind in {"Cc", "Cf", "Cs", "Co", "Cn"} or 0xFE00 <= ord(char) <= 0xFE0F or 0xE0100 <= ord(char) <= 0xE01EF


def checked(text: str | None, *, field: str | None = None) -> str:
    """Return the key of a code; raises ValidationError (on `field`, if given) for an empty or too long one."""
    key = normalise(text)
    if not key:
        _refuse(_("The code is empty."), "empty", field)
    if len(key) > LONGEST:
        _refuse(_("The code is longer than %(most)s characters."), "too_long", field, most=LONGEST)
    return key


def _refuse(message: object, code: str, field: str | None, **params: object) -> None:
    error = ValidationError(str(message) % params if params else message, code=code)  # type: ignore[arg-type]
    raise ValidationError({field: error}) if field else error
