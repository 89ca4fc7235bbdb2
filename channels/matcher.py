"""Which SKU an order line means: by its listing first, else by code and barcode; two answers are no answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from decimal import Decimal

from channels.models import Listing, ListingMatch, MatchHow
from inventory import catalogue
from orders.match import LineKey, Match

ONE = Decimal(1)


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """One SKU that a code or barcode stands for; `evidence` is what was compared."""

    sku_id: int
    quantity_per: Decimal
    how: str
    evidence: str


def claims_for(pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[Claim]]:
    """Return for each (SKU code, barcode) what it could be, in two queries: same code, then same barcode.

    Both pointing at the same SKU in the same pack are one claim; pointing apart they are two.
    """
    skus = catalogue.find({code for code, _barcode in pairs if code})
    barcodes = catalogue.find_by_barcode({barcode for _code, barcode in pairs if barcode})
    found: dict[tuple[str, str], list[Claim]] = {}
    for code, barcode in pairs:
        mine = found.setdefault((code, barcode), [])
        if code in skus:
            mine.append(Claim(skus[code].pk, ONE, MatchHow.SKU.value, code))
        if barcode in barcodes:
            row = barcodes[barcode]
            claim = Claim(row.sku_id, row.pack.quantity if row.pack else ONE, MatchHow.BARCODE.value, barcode)
            if not any((one.sku_id, one.quantity_per) == (claim.sku_id, claim.quantity_per) for one in mine):
                mine.append(claim)
    return found


class ListingMatcher:
    """The matcher that `orders.intake` uses for the orders of one account."""

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id

    def match(self, lines: Sequence[LineKey]) -> list[Match]:
        """Answer a page of (listing id, SKU code, barcode) in a constant number of queries, in the order asked."""
        matched, waiting = self._listings({listing for listing, _code, _barcode in lines if listing})
        rest = {(code, barcode) for listing, code, barcode in lines if listing not in matched}
        claims = claims_for(rest) if rest else {}
        return [
            matched.get(listing) or _by_claims(listing in waiting, code, barcode, claims)
            for listing, code, barcode in lines
        ]

    def _listings(self, ids: Collection[str]) -> tuple[dict[str, Match], set[str]]:
        if not ids:
            return {}, set()
        rows = ListingMatch.objects.filter(
            listing__account_id=self.account_id, listing__external_id__in=ids, valid_to__isnull=True
        ).values_list("listing__external_id", "sku_id", "quantity_per")
        matched = {external_id: Match(sku_id, quantity) for external_id, sku_id, quantity in rows}
        torn = Listing.objects.filter(account_id=self.account_id, external_id__in=ids, claims__isnull=False)
        return matched, set(torn.values_list("external_id", flat=True)) - set(matched)


def _by_claims(torn: bool, code: str, barcode: str, claims: dict[tuple[str, str], list[Claim]]) -> Match:
    """Match by what the line itself says, unless its listing waits for a person's decision."""
    if torn:
        return Match(None, reason="conflict")
    if not code and not barcode:
        return Match(None, reason="no_code")
    mine = claims.get((code, barcode), [])
    if len(mine) == 1:
        return Match(mine[0].sku_id, mine[0].quantity_per)
    return Match(None, reason="conflict" if mine else "unmatched")
