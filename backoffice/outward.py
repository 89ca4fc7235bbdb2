"""One small POST to a gateway or robot, by the one HTTP client of the house: little read back, no connection kept.

The checks of addresses, the deadline, the limit of what is read and the redirects are those of `backoffice.calls`.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence

from backoffice.calls.errors import CallError, HttpClient
from backoffice.calls.http import make_client

MOST_READ = 64 * 1024
SECONDS = 15.0


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came back: at most 64 KB of it."""

    status: int
    text: str


class CallFailed(Exception):
    """No answer, or none that may be read. `permanent` when the address itself is the fault."""

    def __init__(self, code: str, *, permanent: bool = False) -> None:
        super().__init__(code)
        self.code, self.permanent = code, permanent


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, allow: Sequence[str] = (), seconds: float = SECONDS
) -> Answer:
    """Send one body and return the answer. Raises CallFailed, also for a redirect: it is never followed."""
    client = _client(os.getpid(), tuple(allow))
    try:
        answer = client.request("POST", url, data=body, headers={**headers, "Connection": "close"}, timeout=seconds)
    except CallError as error:
        raise CallFailed(error.code, permanent=error.permanent) from None
    return Answer(answer.status, answer.body.decode("utf-8", "replace"))


@functools.lru_cache(maxsize=4)
def _client(_process: int, allow: tuple[str, ...]) -> HttpClient:
    """Return a process's client for these addresses; what a gateway answers is small."""
    return make_client(allow=allow, max_bytes=MOST_READ, pool_size=2)
