"""Typed readers of environment variables: a wrong value stops the start with a sentence, never later with a riddle."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """Return the variable or the default."""
    return os.environ.get(name, default)


def flag(name: str, default: bool = False) -> bool:
    """Return a yes/no variable; refuses anything else."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    value = raw.strip().lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r} is neither yes nor no: use 1 or 0.")


def whole(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    """Return a whole number within bounds."""
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number.") from None
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name}={value} is out of range: {least} to {most}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def address(name: str, *, plain: bool) -> str:
    """Return the address others reach us at, without a trailing slash; empty when unset.

    Raises ImproperlyConfigured for anything but scheme and host; `plain` allows http.
    """
    raw = os.environ.get(name, "").strip().rstrip("/")
    if not raw:
        return ""
    parts = urlsplit(raw)
    wanted = ("https", "http") if plain else ("https",)
    if parts.scheme not in wanted or not parts.hostname or parts.path or parts.query or parts.username:
        raise ImproperlyConfigured(
            f"{name}={raw}: write {wanted[0]}:// and the host, for example https://yiku.example."
        )
    return raw


def secret(name: str, file: Path) -> str:
    """Return a secret from the variable, else from its file; empty when neither is there."""
    value = os.environ.get(name, "")
    if not value and file.is_file():
        value = file.read_text().strip()
    return value
