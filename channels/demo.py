"""The demo company's accounts and listings; two of its shops live in the sandbox on this machine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db.models import F
from django.utils.module_loading import import_string

from backoffice import clock
from backoffice.outbox import State
from channels import accounts, alarms, listings, matching
from channels.connectors.base import RemoteListing, RemoteLocation
from channels.connectors.woocommerce.client import shop_key
from channels.matcher import ListingMatcher
from channels.models import Account
from channels.models import RemoteLocation as LocationRow
from inventory import demo_trust
from inventory.models import Shop, Warehouse
from orders import demo_incidents, demo_late
from orders.match import Matcher
from orders.models import OrderEventDelivery

if TYPE_CHECKING:
    from fixtures.company import Company, ShopSeed
    from fixtures.listings import ListingSeed

ACTOR = "demo"
UNSET = "http://127.0.0.1:9"  # until `connect` tells where the sandbox listens
SANDBOXES = ("shopify", "woocommerce")
DASHES = {"shopify": "–", "woocommerce": "-"}  # between a product's title and its variant's


def load(*, company: Company, since: dt.datetime, go_live: dt.datetime) -> None:
    """Add an account per shop with its listings, matched; orders of the sandbox count from `go_live`."""
    for seed in company.shops:
        account, made = Account.objects.get_or_create(
            shop=Shop.objects.get(code=seed.code),
            defaults={
                "platform": seed.platform,
                "name": seed.name,
                "base_url": UNSET if seed.platform in SANDBOXES else "",
                "external_shop_id": external_shop_id(company, seed),
                "currency": seed.currency,
                "go_live_at": go_live if seed.platform in SANDBOXES else None,
                "checked_at": since,
                "options": company.sandbox.get(seed.platform, {}).get("options", {}),
                "poll_seconds": 30,
            },
        )
        if made:
            _connect_account(company, seed, account)
            listings.take_listings(account, _remote_listings(company, seed))
            matching.match_listings(account.pk)
    for account in Account.objects.filter(platform__in=SANDBOXES, write_enabled=False):
        accounts.switch_writes(account=account, on=True, actor=ACTOR)


def external_shop_id(company: Company, seed: ShopSeed) -> str:
    """Return the platform's own identity of a demo shop; a WooCommerce store's is its address, told by `connect`."""
    settings = company.sandbox.get(seed.platform, {})
    return str(settings.get("shop_id") or f"demo-{seed.code}")


def _connect_account(company: Company, seed: ShopSeed, account: Account) -> None:
    """Enter the sandbox's fixed secrets and say which warehouse each of its locations shows."""
    settings = company.sandbox.get(seed.platform)
    if settings is None:
        accounts.ready(account)
        return
    accounts.set_credential(account=account, values=settings["credentials"], actor=ACTOR)
    places = {code: f"gid://shopify/Location/{number}" for code, number in settings.get("locations", {}).items()}
    names = {place.code: place for place in company.warehouses}
    remotes = [
        RemoteLocation(external_id=external_id, name=names[code].name_en, country=names[code].country)
        for code, external_id in places.items()
        if code in seed.warehouses
    ]
    if remotes:
        listings.take_locations(account, remotes)
    for code in places if len(remotes) > 1 else ():
        location = LocationRow.objects.get(account=account, external_id=places[code])
        listings.link(location=location, warehouse_id=Warehouse.objects.get(code=code).pk, actor=ACTOR)
    accounts.ready(account)


def _remote_listings(company: Company, seed: ShopSeed) -> list[RemoteListing]:
    of_shop = import_string("fixtures.listings.of_shop")
    return [_remote(seed, row) for row in of_shop(company, seed)]


def _remote(shop: ShopSeed, row: ListingSeed) -> RemoteListing:
    external_id, stock_id, parent_id = import_string("fixtures.listings.external_ids")(shop.platform, row)
    return RemoteListing(
        external_id=external_id,
        stock_id=stock_id,
        parent_id=parent_id,
        sku=row.sku,
        barcode=row.barcode,
        title=f"{row.title} {DASHES.get(shop.platform, '')} {row.variant}" if row.variant else row.title,
        price=row.price,
        stock_managed=row.physical,
        not_pushable="" if row.physical else "stock_not_managed",
    )


def matchers() -> dict[str, Matcher]:
    """Return for each shop's code what reads its listings."""
    rows = Account.objects.values_list("shop__code", "pk")
    return {code: ListingMatcher(pk) for code, pk in rows}


def connect(urls: Mapping[str, str]) -> None:
    """Tell the accounts of the sandbox shops, by platform, where these listen in this run."""
    for platform, url in urls.items():
        address = url.rstrip("/")
        fields = {"base_url": address}
        if platform == "woocommerce":  # a store is known by its address
            fields["external_shop_id"] = shop_key(address)
        Account.objects.filter(platform=platform, base_url__gt="").exclude(base_url=address).update(**fields)


def finish() -> int:
    """Close the news that the past left for the platforms: the sandbox never knew those orders. Returns how many.

    What stands wrong then becomes incidents.
    """
    demo_incidents.load()
    demo_late.finish()
    alarms.look_at_errors()
    demo_trust.finish()
    open_news = OrderEventDelivery.objects.filter(state__in=(State.DUE, State.WORKING))
    return open_news.update(state=State.DONE, done_at=clock.now(), fence=F("fence") + 1, code="demo")
