"""The file connector: an offline store's orders from rows that somebody already read out of a spreadsheet.

It calls nobody. `build_orders` groups rows into raw orders and says which rows do not fit together; `parse_order` reads
one raw order again at any time, as every connector does. One row is one line; rows with the same number are one order.

`config.options`: currency (of the shop), country, handed_over (true: the goods left with the buyer, as at a till).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from channels.connectors.base import Capability, Connector, ConnectorError, RawOrder, ShopIdentity
from orders.contracts import (
    Address,
    Buyer,
    IncomingFulfilment,
    IncomingLine,
    IncomingOrder,
    OrderStatus,
    PaymentStatus,
)

FORMAT = 1
ZERO = Decimal(0)
# What is said once per order: rows of one order may leave it empty after the first, but may not contradict it.
ORDER_FIELDS = (
    "placed_at",
    "currency",
    "paid",
    "cancelled",
    "buyer",
    "phone",
    "email",
    "company",
    "address",
    "address2",
    "city",
    "region",
    "postcode",
    "country",
    "note",
    "shipping_price",
)
LINE_FIELDS = ("sku", "barcode", "title", "quantity", "unit_price", "discount", "tax")


@dataclasses.dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that does not fit: its number in the file, the column, a code and the value."""

    row: int
    column: str
    code: str
    value: str = ""


def build_orders(
    rows: Sequence[tuple[int, Mapping[str, Any]]], *, uploaded_at: dt.datetime, currency: str
) -> tuple[list[RawOrder], list[RowProblem]]:
    """Group (row number, values) into raw orders; a contradiction or a missing value is a problem of its row."""
    groups: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for number, values in rows:
        groups.setdefault(str(values.get("number") or "").strip(), []).append((number, values))
    orders: list[RawOrder] = []
    problems: list[RowProblem] = []
    for name, mine in groups.items():
        found = _problems(name, mine)
        problems += found
        if not found:
            orders.append(_raw(name, mine, uploaded_at, currency))
    return orders, sorted(problems, key=lambda one: one.row)


def same_content(one: bytes, other: bytes) -> bool:
    """Tell whether two raw orders say the same, whenever they were uploaded."""
    first, second = json.loads(one), json.loads(other)
    return first.get("order") == second.get("order") and _sorted(first.get("lines")) == _sorted(second.get("lines"))


def _sorted(lines: Any) -> list[str]:
    return sorted(json.dumps(line, sort_keys=True) for line in lines or ())


