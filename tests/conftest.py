"""What every test stands on: the database of the pass, a reset that passes the append-only triggers, named people."""

import datetime as dt
import os
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.test.client import Client
from django.utils import timezone, translation

from backoffice import clock
from tests import databases, emptying

SHARED = Path(os.environ.get("YIKU_SHARED") or Path(__file__).resolve().parents[2] / "shared")
POSTGRES = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")


def pytest_collection_modifyitems(config, items):
    """Deselect, never skip: what needs PostgreSQL runs in the PostgreSQL pass; what must stay out here is marked so."""
    left_out = set() if POSTGRES else {"postgres"}
    if POSTGRES:
        left_out.add("sqlite")
    if not SHARED.is_dir():
        left_out.add("published")
    if "soak" not in (config.option.markexpr or ""):
        left_out.add("soak")
    kept, dropped = [], []
    for item in items:
        out = any(item.get_closest_marker(name) for name in left_out) or (POSTGRES and not _asks_the_database(item))
        (dropped if out else kept).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def _asks_the_database(item) -> bool:
    """What never touches a database says the same on both engines: one pass is enough for it."""
    fixtures = {"db", "transactional_db", "live_server"}
    return item.get_closest_marker("django_db") is not None or bool(fixtures & set(getattr(item, "fixturenames", ())))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """In CI a skipped test is a failed one: nothing is left out in silence."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if os.environ.get("YIKU_CI") and skipped and not hasattr(session.config, "workerinput"):
        reporter.write_line(f"{skipped} tests were skipped; CI leaves nothing out.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_report_header():
    """Say which engine this pass is on."""
    return f"database: {connection.vendor}"


def pytest_terminal_summary(terminalreporter):
    """Say loudly that the platforms' published specifications were not there to test against."""
    if not SHARED.is_dir():
        loud = f"!!! {SHARED} IS NOT HERE: the tests against the platforms' published specifications were LEFT OUT !!!"
        terminalreporter.write_line(loud, red=True, bold=True)


def _flush_past_triggers(self, sql_list):
    """Empty the tables between tests although the database refuses it: the one sanctioned way, and only here."""
    if self.connection.vendor == "postgresql":
        return _original_flush(self, ["SET LOCAL session_replication_role = replica", *sql_list])
    with self.connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        standing = cursor.fetchall()
    quote = self.quote_name
    drop = [f"DROP TRIGGER {quote(name)}" for name, _sql in standing]
    return _original_flush(self, [*drop, *sql_list, *(sql for _name, sql in standing)])


_original_flush = BaseDatabaseOperations.execute_sql_flush
BaseDatabaseOperations.execute_sql_flush = _flush_past_triggers


@pytest.fixture(scope="session")
def django_db_setup(request, django_test_environment, django_db_blocker, django_db_modify_db_settings):
    """The test database, copied from one that is migrated already; --reuse-db takes the one that is there."""
    name = connection.settings_dict["TEST"]["NAME"]
    from django.contrib.contenttypes.models import ContentType

    with django_db_blocker.unblock():
        if not (request.config.getvalue("reuse_db") and databases.stands(connection.vendor, name)):
            databases.place(connection.vendor, name)
        connection.close()
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
        emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
        for model in [one for one in apps.get_models() if one.__module__.startswith("tests.")]:  # migrate knows of none
            ContentType.objects.filter(app_label=model._meta.app_label, model=model._meta.model_name).delete()
        if POSTGRES:
            emptying.remember()
    yield
    connection.close()


@pytest.fixture(autouse=True)
def plain_language():
    """A request leaves its reader's language and zone behind in the thread; the next test starts without them."""
    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture
def database_url(transactional_db) -> str:
    """The address of the test database, for child processes (only committed rows are seen there)."""
    now = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{now['NAME']}"
    host = now["HOST"] or now["OPTIONS"].get("host", "")  # an address with ?host= keeps it among the options
    return f"postgresql://{now['USER']}:{now['PASSWORD']}@/{now['NAME']}?host={host}"


@pytest.fixture
def child_env(database_url) -> dict[str, str]:
    """The environment for a child process of the product on the test database."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "YIKU_TESTING": "1",
    }


@pytest.fixture
def people(db):
    """Named people, one per role: `people["order_clerk"]`; made when first asked for."""
    return People()


class People(dict):
    """Users by role; `owner` is the superuser of the installation."""

    def __missing__(self, role):
        from django.contrib.auth.models import Group

        from backoffice.models import User

        if role == "superuser":
            user = User.objects.create_superuser("superuser", password="x")
        else:
            user = User.objects.create_user(role, password="x", is_staff=True)
            user.groups.add(Group.objects.get(name=role))
        self[role] = user
        return user

    def client(self, role):
        """A test client logged in as the person of this role."""
        client = Client()
        client.force_login(self[role], backend="django.contrib.auth.backends.ModelBackend")
        return client


@pytest.fixture
def media(settings, tmp_path):
    """The folder of attachments, an empty one."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media" / "attachments"


@pytest.fixture
def later():
    """Move the clock: `later(seconds=40)` from now on."""
    moved = dt.timedelta(0)
    original = clock._source

    def move(**delta):
        nonlocal moved
        moved += dt.timedelta(**delta)
        clock._source = lambda: dt.datetime.now(dt.UTC) + moved

    yield move
    clock._source = original
