"""Which of our goods a listing is: the same SKU, else the same barcode, else a person says so.

Matches are effective-dated. A new one asks for the listing's figures and re-opens the orders that waited for it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from backoffice import audit, bulk, clock
from backoffice.errors import YikuError
from channels.matcher import Claim, ListingMatcher, claims_for
from channels.models import Account, Listing, ListingClaim, ListingMatch, ListingStatus, MatchHow, PushJob
from channels.push import jobs
from inventory.models import Sku
from orders.intake import rematch
from orders.models import OrderLine
from orders.models.order import OPEN_STATES

PAGE = 2_000


@dataclasses.dataclass(frozen=True, slots=True)
class Matched:
    """What a pass over the unmatched listings did."""

    matched: int = 0
    torn: int = 0
    unmatched: int = 0


def match_listings(account_id: int, listing_ids: Collection[int] | None = None) -> Matched:
    """Match every listing that has no match yet; those with two claims wait for a person, both shown."""
    waiting = Listing.objects.filter(account_id=account_id).exclude(
        matches__valid_to__isnull=True, matches__isnull=False
    )
    waiting = waiting.exclude(status=ListingStatus.DELETED)
    if listing_ids is not None:
        waiting = waiting.filter(pk__in=listing_ids)
    total = Matched()
    for page in _pages(waiting.order_by("pk").values_list("pk", "external_id", "sku_text", "barcode")):
        total = _match_page(account_id, page, total)
    return total


def _pages(rows: object) -> Sequence[Sequence[tuple[int, str, str, str]]]:
    found = list(rows)  # type: ignore[call-overload]
    return [found[start : start + PAGE] for start in range(0, len(found), PAGE)]


def _match_page(account_id: int, page: Sequence[tuple[int, str, str, str]], total: Matched) -> Matched:
    claims = claims_for({(sku, barcode) for _pk, _id, sku, barcode in page})
    single = {pk: claims[sku, barcode][0] for pk, _id, sku, barcode in page if len(claims[sku, barcode]) == 1}
    torn = {pk: claims[sku, barcode] for pk, _id, sku, barcode in page if len(claims[sku, barcode]) > 1}
    with transaction.atomic():
        _open_matches(single)
        _write_claims([pk for pk, *_rest in page], torn)
        after_match(account_id, list(single))
    return Matched(
        total.matched + len(single),
        total.torn + len(torn),
        total.unmatched + len(page) - len(single) - len(torn),
    )


def _open_matches(single: dict[int, Claim]) -> None:
    now = clock.now()
    rows = [(pk, one.sku_id, one.quantity_per, one.how, now, "system") for pk, one in single.items()]
    columns = ("listing_id", "sku_id", "quantity_per", "how", "valid_from", "created_by")
    bulk.insert_rows(ListingMatch, columns, rows, ignore_conflicts=True)


def _write_claims(looked_at: Collection[int], torn: dict[int, list[Claim]]) -> None:
    now = clock.now()
    kept = {(pk, one.sku_id, one.quantity_per, one.how) for pk, claims in torn.items() for one in claims}
    old = ListingClaim.objects.filter(listing_id__in=looked_at)
    gone = [row.pk for row in old if (row.listing_id, row.sku_id, row.quantity_per, row.how) not in kept]
    ListingClaim.objects.filter(pk__in=gone).delete()
    rows = [
        (pk, one.sku_id, one.quantity_per, one.how, one.evidence[:200], now)
        for pk, all_ in torn.items()
        for one in all_
    ]
    columns = ("listing_id", "sku_id", "quantity_per", "how", "evidence", "created_at")
    bulk.insert_rows(ListingClaim, columns, rows, ignore_conflicts=True)


def after_match(account_id: int, listing_ids: Collection[int]) -> None:
    """Ask for the figures of newly matched listings and let the orders that waited for them go on."""
    if not listing_ids:
        return
    jobs.ensure(account_id, listing_ids)
    jobs.touch(PushJob.objects.filter(listing_id__in=list(listing_ids)), cause="match")
    found = Listing.objects.filter(pk__in=list(listing_ids)).values_list("external_id", "sku_text")
    shop_id = Account.objects.values_list("shop_id", flat=True).get(pk=account_id)
    rematch(
        shop_id=shop_id,
        listing_ids=[external_id for external_id, _sku in found],
        sku_codes=[sku for _external_id, sku in found if sku],
        match=ListingMatcher(account_id),
    )


def choose(*, listing: Listing, sku: Sku, quantity_per: Decimal = Decimal(1), actor: str) -> ListingMatch:
    """Say by hand which SKU a listing is, from now on. What it was before stays on record.

    Raises YikuError "bad_quantity" for a pack size that is not positive.
    """
    if quantity_per <= 0:
        raise YikuError("bad_quantity", _("The number of pieces must be above zero."))
    with transaction.atomic():
        standing = ListingMatch.objects.select_for_update().filter(listing=listing, valid_to__isnull=True).first()
        if standing and (standing.sku_id, standing.quantity_per) == (sku.pk, quantity_per):
            return standing
        now = clock.now()
        before = _closed(standing, now)
        made = ListingMatch.objects.create(
            listing=listing,
            sku=sku,
            quantity_per=quantity_per,
            how=MatchHow.HAND,
            valid_from=now,
            created_by=actor[:150],
        )
        ListingClaim.objects.filter(listing=listing).delete()
        after = {"sku": sku.code, "quantity_per": str(quantity_per)}
        audit.record(action="listing.match", target=listing, actor=actor, before=before, after=after)
        after_match(listing.account_id, [listing.pk])
    return made


def unmatch(*, listing: Listing, actor: str) -> bool:
    """End a listing's match; its figure is no longer written. False when it had none."""
    with transaction.atomic():
        standing = ListingMatch.objects.select_for_update().filter(listing=listing, valid_to__isnull=True).first()
        if standing is None:
            return False
        before = _closed(standing, clock.now())
        audit.record(action="listing.unmatch", target=listing, actor=actor, before=before)
    return True


def _closed(match: ListingMatch | None, now: object) -> dict[str, str]:
    if match is None:
        return {}
    ListingMatch.objects.filter(pk=match.pk).update(valid_to=now)
    return {"sku": match.sku.code, "quantity_per": str(match.quantity_per)}


def rematch_orders(account: Account) -> int:
    """Let waiting orders go on whose codes mean something now (a new SKU, barcode or listing); returns how many."""
    waiting = (
        OrderLine.objects.filter(
            sku__isnull=True, stocked=True, order__shop_id=account.shop_id, order__state__in=OPEN_STATES
        )
        .exclude(Q(listing_id="") & Q(sku_code="") & Q(barcode=""))
        .values_list("listing_id", "sku_code", "barcode")
        .distinct()[:PAGE]
    )
    lines = list(waiting)
    if not lines:
        return 0
    matches = ListingMatcher(account.pk).match(lines)
    known = [line for line, match in zip(lines, matches, strict=True) if match.sku_id is not None]
    if not known:
        return 0
    done = rematch(
        shop_id=account.shop_id,
        listing_ids=sorted({listing for listing, _code, _barcode in known if listing}),
        sku_codes=sorted({code for _listing, code, _barcode in known if code}),
        match=ListingMatcher(account.pk),
    )
    return len(done)
