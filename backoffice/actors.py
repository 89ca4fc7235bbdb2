"""Who did it, in a reader's words: logs say `user:7 wang`, `task:push`, `intake`; people read a name.

The floor that acts under a name of its own registers what people read for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import CharField, Model
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

NAMES = frozenset({"actor", "author", "by", "person", "picker", "packer"})
LENGTH = 150  # of every column that holds an actor
_names: dict[str, Any] = {"anonymous": _("somebody who was not logged in")}


def register_actor(actor: str, name: Any) -> None:
    """Say what people read for an actor that is no person, in AppConfig.ready(); `%s` is what follows a `rule:`."""
    _names[actor] = name


def named(actor: str | None) -> str:
    """Return an actor as people say it: `user:7 wang` is wang, a task without a name of its own is the house itself."""
    if not actor:
        return ""
    if actor.startswith(("user:", "api:")):
        return actor.partition(" ")[2] or actor
    if actor in _names:
        return str(_names[actor])
    kind, colon, name = actor.partition(":")
    if colon and f"{kind}:" in _names:  # `rule:Far away`
        return str(_names[f"{kind}:"]) % name
    return _now("by itself") if actor.startswith(("task:", "command:", "system")) else actor


def fields_of(model: type[Model]) -> list[CharField[Any, Any]]:
    """Return the columns of a model that hold an actor."""
    return [one for one in model._meta.fields if isinstance(one, CharField) and _holds(one)]


def _holds(field: CharField[Any, Any]) -> bool:
    right_name = field.name in NAMES or field.name.endswith("_by")
    return right_name and field.max_length == LENGTH and not field.choices


def in_words(names: Iterable[Any], model: type[Model]) -> tuple[Any, ...]:
    """Return the columns of a list with those that hold an actor replaced by their words (`actor_named`)."""
    found = {one.name for one in fields_of(model)}
    return tuple(f"{name}_named" if isinstance(name, str) and name in found else name for name in names)
