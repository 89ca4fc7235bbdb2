"""Publishing absolute figures: read before, write in batches, read back.

WooCommerce has no compare-and-swap, answers 200 to writes it ignores, and puts a row's error inside a 200. So a
figure that moved since we last saw it is not overwritten, and only what the store shows afterwards counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from channels.connectors.base import ConnectorError, StockResult, StockWrite, WriteStatus
from channels.connectors.woocommerce.client import StoreClient, refusal
from channels.connectors.woocommerce.listings import (
    GONE,
    Shown,
    by_parent,
    error_of,
    figure,
    managed,
    shown_figures,
    stock_id_of,
)

MOST_IN_BATCH = 100
HIGHEST = 2_147_483_647

Results = dict[str, StockResult]


def push(client: StoreClient, writes: Sequence[StockWrite], *, read_back: bool = True) -> tuple[StockResult, ...]:
    """Publish the figures, one result a write, same order.

    Raises ConnectorError only when nothing was written. A batch whose answer was lost is read back: what shows the
    wanted figure is applied, the rest unknown.
    """
    results: Results = {}
    todo: dict[str, StockWrite] = {}
    for write in writes:
        wrong = _unfit(write)
        if wrong:
            results[write.key.stock_id] = _result(write, WriteStatus.REJECTED, code=wrong, permanent=True)
        else:
            todo[write.key.stock_id] = write
    before = _check_expected(client, todo, results)
    batches = list(_batches(todo))
    for place, (parent, rows) in enumerate(batches):
        try:
            answered = _send(client, parent, rows)
        except ConnectorError as error:
            if place == 0 and not error.unknown:
                raise
            _not_answered(client, rows, error, results)
        else:
            _judge(client, rows, answered, before, results, read_back=read_back)
    return tuple(results[write.key.stock_id] for write in writes)


def _unfit(write: StockWrite) -> str:
    """A figure that is no whole number would be cut, or read as 0, without a word."""
    if not isinstance(write.quantity, int) or isinstance(write.quantity, bool) or abs(write.quantity) > HIGHEST:
        return "bad_quantity"
    return "" if by_parent([write.key.stock_id]) else "bad_id"


def _check_expected(client: StoreClient, todo: dict[str, StockWrite], results: Results) -> dict[str, Shown]:
    """Read what is shown where a figure is expected; what moved, is gone or keeps no figure leaves `todo`."""
    asked = [stock_id for stock_id, write in todo.items() if write.expected is not None]
    shown = shown_figures(client, asked) if asked else {}
    for stock_id, now in shown.items():
        write = todo[stock_id]
        if now.reason:
            results[stock_id] = _result(write, WriteStatus.REJECTED, code=now.reason, permanent=True)
        elif now.quantity != write.expected:
            results[stock_id] = _result(write, WriteStatus.STALE, now.quantity, code="moved")
        else:
            continue
        del todo[stock_id]
    return shown


def _batches(todo: Mapping[str, StockWrite]) -> Iterator[tuple[str, list[StockWrite]]]:
    """Group the writes as the store takes them: simple products together, variations by parent, at most 100."""
    for parent, ids in by_parent(list(todo)).items():
        rows = [todo[stock_id_of(parent, own)] for own in ids]
        for start in range(0, len(rows), MOST_IN_BATCH):
            yield parent, rows[start : start + MOST_IN_BATCH]


def _send(client: StoreClient, parent: str, rows: list[StockWrite]) -> dict[str, Any]:
    """Write one batch and return the answered rows by stock id; halved when the store takes fewer at a time."""
    path = f"products/{parent}/variations/batch" if parent else "products/batch"
    update = [{"id": int(_own_id(row)), "stock_quantity": row.quantity} for row in rows]
    try:
        answer = client.write("POST", path, {"update": update})
    except ConnectorError as error:
        if error.code != "too_many" or len(rows) < 2:
            raise
        middle = len(rows) // 2
        first = _send(client, parent, rows[:middle])
        try:
            return {**first, **_send(client, parent, rows[middle:])}
        except ConnectorError as second:
            raise ConnectorError(second.code, second.message, unknown=True) from None
    answered = answer.get("update") if isinstance(answer, dict) else None
    if not isinstance(answered, list):
        raise ConnectorError("bad_json", "the batch was not answered row by row", unknown=True)
    return {stock_id_of(parent, str(row.get("id"))): row for row in answered if isinstance(row, dict)}


def _judge(
    client: StoreClient,
    rows: list[StockWrite],
    answered: Mapping[str, Any],
    before: Mapping[str, Shown],
    results: Results,
    *,
    read_back: bool,
) -> None:
    """Say what became of each row, by its answer and by what the store shows now."""
    written = []
    for row in rows:
        stock_id = row.key.stock_id
        code, message, status = refusal(error_of(answered.get(stock_id)), client.config.credentials)
        if code:
            permanent = 400 <= status < 500
            results[stock_id] = _result(
                row, WriteStatus.REJECTED, code=_reason(code), message=message, permanent=permanent
            )
        else:
            written.append(row)
    shown = _read_back(client, written) if read_back else {}
    for row in written:
        stock_id = row.key.stock_id
        echo = _echo(answered.get(stock_id))
        results[stock_id] = _outcome(row, echo, shown.get(stock_id, echo), before.get(stock_id))


def _outcome(row: StockWrite, echo: Shown, now: Shown, before: Shown | None) -> StockResult:
    if now.reason:
        # Answered as done all the same: the product keeps no figure of its own.
        return _result(row, WriteStatus.IGNORED, code=now.reason, permanent=True)
    if now.quantity == row.quantity:
        return _result(row, WriteStatus.APPLIED, now.quantity)
    if now.quantity is None:
        return _result(row, WriteStatus.UNKNOWN, code="not_read_back")
    taken = echo.quantity == row.quantity and before is not None and now.quantity != before.quantity
    # Written, and sold from before we looked again: applied, but the figure is a new one.
    return _result(
        row, WriteStatus.APPLIED if taken else WriteStatus.IGNORED, now.quantity, code="moved" if taken else ""
    )


def _read_back(client: StoreClient, rows: list[StockWrite]) -> dict[str, Shown]:
    """Read the figures after a write; a reading that fails must not hide that the write was answered."""
    if not rows:
        return {}
    try:
        return shown_figures(client, [row.key.stock_id for row in rows])
    except ConnectorError:
        return {}


def _not_answered(client: StoreClient, rows: list[StockWrite], error: ConnectorError, results: Results) -> None:
    """A batch failed after others were written, or its answer was lost."""
    shown = _read_back(client, rows) if error.unknown else {}
    for row in rows:
        stock_id = row.key.stock_id
        now = shown.get(stock_id, GONE)
        if now.quantity == row.quantity:
            results[stock_id] = _result(row, WriteStatus.APPLIED, now.quantity)
        elif error.unknown:
            results[stock_id] = _result(row, WriteStatus.UNKNOWN, now.quantity, code=error.code, message=error.message)
        else:
            results[stock_id] = _result(
                row, WriteStatus.REJECTED, code=error.code, message=error.message, permanent=error.permanent
            )


def _echo(answered: Any) -> Shown:
    """The row as the store answered it; one that is missing from the answer says nothing."""
    if not isinstance(answered, dict):
        return Shown(None)
    reason = managed(answered)
    return Shown(None if reason else figure(answered), reason)


def _own_id(write: StockWrite) -> str:
    return write.key.stock_id.rpartition(":")[2]


def _reason(code: str) -> str:
    return "gone" if code.endswith("_invalid_id") else code


def _result(
    write: StockWrite,
    status: WriteStatus,
    observed: int | None = None,
    *,
    code: str = "",
    message: str = "",
    permanent: bool = False,
) -> StockResult:
    return StockResult(key=write.key, status=status, observed=observed, code=code, message=message, permanent=permanent)
