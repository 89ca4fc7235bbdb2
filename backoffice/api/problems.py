"""Errors as application/problem+json (RFC 9457), naming each field that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

from backoffice.errors import YikuError


class ProblemRenderer(JSONRenderer):
    """JSON whose media type says that it is a problem."""

    media_type = "application/problem+json"


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception into a problem; anything unforeseen stays a bare 500 without inner details."""
    if isinstance(exc, YikuError):
        named = [{"field": exc.field, "code": exc.code, "message": str(exc)}] if exc.field else []
        return _problem(status.HTTP_409_CONFLICT, exc.code, str(exc), getattr(exc, "errors", None) or named)
    if isinstance(exc, DjangoValidationError):
        exc = exceptions.ValidationError(exc.message_dict if hasattr(exc, "error_dict") else exc.messages)
    answer = exception_handler(exc, context)
    if answer is None:
        return None
    code, detail = _code_and_detail(exc)
    errors = list(_fields(exc.detail)) if isinstance(exc, exceptions.ValidationError) else []
    problem = _problem(answer.status_code, code, detail, errors)
    for name, value in answer.headers.items():
        if name.lower() != "content-type":
            problem[name] = value
    return problem


def _code_and_detail(exc: Exception) -> tuple[str, str]:
    if isinstance(exc, exceptions.ValidationError):
        return "invalid", "The request has errors; see `errors`."
    if isinstance(exc, Http404):
        return "not_found", "There is no such object, or this key may not see it."
    if isinstance(exc, PermissionDenied):
        return "permission_denied", "This key may not do that."
    if isinstance(exc, exceptions.APIException):
        codes = exc.get_codes()
        return (codes if isinstance(codes, str) else "error"), str(exc.detail)
    return "error", ""


def _fields(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _fields(inner, _below(path, name))
    elif isinstance(detail, list):
        nested = any(isinstance(item, dict | list) for item in detail)
        for index, inner in enumerate(detail):
            yield from _fields(inner, f"{path}[{index}]" if nested else path)
    else:
        yield {"field": path, "code": getattr(detail, "code", "invalid"), "message": str(detail)}


def _below(path: str, name: Any) -> str:
    if name == "non_field_errors" and path:  # about the whole object or list
        return path
    if isinstance(name, int):  # a row of a list
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else str(name)


def _problem(code_http: int, code: str, detail: str, errors: list[dict[str, str]]) -> Response:
    body: dict[str, Any] = {
        "type": f"https://yiku.invalid/problems/{code}",
        "title": code.replace("_", " "),
        "status": code_http,
        "code": code,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return Response(body, status=code_http, content_type="application/problem+json")
