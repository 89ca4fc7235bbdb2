"""Parcels leave: goods out of stock at cost, the sale to the books, the news to the platform, in one transaction."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

from orders.models import Shipment


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A parcel to record. `lines` maps line ids to units; None means all that is left and reserved."""

    lines: Mapping[int, Decimal] | None = None
    carrier: str = ""
    tracking: str = ""
    tracking_url: str = ""
    warehouse_id: int | None = None  # None: from wherever the goods are reserved


def ship(
    *,
    order_id: int,
    parcels: Sequence[Parcel],
    actor: str,
    idempotency_key: str,
    shipped_at: dt.datetime | None = None,
) -> list[Shipment]:
    """Ship parcels of one order; the same key again returns the parcels of the first call."""
    raise NotImplementedError


def void(*, shipment_id: int, actor: str, reason: str = "") -> Shipment:
    """Take a parcel back before the platform heard of it: goods return at their cost, the sale is reversed."""
    raise NotImplementedError
