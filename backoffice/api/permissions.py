"""What a key may do: each view names the scope of each method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from backoffice.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView  # its module reads the settings that name this one


class HasScope(BasePermission):
    """The view's `scopes` maps HTTP methods to the scope they need; a method without an entry is refused."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        scopes: dict[str, str] = getattr(view, "scopes", {})
        method = "GET" if request.method in {"HEAD", "OPTIONS"} else str(request.method)
        needed = scopes.get(method)
        return isinstance(request.auth, ApiKey) and needed is not None and needed in request.auth.scopes


def may_see_personal_data(request: Request) -> bool:
    """True when the calling key carries the scope `pii`."""
    return has_scope(request, "pii")


def may_see_costs(request: Request) -> bool:
    """True when the calling key carries the scope `costs:read`."""
    return has_scope(request, "costs:read")


def has_scope(request: Request, scope: str) -> bool:
    """True when the calling key carries the scope."""
    return isinstance(request.auth, ApiKey) and scope in request.auth.scopes
