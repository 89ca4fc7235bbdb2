"""What a shop offers: read all listings and locations, note what changed, match what is new."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from backoffice import audit, bulk, clock, locks
from channels import accounts, budget, due, error_queue, matching, observations
from channels.connectors.base import Capability, Connector, ConnectorError, ListingPage, RemoteListing, RemoteLocation
from channels.models import Account, Listing, ListingStatus, LocationLink, PollRun, PushJob
from channels.models import RemoteLocation as LocationRow
from channels.push import jobs
from channels.registry import can, connector_for
from channels.working import alone, retrying
from inventory.codes import normalise

LEASE_SECONDS = 120.0
# What a change of means that the figure must be written again, even where a fault had parked it.
REPUSH = ("status", "stock_managed", "not_pushable", "stock_id")
FIELDS = (
    "stock_id",
    "parent_id",
    "sku_text",
    "sku_key",
    "barcode",
    "barcode_key",
    "title",
    "status",
    "stock_managed",
    "not_pushable",
    "price",
    "url",
)


def sync(account_id: int, *, trigger: str = "timer") -> PollRun | None:
    """Read all listings of an account; None when nothing may be done now. Faults end up on the run, never raised."""
    account = accounts.working(account_id, Capability.PULL_LISTINGS)
    if account is None or budget.closed_until(account_id):
        return None
    with alone(f"listings:account:{account_id}", LEASE_SECONDS) as held:
        if held is None:
            return None
        run = PollRun.objects.create(account=account, kind="listings", trigger=trigger, started_at=clock.now())
        try:
            _read_all(account, connector_for(account), run, held)
        except ConnectorError as error:
            accounts.note_fault(account, error, reference="listings")
            _ended(run, "put_off" if error.retry_after else "failed", error.code)
            due.ended(account_id, due.LISTINGS, code=error.code, retry_after=error.retry_after)
        except accounts.UNUSABLE as error:
            accounts.note_unusable(account, error)
            _ended(run, "failed", error.code)
        except locks.LeaseLost:
            _ended(run, "lost", "lease_lost")
        return run


def _read_all(account: Account, connector: Connector, run: PollRun, held: locks.Held) -> None:
    if can(account, Capability.LOCATIONS):
        take_locations(account, connector.list_locations())
    accounts.ready(account)
    started, seen, next_asked_at = run.started_at, 0, clock.now()
    for page in connector.pull_listings():
        asked_at = next_asked_at
        retrying(lambda page=page, asked_at=asked_at: _take_page(account, page, held, asked_at))  # type: ignore[misc]
        locks.renew(held, LEASE_SECONDS)
        next_asked_at = clock.now()
        seen += len(page.listings)
        run.pages += 1
    run.seen = seen
    gone = Listing.objects.filter(account=account, read_at__lt=started).exclude(status=ListingStatus.DELETED)
    gone.update(status=ListingStatus.DELETED)
    result = matching.match_listings(account.pk)
    run.created, run.parked = result.matched, result.torn
    jobs.ensure(account.pk)
    error_queue.resolve(account.pk, error_queue.ACCOUNT, ["listings"])
    _ended(run, "ok", "")
    due.ended(account.pk, due.LISTINGS)


def _ended(run: PollRun, outcome: str, code: str) -> None:
    run.outcome, run.code, run.ended_at = outcome, code[:60], clock.now()
    run.save()


# --- listings --------------------------------------------------------------------------------------------------------


def _take_page(account: Account, page: ListingPage, held: locks.Held, asked_at: dt.datetime) -> None:
    locks.check(held)
    take_listings(account, page.listings, asked_at=asked_at)


def take_listings(account: Account, remotes: Sequence[RemoteListing], *, asked_at: dt.datetime | None = None) -> None:
    """Insert new listings, update changed ones, keep the figures they show; a constant number of statements."""
    now = clock.now()
    latest = {remote.external_id[:200]: remote for remote in remotes}
    standing = {row.external_id: row for row in Listing.objects.filter(account=account, external_id__in=latest)}
    fresh = [(account.pk, key, *_values(remote), now, now) for key, remote in latest.items() if key not in standing]
    bulk.insert_rows(
        Listing,
        ("account_id", "external_id", *FIELDS, "first_seen_at", "read_at"),
        fresh,
        ignore_conflicts=True,
    )
    changed, again = [], []
    for key, row in standing.items():
        values = _values(latest[key])
        before = {name: getattr(row, name) for name in FIELDS}
        after = dict(zip(FIELDS, values, strict=True))
        if before != after:
            changed.append((row.pk, *values))
        if any(before[name] != after[name] for name in REPUSH):
            again.append(row.pk)
    if changed:
        bulk.update_rows(Listing, ("id",), FIELDS, changed)
    Listing.objects.filter(pk__in=[row.pk for row in standing.values()]).update(read_at=now)
    if again:
        jobs.touch(PushJob.objects.filter(listing_id__in=again), cause="listing_changed", forced=True)
    _note_figures(account, latest, asked_at or now)


def _values(remote: RemoteListing) -> tuple[Any, ...]:
    status = remote.status if remote.status in ListingStatus.values else ListingStatus.ACTIVE.value
    return (
        remote.stock_id[:200],
        remote.parent_id[:200],
        remote.sku[:200],
        normalise(remote.sku)[:200],
        remote.barcode[:100],
        normalise(remote.barcode)[:100],
        remote.title[:500],
        status,
        remote.stock_managed,
        remote.not_pushable[:60],
        "" if remote.price is None else format(remote.price, "f")[:40],
        remote.url[:500],
    )


def _note_figures(account: Account, latest: dict[str, RemoteListing], asked_at: dt.datetime) -> None:
    places = dict(LocationRow.objects.filter(account=account).values_list("external_id", "pk"))
    ids = dict(Listing.objects.filter(account=account, external_id__in=latest).values_list("external_id", "pk"))
    seen = [
        observations.Seen(ids[key], places[place], figure)
        for key, remote in latest.items()
        for place, figure in remote.quantities.items()
        if key in ids and place in places
    ]
    observations.note(account.pk, seen, source="listings", asked_at=asked_at)


# --- locations -------------------------------------------------------------------------------------------------------


def take_locations(account: Account, remotes: Sequence[RemoteLocation]) -> None:
    """Note the platform's locations. A shop with a single one shows all its warehouses there until told otherwise."""
    now = clock.now()
    for remote in remotes:
        LocationRow.objects.update_or_create(
            account=account,
            external_id=remote.external_id[:200],
            defaults={
                "name": remote.name[:200],
                "country": remote.country[:2],
                "active": remote.active and remote.fulfils_orders,
                "read_at": now,
            },
        )
    LocationRow.objects.filter(account=account, read_at__lt=now).update(active=False)
    usable = LocationRow.objects.filter(account=account, active=True)
    if usable.count() == 1 and not LocationLink.objects.filter(account=account, valid_to__isnull=True).exists():
        usable.filter(whole_shop=False).update(whole_shop=True)


