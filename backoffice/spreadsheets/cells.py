"""Turn what stands in a cell into what is meant, or say why not. Nothing is guessed and nothing rounded. No Django.

Excel's traps: a barcode shown as 6.9E+12 has lost its digits, 3-4 became a date, 00123 became 123, 0.1 + 0.2 is
0.30000000000000004, a date is a number of days, and a number may be text in full-width digits.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from backoffice.spreadsheets.limits import MOST_CHARACTERS
from backoffice.spreadsheets.refusals import BadCell

Converter = Callable[[Any], Any]
SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE][+-]?\d{1,3}")
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
CURRENCY_SIGNS = "¥￥$€£"
EXCEL_ERRORS = {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!"}
DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
DAY_ONE = dt.datetime(1899, 12, 30)
SERIAL_DAYS = (10_000, 110_000)  # 1927 to 2201: other numbers are no dates
YES, NO = {"1", "y", "yes", "true", "是", "有", "√", "✓", "对"}, {"0", "n", "no", "false", "否", "无", "×", "x", "错"}
MOST_INTEGER = 2**63 - 1


def is_empty(value: Any) -> bool:
    """True for a cell without content; a cell of blanks has none."""
    return value is None or (isinstance(value, str) and (not value or value.isspace()))


def clean(value: str) -> str:
    """Return text without surrounding blanks and without characters nobody can see (zero-width, control)."""
    kept = (char for char in value if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co"})
    return "".join(kept).replace("\xa0", " ").strip()


def text(value: Any) -> str:
    """Any cell as text: a number as it reads, a date in ISO form."""
    if isinstance(value, str):
        found = value.strip() if value.isascii() and value.isprintable() else clean(value)
        if found[:1] == "#" and found in EXCEL_ERRORS:
            raise BadCell("excel_error", value=found)
        if len(found) > MOST_CHARACTERS:
            raise BadCell("text_too_long", most=MOST_CHARACTERS)
        return found
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return number_text(value)
    return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else str(value)


def number_text(value: float) -> str:
    """A number as Excel shows it in a wide cell: whole without a point, else at most 15 digits."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.15g}"


def code(value: Any) -> str:
    """A SKU code: text as it stands; a number only while all its digits are there."""
    if isinstance(value, str):
        found = text(value)
        return found if found.isascii() and " " not in found else " ".join(unicodedata.normalize("NFKC", found).split())
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadCell("code_became_date" if isinstance(value, dt.date | dt.time) else "not_a_code", value=text(value))
    if abs(value) >= 1e15:
        raise BadCell("digits_lost", value=f"{value:.6E}")
    return number_text(value)


class Meant(str):
    """Text of a CSV that stood behind our apostrophe: it is as it reads, 1.23E+12 too."""

    __slots__ = ()


def csv_code(value: Any) -> str:
    """A SKU code from a CSV: shortened numbers are refused, unless an apostrophe said that they are text."""
    return code(value) if isinstance(value, Meant) else shortened_code(value)


def shortened_code(value: Any) -> str:
    """A code from a CSV, a barcode from anywhere: 1.23E+12 is what Excel leaves of a long number, so it is refused."""
    found = code(value)
    if SCIENTIFIC.fullmatch(found):
        raise BadCell("digits_lost", value=found)
    return found


