"""Tracking numbers as carriers hand them out: prefix, figure, check digit, suffix. Pure."""

from __future__ import annotations

from orders.carriers.base import CarrierError

S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)  # UPU S10, 8 digits


def s10_digit(figure: str) -> int:
    """Return the check digit of the eight digits of a UPU S10 number."""
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(figure, S10_WEIGHTS, strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest)


def mod10_digit(figure: str) -> int:
    """Return the GS1 check digit: threefold and onefold from the right."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(figure)))
    return -total % 10


def written(*, prefix: str, figure: int, digits: int, suffix: str, check: str) -> str:
    """Return the number as it stands on the parcel. Raises CarrierError bad_range: the figure has too many digits."""
    text = f"{figure:0{digits}d}"
    if len(text) != digits or (check == "s10" and digits != len(S10_WEIGHTS)):
        raise CarrierError("bad_range", "the figure does not fit its digits", permanent=True)
    digit = {"s10": s10_digit, "mod10": mod10_digit}.get(check)
    return f"{prefix}{text}{digit(text) if digit else ''}{suffix}"


def is_s10(number: str) -> bool:
    """Say whether a text is a UPU S10 number with the right check digit."""
    number = number.strip().upper()
    return (
        len(number) == 13
        and number[:2].isalpha()
        and number[2:11].isdecimal()
        and number[11:].isalpha()
        and number.isascii()
        and int(number[10]) == s10_digit(number[2:10])
    )
