"""System checks of the ground: each names what is wrong and what to do about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from backoffice import secrets, triggers

SHORTEST_KEY = 32
LOOPBACK = {"127.0.0.1", "localhost", "[::1]", "::1", "testserver"}


@register(Tags.security)
def keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The installation's own keys are there and well-formed."""
    found: list[CheckMessage] = []
    problem = secrets.key_problem(settings.FIELD_KEYS)
    if problem:
        hint = "Stored secrets (the shops' tokens) are encrypted with it. Old keys stay behind the new one."
        found.append(Error(problem, hint=hint, id="backoffice.E001"))
    if len(settings.HASH_KEY) < SHORTEST_KEY:
        hint = "`make run` writes var/hash_key; elsewhere set HASH_KEY to 32 random characters or more, once for ever."
        found.append(Error("HASH_KEY is missing or too short.", hint=hint, id="backoffice.E002"))
    return found


@register(Tags.security)
def demo(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The demo, whose passwords are public, is for this machine only."""
    hosts = set(settings.ALLOWED_HOSTS) - LOOPBACK
    if settings.DEMO and hosts:
        hint = "The demo's passwords are public. Leave ALLOWED_HOSTS alone, or set DEMO=0."
        return [Error(f"DEMO=1 with ALLOWED_HOSTS={','.join(sorted(hosts))}.", hint=hint, id="backoffice.E003")]
    return []


@register(Tags.database)
def database(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The database can do what we rely on, and guards what may only grow."""
    found: list[CheckMessage] = []
    for name in databases or []:
        connection = connections[name]
        if connection.vendor == "sqlite" and sqlite3.sqlite_version_info < (3, 35):
            hint = "Install a newer Python or SQLite, or use PostgreSQL."
            found.append(Error(f"SQLite {sqlite3.sqlite_version} lacks RETURNING.", hint=hint, id="backoffice.E004"))
        found += [*_half_way(name), *_guards(name)]
    return found


def _half_way(name: str) -> list[CheckMessage]:
    """Migrations that were made one and are gone: a database that had a part of them has to have the others first."""
    try:
        applied = MigrationRecorder(connections[name]).applied_migrations()
    except DatabaseError:
        return []
    gone = []
    there = MigrationLoader(None).disk_migrations
    for migration in there.values():
        lacking = [one for one in migration.replaces if one not in applied]
        if len(lacking) < len(migration.replaces):
            gone += [".".join(one) for one in lacking if one not in there]
    if not gone:
        return []
    hint = "Its tables are of an earlier state: run `manage.py migrate` of a Yiku that still has these, then come back."
    return [Error(f"Migrations that became one are missing: {', '.join(gone)}.", hint=hint, id="backoffice.E006")]


def _guards(name: str) -> list[CheckMessage]:
    connection = connections[name]
    try:
        present = set(connection.introspection.table_names())
        gone = [trigger for trigger in triggers.missing(connection) if _table_of(trigger) in present]
    except DatabaseError:
        return []  # not there yet: `migrate` says so better
    if not gone:
        return []
    hint = "Run `manage.py migrate`: it installs them again."
    return [Warning(f"Guards are missing: {', '.join(gone)}.", hint=hint, id="backoffice.W005")]


def _table_of(trigger: str) -> str:
    return trigger.rpartition("_no_")[0]
