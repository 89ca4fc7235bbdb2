"""Orders come in: a page of `IncomingOrder` is stored, books its demand, is reviewed and takes its stock at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Literal

from orders.contracts import IncomingOrder
from orders.match import Matcher

Action = Literal["created", "updated", "unchanged", "stale", "waiting", "failed"]


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """Why one order could not be taken in: a code, the field at fault and a sentence; whether trying again can help."""

    code: str
    field: str = ""
    message: str = ""
    retryable: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one order of the page. `order_id` is None only when it failed before anything was stored."""

    external_id: str
    order_id: int | None
    action: Action
    error: Fault | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class IntakeResult:
    """The outcomes, in the order of the page."""

    outcomes: list[Outcome]

    @property
    def failed(self) -> list[Outcome]:
        """The orders that have to be parked."""
        return [one for one in self.outcomes if one.action == "failed"]


def take_in(
    *,
    shop_id: int,
    orders: Sequence[IncomingOrder],
    source_refs: Sequence[str] = (),
    match: Matcher | None = None,
    go_live: dt.datetime | None = None,
) -> IntakeResult:
    """Take in a page of one shop's orders; one transaction, and order by order if the page breaks."""
    raise NotImplementedError


def rematch(
    *, shop_id: int, listing_ids: Iterable[str] = (), sku_codes: Iterable[str] = (), match: Matcher | None = None
) -> list[int]:
    """Match the waiting lines of these listings or codes again and review their orders; returns the order ids."""
    raise NotImplementedError
