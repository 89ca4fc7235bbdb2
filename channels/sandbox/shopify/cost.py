"""What a query costs, and the bucket it is paid from. The rule is the published one: an object 1, a connection 2 and
its rows, a mutation 10, a scalar nothing; 1,000 points at most in one query. Source: shopify.dev "rate limits".
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type, is_list_type
from graphql.language import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)
from graphql.pyutils import is_iterable
from graphql.utilities import value_from_ast_untyped

MOST = 1000
MUTATION = 10


@dataclasses.dataclass
class Bucket:
    """Points that refill: `maximum` at `rate` a second. Standard plan: 2,000 at 100."""

    maximum: float = 2000.0
    rate: float = 100.0
    available: float = dataclasses.field(default=-1.0)
    at: dt.datetime | None = None
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock, repr=False)

    def take(self, points: float, now: dt.datetime) -> bool:
        """Take the points if they are there."""
        with self.lock:
            self._refill(now)
            if points > self.available:
                return False
            self.available -= points
            return True

    def give_back(self, points: float, now: dt.datetime) -> None:
        """Return what a query asked for but did not use."""
        with self.lock:
            self._refill(now)
            self.available = min(self.maximum, self.available + points)

    def status(self, now: dt.datetime) -> dict[str, float]:
        """Return `throttleStatus`."""
        with self.lock:
            self._refill(now)
            figures = {"maximumAvailable": self.maximum, "currentlyAvailable": int(self.available)}
            return {**figures, "restoreRate": self.rate}

    def _refill(self, now: dt.datetime) -> None:
        if self.available < 0 or self.at is None:
            self.available = self.maximum if self.available < 0 else self.available
        else:
            elapsed = max(0.0, (now - self.at).total_seconds())
            self.available = min(self.maximum, self.available + elapsed * self.rate)
        self.at = now


class Cost:
    """Counts one operation before it runs."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> None:
        self.schema, self.fragments, self.variables = schema, fragments, variables

    def of(self, operation: OperationDefinitionNode) -> float:
        """Return the points the operation asks for."""
        root = self.schema.get_root_type(operation.operation)
        mutates = operation.operation is OperationType.MUTATION
        return self._selection(operation.selection_set, root) + (MUTATION if mutates else 0)

    def _selection(self, selection: SelectionSetNode | None, parent: Any) -> float:
        total, alternatives = 0.0, [0.0]
        for node in selection.selections if selection else ():
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                total += self._field(node, parent)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                total += self._selection(fragment.selection_set, self._type(fragment.type_condition.name.value))
            elif isinstance(node, InlineFragmentNode) and node.type_condition:
                inner = self._type(node.type_condition.name.value)
                alternatives.append(self._selection(node.selection_set, inner))
        return total + max(alternatives)

    def _field(self, node: FieldNode, parent: Any) -> float:
        name = node.name.value
        if name.startswith("__") or not isinstance(parent, GraphQLObjectType) or name in {"pageInfo", "cursor"}:
            return 0.0
        type_ = parent.fields[name].type
        named = get_named_type(type_)
        if is_leaf_type(named):
            return 0.0
        inner = self._selection(node.selection_set, named)
        if named.name.endswith("Connection"):
            return 2 + self._count(node, ("first", "last")) * inner
        if parent.name.endswith("Connection") and name in {"nodes", "edges"}:
            return inner + (1 if name == "nodes" else 0)
        if parent.name.endswith("Edge") and name == "node":
            return inner + 1
        return (self._count(node, ("first", "ids")) if _is_list(type_) else 1) * (1 + inner)

    def _count(self, node: FieldNode, names: Iterable[str]) -> int:
        for argument in node.arguments or ():
            if argument.name.value in names:
                value = self._value(argument.value)
                if is_iterable(value):
                    return len(list(value))
                if isinstance(value, int):
                    return max(0, value)
        return 1

    def _included(self, node: Any) -> bool:
        for directive in node.directives or ():
            if directive.name.value in {"include", "skip"}:
                value = bool(self._value(directive.arguments[0].value))
                if value != (directive.name.value == "include"):
                    return False
        return True

    def _value(self, node: Any) -> Any:
        if isinstance(node, VariableNode):
            return self.variables.get(node.name.value)
        return int(node.value) if isinstance(node, IntValueNode) else value_from_ast_untyped(node, dict(self.variables))

    def _type(self, name: str) -> Any:
        return self.schema.type_map[name]


def _is_list(type_: Any) -> bool:
    return is_list_type(getattr(type_, "of_type", type_)) or is_list_type(type_)


def actual(value: Any, name: str = "") -> float:
    """Return the points of what was really answered: every object in it."""
    if isinstance(value, list):
        return sum(actual(item, name) for item in value)
    if not isinstance(value, dict) or name == "pageInfo":
        return 0.0
    own = 0 if not name or name == "edges" else 2 if "nodes" in value or "edges" in value else 1
    return own + sum(actual(inner, key) for key, inner in value.items())
