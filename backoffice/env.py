"""Typed readers of environment variables: a wrong value stops the start with a sentence, never later with a riddle."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

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


@dataclasses.dataclass(frozen=True, slots=True)
class MailServer:
    """Where e-mail goes out."""

    host: str
    port: int
    user: str = ""
    password: str = dataclasses.field(default="", repr=False)
    starttls: bool = False
    ssl: bool = False


def mail_server(name: str) -> MailServer | None:
    """Return the mail server of an address such as smtp+tls://user:password@mail.example:587; None when unset.

    smtp is plain (a relay on this machine), smtp+tls begins plain and turns safe, smtps is safe from the start. A user
    name over plain smtp to another machine is refused: it would go through the net for everybody to read.
    """
    raw = os.environ.get(name, "").strip()
    if not raw:
        return None
    try:
        parts = urlsplit(raw)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    ports = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
    if parts.scheme not in ports or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ImproperlyConfigured(f"{name}: write smtp+tls://user:password@host:587, smtps://… or smtp://localhost.")
    if parts.scheme == "smtp" and parts.username and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ImproperlyConfigured(f"{name}: a password needs smtp+tls:// or smtps://.")
    return MailServer(
        parts.hostname, port or ports[parts.scheme], unquote(parts.username or ""), unquote(parts.password or ""),
        starttls=parts.scheme == "smtp+tls", ssl=parts.scheme == "smtps",
    )  # fmt: skip


def sender(name: str, default: str) -> str:
    """Return the address our e-mail comes from ("Shop <orders@shop.example>"); refuses what is none."""
    from email.utils import parseaddr

    raw = os.environ.get(name, "").strip() or default
    if "@" not in parseaddr(raw)[1] or any(mark in raw for mark in "\r\n"):
        raise ImproperlyConfigured(f"{name}={raw!r} is not an e-mail address.")
    return raw


def json_text(name: str) -> str:
    """Return a variable that holds JSON, unread; refuses what is none."""
    import json

    raw = os.environ.get(name, "").strip()
    try:
        if raw:
            json.loads(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is not JSON.") from None
    return raw
