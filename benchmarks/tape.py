"""A database answered from memory: what one request read is kept and handed out again to the next, row for row.

For the limit of page benchmarks: the same request goes through the same middleware, view and templates, but every
query is answered at once with ready-made rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Answer = tuple[Any, int, list[tuple[Any, ...]]]  # (description, row count, rows)


class Tape:
    """The answers of one request, in order."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.position = 0

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Ask the database and keep its answers."""
        self.answers = []
        with self._cursors(lambda real: Recorder(self, real)):
            yield

    @contextmanager
    def playing(self) -> Iterator[None]:
        """Answer from what was kept; a request that asks for more raises IndexError."""
        self.position = 0
        with self._cursors(lambda _real: Player(self), real=False):
            yield

    @contextmanager
    def _cursors(self, make: Any, real: bool = True) -> Iterator[None]:
        from django.db import connection

        original = connection.create_cursor
        connection.create_cursor = lambda name=None: make(original(name) if real else None)
        try:
            yield
        finally:
            connection.create_cursor = original


class Player:
    """As much of a psycopg cursor as Django's ORM uses."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.description: Any = None
        self.rowcount = -1
        self.rows: Iterator[tuple[Any, ...]] = iter(())

    def execute(self, sql: Any, params: Sequence[Any] | None = None) -> None:
        """Take the next answer from the tape; the session's mark of the minute, written last, needs no answer."""
        if self.tape.position == len(self.tape.answers) and str(sql).startswith(("UPDATE", "SAVEPOINT", "RELEASE")):
            self.show((None, 1, []))
            return
        self.show(self.tape.answers[self.tape.position])
        self.tape.position += 1

    def show(self, answer: Answer) -> None:
        """Make an answer the one to be fetched."""
        self.description, self.rowcount, rows = answer
        self.rows = iter(rows)

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row."""
        return next(self.rows, None)

    def fetchmany(self, size: int = 100) -> list[tuple[Any, ...]]:
        """Return up to `size` rows."""
        return [row for _n, row in zip(range(size), self.rows, strict=False)]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rest."""
        return list(self.rows)

    def close(self) -> None:
        """Nothing to give back."""

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self.rows

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Recorder(Player):
    """Asks a real cursor and keeps what it says."""

    def __init__(self, tape: Tape, real: Any) -> None:
        super().__init__(tape)
        self.real = real

    def execute(self, sql: Any, params: Sequence[Any] | None = None) -> None:
        """Ask, keep, show."""
        self.real.execute(sql, params)
        rows = self.real.fetchall() if self.real.description else []
        answer = (self.real.description, self.real.rowcount, rows)
        self.tape.answers.append(answer)
        self.show(answer)

    def close(self) -> None:
        """Close the real cursor."""
        self.real.close()
