"""Which SKU a line means. The default reads the code, then the barcode; channels brings one that knows listings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from django.db import connection

from inventory import catalogue, sets
from inventory.codes import normalise
from inventory.models import Barcode

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
        keys = {code: normalise(code) for _listing, code, _barcode in lines if code}
        by_key = _by_code_key({key for key in keys.values() if key})
        unknown = {barcode for _listing, code, barcode in lines if barcode and keys.get(code, "") not in by_key}
        by_barcode = catalogue.find_by_barcode(unknown) if unknown else {}
        return [
            self._one(by_key.get(keys.get(code, "")), code, barcode, by_barcode) for _listing, code, barcode in lines
        ]

    @staticmethod
    def _one(sku_id: int | None, code: str, barcode: str, by_barcode: dict[str, Barcode]) -> Match:
        if sku_id is not None:
            return Match(sku_id)
        found = by_barcode.get(barcode)
        if found is not None:
            return Match(found.sku_id, found.pack.quantity if found.pack else ONE)
        return Match(None, reason="unmatched" if code or barcode else "no_code")


def _by_code_key(keys: set[str]) -> dict[str, int]:
    """Return SKU ids by normalised code; without model instances, because every page of every shop asks."""
    if not keys:
        return {}
    condition, parameters = sets.among("code_key", sorted(keys))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT code_key, id FROM inventory_sku WHERE {condition}", parameters)  # noqa: S608 — no input
        return dict(cursor.fetchall())
