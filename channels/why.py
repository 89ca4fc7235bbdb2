"""Why this number: what a listing shows at a place, what we want it to show, and every step — now or at any moment.

Now is worked out afresh; the past is read from the logs: the publication log froze the inputs of each figure when it
was decided, and the observations say what the platform showed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from channels.models import (
    Account,
    Listing,
    ListingMatch,
    PlatformObservation,
    PublicationLog,
    PushJob,
)
from channels.push import figures
from channels.push import rows as job_rows
from inventory.explain import LABELS as STOCK_LABELS
from inventory.models import Sku, Warehouse

RECENT = 20
LABELS: dict[str, Promise | str] = {
    "available": _("The shop may show, in pieces"),
    "pack": _("Divided by the pieces in one unit sold"),
    "listing_buffer": _("Less what is kept back for this listing"),
    "listing_share": _("Times the listing's share"),
    "listing_cap": _("At most, for this listing"),
    "listing_paused": _("This listing is paused"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One line of the calculation: label, the amount it brings in, what stands after it."""

    label: Any
    amount: str
    result: str


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Stock that went into the figure: one SKU in one warehouse."""

    warehouse: str
    warehouse_id: int
    sku: str
    sku_id: int
    on_hand: str
    reserved: str
    demand: str
    free: str
    counts: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """What the platform showed: the figure, since when we know, and how."""

    quantity: int | None
    at: dt.datetime
    source: str


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """Everything the page says about one listing at one location at one moment."""

    job: PushJob
    at: dt.datetime
    past: bool
    desired: int | None
    code: str
    decided_at: dt.datetime | None
    shown: Shown | None
    steps: tuple[Step, ...]
    places: tuple[Place, ...]
    match: ListingMatch | None
    publications: tuple[PublicationLog, ...]

    @property
    def agrees(self) -> bool:
        """True when the platform shows what we want it to."""
        return self.shown is not None and self.desired is not None and self.shown.quantity == self.desired


def picture(*, job: PushJob, at: dt.datetime | None = None) -> Picture:
    """Return the whole picture of a job, now or as it was."""
    moment = at or clock.now()
    desired, inputs, code, decided_at = _then(job, at) if at else _now(job)
    skus, warehouses = _names(inputs)
    return Picture(
        job=job,
        at=moment,
        past=at is not None,
        desired=desired,
        code=code,
        decided_at=decided_at,
        shown=shown_at(job.listing_id, job.location_id, moment),
        steps=tuple(_steps(inputs)),
        places=tuple(_places(inputs, skus, warehouses)),
        match=match_at(job.listing_id, moment),
        publications=tuple(
            PublicationLog.objects.filter(
                listing_id=job.listing_id, location_id=job.location_id, decided_at__lte=moment
            ).order_by("-decided_at", "-pk")[:RECENT]
        ),
    )


def _now(job: PushJob) -> tuple[int | None, dict[str, Any], str, dt.datetime | None]:
    account = Account.objects.get(pk=job.account_id)
    (row,) = job_rows.load([job.pk])
    decision = figures.decide(account, [row])[job.pk]
    return decision.desired, decision.inputs, decision.code, None


def _then(job: PushJob, at: dt.datetime) -> tuple[int | None, dict[str, Any], str, dt.datetime | None]:
    log = (
        PublicationLog.objects.filter(listing_id=job.listing_id, location_id=job.location_id, decided_at__lte=at)
        .order_by("-decided_at", "-pk")
        .first()
    )
    return (log.desired, log.inputs, "", log.decided_at) if log else (None, {}, "", None)


def match_at(listing_id: int, at: dt.datetime) -> ListingMatch | None:
    """Return what a listing was matched to at a moment."""
    then = Q(valid_to__isnull=True) | Q(valid_to__gt=at)
    rows = ListingMatch.objects.select_related("sku").filter(then, listing_id=listing_id, valid_from__lte=at)
    return rows.order_by("-valid_from").first()


def shown_at(listing_id: int, location_id: int, at: dt.datetime) -> Shown | None:
    """Return what a listing showed at a moment: the last reading or confirmed write before it."""
    seen = (
        PlatformObservation.objects.filter(listing_id=listing_id, location_id=location_id, seen_at__lte=at)
        .order_by("-seen_at", "-pk")
        .first()
    )
    written = (
        PublicationLog.objects.filter(
            listing_id=listing_id, location_id=location_id, status="applied", answered_at__lte=at
        )
        .order_by("-answered_at", "-pk")
        .first()
    )
    found = []
    if seen is not None:
        found.append(Shown(seen.quantity, seen.seen_at, seen.source))
    if written is not None and written.answered_at is not None:
        quantity = written.sent if written.observed is None else written.observed
        found.append(Shown(quantity, written.answered_at, "answer"))
    return max(found, key=lambda one: one.at, default=None)


# --- the calculation -------------------------------------------------------------------------------------------------


def _steps(inputs: dict[str, Any]) -> list[Step]:
    steps: list[Step] = []
    for figure in inputs.get("available", []):
        for term in figure.get("terms", []):
            if _says_something(term):
                label = STOCK_LABELS.get(term["code"], term["code"])
                steps.append(Step(label, term["amount"] or "", term["result"]))
        if not figure.get("active", True):
            steps.append(Step(STOCK_LABELS["inactive"], "", "0"))
        steps += [Step(STOCK_LABELS["pause"], pause["reason"], "0") for pause in figure.get("pauses", [])]
    for step in inputs.get("steps", []):
        if step["code"] != "pack" or step["amount"] != "1":
            steps.append(Step(LABELS.get(step["code"], step["code"]), step["amount"] or "", step["result"]))
    return steps


def _says_something(term: dict[str, Any]) -> bool:
    """A buffer of nothing, a share of one and the like are left out: they explain nothing."""
    neutral = {"share": "1", "cap": None, "whole": None}
    return term["code"] == "free" or term["amount"] not in (neutral.get(term["code"], "0"), None)


def _names(inputs: dict[str, Any]) -> tuple[dict[int, str], dict[int, str]]:
    rows = [row for figure in inputs.get("available", []) for row in figure.get("warehouses", [])]
    skus = {stock["sku"] for row in rows for stock in row["stock"]}
    codes = dict(Sku.objects.filter(pk__in=skus).values_list("pk", "code"))
    places = dict(Warehouse.objects.filter(pk__in={row["warehouse"] for row in rows}).values_list("pk", "name"))
    return codes, places


def _places(inputs: dict[str, Any], skus: dict[int, str], warehouses: dict[int, str]) -> list[Place]:
    found: dict[tuple[int, int], Place] = {}
    for figure in inputs.get("available", []):
        only = figure.get("warehouse")
        for row in figure.get("warehouses", []):
            if only is not None and row["warehouse"] != only:
                continue
            for stock in row["stock"]:
                found[row["warehouse"], stock["sku"]] = Place(
                    warehouse=warehouses.get(row["warehouse"], "?"),
                    warehouse_id=row["warehouse"],
                    sku=skus.get(stock["sku"], "?"),
                    sku_id=stock["sku"],
                    on_hand=stock["on_hand"],
                    reserved=stock["reserved"],
                    demand=stock["demand"],
                    free=stock["free"],
                    counts=row["counts"],
                )
    return list(found.values())


# --- all shops -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class ShelfRow:
    """One listing of a SKU in one shop: what it showed and what we wanted, at a moment."""

    job: PushJob
    listing: Listing
    desired: int | None
    shown: Shown | None
    quantity_per: Decimal


def shelves(*, sku_id: int, job_ids: Collection[int] | None = None, at: dt.datetime | None = None) -> list[ShelfRow]:
    """Return what every shop shows of a SKU, now or at a past moment, shop by shop (only `job_ids`, if given)."""
    moment = at or clock.now()
    then = Q(valid_to__isnull=True) | Q(valid_to__gt=moment)
    matches = {
        match.listing_id: match for match in ListingMatch.objects.filter(then, sku_id=sku_id, valid_from__lte=moment)
    }
    jobs = PushJob.objects.select_related("account__shop", "listing", "location").filter(listing_id__in=matches)
    if job_ids is not None:
        jobs = jobs.filter(pk__in=job_ids)
    return [
        ShelfRow(
            job=job,
            listing=job.listing,
            desired=_then(job, at)[0] if at else job.desired,
            shown=shown_at(job.listing_id, job.location_id, moment),
            quantity_per=matches[job.listing_id].quantity_per,
        )
        for job in jobs.order_by("account__name", "pk")
    ]
