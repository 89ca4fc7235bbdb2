"""Signatures that platforms put on webhooks or want on calls; compared in constant time, pure functions."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote, urlsplit

DIGESTS = {"HMAC-SHA256": "sha256", "HMAC-SHA1": "sha1"}


def hmac_base64(secret: str, message: bytes, *, digest: str = "sha256") -> str:
    """Return base64(HMAC(secret, message)), as Shopify and WooCommerce sign webhooks."""
    return base64.b64encode(_hmac(secret, message, digest)).decode()


def hmac_hex(secret: str, message: bytes, *, digest: str = "sha256") -> str:
    """Return the lower-case hex HMAC, as Shopee and Douyin sign calls."""
    return _hmac(secret, message, digest).hex()


def verify_base64(secret: str, message: bytes, signature: str) -> bool:
    """Say whether `signature` is the base64 HMAC-SHA256 of the raw body; an empty secret verifies nothing.

    The text is compared and not its bytes: several base64 texts decode to the same bytes, only one was sent.
    """
    return bool(secret) and hmac.compare_digest(signature.strip().encode(), hmac_base64(secret, message).encode())


def verify_hex(secret: str, message: bytes, signature: str) -> bool:
    """Say whether `signature` is the hex HMAC-SHA256 of the message; an empty secret verifies nothing."""
    return bool(secret) and hmac.compare_digest(signature.strip().lower().encode(), hmac_hex(secret, message).encode())


def oauth1_base_string(method: str, url: str, params: Iterable[tuple[str, str]]) -> str:
    """Return the OAuth 1.0a signature base string; `url` without its query. Source: RFC 5849 section 3.4.1."""
    pairs = sorted((_escape(key), _escape(value)) for key, value in params)
    parts = urlsplit(url)
    port = "" if parts.port in {None, 80 if parts.scheme == "http" else 443} else f":{parts.port}"
    place = f"{parts.scheme.lower()}://{(parts.hostname or '').lower()}{port}{parts.path or '/'}"
    normalised = "&".join(f"{key}={value}" for key, value in pairs)
    return "&".join((method.upper(), _escape(place), _escape(normalised)))


def oauth1_signature(secret: str, base_string: str, *, method: str = "HMAC-SHA256") -> str:
    """Return the base64 signature of a one-legged call: the key is the consumer secret followed by "&"."""
    return hmac_base64(_escape(secret) + "&", base_string.encode(), digest=DIGESTS[method])


def oauth1_params(
    method: str,
    url: str,
    params: Mapping[str, str],
    *,
    key: str,
    secret: str,
    timestamp: int,
    nonce: str,
    signature_method: str = "HMAC-SHA256",
) -> dict[str, str]:
    """Return the query of a one-legged OAuth 1.0a call: `params`, the oauth_ fields and the signature.

    `timestamp` is in Unix seconds. A query already in `url` is signed too.
    """
    signed = {
        **params,
        "oauth_consumer_key": key,
        "oauth_nonce": nonce,
        "oauth_signature_method": signature_method,
        "oauth_timestamp": str(timestamp),
    }
    bare, _, query = url.partition("?")
    everything = [*signed.items(), *parse_qsl(query, keep_blank_values=True)]
    base_string = oauth1_base_string(method, bare, everything)
    return {**signed, "oauth_signature": oauth1_signature(secret, base_string, method=signature_method)}


def _hmac(secret: str, message: bytes, digest: str) -> bytes:
    return hmac.new(secret.encode(), message, getattr(hashlib, digest)).digest()


def _escape(text: str) -> str:
    return quote(text, safe="-._~")
