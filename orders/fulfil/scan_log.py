"""Every scan once: the same key again gets the same answer, whatever happened in between. Who, when, what, right."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from backoffice import clock
from orders.fulfil import floor_errors
from orders.fulfil.wave_making import named
from orders.models import PackScan

ZERO = Decimal(0)
LONGEST_KEY = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What a scan did. `message` is in the reader's language; `data` is what the page shows anew."""

    ok: bool
    code: str
    params: dict[str, Any] = dataclasses.field(default_factory=dict)
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    again: bool = False  # known before: nothing was done now

    @property
    def message(self) -> str:
        """The sentence for whoever scanned."""
        return floor_errors.sentence(self.code, self.params)

    def to_json(self) -> dict[str, Any]:
        """As the page gets it."""
        return {"ok": self.ok, "code": self.code, "message": self.message, "again": self.again, **self.data}


def full_key(stage: str, scope: int | str, key: str) -> str:
    """Return a key that no other page can have used; an empty one is never the same twice."""
    return f"{stage}:{scope}:{key[:LONGEST_KEY]}"


def known(key: str) -> Answer | None:
    """Return the answer that a key got before."""
    row = PackScan.objects.filter(key=key).first()
    if row is None:
        return None
    kept = row.answer
    return Answer(row.right, row.code, kept.get("params", {}), kept.get("data", {}), again=True)


def write(
    key: str, stage: str, answer: Answer, *, actor: str, text: str = "", quantity: Decimal = ZERO, **what: Any
) -> Answer:
    """Keep a scan with its answer; `what` names the wave, its order, the parcel and the SKU by their ids."""
    PackScan.objects.create(
        key=key, at=clock.now(), actor=actor[:150], stage=stage, text=clean(text), quantity=quantity,
        right=answer.ok, code=answer.code, answer={"params": answer.params, "data": answer.data}, **what,
    )  # fmt: skip
    return answer


def clean(text: str) -> str:
    """What a scanner sent, without what no code holds."""
    return "".join(char for char in text if char.isprintable()).strip()[:200]


def person(actor: str) -> str:
    """The name of who did it."""
    return named(actor)


def moment(at: Any) -> str:
    """A moment as people say it."""
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT") if at else ""


def plain(value: Decimal) -> str:
    """`3`, `0.5`: no trailing zeros."""
    return f"{value.normalize():f}" if value else "0"
