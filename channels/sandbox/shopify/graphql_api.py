"""The GraphQL endpoint: a request is checked as over there, paid for, executed, answered in its form."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

from graphql import ExecutionResult, GraphQLError, GraphQLSchema, execute_sync, get_operation_ast
from graphql.execution.values import get_variable_values
from graphql.language import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode

from channels.sandbox.shopify import mutations, order_fields, resolvers, shop_fields
from channels.sandbox.shopify.cost import MOST, Bucket, Cost, actual
from channels.sandbox.shopify.quirks import Quirks
from channels.sandbox.shopify.schema import Documents
from channels.sandbox.shopify.store import Store

PLAYED = (mutations, order_fields, shop_fields)  # importing them registers their resolvers
MOST_INPUTS = 250
Answer = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One GraphQL request as it came."""

    query: str
    variables: dict[str, Any]
    operation: str


class Endpoint:
    """Answers GraphQL requests about one shop. `bucket` None: nothing is counted."""

    def __init__(self, store: Store, quirks: Quirks, schema: GraphQLSchema, bucket: Bucket | None) -> None:
        self.store, self.quirks, self.bucket = store, quirks, bucket
        self.documents = Documents(schema)
        self.schema = schema
        self.asked: collections.Counter[str] = collections.Counter()

    def answer(self, request: Request) -> Answer:
        """Return the body of the answer; it is always sent with status 200."""
        document, errors = self.documents.checked(request.query)
        if document is None or errors:
            return _refusal(*errors, code="graphqlValidationFailed")
        operation = get_operation_ast(document, request.operation or None)
        if operation is None:
            return _refusal(GraphQLError(f"No operation named {request.operation!r}"), code="BAD_REQUEST")
        problems = self._variable_problems(operation, request.variables)
        if problems:
            return _refusal(*problems, code="INVALID_VARIABLE")
        name = operation.name.value if operation.name else ""
        self.asked[name] += 1
        if self.quirks.on("internal_error", name):
            return _internal_error()
        answer = self._paid(document, operation, request.variables, name)
        return _internal_error() if self.quirks.on("internal_error_after", name) else answer

    def _variable_problems(self, operation: OperationDefinitionNode, given: dict[str, Any]) -> list[GraphQLError]:
        values = get_variable_values(self.schema, operation.variable_definitions or (), given)
        if isinstance(values, list):
            return values
        size = _longest(given)
        if size <= MOST_INPUTS:
            return []
        message = f"The input array size of {size} is greater than the maximum allowed of {MOST_INPUTS}."
        return [GraphQLError(message, extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"})]

    def _paid(
        self, document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any], name: str
    ) -> Answer:
        if self.bucket is None:
            return _body(self._execute(document, variables, name))
        fragments = {f.name.value: f for f in document.definitions if isinstance(f, FragmentDefinitionNode)}
        asked, now = Cost(self.schema, fragments, variables).of(operation), self.store.now()
        if asked > MOST:
            message = f"Query cost is {asked:.0f}, which exceeds the single query max cost limit ({MOST})."
            more = {"code": "MAX_COST_EXCEEDED", "cost": int(asked), "maxCost": MOST}
            return {"errors": [{"message": message, "extensions": more}]}
        if self.quirks.on("throttled", name) or not self.bucket.take(asked, now):
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return {"errors": [error], "extensions": {"cost": self._cost(asked, None)}}
        answer = _body(self._execute(document, variables, name))
        used = min(asked, actual(answer.get("data")))
        self.bucket.give_back(asked - used, now)
        return {**answer, "extensions": {"cost": self._cost(asked, used)}}

    def _cost(self, asked: float, used: float | None) -> Answer:
        status = self.bucket.status(self.store.now()) if self.bucket else {}
        actual_cost = None if used is None else int(used)
        return {"requestedQueryCost": int(asked), "actualQueryCost": actual_cost, "throttleStatus": status}

    def _execute(self, document: DocumentNode, variables: dict[str, Any], name: str) -> ExecutionResult:
        scopes = frozenset(self.store.shop["scopes"])
        # A write scope includes reading.
        scopes |= {f"read_{scope.removeprefix('write_')}" for scope in scopes if scope.startswith("write_")}
        context = resolvers.Context(self.store, self.quirks, scopes, name)
        return execute_sync(
            self.schema,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=name or None,
            field_resolver=resolvers.resolve,
            type_resolver=resolvers.resolve_type,
        )


def _longest(value: Any) -> int:
    if isinstance(value, list):
        return max([len(value), *map(_longest, value)])
    return max(map(_longest, value.values()), default=0) if isinstance(value, dict) else 0


def _body(result: ExecutionResult) -> Answer:
    answer: Answer = {"data": result.data}
    if result.errors:
        answer["errors"] = [_formatted(error, "INTERNAL_SERVER_ERROR") for error in result.errors]
    return answer


def _formatted(error: GraphQLError, code: str) -> Answer:
    plain: Answer = dict(error.formatted)
    plain["extensions"] = {"code": code, **(error.extensions or {})}
    return plain


def _refusal(*errors: GraphQLError, code: str) -> Answer:
    return {"errors": [_formatted(error, code) for error in errors]}


def _internal_error() -> Answer:
    message = "Internal error. Looks like something went wrong on our end. Request ID: sandbox"
    return {"errors": [{"message": message, "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}
