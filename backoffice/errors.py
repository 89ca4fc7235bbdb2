"""What can go wrong in the domain: a code for programs, a sentence for people, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class YikuError(Exception):
    """A refusal with a stable code and a sentence that a clerk understands.

    `message` is translatable and formatted with `params` only when shown, in the language of whoever reads it.
    `retryable` says that the same request may succeed later without anybody changing anything; `field` is the path of
    what is at fault in the request (`lines[1].sku`), where there is one.
    """

    def __init__(
        self,
        code: str,
        message: Any,
        *,
        retryable: bool = False,
        params: Mapping[str, Any] | None = None,
        field: str = "",
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.params: Mapping[str, Any] = params or {}
        self.field = field

    def __str__(self) -> str:
        return str(self.message) % self.params if self.params else str(self.message)

    def __repr__(self) -> str:
        # No sentence here: it may hold what a log must not.
        return f"{type(self).__name__}({self.code!r})"
