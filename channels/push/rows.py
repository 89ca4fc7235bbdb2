"""A push job in the hands of a sender: what it must know of job, listing and location, and where it stands."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection

from django.db.models import QuerySet

from channels.connectors.base import StockKey
from channels.models import PushJob

FIELDS = {
    "pk": "id",
    "wanted": "wanted",
    "cause": "cause",
    "attempts": "attempts",
    "state": "state",
    "fence": "fence",
    "code": "code",
    "verify_at": "verify_at",
    "desired": "last_desired",
    "sent": "sent",
    "shown": "shown",
    "shown_walk": "shown_walk",
    "shown_covered": "shown_covered",
    "brake_id": "brake_id",
    "brake_cleared": "brake_cleared",
    "listing_id": "listing_id",
    "location_id": "location_id",
    "listing__external_id": "external_id",
    "listing__stock_id": "stock_id",
    "listing__parent_id": "parent_id",
    "listing__status": "status",
    "listing__stock_managed": "stock_managed",
    "listing__not_pushable": "not_pushable",
    "location__external_id": "place",
    "location__whole_shop": "whole_shop",
}


@dataclasses.dataclass(slots=True)
class Row:
    """One job while it is being sent. `wanted` is the sequence that this send may confirm."""

    id: int
    wanted: int
    cause: str
    attempts: int
    state: str
    fence: int
    code: str
    verify_at: dt.datetime | None
    last_desired: int | None
    sent: int | None
    shown: int | None
    shown_walk: int
    shown_covered: bool
    brake_id: int | None
    brake_cleared: bool
    listing_id: int
    location_id: int
    external_id: str
    stock_id: str
    parent_id: str
    status: str
    stock_managed: bool
    not_pushable: str
    place: str
    whole_shop: bool
    desired: int = 0
    log_key: uuid.UUID | None = None
    sent_at: dt.datetime | None = None

    @property
    def key(self) -> StockKey:
        """Whose figure it is, for the connector."""
        return StockKey(
            listing_id=self.external_id, stock_id=self.stock_id, location_id=self.place, parent_id=self.parent_id
        )

    def explained(self, completed_walk: int) -> bool:
        """Tell whether every order behind the figure last shown has been taken in."""
        return self.shown is not None and (self.shown_covered or completed_walk > self.shown_walk)


def load(ids: Collection[int]) -> list[Row]:
    """Read the jobs with their listings and locations, in one query, in the order of `ids`."""
    found = {row.id: row for row in of(PushJob.objects.filter(pk__in=list(ids)))}
    return [found[pk] for pk in ids if pk in found]


def of(jobs: QuerySet[PushJob]) -> list[Row]:
    """Read these jobs, in their order."""
    return [Row(**dict(zip(FIELDS.values(), values, strict=True))) for values in jobs.values_list(*FIELDS)]
