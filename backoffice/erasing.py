"""Erase a person: every part of the house registers the places where it keeps people, and all go in one step.

What is about a person stands in rows about something else (an order, a message). Names, phones and streets are blotted
out of texts, or their columns are emptied; the rows stay, with their numbers and amounts.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from django.db.models import CharField, Field, JSONField, Model, Q, QuerySet, TextField

from backoffice import clock, triggers
from backoffice.messages import queueing
from backoffice.models import Incident, IncidentEntry, OutgoingMessage
from backoffice.redaction import known_patterns, without_known

Row = TypeVar("Row", bound=Model)
WHO = re.compile(r"_by$|^by$|^actor$|^author$|^person$|^picker$|^packer$")  # colleagues, whatever their names
CODES = re.compile(
    r"(^|_)(id|ids|number|code|codes|key|kind|reference|target|ref|sku|barcode|digest|currency|country|countries|channel"
    r"|template|risk|tracking)$"
)  # what machines compare: an order whose number was blotted would be taken in a second time


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Whom to erase: the rows that are about the person ("orders.order:42"), and what is known of him."""

    references: tuple[str, ...]
    known: frozenset[str]
    to: frozenset[str] = frozenset()  # where messages went

    def ids(self, prefix: str) -> list[int]:
        """Return the keys of the rows of one kind."""
        return [int(one.removeprefix(prefix)) for one in self.references if one.startswith(prefix)]

    @property
    def patterns(self) -> list[re.Pattern[str]]:
        """What finds the person in a text."""
        return known_patterns(self.known)


Work = Callable[[Person, bool], int]  # write or only count; how many rows hold something of the person
_places: dict[str, tuple[Any, Work]] = {}


def register_place(name: str, label: Any, work: Work) -> None:
    """Add a place where people are kept; it must count exactly what it would erase."""
    _places[name] = (label, work)


def counted(person: Person) -> list[tuple[str, Any, int]]:
    """Return (name, label, rows) of each place that holds something of the person; changes nothing."""
    found = [(name, label, work(person, False)) for name, (label, work) in _places.items()]
    return [one for one in found if one[2]]


def carry_out(person: Person) -> dict[str, int]:
    """Erase the person in every place, in the caller's transaction; returns how many rows of each."""
    found = {name: work(person, True) for name, (_label, work) in _places.items()}
    return {name: rows for name, rows in found.items() if rows}


def blot(rows: QuerySet[Row], person: Person, *, write: bool) -> int:
    """Blot the person out of every free text of some rows, columns that are added one day included."""
    patterns, found = person.patterns, 0
    columns = list(texts_of(rows.model))
    for row in rows.order_by("pk").iterator(chunk_size=500) if columns and patterns else ():
        now = {one.attname: getattr(row, one.attname) for one in columns}
        after = {name: without_person(value, patterns) for name, value in now.items() if value}
        news = {name: value for name, value in after.items() if value != now[name]}
        if news:
            found += 1
            if write:
                rewrite(row, news)
    return found


def without_person(value: Any, patterns: list[re.Pattern[str]]) -> Any:
    """Return a text, or JSON with its texts, without the person; what stands under the name of a code stays."""
    if isinstance(value, Mapping):
        return {
            name: item if CODES.search(str(name)) else without_person(item, patterns) for name, item in value.items()
        }
    return [without_person(item, patterns) for item in value] if isinstance(value, list | tuple) else (
        without_known(value, patterns)
    )  # fmt: skip


def rewrite(row: Model, news: dict[str, Any]) -> None:
    """Write columns of one row; of a table that only grows it is done once, or once a person, and marked.

    A mark only moves forward, whatever became of the clock since the last one.
    """
    rule = triggers.rule_of(type(row))
    mark = {}
    if rule is not None and rule.erasable:
        before = getattr(row, triggers.ERASED)
        mark = {triggers.ERASED: max(clock.now(), before + dt.timedelta(microseconds=1)) if before else clock.now()}
    type(row)._base_manager.filter(pk=row.pk).update(**news, **mark)


def texts_of(model: type[Model]) -> Iterator[Field[Any, Any]]:
    """Yield the columns of a model that hold words of people and may be rewritten."""
    rule = triggers.rule_of(model)
    for field in model._meta.concrete_fields:
        plain = isinstance(field, CharField | TextField) and not field.choices and not field.unique and field.editable
        may_change = rule is None or field.column in (*rule.erasable, *rule.allow_update_columns)
        if (plain or type(field) is JSONField) and may_change and not (
            WHO.search(field.name) or CODES.search(field.name)
        ):  # fmt: skip
            yield field


# --- what the ground keeps -------------------------------------------------------------------------------------------


def messages_sent(person: Person, write: bool) -> int:
    """Messages about the person's rows, and to the person's addresses unless they are about another such row."""
    keys = [queueing.recipient_key(one) for one in person.to]
    others = Q(pk__in=[])  # "orders.order:43" may be open still: it goes with its own row
    for kind in {one.partition(":")[0] for one in person.references}:
        others |= Q(reference__startswith=f"{kind}:")
    whose = Q(reference__in=person.references) | (Q(to_key__in=keys) & ~others)
    rows = OutgoingMessage.objects.filter(whose, erased_at=None)
    return queueing.erase_rows(rows) if write else rows.count()


def incidents_about(person: Person, write: bool) -> int:
    """What was written in incidents about the person's rows."""
    rows = Incident.objects.filter(Q(target__in=person.references) | Q(links__target__in=person.references))
    ids = list(rows.values_list("pk", flat=True).distinct())
    entries = IncidentEntry.objects.filter(incident__in=ids)  # of several people: some may be erased already
    return blot(Incident.objects.filter(pk__in=ids), person, write=write) + blot(entries, person, write=write)
