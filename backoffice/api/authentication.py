"""Who calls: a key in the Authorization header, never in the address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError
from django.db.models import F
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from backoffice import audit, clock
from backoffice.api import keys
from backoffice.models import ApiKey, ApiUsage

if TYPE_CHECKING:
    from rest_framework.views import APIView  # its module reads the settings that name this one

TOUCH_SECONDS = 60


class KeyPrincipal:
    """The caller as DRF's `request.user`; `key` is what `inventory.access.visible` takes."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, key: ApiKey) -> None:
        self.key, self.pk = key, key.pk

    def __str__(self) -> str:
        return f"api:{self.key.pk} {self.key.name}"


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer yk_…`."""

    def authenticate(self, request: Request) -> tuple[KeyPrincipal, ApiKey] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        try:
            token = words[1].decode("ascii") if len(words) == 2 else ""
        except UnicodeDecodeError:
            token = ""
        key = keys.find(token)
        if key is None:
            raise exceptions.AuthenticationFailed(_("The API key is unknown, expired or revoked."))
        self._touch(key)
        principal = KeyPrincipal(key)
        audit.become(audit.Actor(str(principal)[:150], request.META.get("REMOTE_ADDR")))
        return principal, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="yiku"'

    def _touch(self, key: ApiKey) -> None:
        now = clock.now()
        if key.last_used_at is None or (now - key.last_used_at).total_seconds() > TOUCH_SECONDS:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


class KeyThrottle(BaseThrottle):
    """Requests a minute, counted in rows shared by all web processes."""

    wait_seconds: float | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return True
        now = clock.now().timestamp()
        minute = int(now // 60)
        self.wait_seconds = 60 - now % 60
        return _count(key, minute) <= key.per_minute

    def wait(self) -> float | None:
        return self.wait_seconds


def _count(key: ApiKey, minute: int) -> int:
    row = ApiUsage.objects.filter(key=key, minute=minute)
    if not row.update(count=F("count") + 1):
        try:
            ApiUsage.objects.create(key=key, minute=minute, count=1)
        except IntegrityError:
            row.update(count=F("count") + 1)
        ApiUsage.objects.filter(key=key, minute__lt=minute - 60).delete()
    return row.values_list("count", flat=True).get()
