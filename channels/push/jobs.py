"""Whose figure is wanted: a counter per listing and location. Asking ten times before a send is one send."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

from django.db import models, transaction
from django.db.models import Case, F, Q, Value, When

from backoffice import bulk, clock
from backoffice.waking import wake
from channels.models import JobState, Listing, LocationLink, PushJob, RemoteLocation
from inventory.models import BundlePart, ShopWarehouse

WAKE = "push"
COLUMNS = (
    "account_id",
    "listing_id",
    "location_id",
    "wanted",
    "confirmed",
    "state",
    "cause",
    "due_since",
    "not_before",
    "attempts",
    "fence",
    "shown_walk",
    "shown_covered",
    "brake_cleared",
    "code",
    "message",
)
# A parked job that a person or a brake stopped starts again when its figure changes: it may not be zero any more.
RESTARTS = ("brake", "brake_denied")


def ensure(account_id: int, listing_ids: Collection[int] | None = None, *, cause: str = "match") -> int:
    """Give each matched listing a job at each location that shows stock of ours; returns how many are new."""
    listings = Listing.objects.filter(account_id=account_id, matches__valid_to__isnull=True, matches__isnull=False)
    if listing_ids is not None:
        listings = listings.filter(pk__in=listing_ids)
    places = list(locations(account_id).values_list("pk", flat=True))
    wanted = [(listing, place) for listing in listings.values_list("pk", flat=True) for place in places]
    have = set(PushJob.objects.filter(account_id=account_id).values_list("listing_id", "location_id"))
    now = clock.now()
    rows = [
        (account_id, *pair, 1, 0, JobState.DUE.value, cause, now, now, 0, 0, 0, False, False, "", "")
        for pair in wanted
        if pair not in have
    ]
    bulk.insert_rows(PushJob, COLUMNS, rows, ignore_conflicts=True)
    if rows:
        wake(WAKE)
    return len(rows)


def locations(account_id: int) -> models.QuerySet[RemoteLocation]:
    """Return the locations that stand for some of our stock: the whole shop's, or linked to a warehouse now."""
    linked = LocationLink.objects.filter(location=models.OuterRef("pk"), valid_to__isnull=True)
    return RemoteLocation.objects.filter(Q(whole_shop=True) | models.Exists(linked), account_id=account_id, active=True)


def touch(jobs: models.QuerySet[PushJob], *, cause: str, forced: bool = False) -> int:
    """Ask for these figures again; returns how many jobs.

    A job that waits after a fault keeps its wait, and one parked for a fault stays parked, unless `forced`.
    """
    now = clock.now()
    restart = Q(state=JobState.IDLE) | Q(state=JobState.PARKED, code__in=RESTARTS)
    if forced:
        restart |= Q(state__in=[JobState.PARKED, JobState.DUE])
    with transaction.atomic():
        ids = list(jobs.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
        if not ids:
            return 0
        for start in range(0, len(ids), 5_000):
            PushJob.objects.filter(pk__in=ids[start : start + 5_000]).update(
                wanted=F("wanted") + 1,
                cause=cause[:40],
                due_since=Case(When(state=JobState.IDLE, then=Value(now)), default=F("due_since")),
                not_before=Case(When(restart, then=Value(now)), default=F("not_before")),
                attempts=Case(When(restart, then=Value(0)), default=F("attempts"), output_field=models.IntegerField()),
                state=Case(When(restart, then=Value(JobState.DUE.value)), default=F("state")),
            )
        wake(WAKE)
    return len(ids)


def touch_account(account_id: int, *, cause: str) -> int:
    """Ask for every figure of an account again."""
    return touch(PushJob.objects.filter(account_id=account_id), cause=cause)


def touch_shops(shop_ids: Collection[int], *, sku_ids: Collection[int] | None = None, cause: str) -> int:
    """Ask for the figures of these shops again, of these SKUs (and the bundles they are in) or of all."""
    jobs = PushJob.objects.filter(account__shop_id__in=list(shop_ids))
    return touch(jobs if sku_ids is None else _of_skus(jobs, sku_ids), cause=cause)


def touch_stock(pairs: Iterable[tuple[int, int]], *, cause: str) -> int:
    """Stock of (SKU, warehouse) changed: ask for every figure that it goes into, in all shops that sell from there."""
    found = set(pairs)
    now = clock.now()
    open_link = Q(valid_to__isnull=True) | Q(valid_to__gt=now)
    shops = ShopWarehouse.objects.filter(open_link, warehouse_id__in={warehouse for _sku, warehouse in found})
    jobs = PushJob.objects.filter(account__shop_id__in=set(shops.values_list("shop_id", flat=True)))
    return touch(_of_skus(jobs, {sku for sku, _warehouse in found}), cause=cause)


def _of_skus(jobs: models.QuerySet[PushJob], sku_ids: Collection[int]) -> models.QuerySet[PushJob]:
    open_match = Q(listing__matches__valid_to__isnull=True)
    return jobs.filter(open_match, listing__matches__sku_id__in=with_bundles(sku_ids))


def with_bundles(sku_ids: Collection[int], at: dt.datetime | None = None) -> set[int]:
    """Return the SKUs and every bundle that holds one of them now."""
    moment = at or clock.now()
    holding = BundlePart.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=moment), valid_from__lte=moment, part_id__in=list(sku_ids)
    )
    return set(sku_ids) | set(holding.values_list("bundle_id", flat=True))


def due_accounts() -> list[int]:
    """Return the accounts that have something to send, to read again, or left behind by a worker that died."""
    now = clock.now()
    due = Q(state__in=[JobState.DUE, JobState.UNKNOWN], not_before__lte=now) | Q(
        state=JobState.SENDING, lease_until__lte=now
    )
    jobs = PushJob.objects.filter(due).values_list("account_id", flat=True).distinct()
    again = PushJob.objects.filter(verify_at__lte=now).values_list("account_id", flat=True).distinct()
    return sorted(set(jobs) | set(again))


def requeue(jobs: models.QuerySet[PushJob], *, cause: str = "person") -> int:
    """Let parked or waiting jobs be tried at once (a person fixed the reason)."""
    return touch(jobs, cause=cause, forced=True)
