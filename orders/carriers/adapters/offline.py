"""A carrier without a server: prices by our table, numbers from our ranges, the label drawn by us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from orders.carriers import pricing
from orders.carriers.base import Bought, Capability, Carrier, CarrierError, LabelRequest, Piece, Place, Rate


class OfflineCarrier(Carrier):
    """Prices and numbers of our own."""

    label: ClassVar[str] = "Rate table and number ranges"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.RATES, Capability.VOID, Capability.NUMBERS})

    def rates(self, *, sender: Place, recipient: Place, piece: Piece) -> Sequence[Rate]:
        """Return what the table says."""
        return pricing.prices(self.config.rates, recipient=recipient, piece=piece)

    def buy(self, request: LabelRequest) -> Bought:
        """Give the next number of the range; the same key keeps its number."""
        if self.config.numbers is None:
            raise CarrierError("no_numbers", "no number range", permanent=True)
        rate = pricing.price(
            self.config.rates, service=request.service, recipient=request.recipient, piece=request.piece
        )
        if rate is None:
            raise CarrierError("no_service", "the table has no price for this place and weight", permanent=True)
        number = self.config.numbers.give(service=request.service, key=request.key)
        place = request.recipient
        route = f"{place.country}-{place.postcode[:3]}".upper().strip("-")
        return Bought(number=number, amount=rate.amount, currency=rate.currency, data={"route": route})
