"""What an order says to each field, worked out when a rule asks for it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import holidays
from django.utils import timezone

from orders.desk.facts import KEY, Facts, LineFacts
from orders.desk.phones import masked
from orders.desk.rules.book import CATEGORIES
from orders.desk.rules.comparing import folded
from orders.desk.rules.conditions import LINES

ONE_PIECE = 1000
HUNDRED = Decimal(100)


@dataclasses.dataclass(frozen=True, slots=True)
class SkuFacts:
    """What the catalogue and the shelves say of a SKU."""

    category: str = ""
    brand: str = ""
    weight_g: int | None = None
    cost: Decimal | None = None  # moving average over the warehouses, base currency


@dataclasses.dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier order of the same buyer, address or phone."""

    order_id: int
    placed_at: dt.datetime
    refunded: bool


@dataclasses.dataclass(slots=True)
class Background:
    """What a page of orders is seen against; empty where no rule asks for it."""

    now: dt.datetime
    country: str = ""  # whose holidays count
    skus: Mapping[int, SkuFacts] = dataclasses.field(default_factory=dict)
    free: Mapping[tuple[int, int], int] = dataclasses.field(default_factory=dict)  # (SKU, warehouse) → thousandths
    earlier: Mapping[str, list[Earlier]] = dataclasses.field(default_factory=dict)  # hash → orders


class OrderValues(dict[str, Any]):
    """The values of one order. A value frozen at the review (`kept`) goes before one worked out now."""

    def __init__(self, facts: Facts, background: Background, kept: Mapping[str, Any] | None = None) -> None:
        super().__init__(kept or {})
        self.facts, self.background = facts, background
        self.kept_lines: list[Mapping[str, Any]] = self.pop(LINES, [])

    def __missing__(self, key: str) -> Any:
        code, _colon, days = key.partition(":")
        value = _ORDER[code](self, int(days)) if days else _ORDER[code](self)
        self[key] = value
        return value

    def frozen(self, keys: tuple[tuple[str, str], ...]) -> dict[str, Any]:
        """Return what cannot be worked out again later: the values of `keys` ((order | line, key), …)."""
        found: dict[str, Any] = {key: self[key] for of, key in keys if of == "order"}
        if any(of == "line" for of, _key in keys):
            found[LINES] = [{key: line[key] for of, key in keys if of == "line"} for line in self[LINES]]
        return found


class LineValues(dict[str, Any]):
    """The values of one line."""

    def __init__(self, order: OrderValues, line: LineFacts, kept: Mapping[str, Any] | None = None) -> None:
        super().__init__(kept or {})
        self.order, self.line = order, line

    def __missing__(self, key: str) -> Any:
        value = self[key] = _LINE[key](self)
        return value


# --- the order -------------------------------------------------------------------------------------------------------


def _lines(v: OrderValues) -> list[LineValues]:
    kept = v.kept_lines
    return [LineValues(v, line, kept[place] if place < len(kept) else None) for place, line in enumerate(v.facts.lines)]


def _address(name: str) -> Callable[[OrderValues], str]:
    return lambda v: folded(getattr(v.facts.address, name)) if v.facts.address is not None else ""


def _base(v: OrderValues, amount: Decimal) -> float | None:
    return None if v.facts.base_rate is None else float(amount * v.facts.base_rate)


def _discount_percent(v: OrderValues) -> float | None:
    before = v.facts.total + v.facts.discount_total
    return float(v.facts.discount_total / before * HUNDRED) if before > 0 else None


def _net(facts: Facts, line: LineFacts) -> Decimal:
    return line.total - (line.tax if facts.taxes_included else Decimal(0))


def _cost(v: OrderValues, line: LineFacts) -> Decimal | None:
    """Return what the ordered pieces of a line cost us, bundles by their parts; None when one cost is unknown."""
    total = Decimal(0)
    for sku_id, pieces in _pieces(line):
        cost = v.background.skus.get(sku_id, SkuFacts()).cost
        if cost is None:
            return None
        total += cost * pieces
    return total


def _pieces(line: LineFacts) -> list[tuple[int, Decimal]]:
    """Return the SKUs that leave the shelf for a line, with their pieces as ordered."""
    if line.sku_id is None:
        return []
    ordered = Decimal(line.quantity) * line.pack / ONE_PIECE
    return [(part, each * ordered) for part, each in line.parts] if line.bundle else [(line.sku_id, ordered)]


def _margin(v: OrderValues, lines: list[LineFacts]) -> float | None:
    lines = [line for line in lines if line.stocked]
    rate, costs = v.facts.base_rate, [_cost(v, line) for line in lines]
    if rate is None or not lines or any(line.sku_id is None for line in lines) or None in costs:
        return None
    net = sum((_net(v.facts, line) for line in lines), Decimal(0)) * rate
    return float((net - sum(filter(None, costs), Decimal(0))) / net * HUNDRED) if net > 0 else None


def _weight(v: OrderValues, lines: list[LineFacts]) -> float | None:
    total = Decimal(0)
    for line in lines:
        if line.sku_id is None and line.stocked:
            return None
        for sku_id, pieces in _pieces(line) if line.stocked else ():
            weight = v.background.skus.get(sku_id, SkuFacts()).weight_g
            if weight is None:
                return None
            total += weight * pieces
    return float(total)


