"""Walking all orders by the time of their last change, sound while orders change under the walk.

Every page is the first page after a moment: `modified_after` the last second seen (it is exclusive and counts whole
seconds, so one second less is asked), without the orders of that second already seen (`exclude`). Page numbers would
lose an order whenever one before it changes and moves to the end. Trash is a second walk: `any` hides it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from backoffice.calls.answers import parse_json, split_rows
from channels.connectors.base import ConnectorError, HttpResponse, OrderPage, RawOrder
from channels.connectors.woocommerce.client import StoreClient, gmt, server_time

PHASES = ("any", "trash")
DRAFTS = frozenset({"auto-draft", "checkout-draft"})  # a buyer still typing at the check-out
SECOND = dt.timedelta(seconds=1)
MOST_EXCLUDED = 400  # ids in one address; web servers take about 8,000 characters
REFUND_PAGE = 100

Row = tuple[dict[str, Any], bytes]


@dataclasses.dataclass(frozen=True, slots=True)
class Cursor:
    """Where a walk stands. `serial` only makes each cursor of a walk differ from the others."""

    phase: str
    second: dt.datetime
    serial: int

    def text(self) -> str:
        """Return the cursor as stored."""
        return f"{self.phase}|{self.second:%Y-%m-%dT%H:%M:%S}|{self.serial}"

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Return the cursor of a stored text. Raises ConnectorError "bad_cursor"."""
        try:
            phase, second, serial = text.split("|")
            if phase not in PHASES:
                raise ValueError(phase)
            return cls(phase, dt.datetime.fromisoformat(second).replace(tzinfo=dt.UTC), int(serial))
        except ValueError:
            raise ConnectorError("bad_cursor", "the stored place in the walk cannot be read", permanent=True) from None


class OrderWalk:
    """One walk from `since`, or on from a stored cursor; iterate over `pages()`."""

    def __init__(self, client: StoreClient, *, since: dt.datetime, cursor: str | None, page_size: int) -> None:
        self.client, self.page_size = client, page_size
        self.since = since.astimezone(dt.UTC).replace(microsecond=0)
        self.at = Cursor.read(cursor) if cursor else Cursor(PHASES[0], self.since, 0)
        self._begin_second()
        self.more_promised = False

    def pages(self) -> Iterator[OrderPage]:
        """Yield page after page until both walks are done."""
        while True:
            response = self._ask()
            rows = order_rows(response)
            fresh = [row for row in rows if _key(row[0]) not in self.seen]
            going_on = self._step(response, rows, fresh)
            orders = tuple(raw_order(self.client, row) for row in fresh if row[0].get("status") not in DRAFTS)
            yield OrderPage(
                orders=orders, next_cursor=self.at.text() if going_on else None, server_time=server_time(response)
            )
            if not going_on:
                return

    def _begin_second(self) -> None:
        self.seen: set[tuple[str, Any]] = set()
        self.page = 0  # a page number, for stores that do not know `exclude`; 0 while it is not needed
        self.before: set[tuple[str, Any]] = set()  # the page before, to notice one that repeats

    def _ask(self) -> HttpResponse:
        params: dict[str, Any] = {
            "status": self.at.phase,
            "modified_after": f"{self.at.second - SECOND:%Y-%m-%dT%H:%M:%S}",
            "dates_are_gmt": "true",
            "orderby": "modified",
            "order": "asc",
            "per_page": self.page_size,
        }
        if self.page:
            params["page"] = self.page
        elif self.seen:
            params["exclude"] = ",".join(sorted({order_id for order_id, _modified in self.seen}))
        return self.client.send("GET", "orders", params)

    def _step(self, response: HttpResponse, rows: list[Row], fresh: list[Row]) -> bool:
        """Move to the next request; False when everything was walked. Raises ConnectorError "short_page"."""
        if not rows and self.more_promised:
            raise ConnectorError("short_page", "a page came empty although the store had announced more")
        total = _number(response, "x-wp-total")
        full = len(rows) >= self.page_size or (total is not None and bool(rows) and self._seen_of(total, rows))
        self.more_promised = total is not None and total > len(rows) and not self.page
        if not full:
            return self._next_phase()
        last = max((moment for row in rows if (moment := gmt(row[0].get("date_modified_gmt")))), default=None)
        if last is not None and last > self.at.second:
            self.at = Cursor(self.at.phase, last, self.at.serial + 1)
            self._begin_second()
            self.seen = {_key(row[0]) for row in rows if gmt(row[0].get("date_modified_gmt")) == last}
        else:
            self._go_on_within(rows, fresh)
        return True

    def _seen_of(self, total: int, rows: list[Row]) -> bool:
        # A plugin may thin a page out: what counts is whether the store has more than it gave.
        return total > (self.page - 1) * self.page_size + len(rows) if self.page else total > len(rows)

    def _go_on_within(self, rows: list[Row], fresh: list[Row]) -> None:
        """More orders share one second than fit on a page."""
        keys = {_key(row[0]) for row in rows}
        self.seen |= keys
        if self.page:
            if keys == self.before:
                raise ConnectorError("page_loop", "the store gives the same page again and again")
            self.before, self.page = keys, self.page + 1
        elif not fresh:
            self.page = 2  # `exclude` was not honoured: page numbers, with what was seen left out here
        elif len(self.seen) > MOST_EXCLUDED:
            self.page = len(self.seen) // self.page_size
        self.at = dataclasses.replace(self.at, serial=self.at.serial + 1)

    def _next_phase(self) -> bool:
        place = PHASES.index(self.at.phase) + 1
        if place == len(PHASES):
            return False
        self.at = Cursor(PHASES[place], self.since, self.at.serial + 1)
        self._begin_second()
        self.more_promised = False
        return True