def reference(value: Any) -> str:
    """A number that only names something (an order, a phone): text as it stands, all its digits there or refused."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= 1e15:
        raise BadCell("digits_lost", value=f"{value:.6E}")
    found = text(value)
    if SCIENTIFIC.fullmatch(found):
        raise BadCell("digits_lost", value=found)
    return found


def european(convert: Converter) -> Converter:
    """Where semicolons separate, the comma is mostly the decimal mark: 1,250 then means two things and is refused."""

    def careful(value: Any) -> Any:
        if isinstance(value, str) and ONE_GROUP.fullmatch(text(value).replace(" ", "")):
            raise BadCell("comma_is_unclear", value=text(value)[:40])
        return convert(value)

    return careful


def decimal(value: Any) -> Decimal:
    """A number, exactly. Groups of three (1,234.5) are read; 1,5 is refused because it means two things."""
    if isinstance(value, bool):
        raise BadCell("not_a_number", value=text(value))
    if isinstance(value, int | float):
        # Excel keeps 15 digits: what a binary float shows behind them is noise (0.30000000000000004).
        return Decimal(value) if isinstance(value, int) else Decimal(f"{value:.15g}")
    if not isinstance(value, str):
        raise BadCell("number_became_date", value=text(value))
    return _decimal_of_text(value)


def _decimal_of_text(value: str) -> Decimal:
    shown = text(value)
    plain = unicodedata.normalize("NFKC", shown).strip(CURRENCY_SIGNS).replace(" ", "").replace("−", "-")
    if GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    if not PLAIN.fullmatch(plain):
        raise BadCell("comma_is_unclear" if "," in plain and PLAIN.fullmatch(plain.replace(",", ".", 1)) else
                      "not_a_number", value=shown[:40])  # fmt: skip
    try:
        return Decimal(plain)
    except InvalidOperation:
        raise BadCell("not_a_number", value=shown[:40]) from None


def scaled(places: int, least: int | None = None) -> Converter:
    """Return a converter to whole units of 10^-places (the stored form of quantities and money)."""
    factor = 10**places
    lowest = None if least is None else least * factor

    def convert(value: Any) -> int:
        if type(value) is float and value.is_integer() and abs(value) < 1e15:
            units = int(value) * factor
        else:
            number = decimal(value).scaleb(places)
            units = int(number)
            if units != number:
                raise BadCell("too_many_places", value=text(value), places=places)
        if abs(units) > MOST_INTEGER:
            raise BadCell("number_too_large", value=text(value))
        if lowest is not None and units < lowest:
            raise BadCell("number_too_small", value=text(value), least=least)
        return units

    return convert


def plain_decimal(places: int, least: int | None = None) -> Converter:
    """Return a converter to the decimal's text, at most `places` behind the point."""
    convert = scaled(places, least)
    return lambda value: str(Decimal(convert(value)).scaleb(-places))


def moment(days_offset: int = 0) -> Converter:
    """Return a converter to a date with time; `days_offset` is 1462 in a workbook that counts from 1904."""

    def convert(value: Any) -> dt.datetime:
        if isinstance(value, dt.datetime):
            return value.replace(tzinfo=None)
        if isinstance(value, dt.date):
            return dt.datetime.combine(value, dt.time())
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _of_serial(value + days_offset, value)
        if isinstance(value, str):
            return _moment_of_text(value)
        raise BadCell("not_a_date", value=text(value))

    return convert


def _of_serial(days: float, shown: Any) -> dt.datetime:
    if not SERIAL_DAYS[0] <= days <= SERIAL_DAYS[1]:
        compact = COMPACT_DATE.fullmatch(number_text(shown))
        if compact:
            return _made(shown, *compact.groups())
        raise BadCell("not_a_date", value=text(shown))
    return DAY_ONE + dt.timedelta(seconds=round(days * 86_400))


def _moment_of_text(value: str) -> dt.datetime:
    plain = unicodedata.normalize("NFKC", text(value))
    found = DATE.fullmatch(plain) or COMPACT_DATE.fullmatch(plain)
    if not found:
        raise BadCell("not_a_date", value=plain[:40])
    return _made(plain[:40], *(part for part in found.groups() if part))


def _made(shown: Any, *parts: str) -> dt.datetime:
    try:
        return dt.datetime(*(int(part) for part in parts))  # type: ignore[arg-type]
    except ValueError:
        raise BadCell("not_a_date", value=text(shown)) from None


def yes_or_no(value: Any) -> bool:
    """A yes or a no, in words of either language."""
    word = text(value).casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    raise BadCell("not_yes_or_no", value=word[:40])
