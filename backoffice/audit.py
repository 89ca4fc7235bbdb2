"""Who did what: one append-only row per change, written in the transaction of the change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.http import HttpRequest

from backoffice import bulk, clock
from backoffice.models import AuditEntry
from backoffice.redaction import redacted


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where: `user:7 wang`, `api:3 erp`, `task:push`, `system`."""

    name: str
    address: str | None = None


SYSTEM = Actor("system")
_actor: ContextVar[Actor] = ContextVar("yiku_actor", default=SYSTEM)


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One change, ready to be recorded. `target` is a model instance or text such as `orders.order:42`."""

    action: str
    target: models.Model | str
    before: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    after: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    summary: str = ""
    actor: str = ""


def user_actor(user: Any, address: str | None = None) -> Actor:
    """Return the actor for a person who is logged in; `anonymous` otherwise."""
    if not getattr(user, "is_authenticated", False):
        return Actor("anonymous", address)
    return Actor(f"user:{user.pk} {user.get_username()}"[:150], address)


def current_actor() -> Actor:
    """Return who acts in this thread or task."""
    return _actor.get()


@contextmanager
def acting_as(actor: Actor | str) -> Iterator[None]:
    """Let everything inside the block be done by `actor` (middleware, API authentication, background tasks)."""
    token = _actor.set(Actor(actor) if isinstance(actor, str) else actor)
    try:
        yield
    finally:
        _actor.reset(token)


def become(actor: Actor | str) -> None:
    """Let what follows be done by `actor`, until the acting_as around it ends (an API key found inside a request)."""
    _actor.set(Actor(actor) if isinstance(actor, str) else actor)


def target_text(target: models.Model | str) -> str:
    """Return `app.model:pk` for an instance; text is kept."""
    return target if isinstance(target, str) else f"{target._meta.label_lower}:{target.pk}"


def record(
    *,
    action: str,
    target: models.Model | str,
    actor: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    summary: str = "",
    request: HttpRequest | None = None,
) -> None:
    """Write one audit entry. Values under names such as password or token are never stored."""
    who = user_actor(request.user, request.META.get("REMOTE_ADDR")) if request and not actor else current_actor()
    entry = Entry(action, target, before or {}, after or {}, summary, actor or who.name)
    record_many([entry], address=who.address)


def record_many(entries: Iterable[Entry], *, address: str | None = None) -> int:
    """Write many entries in one statement; returns how many. The address defaults to the current actor's."""
    who = current_actor()
    at = clock.now()
    rows = [_row(entry, at, who.name, address or who.address) for entry in entries]
    bulk.insert_rows(AuditEntry, COLUMNS, rows, prepared=True)
    return len(rows)


COLUMNS = ("at", "actor", "action", "target", "summary", "before", "after", "address")


def _row(entry: Entry, at: Any, actor: str, address: str | None) -> tuple[Any, ...]:
    return (
        at,
        (entry.actor or actor)[:150],
        entry.action[:60],
        target_text(entry.target)[:120],
        entry.summary[:300].replace("\0", ""),
        _json(entry.before),
        _json(entry.after),
        address,
    )


def _json(value: Mapping[str, Any]) -> str:
    if not value:
        return "{}"
    return bulk.json_text(redacted(value), DjangoJSONEncoder)
