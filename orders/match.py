"""Which SKU a line means. The default reads the code, then the barcode; channels brings one that knows listings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from inventory import catalogue
from inventory.models import Barcode, Sku

LineKey = tuple[str, str, str]  # (listing id, SKU code as the platform wrote it, barcode)
ONE = Decimal(1)


@dataclasses.dataclass(frozen=True, slots=True)
class Match:
    """The SKU of a line, or None with the code of the reason; one unit of the listing is `quantity_per` pieces."""

    sku_id: int | None
    quantity_per: Decimal = ONE
    reason: str = ""  # unmatched | no_code | conflict (two claims on one listing) | ignored


class Matcher(Protocol):
    """Answers a whole page at once, in a constant number of queries, in the order asked."""

    def match(self, lines: Sequence[LineKey]) -> list[Match]: ...


class CodeMatcher:
    """By SKU code, then by barcode: what a shop without listings of its own has."""

    def match(self, lines: Sequence[LineKey]) -> list[Match]:
        """Two queries at most; a barcode of a pack brings the pack's quantity."""
        by_code = catalogue.find({code for _listing, code, _barcode in lines if code})
        unknown = {barcode for _listing, code, barcode in lines if barcode and code not in by_code}
        by_barcode = catalogue.find_by_barcode(unknown) if unknown else {}
        return [self._one(code, barcode, by_code, by_barcode) for _listing, code, barcode in lines]

    @staticmethod
    def _one(code: str, barcode: str, by_code: dict[str, Sku], by_barcode: dict[str, Barcode]) -> Match:
        sku = by_code.get(code)
        if sku is not None:
            return Match(sku.pk)
        found = by_barcode.get(barcode)
        if found is not None:
            return Match(found.sku_id, found.pack.quantity if found.pack else ONE)
        return Match(None, reason="unmatched" if code or barcode else "no_code")
