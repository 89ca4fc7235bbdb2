"""Who may ask: the shop's lasting token, and expiring ones that are renewed at `/admin/oauth/access_token`.

Source: shopify.dev "Offline access tokens" and changelog 2026-08-28: 60 minutes, a refresh token of 90 days that is
replaced at each renewal; the one used stays good until the new access token is first used. Every refusal is one 401.
"""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from collections.abc import Mapping

from channels.sandbox.shopify.store import Record, Refused, Store

ACCESS_SECONDS, REFRESH_SECONDS, OWN_APP_SECONDS = 3600, 90 * 86_400, 86_399


class Tokens:
    """Issues and checks access tokens. `lasting` never runs out; an empty one does not exist."""

    def __init__(self, store: Store, *, lasting: str, client_id: str, client_secret: str) -> None:
        self.store, self.lasting, self.client_id, self.client_secret = store, lasting, client_id, client_secret
        self.access_seconds = ACCESS_SECONDS

    def accepts(self, token: str) -> bool:
        """Say whether the token may ask; the first use of a new one ends the refresh token it came from."""
        if self.lasting and hmac.compare_digest(token.encode(), self.lasting.encode()):
            return True
        row = self.store.tokens.get(token)
        if row is None or row["expires"] <= self.store.text_now():
            return False
        if not row["used"]:
            row["used"] = True
            self._revoke(row["from"])
        return True

    def issue(self, *, came_from: str = "") -> Record:
        """Return a new pair of tokens as Shopify answers it."""
        access, refresh = f"shpat_{secrets.token_hex(16)}", f"shprt_{secrets.token_hex(16)}"
        self._keep(access, self.access_seconds, refresh=refresh, came_from=came_from)
        return {
            "access_token": access,
            "expires_in": self.access_seconds,
            "refresh_token": refresh,
            "refresh_token_expires_in": REFRESH_SECONDS,
            "scope": ",".join(self.store.shop["scopes"]),
        }

    def grant(self, form: Mapping[str, str]) -> Record:
        """Answer the token endpoint. Raises Refused."""
        known = hmac.compare_digest(form.get("client_id", "").encode(), self.client_id.encode())
        if not known or not hmac.compare_digest(form.get("client_secret", "").encode(), self.client_secret.encode()):
            raise Refused("invalid_client")
        if form.get("grant_type") == "client_credentials":
            access = f"shpat_{secrets.token_hex(16)}"
            self._keep(access, OWN_APP_SECONDS)
            return {"access_token": access, "scope": ",".join(self.store.shop["scopes"]), "expires_in": OWN_APP_SECONDS}
        if form.get("grant_type") != "refresh_token":
            raise Refused("invalid_request")
        return self._refreshed(form.get("refresh_token", ""))

    def revoke_all(self) -> None:
        """Forget every token, as when the seller removes the app."""
        self.store.tokens.clear()
        self.lasting = ""

    def _refreshed(self, refresh: str) -> Record:
        rows = self.store.tokens
        row = next((row for row in rows.values() if refresh and row["refresh"] == refresh), None)
        if row is None or row["refresh_expires"] <= self.store.text_now() or row["revoked"]:
            raise Refused("invalid_request")
        # A second renewal with the same token replaces the pair that nobody has used.
        for access in [access for access, other in rows.items() if other["from"] == refresh and not other["used"]]:
            del rows[access]
        return self.issue(came_from=refresh)

    def _revoke(self, refresh: str) -> None:
        for row in self.store.tokens.values():
            if refresh and row["refresh"] == refresh:
                row["revoked"] = True
                row["expires"] = self.store.stamp()

    def _keep(self, access: str, seconds: int, *, refresh: str = "", came_from: str = "") -> None:
        self.store.tokens[access] = {
            "expires": self.store.text_now(dt.timedelta(seconds=seconds)),
            "refresh": refresh,
            "refresh_expires": self.store.text_now(dt.timedelta(seconds=REFRESH_SECONDS)),
            "from": came_from,
            "used": False,
            "revoked": False,
        }
        self.store.stamp()
