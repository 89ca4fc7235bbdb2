"""Which rows are in use: what points to them, asked for many at once.

Deleting a row the usual way asks every table that could point to it, row by row: for a SKU that is some sixty
statements each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import models

PAGE = 1_000


def relations(model: type[models.Model]) -> list[Any]:
    """Return everything that can point to a row of the model, also what has no name on it."""
    fields = model._meta.get_fields(include_hidden=True)
    return [one for one in fields if one.auto_created and not one.concrete and (one.one_to_one or one.one_to_many)]


def pointing(model: type[models.Model], ids: Sequence[int]) -> dict[int, list[Any]]:
    """Return the relations that point to each of these rows now: a statement for each relation and page of rows."""
    found: dict[int, list[Any]] = defaultdict(list)
    for relation in relations(model):
        rows, name = relation.related_model._base_manager.order_by(), relation.field.attname
        for start in range(0, len(ids), PAGE):
            page = list(ids[start : start + PAGE])
            used = rows.filter(**{f"{name}__in": page}).values_list(name, flat=True).distinct()
            for pk in used:
                found[pk].append(relation)
    return found


def free(instance: models.Model, before: Sequence[Any]) -> bool:
    """True when nothing points to a row any more of what did; the row is locked, so that nothing new can."""
    return not any(
        one.related_model._base_manager.filter(**{one.field.attname: instance.pk}).exists() for one in before
    )


def delete(instance: models.Model) -> None:
    """Delete a row that nothing points to, in one statement."""
    rows = type(instance)._base_manager.filter(pk=instance.pk)
    rows._raw_delete(rows.db)
