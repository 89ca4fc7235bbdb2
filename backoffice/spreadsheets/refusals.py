"""Why a file or a cell is refused, as codes; the sentences are in messages.py. No Django: the child raises these."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """The whole file is refused."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


class BadCell(ValueError):
    """One cell is refused."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params
