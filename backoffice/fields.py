"""Numbers stored as scaled integers, seen as `Decimal`.

SQLite keeps a DecimalField as a float: a guarded update of 0.3 − 0.1 − 0.1 − 0.1 was refused when tried. Here 1.25
is stored as 1250 (three places), so that comparing, adding and summing in the database are exact on both engines.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.expressions import Combinable
from django.utils.translation import gettext_lazy as _

MAX_BIGINT = 2**63 - 1


class PlainDecimalField(forms.DecimalField):
    """Shows 2, not 2.000."""

    def prepare_value(self, value: Any) -> Any:
        return f"{value.normalize():f}" if isinstance(value, Decimal) and value.is_finite() else value


@lru_cache(maxsize=50_000)
def _unscaled(stored: int, places: int) -> Decimal:
    """The same few figures (no discount, one piece, a price) stand in most rows of a list."""
    return Decimal(stored).scaleb(-places)


class ScaledIntegerField(models.BigIntegerField):
    """A `Decimal` with a fixed number of places in a 64-bit integer column."""

    # What the type checker sees on a model: a Decimal, never the column's integer.
    _pyi_private_set_type: Decimal | int | str | Combinable  # type: ignore[assignment]
    _pyi_private_get_type: Decimal  # type: ignore[assignment]
    _pyi_lookup_exact_type: Any

    places: int = 0
    default_error_messages = {
        "invalid": _("“%(value)s” is not a number."),
        "places": _("At most %(places)s decimal places are kept; “%(value)s” has more."),
        "range": _("“%(value)s” is too large."),
    }

    def __init__(self, *args: Any, places: int | None = None, **kwargs: Any) -> None:
        self.places = self.places if places is None else places
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        if self.places != type(self).places:
            kwargs["places"] = self.places
        return name, path, args, kwargs

    @property
    def validators(self) -> list[Any]:
        # IntegerField's range validators compare against the column's bounds: the scaled value is checked in scale().
        return list(self.__dict__["_validators"])

    def scale(self, value: Any) -> int:
        """Return the stored integer for a number or numeric text; raises ValidationError, never rounds."""
        number = self.to_python(value)
        scaled = number.scaleb(self.places)
        whole = scaled.to_integral_value()
        if scaled != whole:
            self._fail("places", value)
        if abs(whole) > MAX_BIGINT:
            self._fail("range", value)
        return int(whole)

    def unscale(self, stored: int) -> Decimal:
        """Return the Decimal for a stored integer."""
        return Decimal(stored).scaleb(-self.places)

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, Decimal):
            number = value
        elif isinstance(value, bool | float):
            self._fail("invalid", value)
        else:
            try:
                number = Decimal(str(value).strip())
            except InvalidOperation:
                self._fail("invalid", value)
        if number is not None and not number.is_finite():
            self._fail("invalid", value)
        return number

    def _fail(self, code: str, value: Any) -> Any:
        params = {"value": value, "places": self.places}
        raise ValidationError(self.error_messages[code], code=code, params=params)

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return self.scale(value)

    def from_db_value(self, value: int | None, expression: Any, connection: Any) -> Decimal | None:
        """Sums of a bigint come back from PostgreSQL as numeric: both are whole numbers."""
        if value is None:
            return None
        return _unscaled(value, self.places) if type(value) is int else Decimal(value).scaleb(-self.places)

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else format(value, "f")

    def formfield(self, **kwargs: Any) -> Any:
        options: dict[str, Any] = {"form_class": PlainDecimalField, "decimal_places": self.places, "max_digits": 18}
        return models.Field.formfield(self, **{**options, **kwargs})


class QuantityField(ScaledIntegerField):
    """Pieces, metres or kilograms to three places."""

    places = 3


class MoneyField(ScaledIntegerField):
    """An amount of money to four places (three-decimal currencies and net unit prices fit)."""

    places = 4


class CostField(ScaledIntegerField):
    """A cost of one unit in the base currency to six places."""

    places = 6


class RateField(ScaledIntegerField):
    """An exchange rate, a share or a tax rate to ten places."""

    places = 10


def rounded(value: Decimal, places: int) -> Decimal:
    """Round half to even to `places`."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
