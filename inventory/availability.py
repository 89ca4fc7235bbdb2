"""What a shop may show of a SKU: one formula, every input of it kept, for now or for any past moment.

free = Σ over the shop's warehouses (on hand − reserved − unreserved demand); less what lies in blocked or expired
lots; less the buffer; times the share; plus presale; 0 when less than the stop-selling threshold; at most the cap;
whole pieces, never below 0; 0 when paused.
A bundle counts Σ over warehouses of min ⌊part ÷ pieces in it⌋, and never more than all its parts together allow.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from inventory.models import Sku
from inventory.stock_state import Link, Policy, Stock, StockState, read

ZERO = Decimal(0)
FigureKey = tuple[int, int, int | None]  # (shop id, SKU id, warehouse id, or None for the whole shop)


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """A quantity to show (whole pieces) and, as JSON, everything it was made of.

    `tracked` is False for goods without stock: there is no figure to publish.
    """

    quantity: Decimal
    inputs: dict[str, Any]
    tracked: bool = True


def figures(
    *, shop_ids: Collection[int], sku_ids: Collection[int], at: dt.datetime | None = None
) -> dict[FigureKey, Figure]:
    """Return the figure of each shop and SKU, over all its warehouses and in each: five queries for any number.

    `at` looks back: links, policies and bundles as they were valid, stock as the ledger had it recorded. Figures of
    the warehouses add up to the shop's. Unknown shops and SKUs are left out.
    """
    state = read(shop_ids, sku_ids, at)
    found: dict[FigureKey, Figure] = {}
    for shop_id in dict.fromkeys(shop_ids):
        for sku_id in dict.fromkeys(sku_ids):
            if sku_id in state.skus:
                found |= _figures_of(state, shop_id, state.skus[sku_id])
    return found


def _figures_of(state: StockState, shop_id: int, sku: Sku) -> dict[FigureKey, Figure]:
    links = state.links.get(shop_id, [])
    parts = _parts(state, sku)
    policy, pauses = state.policy(shop_id, sku.pk, [part for part, _per in parts])
    rows = [_warehouse_row(state, link, parts) for link in links]
    units = [(link.warehouse_id, _units_at(state, link, parts, sku)) for link in links if link.counts]
    free = _free(state, links, units, parts, sku)
    terms = _terms(free, _held(state, links, parts, sku, free), policy)
    total = terms[-1]["result"] if sku.active and not pauses else ZERO
    inputs = {
        "at": state.at.isoformat(),
        "kind": sku.kind,
        "active": sku.active,
        "parts": [{"sku": part, "quantity": _text(per)} for part, per in parts] if sku.kind == Sku.Kind.BUNDLE else [],
        "warehouses": rows,
        "policy": policy.inputs(),
        "pauses": [{"policy": pause.id, "reason": pause.reason} for pause in pauses],
        "terms": [{name: _plain(value) for name, value in term.items()} for term in terms],
        "quantity": _text(total),
    }
    tracked = sku.kind != Sku.Kind.VIRTUAL
    found: dict[FigureKey, Figure] = {(shop_id, sku.pk, None): Figure(total, inputs, tracked)}
    for warehouse_id, quantity in _shared_out(total, units).items():
        own = {**inputs, "warehouse": warehouse_id, "quantity": _text(quantity)}
        found[shop_id, sku.pk, warehouse_id] = Figure(quantity, own, tracked)
    return found


def _parts(state: StockState, sku: Sku) -> Sequence[tuple[int, Decimal]]:
    if sku.kind == Sku.Kind.BUNDLE:
        return state.parts.get(sku.pk, ())
    return ((sku.pk, Decimal(1)),) if sku.kind == Sku.Kind.STOCKED else ()


def _warehouse_row(state: StockState, link: Link, parts: Sequence[tuple[int, Decimal]]) -> dict[str, Any]:
    stock = [_stock_row(part, state.stock(part, link.warehouse_id)) for part, _per in parts]
    return {"warehouse": link.warehouse_id, "priority": link.priority, "counts": link.counts, "stock": stock}


def _stock_row(sku_id: int, stock: Stock) -> dict[str, Any]:
    return {
        "sku": sku_id,
        "on_hand": _text(stock.on_hand),
        "reserved": _text(stock.reserved),
        "demand": _text(stock.demand),
        "free": _text(stock.free),
        **({"unsellable": _text(stock.unsellable)} if stock.unsellable else {}),
    }


def _units_at(state: StockState, link: Link, parts: Sequence[tuple[int, Decimal]], sku: Sku) -> Decimal:
    """Pieces (or whole bundles) that could leave from one warehouse."""
    return min((_units(state.stock(part, link.warehouse_id).free, per, sku) for part, per in parts), default=ZERO)


def _units(free: Decimal, per: Decimal, sku: Sku) -> Decimal:
    return _whole(max(free, ZERO) / per) if sku.kind == Sku.Kind.BUNDLE else max(free, ZERO)


def _free(
    state: StockState,
    links: Sequence[Link],
    units: Sequence[tuple[int, Decimal]],
    parts: Sequence[tuple[int, Decimal]],
    sku: Sku,
) -> Decimal:
    """What is free over all warehouses; more wanted in one than it has is taken from the others."""
    in_all = [
        sum((state.stock(part, link.warehouse_id).free for link in links if link.counts), ZERO) / per
        for part, per in parts
    ]
    if sku.kind == Sku.Kind.BUNDLE:
        together = sum((there for _warehouse, there in units), ZERO)
        return min([together, *map(_whole, in_all)]) if in_all else ZERO
    return in_all[0] if in_all else ZERO


def _held(
    state: StockState, links: Sequence[Link], parts: Sequence[tuple[int, Decimal]], sku: Sku, free: Decimal
) -> Decimal:
    """How many more would be free if nothing were blocked or expired."""
    pairs = [(part, link.warehouse_id) for link in links if link.counts for part, _per in parts]
    if not any(state.stock(*pair).unsellable for pair in pairs):
        return ZERO
    good = {pair: dataclasses.replace(state.stock(*pair), unsellable=ZERO) for pair in pairs}
    bare = dataclasses.replace(state, balances=good)
    units = [(link.warehouse_id, _units_at(bare, link, parts, sku)) for link in links if link.counts]
    return _free(bare, links, units, parts, sku) - free


def _terms(free: Decimal, held: Decimal, policy: Policy) -> list[dict[str, Any]]:
    """The formula step by step: each term's amount and what stands after it."""
    terms: list[dict[str, Any]] = [{"code": "free", "amount": free + held, "result": free + held}]

    def then(code: str, amount: Decimal | None, result: Decimal) -> None:
        terms.append({"code": code, "amount": amount, "result": result})

    if held:
        then("unsellable", held, free)
    # The buffer keeps back what is there; it never eats into presale, which is not there yet.
    stock = max(free - policy.buffer, min(free, ZERO))
    then("buffer", policy.buffer, stock)
    stock = stock * policy.share if stock > 0 else stock
    then("share", policy.share, stock)
    stock += policy.presale
    then("presale", policy.presale, stock)
    stock = ZERO if stock < policy.stop_below else stock
    then("stop_below", policy.stop_below, stock)
    stock = stock if policy.cap is None else min(stock, policy.cap)
    then("cap", policy.cap, stock)
    then("whole", None, _whole(max(stock, ZERO)))
    return terms


def _shared_out(total: Decimal, units: Sequence[tuple[int, Decimal]]) -> dict[int, Decimal]:
    """Share the shop's figure out over its warehouses in their order; what none has (presale) stands on the first."""
    rest, shared = total, {}
    for warehouse_id, there in units:
        shared[warehouse_id] = min(_whole(there), rest)
        rest -= shared[warehouse_id]
    if units and rest:
        shared[units[0][0]] += rest
    return shared


def _whole(number: Decimal) -> Decimal:
    return number.to_integral_value(rounding=ROUND_FLOOR)


def _text(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"


def _plain(value: Any) -> Any:
    return _text(value) if isinstance(value, Decimal) else value
