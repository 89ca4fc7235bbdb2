"""Calls to one WooCommerce store: its address, its two ways to log in, and what its errors mean."""

from __future__ import annotations

import base64
import datetime as dt
import email.utils
import html
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from backoffice.calls.answers import load_json, parse_json, redact, retry_after
from backoffice.calls.signing import oauth1_params
from channels.connectors.base import ConnectorConfig, ConnectorError, HttpClient, HttpResponse

API = "/wp-json/wc/v3/"
TAGS = re.compile(r"<[^>]*>")
WORDPRESS_PATHS = re.compile(r"/(wp-json|wp-admin|wp-login\.php)\b.*$")
NO_WRITE = "does not have write permissions"


class StoreClient:
    """Signed calls with checked answers. Raises ConnectorError for anything but a 2xx."""

    def __init__(self, config: ConnectorConfig, http: HttpClient) -> None:
        self.config, self.http = config, http
        self.root = store_root(config.base_url)

    def send(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, *, json: Any = None
    ) -> HttpResponse:
        """Call `path` below wc/v3 and return the answer; times and lists in `params` are given as text."""
        url = self.root + API + path.lstrip("/")
        query = {name: str(value) for name, value in (params or {}).items()}
        headers: dict[str, str] = {}
        key, secret = self._keys()
        if url.startswith("https:"):
            headers["Authorization"] = "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()
        else:
            # A password must not cross the net in clear: over http the store itself wants OAuth 1.0a.
            query = oauth1_params(
                method,
                url,
                query,
                key=key,
                secret=secret,
                timestamp=int(self.config.clock().timestamp()),
                nonce=secrets.token_hex(16),
            )
        response = self.http.request(method, url, headers=headers, params=query, json=json)
        if not 200 <= response.status < 300:
            raise failure(response, write=method != "GET", now=self.config.clock(), secrets=self.config.credentials)
        return response

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Read `path` and return its JSON."""
        return parse_json(self.send("GET", path, params))

    def write(self, method: str, path: str, json: Any) -> Any:
        """Write to `path` and return the JSON answered; an unreadable answer leaves the write unknown."""
        response = self.send(method, path, json=json)
        try:
            return parse_json(response)
        except ConnectorError as error:
            raise ConnectorError(error.code, error.message, unknown=True) from None

    def get_public(self, path: str) -> Any:
        """Read a public address of the site itself, without the keys."""
        response = self.http.request("GET", self.root + path)
        if response.status != 200:
            raise failure(response, write=False, now=self.config.clock(), secrets=self.config.credentials)
        return parse_json(response)

    def _keys(self) -> tuple[str, str]:
        key = self.config.credentials.get("consumer_key", "").strip()
        secret = self.config.credentials.get("consumer_secret", "").strip()
        if not key or not secret:
            raise ConnectorError("auth", "the consumer key or secret is missing", permanent=True, auth=True)
        return key, secret


def store_root(address: str) -> str:
    """Return the site's address without a trailing slash, whatever page of it was pasted; https when not said."""
    text = address.strip()
    if "://" not in text:
        text = f"https://{text}"
    parts = urlsplit(text)
    path = WORDPRESS_PATHS.sub("", parts.path).rstrip("/")
    return f"{parts.scheme.lower()}://{parts.netloc}{path}"


def shop_key(address: str) -> str:
    """Return what names the shop, the same for http, https and any spelling of its address: host and path."""
    parts = urlsplit(store_root(address))
    port = f":{parts.port}" if parts.port and parts.port not in {80, 443} else ""
    return f"{parts.hostname or ''}{port}{parts.path}"


def server_time(response: HttpResponse) -> dt.datetime | None:
    """Return the store's clock from its Date header."""
    try:
        moment = email.utils.parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, IndexError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)


def gmt(value: Any) -> dt.datetime | None:
    """Read a `*_gmt` field ("2026-11-21T16:41:44", no zone); None for null, blank or nonsense."""
    try:
        moment = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def plain(text: Any, secrets: Mapping[str, str]) -> str:
    """Return a message of the store as safe plain text: it comes with HTML entities and links, and quotes our keys."""
    said = html.unescape(TAGS.sub("", text if isinstance(text, str) else "")).strip()
    for value in secrets.values():
        if len(value) >= 6:
            said = said.replace(value, "…")  # before redact cuts: half a key is still too much
    return redact(said)


def refusal(body: Any, secrets: Mapping[str, str]) -> tuple[str, str, int]:
    """Return (code, message, status) of WordPress's error object; blanks and 0 where it says nothing.

    `data` holds the status as {"status": 400}, and on a refused refund is the bare number 500.
    """
    if not isinstance(body, dict):
        return "", "", 0
    data = body.get("data")
    status = data.get("status") if isinstance(data, dict) else data
    code = body.get("code")
    return (
        plain(code, secrets)[:100],
        plain(body.get("message"), secrets),
        status if isinstance(status, int) and not isinstance(status, bool) else 0,
    )


def failure(response: HttpResponse, *, write: bool, now: dt.datetime, secrets: Mapping[str, str]) -> ConnectorError:
    """Return the error an answer outside 2xx stands for.

    Codes: auth, clock_skew, read_only, forbidden, blocked, not_found, no_api, throttled, too_many, rejected, refused,
    unavailable.
    """
    try:
        code, message, _ = refusal(load_json(response.body), secrets)
    except ValueError:
        code, message = "", ""
    status = response.status
    if status in {401, 403}:
        return _not_let_in(status, code, message)
    said = f"{code}: {message}" if code else f"HTTP {status}"
    if status == 404:
        wrong_address = not code or code == "rest_no_route"
        return ConnectorError("no_api" if wrong_address else "not_found", said, permanent=True)
    if status == 429:
        return ConnectorError("throttled", said, retry_after=retry_after(response.headers, now=now))
    if status == 413:
        return ConnectorError("too_many", said, permanent=True)
    if 400 <= status < 500:
        return ConnectorError("rejected", said, permanent=True)
    if code.startswith(("woocommerce_", "rest_", "product_")):
        # The store's own code said no and calls it 500 (a refund it will not make): the same call gets the same no.
        return ConnectorError("refused", said, permanent=True)
    return ConnectorError("unavailable", said, unknown=write, retry_after=retry_after(response.headers, now=now))


def _not_let_in(status: int, code: str, message: str) -> ConnectorError:
    if not code:
        # No WordPress error: a firewall or a maintenance page stands before the store. It may be lifted any time.
        return ConnectorError("blocked", f"HTTP {status} from something before the store")
    if NO_WRITE in message:
        return ConnectorError("read_only", message, permanent=True)
    if "timestamp" in message.lower():
        return ConnectorError("clock_skew", message)
    if "nonce" in message.lower():
        return ConnectorError("nonce", message)
    if status == 403:
        return ConnectorError("forbidden", f"{code}: {message}", permanent=True)
    return ConnectorError("auth", f"{code}: {message}", permanent=True, auth=True)
