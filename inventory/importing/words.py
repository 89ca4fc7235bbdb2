"""Words of a choice, in either language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import translation

from inventory.codes import normalise


def chosen(word: str, choices: type[models.Choices], more: Mapping[str, Any]) -> Any:
    """Return the choice a word stands for (its label in any language, its own name, another word), or None."""
    names = {normalise(one): value for one, value in more.items()} | {str(value): value for value in choices.values}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            names |= {normalise(str(text)): value for value, text in choices.choices}
    return names.get(normalise(word))


def label(choices: type[models.TextChoices], value: Any) -> str:
    """Return the label of a choice in the reader's language."""
    return str(dict(choices.choices).get(value, value or "–"))
