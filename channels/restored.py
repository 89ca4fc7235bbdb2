"""Notice that the database was put back from a backup: then the platforms are ahead of us, and we must not write.

Each machine keeps the highest numbers it has seen in a small file beside the database, not in it. A database whose
numbers are lower than the file's is an older one. All writes are held until a person has looked and turns each account
on again; reading goes on, so the orders since the backup come back by themselves.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Max

from channels import accounts
from channels.models import InboundPayload, PublicationLog
from inventory.models import StockEntry

FILE = "high_water.json"
log = structlog.get_logger(__name__)


def high_water() -> dict[str, int]:
    """Return the newest numbers of the rows that only ever grow."""
    return {
        model._meta.label_lower: model._default_manager.aggregate(top=Max("pk"))["top"] or 0
        for model in (PublicationLog, InboundPayload, StockEntry)
    }


def check() -> bool:
    """Hold all writes when the database is older than what this machine has seen; returns whether it is."""
    seen = _read()
    if seen.get("database") != _database():
        return False  # the first start, or another database altogether: nothing to compare with
    now = high_water()
    older = [name for name, top in now.items() if top < seen.get(name, 0)]
    if older:
        held = accounts.hold_writes(because="restored_backup", actor="task:dispatcher")
        log.error("database_is_older", rows=older, accounts_held=held)
        # Marked at once: the second start must not hold what a person has released meanwhile.
        mark()
    return bool(older)


def mark() -> None:
    """Remember the numbers; written beside and moved into place, so a cut power line leaves the old or the new."""
    path = _path()
    values = {**high_water(), "database": _database()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=FILE)
        with os.fdopen(handle, "w") as file:
            json.dump(values, file)
        os.replace(name, path)
    except OSError as error:
        log.warning("high_water_not_written", error=type(error).__name__)


def _read() -> dict[str, Any]:
    try:
        found = json.loads(_path().read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _path() -> Path:
    return Path(settings.VAR_DIR) / FILE


def _database() -> str:
    now = settings.DATABASES["default"]
    return f"{now.get('HOST', '')}/{now.get('NAME', '')}"
