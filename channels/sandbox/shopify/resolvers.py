"""How the fields of the published schema are read from the shop's memory.

Plain fields are taken from the records by name; here stands what is derived or leads to other records. A field of the
schema that the sandbox does not play is an error that says so, never an invented value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo, get_named_type

from channels.sandbox.shopify.quirks import Quirks
from channels.sandbox.shopify.store import Record, Store

Resolver = Callable[..., Any]
RESOLVERS: dict[tuple[str, str], Resolver] = {}

# Which scopes open a type (any of them). Source: offline scopes published with the schema.
SCOPES: dict[str, tuple[str, ...]] = {
    "Customer": ("read_customers",),
    "Fulfillment": ("read_orders", "read_merchant_managed_fulfillment_orders"),
    "FulfillmentOrder": ("read_merchant_managed_fulfillment_orders", "read_assigned_fulfillment_orders"),
    "InventoryItem": ("read_inventory", "read_products"),
    "InventoryLevel": ("read_inventory",),
    "LineItem": ("read_orders",),
    "Location": ("read_locations", "read_inventory"),
    "Order": ("read_orders",),
    "Product": ("read_products",),
    "ProductVariant": ("read_products",),
    "Refund": ("read_orders",),
    "FulfillmentCreatePayload": ("write_merchant_managed_fulfillment_orders", "write_assigned_fulfillment_orders"),
    "InventorySetQuantitiesPayload": ("write_inventory",),
    "OrderCancelPayload": ("write_orders",),
    "RefundCreatePayload": ("write_orders",),
}


@dataclasses.dataclass(frozen=True)
class Context:
    """What resolvers may use: the shop, its quirks, and what the token that asks may see."""

    store: Store
    quirks: Quirks
    scopes: frozenset[str]
    operation: str = ""


def field(type_name: str, *names: str) -> Callable[[Resolver], Resolver]:
    """Register a resolver `(context, source, **arguments)` for fields of a type."""

    def register(resolver: Resolver) -> Resolver:
        for name in names:
            RESOLVERS[type_name, name] = resolver
        return resolver

    return register


def resolve(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """Resolve any field: scopes first, then the registered resolver, then the record's own value."""
    context: Context = info.context
    parent, name = info.parent_type.name, info.field_name
    _check_scopes(context, parent, name, get_named_type(info.return_type).name)
    resolver = RESOLVERS.get((parent, name))
    if resolver is not None:
        if parent == "Mutation":
            return resolver(context, source, info, **arguments)
        return resolver(context, source, **arguments)
    if isinstance(source, dict) and name in source:
        return source[name]
    raise GraphQLError(f"The sandbox does not play {parent}.{name}.", extensions={"code": "NOT_IN_SANDBOX"})


def resolve_type(value: Any, info: GraphQLResolveInfo, abstract: Any) -> str:
    """Return the type of a node from its global id."""
    return str(value["id"].split("/")[3])


def _check_scopes(context: Context, parent: str, name: str, type_name: str) -> None:
    wanted = SCOPES.get(type_name.removesuffix("Connection"))
    denied = wanted is not None and not context.scopes.intersection(wanted)
    quirk = next(
        (q for q in context.quirks.active if q.kind == "access_denied" and f"{parent}.{name}" in q.names), None
    )
    if denied or quirk:
        needed = " or ".join(f"`{scope}` access scope" for scope in wanted or ("protected customer data",))
        message = f"Access denied for {name} field. Required access: {needed}."
        raise GraphQLError(message, extensions={"code": "ACCESS_DENIED"})


def in_order(order: Record, record: Record) -> Record:
    """Return a record inside an order with the order at hand, for what is derived from both."""
    return {**record, "_order": order}
