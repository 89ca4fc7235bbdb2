"""The same Idempotency-Key with the same request gives the same answer and works once."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any, cast

from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from backoffice import clock
from backoffice.models import ApiKey, IdempotentReply

HEADER = "Idempotency-Key"
MOST = 200


class KeyReused(exceptions.APIException):
    """The key came before with another request."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key was used before with another request."


def stored_key(request: Request) -> str:
    """Return the caller's key as other tables keep it: with the owner before it, in at most 200 characters.

    A key that does not fit is digested; one that fits stays as it is, so that those used before are found again.
    """
    key = request.headers[HEADER]
    plain = f"api:{request.user.pk}:{key}"
    return plain if len(plain) <= MOST else f"api:{request.user.pk}:{hashlib.sha256(key.encode()).hexdigest()}"


def short_key(request: Request) -> str:
    """Return the caller's key for columns of 64 characters: whose it is, then a digest of the address and the key.

    Documents keep it beside the remembered answer: when that has been forgotten, the work is still done once.
    """
    told = f"{request.path}\n{request.headers[HEADER]}"
    return f"api:{request.user.pk}:{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def once(view: Callable[..., Response]) -> Callable[..., Response]:
    """Wrap a POST handler: work and remembered answer are committed together, so a crash leaves neither."""

    @functools.wraps(view)
    def wrapped(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER, "")
        if not key or len(key) > MOST or not key.isprintable():
            raise exceptions.ValidationError({HEADER: [_("Send a unique Idempotency-Key of 1 to 200 characters.")]})
        with transaction.atomic():
            row, fresh = _claim(request, key)
            if not fresh:
                return _again(row, request)
            answer = view(self, request, *args, **kwargs)
            IdempotentReply.objects.filter(pk=row.pk).update(status=answer.status_code, body=_plain(answer.data))
        return answer

    return wrapped


def _claim(request: Request, key: str) -> tuple[IdempotentReply, bool]:
    """Insert the row first: a second caller waits on the unique key until the first has committed."""
    owner = cast(ApiKey, request.auth)
    row = IdempotentReply(key=owner, idempotency_key=key, request_digest=_digest(request), created_at=clock.now())
    IdempotentReply.objects.bulk_create([row], ignore_conflicts=True)
    stored = IdempotentReply.objects.get(key=owner, idempotency_key=key)
    return stored, stored.status is None


def _again(row: IdempotentReply, request: Request) -> Response:
    if row.request_digest != _digest(request):
        raise KeyReused
    return Response(row.body, status=row.status, headers={"Idempotent-Replay": "true"})


def _digest(request: Request) -> str:
    raw = JSONEncoder(sort_keys=True).encode([request.method, request.path, request.data])
    return hashlib.sha256(raw.encode()).hexdigest()


def _plain(data: Any) -> Any:
    return json.loads(JSONEncoder().encode(data))
