"""What every request body obeys: unknown fields are errors, decimals travel as text."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from backoffice.fields import ScaledIntegerField

Row = TypeVar("Row", bound=models.Model)


class RowSerializer(serializers.ModelSerializer[Row]):
    """A model's row; scaled integers read as the decimals they stand for."""

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        if isinstance(model_field, ScaledIntegerField):
            options: dict[str, Any] = {"max_digits": 19, "decimal_places": model_field.places}
            if model_field.null:
                options["allow_null"] = True
            return serializers.DecimalField, options
        return super().build_standard_field(field_name, model_field)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not know, so that a typing mistake is an error and not a silent loss."""

    default_error_messages = {"unknown": _("There is no such field.")}
    also: frozenset[str] = frozenset()  # names that somebody else reads

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(str(name) for name in data if name not in self.fields and name not in self.also)
            if unknown:
                error = serializers.ErrorDetail(str(self.error_messages["unknown"]), code="unknown")
                raise serializers.ValidationError({name: [error] for name in unknown})
        return super().to_internal_value(data)


class StrictQuery(StrictSerializer):
    """Query parameters: one that nobody reads would change nothing and look as if it had."""

    default_error_messages = {"unknown": _("There is no such parameter.")}
    also = frozenset({"format"})


class ListQuery(StrictQuery):
    """The filters of a list, beside what its pages read."""

    also = frozenset({"format", "cursor", "limit"})


class CleanCharField(serializers.CharField):
    """Text without NUL, which PostgreSQL refuses."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and "\0" in data:
            raise serializers.ValidationError(_("The text holds a NUL character."), code="null_character")
        return super().run_validation(data)


def amount(**options: Any) -> serializers.DecimalField:
    """A field for money: at most four places."""
    return serializers.DecimalField(max_digits=15, decimal_places=4, **options)


def quantity(**options: Any) -> serializers.DecimalField:
    """A field for pieces: at most three places."""
    return serializers.DecimalField(max_digits=13, decimal_places=3, **options)
