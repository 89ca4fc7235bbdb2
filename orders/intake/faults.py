"""Why an order cannot be stored as it came: a code, the field at fault, and a sentence for whoever mends it."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Any] = {
    "empty": _("“%(field)s” is empty."),
    "too_long": _("“%(field)s” is too long to be kept."),
    "not_a_number": _("“%(field)s” is not a number: “%(value)s”."),
    "negative": _("“%(field)s” is below zero: %(value)s."),
    "too_large": _("“%(field)s” is too large to be true: %(value)s."),
    "too_fine": _("“%(field)s” has more than three decimal places: %(value)s."),
    "no_time_zone": _("“%(field)s” says no time zone."),
    "no_such_time": _("“%(field)s” is no time between 1970 and 2200: %(value)s."),
    "twice": _("“%(field)s” stands twice in the order: “%(value)s”."),
    "unreadable": _("“%(field)s” holds characters that cannot be kept."),
    "reserved": _("“%(field)s” begins like an order entered here: “%(value)s”."),
    "fault": _("The order could not be stored: %(value)s."),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """`field` is the path in contracts.IncomingOrder (`lines[2].quantity`); `retryable`: later it may go by itself."""

    code: str
    field: str = ""
    value: str = ""
    retryable: bool = False

    @property
    def message(self) -> str:
        """The sentence, in the language of whoever reads it."""
        return str(SENTENCES[self.code]) % {"field": self.field, "value": self.value}


class Refused(Exception):
    """An order that cannot be stored."""

    def __init__(self, code: str, field: str, value: object = "") -> None:
        super().__init__(f"{code}: {field}")
        self.fault = Fault(code, field, str(value)[:100])
