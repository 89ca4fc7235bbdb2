"""The practice carrier over its REST interface: the model for a carrier that is called over HTTP.

Every call is signed: HMAC-SHA256 over method, path, query, moment and the hash of the body. Writes carry an
Idempotency-Key, so that asking again after a time-out gives the shipment of the first call.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from backoffice.calls.answers import parse_json, redact, retry_after
from backoffice.calls.errors import HttpResponse
from backoffice.calls.signing import hmac_hex
from orders.carriers.base import (
    Bought,
    Capability,
    Carrier,
    CarrierError,
    CredentialField,
    LabelRequest,
    News,
    Piece,
    Place,
    Rate,
)

CODES = frozenset({"bad_address", "too_heavy", "no_service", "handed_over", "key_reused", "not_found", "bad_request"})
EVENTS = {"accepted", "moving", "out", "delivered", "problem", "back"}
MOST_PDF = 2_000_000


class PracticeCarrier(Carrier):
    """Calls the practice carrier."""

    label: ClassVar[str] = "Practice carrier (REST)"
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.RATES, Capability.VOID, Capability.TRACK, Capability.MANIFEST, Capability.OWN_LABEL,
         Capability.CALLS}
    )  # fmt: skip
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(name="key", label="Key", secret=False),
        CredentialField(name="secret", label="Secret"),
    )

    def rates(self, *, sender: Place, recipient: Place, piece: Piece) -> Sequence[Rate]:
        """Ask for the price of each service."""
        asked = {"from": _zone(sender), "to": _zone(recipient), "parcel": dataclasses.asdict(piece)}
        found = self._call("POST", "/v1/rates", asked)
        return [
            Rate(service=str(one["service"]), amount=_amount(one["amount"]), currency=str(one["currency"]),
                 days=int(one["days"]) if one.get("days") is not None else None)
            for one in _rows(found, "rates")
        ]  # fmt: skip

    def buy(self, request: LabelRequest) -> Bought:
        """Create a shipment and fetch its label."""
        asked = {
            "service": request.service, "reference": request.reference, "note": request.note,
            "from": dataclasses.asdict(request.sender), "to": dataclasses.asdict(request.recipient),
            "parcel": dataclasses.asdict(request.piece),
        }  # fmt: skip
        made = self._call("POST", "/v1/shipments", asked, key=request.key)
        label = made.get("label")
        label = label if isinstance(label, dict) else {}
        bought = Bought(
            number=str(made.get("number") or ""),
            reference=str(made.get("id") or ""),
            amount=_amount(made.get("amount")),
            currency=str(made.get("currency") or ""),
            data={name: str(label.get(name) or "")[:300] for name in ("route", "station", "qr")},
        )
        if not bought.number or not bought.reference:
            raise CarrierError("bad_answer", "the shipment came without a number", unknown=True)
        return dataclasses.replace(bought, pdf=self._pdf(bought.reference))

    def _pdf(self, reference: str) -> bytes:
        """Fetch the carrier's own label; without it ours is printed, so a fault here fails nothing."""
        try:
            answer = self._send("GET", f"/v1/shipments/{quote(reference, safe='')}/label")
        except CarrierError:
            return b""
        whole = answer.status == 200 and answer.body.startswith(b"%PDF") and len(answer.body) <= MOST_PDF
        return answer.body if whole else b""

    def void(self, *, number: str, reference: str, key: str) -> None:
        """Cancel the shipment."""
        self._call("POST", f"/v1/shipments/{quote(reference, safe='')}/void", {}, key=key)

    def track(self, numbers: Sequence[str]) -> Sequence[News]:
        """Ask for the events of parcels."""
        found = self._call("GET", "/v1/tracking", query=urlencode([("number", one) for one in numbers]))
        return [
            News(
                number=str(one["number"]),
                external_id=str(one["id"])[:100],
                code=one["code"] if one.get("code") in EVENTS else "moving",
                at=_moment(one["at"]),
                place=str(one.get("place") or "")[:100],
                text=str(one.get("text") or "")[:300],
            )
            for one in _rows(found, "events")
        ]

    def manifest(self, *, numbers: Sequence[str], key: str) -> str:
        """Tell what is handed over."""
        return str(self._call("POST", "/v1/manifests", {"numbers": list(numbers)}, key=key).get("id") or "")

    def check(self) -> str:
        """Ask who we are."""
        return str(self._call("GET", "/v1/me").get("name") or "")

    # --- the wire ----------------------------------------------------------------------------------------------------

    def _call(self, method: str, path: str, body: Any = None, *, key: str = "", query: str = "") -> dict[str, Any]:
        answer = self._send(method, path, body, key=key, query=query)
        if answer.status not in (200, 201):
            raise self._refusal(answer, write=method == "POST")
        found = parse_json(answer)
        if not isinstance(found, dict):
            raise CarrierError("bad_answer", "the answer is no object", unknown=method == "POST")
        return found

    def _send(self, method: str, path: str, body: Any = None, *, key: str = "", query: str = "") -> HttpResponse:
        data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        moment = str(int(self.config.clock().timestamp()))
        signed = "\n".join((method, path, query, moment, hashlib.sha256(data).hexdigest())).encode()
        headers = {
            "X-Post-Key": self.config.credentials.get("key", ""),
            "X-Post-Time": moment,
            "X-Post-Sign": hmac_hex(self.config.credentials.get("secret", ""), signed),
            "Content-Type": "application/json",
        }
        if key:
            headers["Idempotency-Key"] = key
        url = self.config.base_url.rstrip("/") + path + (f"?{query}" if query else "")
        return self.http.request(method, url, headers=headers, data=data or None)

    def _refusal(self, answer: HttpResponse, *, write: bool) -> CarrierError:
        if answer.status in (401, 403):
            return CarrierError("auth", "the carrier refuses our key", permanent=True, auth=True)
        wait = retry_after(answer.headers, now=self.config.clock())
        if answer.status == 429:
            return CarrierError("throttled", "the carrier asks to wait", retry_after=wait or 5.0)
        if answer.status >= 500:
            return CarrierError("server", f"HTTP {answer.status}", unknown=write, retry_after=wait)
        code, message = _told(answer)
        return CarrierError(code, message, permanent=True)


def _told(answer: HttpResponse) -> tuple[str, str]:
    try:
        error = parse_json(answer).get("error", {})
        code, message = str(error.get("code")), redact(str(error.get("message") or ""), limit=200)
    except (CarrierError, AttributeError):
        return "refused", f"HTTP {answer.status}"
    return (code if code in CODES else "refused"), message


def _rows(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = found.get(name)
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise CarrierError("bad_answer", f"{name} is no list")
    return rows


def _zone(place: Place) -> dict[str, str]:
    return {"country": place.country, "region": place.region, "postcode": place.postcode}


def _amount(value: Any) -> Decimal:
    try:
        amount = Decimal(str(value))
    except ArithmeticError:
        raise CarrierError("bad_answer", "an amount is no number", unknown=True) from None
    if not amount.is_finite() or not 0 <= amount < 1_000_000:
        raise CarrierError("bad_answer", "an amount is out of range", unknown=True)
    return amount


def _moment(value: Any) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(str(value))
    except ValueError:
        raise CarrierError("bad_answer", "a moment cannot be read") from None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