def _line_names(number: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name lines by their goods, so that a file sorted otherwise means the same lines: the n-th of a SKU."""
    seen: dict[str, int] = {}
    names = []
    for row in rows:
        code = unicodedata.normalize("NFKC", str(row["sku"] or row["barcode"] or "")).casefold().strip()
        seen[code] = seen.get(code, 0) + 1
        names.append(f"{number}-{hashlib.sha256(code.encode()).hexdigest()[:12]}-{seen[code]}")
    return names


def _problems(name: str, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> list[RowProblem]:
    if not name:
        return [RowProblem(number, "number", "empty") for number, _values in rows]
    problems = [problem for number, values in rows for problem in _row_problems(number, values)]
    for field in ORDER_FIELDS:
        said = {str(values[field]): number for number, values in reversed(rows) if values.get(field) not in (None, "")}
        problems += [RowProblem(number, field, "contradicts", value) for value, number in list(said.items())[:-1]]
    if not any(values.get("placed_at") for _number, values in rows):
        problems.append(RowProblem(rows[0][0], "placed_at", "empty"))
    return problems


def _row_problems(number: int, values: Mapping[str, Any]) -> list[RowProblem]:
    problems = []
    if not values.get("sku") and not values.get("barcode"):
        problems.append(RowProblem(number, "sku", "empty"))
    quantity = values.get("quantity")
    if quantity is None or quantity <= 0:
        problems.append(RowProblem(number, "quantity", "not_positive", "" if quantity is None else str(quantity)))
    for field in ("unit_price", "discount", "tax", "shipping_price"):
        amount = values.get(field)
        if amount is not None and amount < 0:
            problems.append(RowProblem(number, field, "negative", str(amount)))
    return problems


def _raw(name: str, rows: Sequence[tuple[int, Mapping[str, Any]]], uploaded_at: dt.datetime, currency: str) -> RawOrder:
    order: dict[str, Any] = {"number": name}
    for field in ORDER_FIELDS:
        said = [values[field] for _number, values in rows if values.get(field) not in (None, "")]
        order[field] = _plain(said[0]) if said else None
    order["currency"] = order["currency"] or currency
    lines = [{field: _plain(values.get(field)) for field in LINE_FIELDS} for _number, values in rows]
    body = {"format": FORMAT, "order": order, "lines": lines, "uploaded_at": uploaded_at.isoformat()}
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return RawOrder(external_id=name, updated_at=uploaded_at, body=text.encode())


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    return value.isoformat() if isinstance(value, dt.datetime) else value


class FileConnector(Connector):
    """An offline store (线下门店) whose orders come as Excel or CSV files."""

    platform: ClassVar[str] = "files"
    label: ClassVar[str] = "Excel / CSV"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.FILES})

    def test_connection(self) -> ShopIdentity:
        """A file has no other end: the account is its own identity."""
        return ShopIdentity(external_id=f"files-{self.config.account}", name=self.config.account)

    def parse_order(self, body: bytes) -> IncomingOrder:
        """Read one raw order. Raises ConnectorError "bad_order"."""
        try:
            data = json.loads(body)
            if data["format"] != FORMAT:
                raise ConnectorError("bad_order", "an unknown format", permanent=True)
            return self._order(data["order"], data["lines"], dt.datetime.fromisoformat(data["uploaded_at"]))
        except (ValueError, KeyError, TypeError, InvalidOperation) as error:
            raise ConnectorError("bad_order", type(error).__name__, permanent=True) from None

    def _order(self, order: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], at: dt.datetime) -> IncomingOrder:
        names = _line_names(order["number"], rows)
        lines = tuple(_line(name, row) for name, row in zip(names, rows, strict=True))
        placed = dt.datetime.fromisoformat(order["placed_at"])
        shipping = _number(order["shipping_price"])
        cancelled, paid = bool(order["cancelled"]), order["paid"] is not False
        return IncomingOrder(
            external_id=order["number"],
            number=order["number"],
            placed_at=placed,
            updated_at=at,
            currency=order["currency"],
            total=sum((line.total or ZERO for line in lines), ZERO) + shipping,
            lines=lines,
            status=OrderStatus.CANCELLED if cancelled else OrderStatus.OPEN,
            payment=PaymentStatus.PAID if paid else PaymentStatus.PENDING,
            paid_at=placed if paid else None,
            cancelled_at=at if cancelled else None,
            taxes_included=True,
            discount_total=sum((line.discount for line in lines), ZERO),
            tax_total=sum((line.tax for line in lines), ZERO),
            shipping_total=shipping,
            buyer=Buyer(name=order["buyer"] or "", phone=order["phone"] or "", email=order["email"] or ""),
            shipping=self._address(order),
            buyer_note=order["note"] or "",
            fulfilments=self._hand_over(order["number"], placed, lines) if not cancelled else (),
        )

    def _address(self, order: Mapping[str, Any]) -> Address | None:
        if not any(order[field] for field in ("address", "city", "postcode")):
            return None
        return Address(
            name=order["buyer"] or "",
            company=order["company"] or "",
            line1=order["address"] or "",
            line2=order["address2"] or "",
            city=order["city"] or "",
            region=order["region"] or "",
            postcode=order["postcode"] or "",
            country=(order["country"] or str(self.config.options.get("country", ""))).upper(),
            phone=order["phone"] or "",
        )

    def _hand_over(self, number: str, at: dt.datetime, lines: Sequence[IncomingLine]) -> tuple[IncomingFulfilment, ...]:
        """At a till the goods leave with the buyer: one parcel that needs no carrier."""
        if not self.config.options.get("handed_over"):
            return ()
        taken = tuple((line.external_id, line.quantity) for line in lines)
        return (IncomingFulfilment(external_id=f"{number}-till", shipped_at=at, lines=taken),)


def _line(name: str, row: Mapping[str, Any]) -> IncomingLine:
    quantity, price, discount = _number(row["quantity"]), _number(row["unit_price"]), _number(row["discount"])
    return IncomingLine(
        external_id=name,
        sku=row["sku"] or "",
        barcode=row["barcode"] or "",
        title=row["title"] or row["sku"] or row["barcode"],
        quantity=quantity,
        unit_price=price,
        discount=discount,
        tax=_number(row["tax"]),
        total=quantity * price - discount,
    )


def _number(value: Any) -> Decimal:
    return ZERO if value in (None, "") else Decimal(str(value))
