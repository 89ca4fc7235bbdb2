"""The OpenAPI document, for keys and for the owner, and the page that makes it readable."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.defaults import server_error
from drf_spectacular.views import SpectacularAPIView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from backoffice.api import describing  # noqa: F401 - registers how keys read in the document
from backoffice.api.authentication import KeyAuthentication
from backoffice.models import ApiKey, User

READ_KEYS = "backoffice.view_apikey"
HINTS = [
    (
        _lazy("Keys"),
        _lazy(
            "Send “Authorization: Bearer <key>”. Keys are made under Settings, have scopes and can be revoked at once."
        ),
    ),
    (
        _lazy("Sending twice"),
        _lazy("Every POST carries an Idempotency-Key. The same key with the same body gives the first answer again."),
    ),
    (
        _lazy("Keeping a copy of the orders"),
        _lazy("Follow /orders/changes with the last sequence you read. It names every changed order and misses none."),
    ),
    (
        _lazy("Errors"),
        _lazy("Errors are application/problem+json: a stable code, a sentence, and each wrong field with its path."),
    ),
]


class KeyOrKeeper(BasePermission):
    """Any live key, or a person who looks after keys."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if isinstance(request.auth, ApiKey):
            return True
        return isinstance(request.user, User) and request.user.is_staff and request.user.has_perm(READ_KEYS)


class Schema(SpectacularAPIView):
    """The OpenAPI document."""

    authentication_classes = [KeyAuthentication, SessionAuthentication]
    permission_classes = [KeyOrKeeper]


@staff_member_required
def docs(request: HttpRequest) -> HttpResponse:
    """The API for reading, with examples; needs the right to see API keys."""
    if not request.user.has_perm(READ_KEYS):
        raise PermissionDenied
    context = {**admin.site.each_context(request), "title": _("REST API"), "hints": HINTS}
    response = render(request, "admin/api_docs.html", context)
    # Redoc works in a blob, and would fetch its makers' picture from their server: the page calls nobody.
    policy = settings.CONTENT_SECURITY_POLICY.replace("img-src 'self' data: https:", "img-src 'self' data:")
    response.headers["Content-Security-Policy"] = policy + "; worker-src 'self' blob:"
    return response


@csrf_exempt
def nowhere(request: HttpRequest, rest: str) -> JsonResponse:
    """Answer an unknown address below /api/ as a problem, not with a page."""
    return _problem(404, "not_found", "There is no such endpoint.")


def broken(request: HttpRequest) -> HttpResponse:
    """Answer an error of ours: a problem for a program, a page for a person; neither says what broke."""
    if not request.path.startswith("/api/"):
        return server_error(request)
    return _problem(500, "internal_error", "Something broke on our side and was logged. Send the request again.")


def _problem(status: int, code: str, detail: str) -> JsonResponse:
    body = {
        "type": f"https://yiku.invalid/problems/{code}",
        "title": code.replace("_", " "),
        "status": status,
        "code": code,
        "detail": detail,
    }
    return JsonResponse(body, status=status, content_type="application/problem+json")
