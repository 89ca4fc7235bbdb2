"""Importers of plain rows: found by a key, compared field by field, saved through the model, restored on undo.

django-import-export reads and writes the fields of a row and validates it; the frame plans, locks and undoes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field
from import_export.resources import ModelResource

from backoffice import locks
from backoffice.imports import pointing
from backoffice.imports.errors import ImportRefused, KeptAsIs
from backoffice.imports.kinds import BAD, CHANGE, NEW, SAME, Done, ImportKind, Line, Plan, plain
from backoffice.spreadsheets.schema import Column

PAGE = 1_000  # rows locked by one statement


class RecordKind(ImportKind):
    """One row of the file is one row of `model`. An empty cell leaves what is there.

    A kind says `fields` (column → attribute of the model), `identity` and `find`, and may refuse cells in `check`.
    """

    model: ClassVar[type[models.Model]]
    fields: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rows_of: dict[str, int] = {}  # key → the row that named it first
        self._locked: dict[int, Any] = {}  # rows that are taken back, under our lock
        self._pointing: dict[int, list[Any]] | None = None  # what points to them

    # --- what a kind says --------------------------------------------------------------------------------------------

    def identity(self, line: Line) -> str:
        """Return what tells this row from others, in the form in which it is compared."""
        raise NotImplementedError

    def find(self, lines: Sequence[Line]) -> Mapping[str, Any]:
        """Return the rows that exist already, by key, in a constant number of queries."""
        raise NotImplementedError

    def named(self, line: Line) -> str:
        """Return what the row is called in the preview."""
        return str(line.values[self.columns[0].key])

    def check(self, line: Line, found: Any) -> None:
        """Refuse cells (`line.refuse`) or bring them into the stored form."""

    def more_changes(self, line: Line, found: Any) -> dict[str, list[Any]]:
        """Return changes beside the model's own fields."""
        return {}

    def save(self, instance: Any, plan: Plan) -> dict[str, Any]:
        """Save the row (and what hangs on it); returns more to remember for undoing."""
        self.store(instance, plan)
        return {}

    def store(self, instance: Any, plan: Plan, *more: str) -> None:
        """Validate and write what the plan changes; `more` are attributes beside `fields`."""
        self.resource().validate_instance(instance)
        changed = [self.fields[column] for column in plan.changes if column in self.fields]
        if plan.found is None:
            instance.save()
        elif changed or more:
            instance.save(update_fields=[*changed, *more])

    # --- the frame's questions ---------------------------------------------------------------------------------------

    def plan(self, lines: Sequence[Line]) -> list[Plan]:
        known = self.find(lines)
        return [self._plan(line, known.get(self.identity(line))) for line in lines]

    def _plan(self, line: Line, found: Any) -> Plan:
        first = self._rows_of.setdefault(self.identity(line), line.row)
        if first != line.row:
            what = _now("“%(name)s” stands in row %(row)s already") % {"name": self.named(line), "row": first}
            line.refuse(self.columns[0].key, what)
            return Plan(line, BAD, self.named(line), found=found)
        self.check(line, found)
        changes = self._compared(line, found) | self.more_changes(line, found)
        if found is None and not line.problems:
            self._validate(line)
        outcome = NEW if found is None else CHANGE if changes else SAME
        return Plan(line, outcome, self.named(line), changes, found)

    def _compared(self, line: Line, found: Any) -> dict[str, list[Any]]:
        changes = {}
        given = self._given(line)
        for column, field in self.resource().fields.items():
            if column not in given:
                continue
            old, new = None if found is None else plain(field.get_value(found)), plain(given[column])
            if old != new:
                changes[column] = [old, new]
        return changes

    def _validate(self, line: Line) -> None:
        """Bounds of the model that the columns do not know (choices, lengths), before anybody confirms."""
        instance = self._filled(self.model(), line)
        given = {self.fields[column] for column in self._given(line)}
        others = [field.name for field in self.model._meta.fields if field.name not in given]
        try:
            instance.clean_fields(exclude=others)
        except ValidationError as error:
            columns = {attribute: column for column, attribute in self.fields.items()}
            for attribute, said in error.message_dict.items():
                line.refuse(columns.get(attribute, self.columns[0].key), " ".join(said))

    def _given(self, line: Line) -> dict[str, Any]:
        """Return the cells that say something, by column: an empty one leaves what is there."""
        return {column: line.values[column] for column in self.fields if line.values.get(column) is not None}

    def _filled(self, instance: Any, line: Line) -> Any:
        """Return the instance with what the row says."""
        self.resource().import_instance(instance, self._given(line))
        return instance

    @classmethod
    @functools.cache
    def resource(cls) -> ModelResource:
        """Return the library's view of the model: one field a column, values as the reader of the file gave them."""
        columns = {column: Field(attribute=name, column_name=column) for column, name in cls.fields.items()}
        meta = {"model": cls.model, "fields": tuple(columns), "clean_model_instances": True}
        made = type(f"{cls.__name__}Resource", (ModelResource,), {**columns, "Meta": type("Meta", (), meta)})
        return made()

    def lock(self, plans: Sequence[Plan]) -> None:
        """Lock the rows; one that was written between the plan and the lock sends the person back to the preview."""
        ids = [plan.found.pk for plan in plans if plan.found is not None]
        fresh = {row.pk: row for row in locks.locked_rows(self.model._default_manager.filter(pk__in=ids))}
        for plan in plans:
            if plan.found is None:
                continue
            row = fresh.get(plan.found.pk)
            if row is None or any(getattr(row, one) != getattr(plan.found, one) for one in self.fields.values()):
                message = _("“%(name)s” was changed at the same moment. Try again.")
                raise ImportRefused("changed_meanwhile", message, retryable=True, params={"name": plan.name})
            plan.found = row

    def lock_targets(self, targets: Sequence[str]) -> None:
        ids = [int(target.rpartition(":")[2]) for target in targets]
        for start in range(0, len(ids), PAGE):
            page = sorted(ids)[start : start + PAGE]
            self._locked |= {row.pk: row for row in locks.locked_rows(self.model._default_manager.filter(pk__in=page))}
        self._pointing = pointing.pointing(self.model, sorted(self._locked))

    def apply(self, plan: Plan) -> Done:
        names = [self.fields[column] for column in self._given(plan.line)]
        if plan.found is None:
            instance = self._filled(self.model(), plan.line)
            more = self.save(instance, plan)
            memory = {"made": _snapshot(instance), **more}
        else:
            before = {name: plain(getattr(plan.found, name)) for name in names}
            instance = self._filled(plan.found, plan.line)
            more = self.save(instance, plan)
            after = {name: plain(getattr(instance, name)) for name in names}
            changed = [name for name in names if before[name] != after[name]]
            memory = {"before": {name: before[name] for name in changed},
                      "after": {name: after[name] for name in changed}, **more}  # fmt: skip
        return Done(f"{self.model._meta.label_lower}:{instance.pk}", memory)

    def undo(self, target: str, memory: Mapping[str, Any]) -> None:
        pk = int(target.rpartition(":")[2])
        instance = self._locked.get(pk) or self.model._default_manager.filter(pk=pk).first()
        if instance is None:
            raise KeptAsIs(_("It is gone already."))
        if "made" in memory:
            self._demand_untouched(instance, memory["made"])
            self.undo_more(instance, memory)
            self._delete(instance)
            return
        self._demand_untouched(instance, memory["after"])
        for name, value in memory["before"].items():
            setattr(instance, name, _field(instance, name).to_python(value))
        changed = [*memory["before"], *self.undo_more(instance, memory)]
        if changed:
            instance.save(update_fields=changed)

    def _delete(self, instance: Any) -> None:
        """Raises KeptAsIs, or what the database says, for a row that is in use."""
        known = self._pointing is not None and instance.pk in self._locked
        if known and pointing.free(instance, (self._pointing or {}).get(instance.pk, ())):
            pointing.delete(instance)
            return
        used = used_by(instance)
        if used:
            raise KeptAsIs(_("It is in use by now: %(what)s."), what=used)
        instance.delete()

    def undo_more(self, instance: Any, memory: Mapping[str, Any]) -> Sequence[str]:
        """Take back what `save` did beside the model's own fields; returns the attributes set on the way."""
        return ()

    def _demand_untouched(self, instance: Any, ours: Mapping[str, Any]) -> None:
        """Raise KeptAsIs when somebody changed since what the import wrote."""
        for name, value in ours.items():
            now = plain(getattr(instance, name))
            if now != value:
                title = _field(instance, name).verbose_name
                message = _("Changed since: %(field)s is “%(now)s”, the import had set “%(ours)s”.")
                raise KeptAsIs(message, field=title, now=now, ours=value)

    @classmethod
    def column(cls, key: str) -> Column:
        """Return the column of a key."""
        return next(one for one in cls.columns if one.key == key)


def used_by(instance: models.Model) -> str:
    """Return the name of the first kind of rows that points to this one, or ""."""
    for relation in instance._meta.related_objects:
        rows = relation.related_model._default_manager.filter(**{relation.field.name: instance})
        if rows.exists():
            return str(relation.related_model._meta.verbose_name_plural)
    return ""


def _snapshot(instance: models.Model) -> dict[str, Any]:
    return {field.attname: plain(getattr(instance, field.attname)) for field in instance._meta.concrete_fields
            if not field.primary_key}  # fmt: skip


def _field(instance: models.Model, name: str) -> Any:
    return next(field for field in instance._meta.concrete_fields if name in (field.name, field.attname))