def _in_stock(v: OrderValues, line: LineFacts) -> bool:
    """Whether one line alone could be sent from the shop's warehouses together."""
    if not line.stocked or line.wanted <= 0:
        return True
    if line.sku_id is None:
        return False
    parts = line.parts if line.bundle else ((line.sku_id, 1),)
    return bool(parts) and all(
        sum(v.background.free.get((sku_id, place), 0) for place in v.facts.warehouses) >= line.wanted * each
        for sku_id, each in parts
    )


def _local(v: OrderValues) -> dt.datetime:
    return v.facts.placed_at.astimezone(timezone.get_default_timezone())


@lru_cache(maxsize=64)
def _holidays(country: str, year: int) -> frozenset[dt.date]:
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:  # a country the library does not know has no holidays
        return frozenset()


def _holiday(v: OrderValues) -> bool:
    day = _local(v).date()
    return bool(v.background.country) and day in _holidays(v.background.country, day.year)


def _earlier(v: OrderValues, key: str, days: int) -> list[Earlier]:
    since = v.facts.placed_at - dt.timedelta(days=days)
    own = (v.facts.placed_at, v.facts.order_id)
    alike = v.background.earlier.get(key[:KEY], []) if key else []
    return [one for one in alike if since <= one.placed_at and (one.placed_at, one.order_id) < own]


def _refund_percent(v: OrderValues, days: int) -> float | None:
    found = _earlier(v, v.facts.buyer_hash, days)
    return 100.0 * sum(one.refunded for one in found) / len(found) if found else None


_ORDER: dict[str, Callable[..., Any]] = {
    LINES: _lines,
    CATEGORIES: lambda v: frozenset(line["category"] for line in v[LINES]),
    "shop": lambda v: str(v.facts.shop_id),
    "country": lambda v: v.facts.country,
    "region": _address("region"),
    "city": _address("city"),
    "postcode": _address("postcode"),
    "street": lambda v: " ".join(filter(None, (_address("line1")(v), _address("line2")(v)))),
    "address_masked": lambda v: bool(v.facts.address and v.facts.address.masked) or masked(v.facts.phone),
    "phone": lambda v: folded(v.facts.phone),
    "buyer": lambda v: _address("name")(v) or folded(v.facts.buyer_name),
    "email": lambda v: folded(v.facts.email),
    "buyer_note": lambda v: folded(v.facts.buyer_note),
    "seller_note": lambda v: folded(v.facts.seller_note),
    "tags": lambda v: frozenset(map(folded, v.facts.tags)),
    "risk": lambda v: folded(v.facts.risk),
    "shipping_method": lambda v: folded(v.facts.shipping_method),
    "payment": lambda v: v.facts.payment,
    "currency": lambda v: folded(v.facts.currency),
    "test": lambda v: v.facts.test,
    "total": lambda v: _base(v, v.facts.total),
    "discount_percent": _discount_percent,
    "margin_percent": lambda v: _margin(v, v.facts.lines),
    "weight": lambda v: _weight(v, v.facts.lines),
    "lines": lambda v: float(sum(1 for line in v.facts.lines if line.quantity)),
    "pieces": lambda v: sum(line.quantity for line in v.facts.lines) / ONE_PIECE,
    "all_in_stock": lambda v: all(line["in_stock"] for line in v[LINES]),
    "hour": lambda v: _local(v).hour + _local(v).minute / 60,
    "weekday": lambda v: str(_local(v).isoweekday()),
    "holiday": _holiday,
    "age_hours": lambda v: (v.background.now - v.facts.placed_at).total_seconds() / 3600,
    "buyer_orders": lambda v, days: float(len(_earlier(v, v.facts.buyer_hash, days))),
    "address_orders": lambda v, days: float(len(_earlier(v, v.facts.address_hash, days))),
    "phone_orders": lambda v, days: float(len(_earlier(v, v.facts.phone_hash, days))),
    "buyer_refund_percent": _refund_percent,
}

# --- a line ----------------------------------------------------------------------------------------------------------


def _sku(v: LineValues) -> SkuFacts:
    return v.order.background.skus.get(v.line.sku_id or 0, SkuFacts())


def _line_discount(v: LineValues) -> float | None:
    before = v.line.total + v.line.discount
    return float(v.line.discount / before * HUNDRED) if before > 0 else None


_LINE: dict[str, Callable[[LineValues], Any]] = {
    "sku": lambda v: folded(v.line.label),
    "title": lambda v: folded(v.line.title),
    "category": lambda v: folded(_sku(v).category),
    "brand": lambda v: folded(_sku(v).brand),
    "quantity": lambda v: v.line.quantity / ONE_PIECE,
    "unit_price": lambda v: _base(v.order, v.line.unit_price),
    "line_total": lambda v: _base(v.order, v.line.total),
    "line_discount_percent": _line_discount,
    "line_margin_percent": lambda v: _margin(v.order, [v.line]),
    "line_weight": lambda v: _weight(v.order, [v.line]),
    "bundle": lambda v: v.line.bundle,
    "matched": lambda v: v.line.sku_id is not None,
    "in_stock": lambda v: _in_stock(v.order, v.line),
}
