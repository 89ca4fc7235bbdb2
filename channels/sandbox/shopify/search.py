"""Shopify's search syntax, as far as the sandbox plays it: `updated_at:>='…'`, `status:any`, `id:>1`, joined by AND.

What it does not play is refused, never silently ignored as unknown terms are over there. Source: shopify.dev "Shopify
API search syntax"; without `status:any` only open orders are found (see frappe/ecommerce_integrations #410).
"""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError

from channels.sandbox.shopify.store import Record, Store, number

TERM = re.compile(r"(?P<name>[a-z_]+):(?P<sign>>=|<=|>|<|)(?:'(?P<quoted>[^']*)'|(?P<plain>[^\s']+))")
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "": operator.eq,
}
TIMES = {"updated_at": "updatedAt", "created_at": "createdAt", "processed_at": "processedAt"}


def matching_orders(store: Store, query: str | None, *, everything: bool) -> list[Record]:
    """Return the orders that a query finds now; without `everything` only those of the last 60 days."""
    terms = _terms(query)
    status = next((value for name, _sign, value in terms if name == "status"), "open")
    now, oldest = store.text_now(), store.text_now(-dt.timedelta(days=60))
    return [
        order
        for order in store.orders.values()
        if _has_status(order, status)
        and order["visibleAt"] <= now
        and (everything or order["createdAt"] >= oldest)
        and all(_fits(order, term) for term in terms if term[0] != "status")
    ]


def matching_variants(store: Store, query: str | None) -> list[Record]:
    """Return the variants that a query finds."""
    terms = _terms(query)
    return [row for row in store.variants.values() if all(_variant_fits(row, term) for term in terms)]


def _terms(query: str | None) -> list[tuple[str, str, str]]:
    rest, terms = (query or "").strip(), []
    while rest:
        found = TERM.match(rest)
        if not found:
            raise GraphQLError(f"The sandbox cannot read the search {query!r}.", extensions={"code": "NOT_IN_SANDBOX"})
        terms.append((found["name"], found["sign"], found["quoted"] if found["quoted"] is not None else found["plain"]))
        rest = rest[found.end() :].lstrip().removeprefix("AND ").lstrip()
    return terms


def _has_status(order: Record, status: str) -> bool:
    if status in {"any", "not_closed"}:
        return status == "any" or not order["closedAt"]
    if status == "cancelled":
        return bool(order["cancelledAt"])
    return bool(order["closedAt"]) == (status == "closed")


def _fits(order: Record, term: tuple[str, str, str]) -> bool:
    name, sign, value = term
    if name in TIMES:
        return SIGNS[sign](_moment(order[TIMES[name]]), _moment(value))
    if name in {"name", "id"}:
        return SIGNS[sign](order["name"].lstrip("#") if name == "name" else number(order["id"]), _typed(name, value))
    raise GraphQLError(f"The sandbox does not search orders by {name}.", extensions={"code": "NOT_IN_SANDBOX"})


def _variant_fits(variant: Record, term: tuple[str, str, str]) -> bool:
    name, sign, value = term
    if name == "id":
        return SIGNS[sign](number(variant["id"]), int(value))
    if name in {"sku", "barcode"}:
        return bool(variant[name] == value)
    raise GraphQLError(f"The sandbox does not search variants by {name}.", extensions={"code": "NOT_IN_SANDBOX"})


def _typed(name: str, value: str) -> Any:
    return int(value) if name == "id" else value.lstrip("#")


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise GraphQLError(f"{text!r} is not a time.", extensions={"code": "BAD_REQUEST"}) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