def order_rows(response: HttpResponse) -> list[Row]:
    """Return the orders of a page with their exact text. Raises ConnectorError "bad_json" for anything else."""
    rows: list[Row] = []
    for value, text in split_rows(response):
        if not isinstance(value, dict) or not isinstance(value.get("id"), int):
            raise ConnectorError("bad_json", "a row of the list is no order")
        rows.append((value, text))
    return rows


def read_order(client: StoreClient, external_id: str) -> RawOrder | None:
    """Fetch one order; None when the store has none of that id or a buyer is still typing it."""
    if not external_id.isdecimal():
        return None
    try:
        response = client.send("GET", f"orders/{external_id}")
    except ConnectorError as error:
        if error.code == "not_found":
            return None
        raise
    order = parse_json(response)
    if not isinstance(order, dict) or not isinstance(order.get("id"), int):
        raise ConnectorError("bad_json", "an order was expected")
    if order.get("status") in DRAFTS:
        return None
    return raw_order(client, (order, response.body.removeprefix(b"\xef\xbb\xbf").strip()))


def raw_order(client: StoreClient, row: Row) -> RawOrder:
    """Return one order with its refunds: the order itself names them without their lines."""
    order, text = row
    refunds = read_refunds(client, order) if order.get("refunds") else b"[]"
    return RawOrder(
        external_id=str(order["id"]),
        updated_at=gmt(order.get("date_modified_gmt")),
        body=b'{"order":' + text + b',"refunds":' + refunds + b"}",
    )


def read_refunds(client: StoreClient, order: Mapping[str, Any]) -> bytes:
    """Return the text of the list of an order's refunds; an order that went meanwhile has none."""
    texts: list[bytes] = []
    for page in range(1, 100):
        params = {"per_page": REFUND_PAGE, "page": page, "orderby": "id", "order": "asc"}
        try:
            rows = split_rows(client.send("GET", f"orders/{order['id']}/refunds", params))
        except ConnectorError as error:
            if error.code == "not_found":
                break
            raise
        texts += [text for _value, text in rows]
        if len(rows) < REFUND_PAGE:
            break
    return b"[" + b",".join(texts) + b"]"


def _key(order: Mapping[str, Any]) -> tuple[str, Any]:
    return str(order["id"]), order.get("date_modified_gmt")


def _number(response: HttpResponse, header: str) -> int | None:
    text = response.headers.get(header, "")
    return int(text) if text.isdecimal() else None
