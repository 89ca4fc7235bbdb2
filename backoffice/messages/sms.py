"""Text messages through a gateway of the operator's choice: one signed POST; without a gateway, files.

SMS_URL is the address, SMS_BODY the JSON with {{ to }}, {{ text }} and {{ id }} in its texts. With SMS_SECRET the
request is signed: X-Yiku-Signature is the hex HMAC-SHA256 of "timestamp.body". SMS_OK is a text the answer must hold.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from django.conf import settings

from backoffice import clock, outward
from backoffice.messages import files
from backoffice.messages.registry import SendError, SendResult
from backoffice.models import OutgoingMessage

DEFAULT_BODY = '{"to": "{{ to }}", "text": "{{ text }}", "id": "{{ id }}"}'
WORN_OUT = {408, 425, 429}


def send(row: OutgoingMessage) -> SendResult:
    """Send one text message. Raises SendError."""
    if not any(char.isdigit() for char in row.to):
        raise SendError("bad_recipient", retryable=False)
    if not settings.SMS_URL:
        return files.send_text(row)
    body = body_of(row)
    try:
        answer = outward.post(settings.SMS_URL, body, _headers(row, body), allow=settings.EGRESS_ALLOW)
    except outward.CallFailed as error:
        if error.code == "redirect":  # it answered, and did not take the message
            raise SendError("gateway_refused", retryable=False) from None
        raise SendError(
            "gateway_forbidden" if error.permanent else "gateway_away", retryable=not error.permanent
        ) from None
    return _judged(answer)


def body_of(row: OutgoingMessage) -> bytes:
    """Return the request's body: the values are put in after the template was read, so no text can break out of it."""
    try:
        shape = json.loads(settings.SMS_BODY or DEFAULT_BODY)
    except ValueError:
        raise SendError("gateway_settings", retryable=False) from None
    values = {"to": row.to, "text": row.body, "id": f"yiku-{row.pk}"}
    return json.dumps(_filled(shape, values), ensure_ascii=False, separators=(",", ":")).encode()


def _filled(shape: Any, values: dict[str, str]) -> Any:
    if isinstance(shape, dict):
        return {name: _filled(value, values) for name, value in shape.items()}
    if isinstance(shape, list):
        return [_filled(value, values) for value in shape]
    if isinstance(shape, str):
        parts = {"{{ " + name + " }}": value for name, value in values.items()}
        return parts.get(shape.strip()) or _replaced(shape, parts)
    return shape


def _replaced(text: str, parts: dict[str, str]) -> str:
    """Replace each place once, left to right: a place inside a value stays as it is."""
    for mark in parts:
        if mark in text:
            before, _mark, after = text.partition(mark)
            return _replaced(before, parts) + parts[mark] + _replaced(after, parts)
    return text


def _headers(row: OutgoingMessage, body: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": f"yiku-{row.pk}"}
    if settings.SMS_TOKEN:
        headers["Authorization"] = f"Bearer {settings.SMS_TOKEN}"
    if settings.SMS_SECRET:
        stamp = str(int(clock.now().timestamp()))
        signed = hmac.new(settings.SMS_SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        headers |= {"X-Yiku-Timestamp": stamp, "X-Yiku-Signature": signed}
    return headers


def _judged(answer: outward.Answer) -> SendResult:
    if answer.status in WORN_OUT or answer.status >= 500:
        raise SendError("gateway_away")
    if not 200 <= answer.status < 300:
        raise SendError("gateway_refused", retryable=False)
    if settings.SMS_OK and settings.SMS_OK not in answer.text:
        raise SendError("gateway_answer", retryable=False)
    return SendResult(f"HTTP {answer.status}")
