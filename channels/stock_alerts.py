"""Figures below zero on a platform, as stock alerts: somebody sold there what nobody has."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from channels.models import ListingMatch, LocationLink, PushJob
from inventory.alerts import watches
from inventory.alerts.rules import RuleBook
from inventory.alerts.watches import Seen
from inventory.models import AlertKind, ShopWarehouse


def register() -> None:
    """Register the watch; called once by AppConfig.ready()."""
    watches.register_watch("channels.negative", negative)


def negative(book: RuleBook) -> Iterator[Seen]:
    """Yield the worst figure of each SKU below zero, in the warehouse the location shows or the shop's first one."""
    jobs = list(PushJob.objects.filter(shown__lt=0).select_related("account__shop").order_by("shown", "pk"))
    if not jobs:
        return
    matches = ListingMatch.objects.filter(listing__in=[job.listing_id for job in jobs], valid_to__isnull=True)
    skus = {one.listing_id: one.sku for one in matches.select_related("sku__product")}
    links = LocationLink.objects.filter(location__in=[job.location_id for job in jobs], valid_to__isnull=True)
    places = {one.location_id: one.warehouse_id for one in links.order_by("-pk")}
    shops = {job.account.shop_id for job in jobs}
    own = ShopWarehouse.objects.filter(shop__in=shops, valid_to__isnull=True).order_by("-priority", "-warehouse_id")
    first = {one.shop_id: one.warehouse_id for one in own}
    seen: set[tuple[int, int]] = set()
    for job in jobs:
        sku, place = skus.get(job.listing_id), places.get(job.location_id, first.get(job.account.shop_id))
        if sku is None or place is None or (sku.pk, place) in seen:
            continue
        seen.add((sku.pk, place))
        rule = book.best(AlertKind.NEGATIVE, sku.pk, sku.product.category, place)
        yield Seen(
            AlertKind.NEGATIVE, sku.pk, place, Decimal(job.shown or 0), Decimal(0), rule, job.account.shop.name[:200]
        )
