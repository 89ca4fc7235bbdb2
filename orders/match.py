"""Which SKU a line means. The default reads the code, then the barcode; channels brings one that knows listings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

LineKey = tuple[str, str, str]  # (listing id, SKU code as the platform wrote it, barcode)


@dataclasses.dataclass(frozen=True, slots=True)
class Match:
    """The SKU of a line, or None with the code of the reason; one unit of the listing is `quantity_per` pieces."""

    sku_id: int | None
    quantity_per: Decimal = Decimal(1)
    reason: str = ""  # unmatched | no_code | conflict (two claims on one listing) | ignored


class Matcher(Protocol):
    """Answers a whole page at once, in a constant number of queries, in the order asked."""

    def match(self, lines: Sequence[LineKey]) -> list[Match]: ...
