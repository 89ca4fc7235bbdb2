"""The installation's own keys: made once, readable by its user only, never overwritten."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet

KEYS: dict[str, Callable[[], str]] = {
    "secret_key": lambda: secrets.token_urlsafe(60),
    "field_keys": lambda: Fernet.generate_key().decode(),
    "hash_key": lambda: secrets.token_urlsafe(48),
}


def ensure_keys(folder: Path) -> list[str]:
    """Make the keys that are not there; returns the names of the new ones."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return [name for name, make in KEYS.items() if _write_once(folder / name, make)]


def _write_once(path: Path, make: Callable[[], str]) -> bool:
    if path.exists():
        path.chmod(0o600)
        return False
    # Written beside and linked: a crash in between leaves no half key, and two starts agree on one.
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(make() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink()
    return True
