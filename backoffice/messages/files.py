"""Messages as files, for an installation without a mail server or gateway: one file each under VAR_DIR/outbox."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from backoffice.messages.registry import SendError, SendResult
from backoffice.models import OutgoingMessage


def folder() -> Path:
    """Where the files lie."""
    return Path(settings.VAR_DIR) / "outbox"


def write(row: OutgoingMessage, ending: str, content: bytes) -> SendResult:
    """Write one message's file, whole or not at all; a second try replaces it."""
    name = f"{row.channel}-{row.pk:08d}.{ending}"
    place = folder() / name
    part = place.with_suffix(f".{os.getpid()}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        part.replace(place)
    except OSError:
        part.unlink(missing_ok=True)
        raise SendError("disk") from None
    return SendResult(f"file:{name}")


def send_text(row: OutgoingMessage) -> SendResult:
    """A text message as a file: to whom, and what."""
    return write(row, "txt", f"{row.to}\n{row.body}\n".encode())
