"""The product's settings on a throw-away database: SQLite, or a real PostgreSQL with YIKU_TEST_DB=postgres.

The environment is set before `backoffice.settings` is read, so the product itself knows nothing of tests.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests.postgres import running_server

os.environ["YIKU_TESTING"] = "1"
# Under xdist the workers inherit the controller's environment: one scratch folder and one server for all.
if "YIKU_TEST_SCRATCH" not in os.environ:
    os.environ["YIKU_TEST_SCRATCH"] = tempfile.mkdtemp(prefix="yiku-test-")
    atexit.register(shutil.rmtree, os.environ["YIKU_TEST_SCRATCH"], ignore_errors=True)
SCRATCH = Path(os.environ["YIKU_TEST_SCRATCH"])
os.environ["YIKU_VAR"] = str(SCRATCH / os.environ.get("PYTEST_XDIST_WORKER", "main"))
(Path(os.environ["YIKU_VAR"]) / "static").mkdir(parents=True, exist_ok=True)
POSTGRES = os.environ.get("YIKU_TEST_DB", "sqlite") == "postgres"
if POSTGRES:
    os.environ["DATABASE_URL"] = running_server()
else:
    os.environ["DATABASE_URL"] = f"sqlite:///{SCRATCH / 'unused.sqlite3'}"

from backoffice.settings import *  # noqa: E402, F403
from backoffice.settings import DATABASES  # noqa: E402

# A file, not memory: threads and child processes of a test see the same database, with the product's own locking.
DATABASES["default"]["TEST"] = {"NAME": "test_yiku" if POSTGRES else str(SCRATCH / "test_yiku.sqlite3")}
DATABASES["default"]["CONN_MAX_AGE"] = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LANGUAGE_CODE = "en"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
