"""Tokens that run out: one refresher per account, the new pair stored before its first use, the old pair kept.

The reply to a refresh can be lost after the platform has rotated the token. The old refresh token stays in the row
until a new pair is stored, and Shopify honours it until the new one is first used; so a lost reply is simply tried
again. `previous` keeps the pair before the last refresh for the one retry that may still need it.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, locks
from backoffice.errors import YikuError
from channels import error_queue
from channels.connectors.base import ConnectorError, TokenSet
from channels.error_queue import Trouble
from channels.models import Account, AccountState, Credential
from channels.registry import connector_for
from channels.working import alone

REFRESH_BEFORE = dt.timedelta(minutes=10)
LEASE_SECONDS = 60.0
JUST_NOW = dt.timedelta(seconds=30)


class TokenBusy(YikuError):
    """Another worker refreshes this account's token just now."""

    def __init__(self) -> None:
        super().__init__("token_busy", _("The token is being refreshed."), retryable=True)


def refresh_if_due(account_id: int) -> bool:
    """Refresh the account's token when it ends soon; returns whether a new one was stored. Never raises."""
    account = Account.objects.select_related("credential").filter(pk=account_id, state=AccountState.ACTIVE).first()
    if account is None or getattr(account, "credential", None) is None:
        return False
    expires = account.credential.expires_at or connector_for(account).token_expires_at()
    if expires is None or expires - clock.now() > REFRESH_BEFORE:
        return False
    return recover(account_id, only_if_due=True)


def recover(account_id: int, *, only_if_due: bool = False) -> bool:
    """Get a new token now; True when the account has a good one afterwards (ours or another worker's).

    False means that the platform refused the refresh token too: only new credentials help. A passing fault counts as
    good: the work is tried again, and so is the refresh.
    """
    with alone(f"token:account:{account_id}", LEASE_SECONDS) as held:
        if held is None:
            return True
        credential = Credential.objects.select_related("account").get(account_id=account_id)
        if credential.previous and clock.now() - credential.updated_at < JUST_NOW and not only_if_due:
            return True  # somebody refreshed while our call was under way with the old token
        return _refresh(credential, held)


def _refresh(credential: Credential, held: locks.Held) -> bool:
    account = credential.account
    try:
        fresh = _ask(account, credential)
    except ConnectorError as error:
        permanent = error.permanent or error.auth
        trouble = Trouble.of(error, kind=error_queue.TOKEN, reference="refresh")
        error_queue.record(account.pk, trouble)
        return not permanent
    with transaction.atomic():
        locks.check(held)
        _store(credential, fresh)
        error_queue.resolve(account.pk, error_queue.TOKEN, ["refresh"])
        audit.record(action="account.token", target=account, actor="task:token", summary="token refreshed")
    return True


def _ask(account: Account, credential: Credential) -> TokenSet:
    """Ask with the present refresh token; when that is refused, once with the one before (its reply may be lost)."""
    try:
        return connector_for(account).refresh_token()
    except ConnectorError as error:
        if not (error.auth or error.permanent) or not credential.previous:
            raise
        return connector_for(account, credentials=credential.previous).refresh_token()


def _store(credential: Credential, fresh: TokenSet) -> None:
    now = clock.now()
    Credential.objects.filter(pk=credential.pk).update(
        secrets={**credential.secrets, **fresh.values},
        previous=credential.secrets,
        expires_at=fresh.expires_at,
        refresh_expires_at=fresh.refresh_expires_at,
        updated_at=now,
        updated_by="task:token",
    )