def link(*, location: LocationRow, warehouse_id: int, actor: str) -> LocationLink:
    """Let a location show a warehouse from now on; the warehouse leaves the location that showed it before."""
    now = clock.now()
    LocationLink.objects.filter(
        account_id=location.account_id, warehouse_id=warehouse_id, valid_to__isnull=True
    ).exclude(location=location).update(valid_to=now)
    made, _new = LocationLink.objects.get_or_create(
        account_id=location.account_id,
        location=location,
        warehouse_id=warehouse_id,
        valid_to=None,
        defaults={"valid_from": now, "created_by": actor[:150]},
    )
    LocationRow.objects.filter(account_id=location.account_id).filter(Q(pk=location.pk) | Q(whole_shop=True)).update(
        whole_shop=False
    )
    audit.record(action="location.link", target=location, actor=actor, after={"warehouse": warehouse_id})
    jobs.ensure(location.account_id, cause="location")
    jobs.touch_account(location.account_id, cause="location")
    return made


def unlink(*, link: LocationLink, actor: str) -> None:
    """End a link: the location no longer shows the warehouse's stock; its figures are worked out again."""
    LocationLink.objects.filter(pk=link.pk, valid_to__isnull=True).update(valid_to=clock.now())
    audit.record(action="location.unlink", target=link.location, actor=actor, before={"warehouse": link.warehouse_id})
    jobs.touch_account(link.account_id, cause="location")
