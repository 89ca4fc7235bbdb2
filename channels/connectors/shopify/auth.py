"""Access tokens: lasting ones of older custom apps, and the short-lived ones that have to be renewed.

Two ways to renew, by what the credentials hold: a refresh token (rotating: each renewal gives a new pair, and the old
refresh token holds until the new access token is first used) or the client credentials of an app of one's own from the
Dev Dashboard (24 hours). Source: shopify.dev "Offline access tokens", "Client credentials grant", changelog 2026-08-28.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from backoffice.calls.answers import parse_json, retry_after
from channels.connectors.base import (
    ConnectorConfig,
    ConnectorError,
    CredentialField,
    HttpClient,
    HttpResponse,
    TokenSet,
)

FIELDS = (
    CredentialField(
        name="access_token",
        label="Admin API access token",
        required=False,
        help="Begins with shpat_. Leave empty for an app from the Dev Dashboard: it is fetched with the client secret.",
    ),
    CredentialField(name="client_id", label="Client ID (API key)", secret=False, required=False),
    CredentialField(
        name="client_secret",
        label="Client secret (API secret key)",
        required=False,
        help="Signs webhooks and renews tokens.",
    ),
    CredentialField(
        name="previous_client_secret",
        label="Client secret before",
        required=False,
        help="While a secret is being replaced: calls signed with the old one are still accepted.",
    ),
    CredentialField(
        name="refresh_token", label="Refresh token", required=False, help="Only for apps with expiring offline tokens."
    ),
)


def expires_at(config: ConnectorConfig) -> dt.datetime | None:
    """Return when the access token runs out; now when there is none yet but it can be fetched; None if it lasts."""
    credentials = config.credentials
    if not credentials.get("access_token") and can_renew(config):
        return config.clock()
    return _moment(credentials.get("token_expires_at", ""))


def can_renew(config: ConnectorConfig) -> bool:
    """Tell whether the credentials hold what a renewal needs."""
    return bool(config.credentials.get("client_id") and config.credentials.get("client_secret"))


def renew(config: ConnectorConfig, http: HttpClient) -> TokenSet:
    """Get new tokens. The caller stores them before their first use.

    Raises ConnectorError: refresh_refused (permanent: the seller must connect again), no_client; `unknown` when the
    answer was lost: then the same refresh token still holds and this may simply be repeated.
    """
    credentials = config.credentials
    if not can_renew(config):
        raise ConnectorError("no_client", "client id and secret are needed to renew the token", permanent=True)
    form = {"client_id": credentials["client_id"], "client_secret": credentials["client_secret"]}
    if credentials.get("refresh_token"):
        form |= {"grant_type": "refresh_token", "refresh_token": credentials["refresh_token"]}
    else:
        form |= {"grant_type": "client_credentials"}
    response = http.request(
        "POST",
        f"{config.base_url.rstrip('/')}/admin/oauth/access_token",
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        data=urlencode(form).encode(),
    )
    return _tokens(_answer(response, config), config.clock())


def _answer(response: HttpResponse, config: ConnectorConfig) -> dict[str, Any]:
    status = response.status
    wait = retry_after(response.headers, now=config.clock())
    if status == 429:
        raise ConnectorError("throttled", "Shopify asks to wait", retry_after=wait or 5.0)
    if status >= 500:
        raise ConnectorError("server_error", f"HTTP {status}", unknown=True, retry_after=wait)
    if 400 <= status < 500:
        # Shopify gives one answer for a used, expired or revoked token and for an uninstalled app: final.
        raise ConnectorError("refresh_refused", f"HTTP {status}: connect the shop again", permanent=True, auth=True)
    try:
        value = parse_json(response)
    except ConnectorError as error:
        raise ConnectorError(error.code, error.message, unknown=True) from None
    if not isinstance(value, dict) or not isinstance(value.get("access_token"), str) or not value["access_token"]:
        raise ConnectorError("bad_answer", "the answer holds no token", unknown=True)
    return value


def _tokens(answer: dict[str, Any], now: dt.datetime) -> TokenSet:
    expires, refresh_expires = _after(answer.get("expires_in"), now), None
    values = {"access_token": answer["access_token"], "token_expires_at": expires.isoformat() if expires else ""}
    if isinstance(answer.get("refresh_token"), str) and answer["refresh_token"]:
        refresh_expires = _after(answer.get("refresh_token_expires_in"), now)
        values["refresh_token"] = answer["refresh_token"]
        values["refresh_expires_at"] = refresh_expires.isoformat() if refresh_expires else ""
    return TokenSet(values=values, expires_at=expires, refresh_expires_at=refresh_expires)


def _after(seconds: Any, now: dt.datetime) -> dt.datetime | None:
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds < 10**9:
        return None
    return now + dt.timedelta(seconds=seconds)


def _moment(value: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
