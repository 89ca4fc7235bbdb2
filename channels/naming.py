"""What an entry of the error queue is about, in a clerk's words: the SKU and its location, the order's number."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.search import prefix_condition
from channels.models import Listing, RemoteLocation, SyncError
from inventory.codes import normalise
from orders.intake.drafts import number_key
from orders.models import Order

TOPICS: dict[str, Any] = {
    "brake": _("brake"),
    "clock": _("clock"),
    "drift": _("comparison"),
    "hooks": _("webhooks"),
    "listings": _("listings"),
    "login": _("log-in"),
    "pull": _("orders"),
    "push": _("figures"),
    "refresh": _("access token"),
    "tracking": _("parcels"),
    "webhooks": _("webhooks"),
    "writes": _("writing to the platform"),
}
MOST = 20
GOODS, ORDERS = frozenset({"stock", "listing"}), frozenset({"order"})


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """`label` names it, `note` tells it from others of the name; `url` is empty when this person may not open it."""

    label: Any
    note: str = ""
    url: str = ""


def split(reference: str) -> tuple[str, str]:
    """Return the listing's and the location's id of a reference such as "listing@location"."""
    listing, at, place = reference.rpartition("@")
    return (listing, place) if at else (reference, "")


def subjects(request: HttpRequest, rows: Iterable[SyncError]) -> dict[int, Subject]:
    """Say what each entry is about; a handful of queries however many entries there are."""
    entries = list(rows)
    goods = _goods(request, [row for row in entries if row.kind in GOODS])
    orders = _orders(request, [row for row in entries if row.kind in ORDERS])
    known = {**goods, **orders}
    return {row.pk: known.get(row.pk) or Subject(TOPICS.get(row.reference, row.reference)) for row in entries}


def _goods(request: HttpRequest, rows: list[SyncError]) -> dict[int, Subject]:
    parts = {row.pk: split(row.reference) for row in rows}
    by_account: Mapping[int, set[int]] = _by_account(rows)
    listings = {
        (one.account_id, one.external_id): one
        for account, mine in by_account.items()
        for one in Listing.objects.filter(account=account, external_id__in={parts[pk][0] for pk in mine})
    }
    places = dict(_places(by_account))
    seen = request.user.has_perm("channels.view_listing")
    found = {}
    for row in rows:
        listing, place = parts[row.pk]
        one = listings.get((row.account_id, listing))
        if one is not None:
            note = " · ".join(filter(None, (one.title, places.get((row.account_id, place), ""))))
            url = reverse("admin:channels_listing_change", args=[one.pk]) if seen else ""
            found[row.pk] = Subject(one.sku_text or one.title or listing, note, url)
    return found


def _places(by_account: Mapping[int, set[int]]) -> Iterable[tuple[tuple[int, str], str]]:
    for one in RemoteLocation.objects.filter(account__in=by_account).exclude(external_id=""):
        yield (one.account_id, one.external_id), one.name


def _orders(request: HttpRequest, rows: list[SyncError]) -> dict[int, Subject]:
    shops = {row.pk: row.account.shop_id for row in rows}
    wanted = Order.objects.filter(shop__in=set(shops.values()), external_id__in={row.reference for row in rows})
    numbers = {
        (shop, ext): (pk, number) for pk, shop, ext, number in wanted.values_list("pk", "shop", "external_id", "number")
    }
    seen = request.user.has_perm("orders.view_order")
    found = {}
    for row in rows:
        pk, number = numbers.get((shops[row.pk], row.reference), (0, ""))
        if pk:
            found[row.pk] = Subject(number, "", reverse("admin:orders_order_change", args=[pk]) if seen else "")
    return found


def _by_account(rows: Iterable[SyncError]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        found[row.account_id].add(row.pk)
    return found


def references_like(text: str) -> set[str]:
    """Return the ids of listings whose SKU, and of orders whose number begins with what was typed (some of many)."""
    skus = Listing.objects.filter(prefix_condition(["sku_key"], normalise(text)))
    numbers = Order.objects.filter(prefix_condition(["number_key"], number_key(text)))
    return {one for rows in (skus, numbers) for one in rows.values_list("external_id", flat=True)[:MOST]}
