"""A wrong setting is said at the start, with its id and the way out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from backoffice import triggers

ROOT = Path(__file__).resolve().parents[2]


def ids(**options):
    return {message.id for message in run_checks(**options)}


def test_the_house_as_it_stands_is_clean():
    assert ids() == set()


@pytest.mark.parametrize(("keys", "text"), [([], "empty"), (["short"], "Key 1 of FIELD_KEYS")])
def test_a_malformed_field_key_is_named(settings, keys, text):
    settings.FIELD_KEYS = keys
    [found] = [message for message in run_checks() if message.id == "backoffice.E001"]
    assert text in found.msg
    assert found.hint


def test_a_short_hash_key_is_refused(settings):
    settings.HASH_KEY = "short"
    assert "backoffice.E002" in ids()


def test_a_demo_for_others_is_refused(settings):
    settings.DEMO, settings.ALLOWED_HOSTS = True, ["localhost", "shop.example"]
    assert "backoffice.E003" in ids()
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    assert "backoffice.E003" not in ids()


@pytest.mark.django_db
def test_a_database_between_two_states_is_told_the_way():
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("finance", "0004_late_costs")
    [found] = [message for message in run_checks(databases=["default"]) if message.id == "backoffice.E006"]
    assert "finance.0004_late_costs" in found.msg
    recorder.record_applied("finance", "0004_late_costs")
    assert "backoffice.E006" not in ids(databases=["default"])


@pytest.mark.django_db
def test_a_database_with_all_earlier_migrations_has_nothing_to_do():
    recorder = MigrationRecorder(connection)
    for app in ("backoffice", "inventory", "orders", "channels", "finance"):
        recorder.record_unapplied(app, "0001_first")
    assert "backoffice.E006" not in ids(databases=["default"])
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []


@pytest.mark.django_db
def test_a_guard_that_is_gone_is_noticed():
    assert "backoffice.W005" not in ids(databases=["default"])
    rule = triggers.rules()[0]
    name = triggers.trigger_names(rule, connection)[0]
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TRIGGER "{name}"' + (f' ON "{rule.table}"' if connection.vendor == "postgresql" else ""))
    assert "backoffice.W005" in ids(databases=["default"])


def started(**env):
    bare = {key: value for key, value in os.environ.items() if not key.startswith(("YIKU", "DATABASE", "DJANGO"))}
    command = [sys.executable, "manage.py", "check"]
    return subprocess.run(command, cwd=ROOT, env={**bare, **env}, capture_output=True, text=True, timeout=60)


def test_without_keys_nothing_starts(tmp_path):
    done = started(YIKU_VAR=str(tmp_path))
    assert done.returncode != 0
    assert "SECRET_KEY is missing" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("SECURE", "perhaps", "neither yes nor no"),
        ("WORKERS", "many", "not a whole number"),
        ("WORKERS", "0", "out of range"),
        ("PUBLIC_URL", "yiku.example", "https://yiku.example"),
        ("PUBLIC_URL", "https://yiku.example/shop", "https://yiku.example"),
    ],
)
def test_a_setting_that_is_nonsense_stops_the_start(tmp_path, name, value, text):
    done = started(YIKU_TESTING="1", YIKU_VAR=str(tmp_path), **{name: value})
    assert done.returncode != 0
    assert name in done.stderr
    assert text in done.stderr


@pytest.mark.django_db
def test_production_refuses_a_database_with_the_demo(settings):
    from django.core.exceptions import ImproperlyConfigured

    from backoffice import clock, startup
    from backoffice.models import Progress

    settings.TESTING = False
    startup.refuse_public_passwords()
    Progress.objects.create(kind="demo", started_at=clock.now(), updated_at=clock.now())
    with pytest.raises(ImproperlyConfigured, match="passwords are public"):
        startup.refuse_public_passwords()
    settings.DEMO = True
    startup.refuse_public_passwords()
