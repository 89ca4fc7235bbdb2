"""What a call to a server of others gives back, or how it failed."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, Protocol


class CallError(Exception):
    """A call that did not do what was asked.

    `code` is one of a short fixed list per adapter and safe to store; `message` holds no secret. `permanent` means
    that trying again unchanged cannot help; `unknown` that the call may have been applied (time-out after sending);
    `retry_after` is in seconds from now.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        permanent: bool = False,
        unknown: bool = False,
        retry_after: float | None = None,
        auth: bool = False,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code, self.message = code, message
        self.permanent, self.unknown, self.retry_after, self.auth = permanent, unknown, retry_after, auth


@dataclasses.dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer already read within the size limit; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""
    sent_at: dt.datetime | None = None
    received_at: dt.datetime | None = None


class HttpClient(Protocol):
    """One call over the wire. Never raises for a status; raises `CallError` for network, TLS, size and egress."""

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
        timeout: float | None = None,
    ) -> HttpResponse: ...
