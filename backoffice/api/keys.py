"""API keys: made once, shown once, kept as a hash."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.models import ApiKey, User

PREFIX = "yk"
SCOPES = {
    "catalogue:read": _("Read SKUs"),
    "stock:read": _("Read stock and availability"),
    "stock:write": _("Adjust stock"),
    "transfers:read": _("Read transfers"),
    "transfers:plan": _("Plan, request and cancel transfers"),
    "transfers:move": _("Pick, send and receive transfers"),
    "stocktakes:read": _("Read stocktakes"),
    "stocktakes:count": _("Hand in counts of stocktakes"),
    "purchasing:read": _("Read suppliers, purchase orders and suggestions"),
    "purchasing:write": _("Draft purchase orders"),
    "purchasing:receive": _("Receive purchased goods"),
    "costs:read": _("Read what goods cost"),
    "orders:read": _("Read orders without personal data"),
    "orders:write": _("Send orders in"),
    "shipments:write": _("Send shipments in"),
    "pii": _("See names, addresses and phone numbers of buyers"),
}


def digest(token: str) -> str:
    """Return what is stored of a token. The token is 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def create(
    *,
    name: str,
    scopes: Sequence[str],
    expires_at: dt.datetime | None = None,
    by: User | None = None,
    per_minute: int = 600,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its token, which is nowhere kept. Raises ValueError for an unknown scope."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise ValueError(f"unknown scopes: {', '.join(unknown)}")
    prefix = secrets.token_hex(5)
    token = f"{PREFIX}_{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        name=name,
        prefix=prefix,
        digest=digest(token),
        scopes=sorted(set(scopes)),
        created_at=clock.now(),
        created_by=by,
        expires_at=expires_at,
        per_minute=per_minute,
    )
    audit.record(
        action="api_key.create", target=f"backoffice.apikey:{key.pk}", after={"name": name, "scopes": key.scopes}
    )
    return key, token


def revoke(*, key: ApiKey) -> bool:
    """Revoke at once; False when it was revoked before."""
    done = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=clock.now()) == 1
    if done:
        audit.record(action="api_key.revoke", target=f"backoffice.apikey:{key.pk}", after={"name": key.name})
    return done


def find(token: str) -> ApiKey | None:
    """Return the live key of a token, or None; the comparison takes the same time for any wrong token."""
    parts = token.split("_", 2)
    prefix = parts[1] if len(parts) == 3 and parts[0] == PREFIX else ""
    key = ApiKey.objects.filter(prefix=prefix).first()
    same = hmac.compare_digest(key.digest if key else "0" * 64, digest(token))
    if key is None or not same or key.revoked_at is not None:
        return None
    if key.expires_at is not None and key.expires_at <= clock.now():
        return None
    return key
