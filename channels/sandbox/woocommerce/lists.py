"""What all lists and batches of the API have in common: filters, order, and many rows in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from channels.sandbox.woocommerce.rest import MOST_IN_BATCH, Answer, RestError
from channels.sandbox.woocommerce.shop import Row, Shop


def filtered(shop: Shop, rows: list[Row], asked: Mapping[str, Any]) -> list[Row]:
    """Apply the parameters that all lists know."""
    wanted, unwanted = set(asked.get("include") or ()), set(asked.get("exclude") or ())
    if wanted:
        rows = [row for row in rows if row["id"] in wanted]
    if unwanted:
        rows = [row for row in rows if row["id"] not in unwanted]
    gmt = bool(asked.get("dates_are_gmt"))
    for name, column in (("after", "created"), ("modified_after", "modified")):
        if asked.get(name):
            limit = shop.to_gmt(asked[name], is_gmt=gmt)
            rows = [row for row in rows if row[column] > limit]
    for name, column in (("before", "created"), ("modified_before", "modified")):
        if asked.get(name):
            limit = shop.to_gmt(asked[name], is_gmt=gmt)
            rows = [row for row in rows if row[column] < limit]
    return rows


def of_status(rows: list[Row], status: str | None) -> list[Row]:
    """Keep the rows of a status; "any" leaves the trash out."""
    if status in {None, "any"}:
        return [row for row in rows if row["status"] != "trash"]
    return [row for row in rows if row["status"] == status]


def ordered(rows: Iterable[Row], asked: Mapping[str, Any]) -> list[Row]:
    """Sort as asked, newest first unless told otherwise."""
    column = {"id": "id", "modified": "modified"}.get(asked.get("orderby") or "date", "created")
    down = (asked.get("order") or "desc") == "desc"
    return sorted(rows, key=lambda row: (row[column] or "", row["id"]), reverse=down)


def as_id(item: Mapping[str, Any]) -> int:
    """Return the id of a row in a batch; 0 when it has none."""
    value = item.get("id")
    return int(str(value)) if str(value).isdecimal() else 0


def run_batch(
    body: Mapping[str, Any],
    *,
    create: Callable[[Row], Row],
    update: Callable[[Row], Row],
    delete: Callable[[Row], Row],
) -> Answer:
    """Run a batch: each row for itself, its error inside a 200; more than a hundred rows are refused whole."""
    lists = {name: body.get(name) for name in ("create", "update", "delete")}
    rows = {name: list(value) for name, value in lists.items() if isinstance(value, list) and value}
    if sum(len(value) for value in rows.values()) > MOST_IN_BATCH:
        message = f"Unable to accept more than {MOST_IN_BATCH} items for this request."
        raise RestError("woocommerce_rest_request_entity_too_large", message, 413)
    doers = {"create": create, "update": update, "delete": delete}
    answer: dict[str, list[Row]] = {}
    for name, items in rows.items():
        answer[name] = []
        for item in items:
            row = item if isinstance(item, dict) else {"id": item}
            try:
                answer[name].append(doers[name](row))
            except RestError as error:
                answer[name].append({"id": as_id(row), "error": error.body()})
    return Answer(answer or [])
