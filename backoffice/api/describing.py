"""What drf-spectacular cannot know: the scope each operation needs, and how every refusal looks."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable word for programs."},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string", "description": "Path of the field, such as lines[0].sku."},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
REFUSALS = {
    "400": "The request has errors; `errors` names each field.",
    "401": "The key is missing, unknown, expired or revoked.",
    "403": "The key lacks the scope.",
    "404": "There is no such object, or this key may not see it.",
    "409": "The state of the object does not allow it.",
    "415": "Send JSON.",
    "422": "The Idempotency-Key was used before with another request.",
    "429": "Too many requests; see Retry-After.",
}


class KeyScheme(OpenApiAuthenticationExtension):
    """How the key reads in the OpenAPI document."""

    target_class = "backoffice.api.authentication.KeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A key made under Settings, API keys."}


def problems_and_scopes(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Hook of drf-spectacular: add the refusals to each operation and name its scope."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    scopes = {path: _scopes_of(view) for path, _regex, _method, view in generator.endpoints or []}
    for path, operations in result.get("paths", {}).items():
        for method, operation in operations.items():
            _describe(operation, scopes.get(path, {}).get(method.upper()))
    return result


def _scopes_of(view: Any) -> dict[str, str]:
    return getattr(getattr(view, "cls", view), "scopes", {})


def _describe(operation: dict[str, Any], scope: str | None) -> None:
    text = operation.get("description", "")
    head, _dot, rest = text.partition(". ")
    operation.setdefault("summary", head.rstrip("."))  # the first sentence is the heading
    if operation["summary"] == head.rstrip("."):
        text = operation["description"] = rest.strip()
    if scope:
        operation["description"] = f"{text}\n\nScope: `{scope}`".strip()
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for status, meaning in REFUSALS.items():
        answer = {"description": meaning, "content": {"application/problem+json": schema}}
        operation.setdefault("responses", {}).setdefault(status, answer)
