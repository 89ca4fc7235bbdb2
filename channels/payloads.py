"""The texts that came in: kept once per content, with secrets blotted out, until they expire."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from backoffice import bulk, clock
from channels.connectors.base import RawOrder
from channels.models import Account, InboundPayload

REDACTED = "•••"
# Names under which platforms and their plugins put what opens a door: WooCommerce's order_key opens the order page.
SECRET_NAME = re.compile(
    r"(^|[._-])(order_?key|pass(word|wd)?|secret|api_?key|(access|refresh|auth|payment|card)_?token|token|cvv2?|cvc|"
    r"card_?number|authorization|signature|nonce)$",
    re.IGNORECASE,
)
SECRET_QUERY = re.compile(r"([?&](?:key|token|order_?key|signature|hmac|pay_for_order)=)[^&\s\"'<>]+", re.IGNORECASE)
COLUMNS = (
    "account_id",
    "kind",
    "external_id",
    "sha256",
    "body",
    "size",
    "platform_updated_at",
    "received_at",
    "expires_at",
    "run_id",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """A raw order and the row that keeps its text."""

    raw: RawOrder
    payload_id: int

    @property
    def reference(self) -> str:
        """How the order version names its source."""
        return f"channels.payload:{self.payload_id}"


def digest(body: bytes) -> str:
    """Return the hash under which a text is known."""
    return hashlib.sha256(body).hexdigest()


def unknown(account_id: int, raws: Sequence[RawOrder]) -> list[RawOrder]:
    """Return the orders whose exact text was not stored before; most of an overlap window was."""
    seen = set(
        InboundPayload.objects.filter(
            account_id=account_id, kind="order", external_id__in={raw.external_id[:200] for raw in raws}
        ).values_list("external_id", "sha256")
    )
    fresh: dict[tuple[str, str], RawOrder] = {}
    for raw in raws:
        key = (raw.external_id[:200], digest(raw.body))
        if key not in seen:
            fresh.setdefault(key, raw)
    return list(fresh.values())


def store(account: Account, raws: Sequence[RawOrder], *, run_id: int | None) -> list[Stored]:
    """Store the texts and return those that really were new, in the order given; one statement."""
    now = clock.now()
    expires = now + dt.timedelta(days=account.payload_days)
    rows = {(raw.external_id[:200], digest(raw.body)): raw for raw in raws}
    inserted = bulk.insert_rows(
        InboundPayload,
        COLUMNS,
        [
            (
                account.pk,
                "order",
                key[0],
                key[1],
                redacted(raw.body),
                len(raw.body),
                raw.updated_at,
                now,
                expires,
                run_id,
            )
            for key, raw in rows.items()
        ],
        returning=("id", "external_id", "sha256"),
        ignore_conflicts=True,
        conflict_target=("account_id", "kind", "external_id", "sha256"),
    )
    ids = {(external_id, sha256): pk for pk, external_id, sha256 in inserted}
    return [Stored(raw, ids[key]) for key, raw in rows.items() if key in ids]


def raw_of(payload: InboundPayload) -> RawOrder:
    """Rebuild what was delivered from its stored text (secrets stay blotted out: no parser reads them)."""
    return RawOrder(external_id=payload.external_id, updated_at=payload.platform_updated_at, body=payload.body.encode())


def redacted(body: bytes) -> str:
    """Return the text to store: valid JSON keeps its numbers to the letter; only values of secret names change."""
    text = body.decode("utf-8", errors="replace").replace("\x00", "")
    try:
        value = json.loads(text, parse_float=_number, parse_int=_number)
    except (ValueError, RecursionError):
        return SECRET_QUERY.sub(rf"\1{REDACTED}", text)
    if not _holds_secret(value) and not SECRET_QUERY.search(text):
        return text  # nearly always: byte for byte as delivered
    return _MARKED.sub(r"\1", json.dumps(_without_secrets(value), ensure_ascii=False, separators=(",", ":")))


def _number(text: str) -> str:
    return f"\x01{text}\x01"


# json.dumps would write 1.10 as 1.1 and shorten long integers: numbers travel as marked text and are unmarked at last.
_MARKED = re.compile(r'"\\u0001(-?\d[\d.eE+-]*)\\u0001"')


def _secret(holder: dict[str, Any], key: str) -> bool:
    """Tell whether the entry is a secret by its own name or, in {"key": "_x_token", "value": …}, by its sibling's."""
    if not holder[key]:
        return False
    if key != "value":
        return bool(SECRET_NAME.search(key))
    named = holder.get("key") or holder.get("name")
    # What a buyer typed stands under a plain word ("Signature"); programs call theirs _x_token or api-key.
    typed = set(holder) == {"key", "value"} and isinstance(named, str) and not re.search("[._-]", named)
    return isinstance(named, str) and not typed and bool(SECRET_NAME.search(named))


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_secret(value, key) or _holds_secret(item) for key, item in value.items())
    return isinstance(value, list) and any(_holds_secret(item) for item in value)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: REDACTED if _secret(value, key) else _without_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return SECRET_QUERY.sub(rf"\1{REDACTED}", value) if isinstance(value, str) else value


def expire(limit: int = 5_000) -> int:
    """Blank the texts whose time is over; hash and row stay, so that nothing is taken in again. Returns how many."""
    due = InboundPayload.objects.filter(expires_at__lte=clock.now()).order_by("expires_at").values_list("pk", flat=True)
    return InboundPayload.objects.filter(pk__in=list(due[:limit])).update(body="", expires_at=None)


def external_ids(stored: Iterable[Stored]) -> list[str]:
    """Return the platform's ids of stored orders."""
    return [one.raw.external_id for one in stored]
