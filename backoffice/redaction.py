"""Which names hide secrets: one list for the audit trail, the logs and stored payloads. No Django."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "•••"
SECRET_NAME = re.compile(
    r"password|passwd|token|secret|credential|authorization|api_?key|private_?key|signature|session|cookie",
    re.IGNORECASE,
)


def redacted(value: Any) -> Any:
    """Return a copy in which whatever stands under a name like password, token or secret is blotted out."""
    if isinstance(value, Mapping):
        return {
            str(key): REDACTED if SECRET_NAME.search(str(key)) and item else redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return value
