"""Could this phone number be dialled? By country, offline, from Google's numbering plans (phonenumbers).

Nearly every number is decided by its country's general pattern, compiled once; only what that cannot tell goes through
the library's full parser, which is twenty times slower.
"""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, NumberParseException, PhoneMetadata

_DROP = str.maketrans("", "", " \t-.()/\u00a0\u2010\u2011\u2012\u2013")
_NATIONAL = re.compile(r"\d{4,15}")
MASKS = ("*", "•", "x", "X")


def masked(text: str) -> bool:
    """True when a platform has hidden digits on purpose."""
    return any(mask in text for mask in MASKS) and any(char.isdigit() for char in text)


def dialable(text: str, country: str) -> bool:
    """True when the number is valid in its own international form, or in the country's national form."""
    plain = text.translate(_DROP)
    if plain.startswith("+"):
        if _international(plain[1:]):
            return True
    elif _NATIONAL.fullmatch(plain) and _matches(country, plain.removeprefix("0")):
        return True
    return _parsed(text, country)


def _international(digits: str) -> bool:
    """Decide `33612345678` by the plan of its calling code; False when in doubt."""
    for length in (1, 2, 3):
        code = digits[:length]
        if code.isdecimal() and code.isascii() and int(code) in COUNTRY_CODE_TO_REGION_CODE:
            return any(_matches(region, digits[length:]) for region in COUNTRY_CODE_TO_REGION_CODE[int(code)][:3])
    return False


def _matches(region: str, national: str) -> bool:
    pattern = _general_pattern(region)
    return pattern is not None and pattern.fullmatch(national) is not None


@lru_cache(maxsize=512)
def _general_pattern(region: str) -> re.Pattern[str] | None:
    metadata = PhoneMetadata.metadata_for_region(region, None) if region else None
    if metadata is None or metadata.general_desc is None or not metadata.general_desc.national_number_pattern:
        return None
    return re.compile(metadata.general_desc.national_number_pattern)


@lru_cache(maxsize=4096)
def _parsed(text: str, country: str) -> bool:
    try:
        number = phonenumbers.parse(text[:60], country or None)
    except NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)
