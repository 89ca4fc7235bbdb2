"""What has to be looked at once a minute per account: terms that begin or end now, new matches, waiting orders."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from backoffice import clock
from channels import due, matching
from channels.models import Account, DueWork, Listing, ListingStatus, ListingTerm, PushJob
from channels.push import jobs
from inventory.models import BundlePart, ShopWarehouse, StockPolicy

FIRST_LOOK_BACK = dt.timedelta(minutes=5)


def run(account_id: int) -> None:
    """Ask again for figures whose terms changed by the clock alone, and match what can be matched now."""
    account = Account.objects.get(pk=account_id)
    now = clock.now()
    job = DueWork.objects.filter(account=account, kind=due.TERMS).first()
    # A little overlap: a policy saved in a transaction that committed after our last look.
    since = (job.ended_at - dt.timedelta(seconds=30)) if job and job.ended_at else now - FIRST_LOOK_BACK
    _touch_changed(account, since, now)
    _match(account)
    due.ended(account_id, due.TERMS)


def _touch_changed(account: Account, since: dt.datetime, now: dt.datetime) -> None:
    turned = Q(valid_from__gt=since, valid_from__lte=now) | Q(valid_to__gt=since, valid_to__lte=now)
    if ShopWarehouse.objects.filter(turned, shop=account.shop_id).exists():
        jobs.touch_account(account.pk, cause="warehouses")
        return
    policies = StockPolicy.objects.filter(turned).filter(Q(shop=account.shop_id) | Q(shop__isnull=True))
    skus = set(policies.values_list("sku_id", flat=True))
    if None in skus:
        jobs.touch_account(account.pk, cause="policy")
        return
    skus |= set(BundlePart.objects.filter(turned).values_list("bundle_id", flat=True))
    if skus:
        jobs.touch_shops([account.shop_id], sku_ids=[sku for sku in skus if sku is not None], cause="policy")
    terms = ListingTerm.objects.filter(turned, listing__account=account).values_list("listing_id", flat=True)
    listings = list(terms.distinct())
    if listings:
        jobs.touch(PushJob.objects.filter(listing_id__in=listings), cause="listing_term")


def _match(account: Account) -> None:
    """Match listings that have no match, now that a SKU or barcode may exist; let orders go on that waited for it."""
    unmatched = Listing.objects.filter(account=account).exclude(status=ListingStatus.DELETED)
    unmatched = unmatched.exclude(matches__isnull=False, matches__valid_to__isnull=True)
    if unmatched.exists():
        matching.match_listings(account.pk)
    matching.rematch_orders(account)
