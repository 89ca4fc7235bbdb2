"""Who may call: Basic over https, one-legged OAuth 1.0a over http; written from the docs, apart from our connector."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

from channels.sandbox.woocommerce.rest import Request, RestError

WINDOW = 15 * 60
OAUTH_NAMES = ("consumer_key", "timestamp", "nonce", "signature", "signature_method")
HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
DENIED = {
    "GET": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "POST": ("woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."),
    "PUT": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "PATCH": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "DELETE": ("woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource."),
}


class Doorkeeper:
    """Checks each call's keys. `clock` gives Unix seconds."""

    def __init__(self, keys: list[dict[str, str]], clock: Callable[[], float]) -> None:
        self.keys, self.clock = keys, clock
        self._nonces: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def admit(self, request: Request, *, https: bool) -> None:
        """Let the call in or raise RestError 401."""
        key = self._basic(request) if https else self._oauth(request)
        if key is None:
            code, message = DENIED.get(request.method, DENIED["GET"])
            raise RestError(code, message, 401)
        reads, writes = "read" in key["permissions"], "write" in key["permissions"]
        if request.method in {"GET", "HEAD"} and not reads:
            raise refused("The API key provided does not have read permissions.")
        if request.method not in {"GET", "HEAD", "OPTIONS"} and not writes:
            raise refused("The API key provided does not have write permissions.")

    def _find(self, consumer_key: str) -> dict[str, str] | None:
        return next((key for key in self.keys if hmac.compare_digest(key["key"].encode(), consumer_key.encode())), None)

    def _basic(self, request: Request) -> dict[str, str] | None:
        consumer_key = str(request.query.get("consumer_key", ""))
        secret = str(request.query.get("consumer_secret", ""))
        scheme, _, packed = request.headers.get("authorization", "").partition(" ")
        if not consumer_key and scheme.lower() == "basic":
            try:
                consumer_key, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return None
        key = self._find(consumer_key) if consumer_key else None
        if key is not None and not hmac.compare_digest(key["secret"].encode(), secret.encode()):
            raise refused("Consumer secret is invalid.")
        return key

    def _oauth(self, request: Request) -> dict[str, str] | None:
        given = _oauth_given(request)
        if not any(name in given for name in ("oauth_consumer_key", "oauth_signature")):
            return None
        missing = [f"oauth_{name}" for name in OAUTH_NAMES if not given.get(f"oauth_{name}")]
        if missing:
            word = "parameter" if len(missing) == 1 else "parameters"
            raise RestError(
                "woocommerce_rest_authentication_missing_parameter", f"Missing OAuth {word} {', '.join(missing)}", 401
            )
        key = self._find(given["oauth_consumer_key"])
        if key is None:
            raise refused("Consumer key is invalid.")
        self._check_signature(request, given, key["secret"])
        self._check_time(given, key["key"])
        return key

    def _check_signature(self, request: Request, given: Mapping[str, str], secret: str) -> None:
        algorithm: Any = HASHES.get(given["oauth_signature_method"])
        if algorithm is None:
            raise refused("Invalid signature - signature method is invalid.")
        pairs = sorted((_encoded(name), _encoded(value)) for name, value in given.items() if name != "oauth_signature")
        joined = "&".join(f"{name}={value}" for name, value in pairs)
        base = f"{request.method}&{_encoded(request.base + request.path)}&{_encoded(joined)}"
        digest = hmac.new(f"{secret}&".encode(), base.encode(), algorithm).digest()
        if not hmac.compare_digest(base64.b64encode(digest), given["oauth_signature"].encode()):
            raise refused("Invalid signature - provided signature does not match.")

    def _check_time(self, given: Mapping[str, str], consumer_key: str) -> None:
        now, stamp = self.clock(), given["oauth_timestamp"]
        if not stamp.isdecimal() or abs(now - int(stamp)) > WINDOW:
            raise refused("Invalid timestamp.")
        with self._lock:
            self._nonces = {known: at for known, at in self._nonces.items() if at > now - WINDOW}
            used = (consumer_key, given["oauth_nonce"])
            if used in self._nonces:
                raise refused("Invalid nonce - nonce has already been used.")
            self._nonces[used] = int(stamp)


def refused(message: str) -> RestError:
    """Return the 401 of a failed log-in."""
    return RestError("woocommerce_rest_authentication_error", message, 401)


def _oauth_given(request: Request) -> dict[str, str]:
    given = dict(parse_qsl(request.raw_query, keep_blank_values=True))
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "oauth":
        for part in text.split(","):
            name, _, value = part.strip().partition("=")
            given |= dict(parse_qsl(f"{name}={value.strip(chr(34))}", keep_blank_values=True))
    return given


def _encoded(text: str) -> str:
    return quote(text, safe="~")
