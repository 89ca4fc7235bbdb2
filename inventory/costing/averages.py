"""Follow a correction at moving average: each entry since took its share of the extra value, and carried it along."""

from __future__ import annotations

import dataclasses
from collections import defaultdict

from inventory.costing.reading import Part, Receipt, since
from inventory.costing.sharing import divided
from inventory.models import Balance, Warehouse


@dataclasses.dataclass(slots=True)
class _Pool:
    """Goods that are valued together, and the extra value among them."""

    pieces: int = 0
    extra: int = 0


@dataclasses.dataclass(slots=True)
class _Sent:
    """What an entry took away and nobody brought back yet."""

    entry: Receipt
    pieces: int
    extra: int


class _Walk:
    """One pass over the SKU's entries. In the account of goods under way each transfer keeps its own goods."""

    def __init__(self, receipt: Receipt, amount: int) -> None:
        self.receipt, self.amount = receipt, amount
        self.entries = since(receipt)
        kind = Warehouse.Kind.TRANSIT
        self.transit = set(Warehouse.objects.filter(kind=kind).values_list("pk", flat=True))
        self.pools: dict[tuple[int, str], _Pool] = defaultdict(_Pool)
        for place, on_hand in Balance.objects.filter(sku=receipt.sku_id).values_list("warehouse_id", "on_hand"):
            self.pools[place, ""].pieces = int(on_hand * 1000)
        for one in self.entries:
            self.pools[one.warehouse_id, ""].pieces -= one.quantity
        self.sent: dict[str, _Sent] = {}
        self.carried: list[Part] = []

    def walk(self) -> None:
        for one in self.entries:
            own = one.key if one.quantity > 0 else one.source
            pool = self.pools[one.warehouse_id, own if one.warehouse_id in self.transit else ""]
            if one.quantity > 0:
                self._come(one, pool)
            elif pool.extra:
                self._leave(one, pool)
            pool.pieces += one.quantity

    def _come(self, one: Receipt, pool: _Pool) -> None:
        sent = self.sent.get(one.source) if one.source else None
        if one.key == self.receipt.key:
            pool.extra += self.amount
        elif sent is not None and sent.pieces > 0:
            part = sent.extra if one.quantity >= sent.pieces else divided(sent.extra * one.quantity, sent.pieces)
            sent.extra -= part
            sent.pieces -= one.quantity
            pool.extra += part
            if part and one.warehouse_id != sent.entry.warehouse_id:
                self.carried.append(self._part("carried", sent.entry, part, one.warehouse_id))

    def _leave(self, one: Receipt, pool: _Pool) -> None:
        part = pool.extra if -one.quantity >= pool.pieces else divided(pool.extra * -one.quantity, pool.pieces)
        pool.extra -= part
        self.sent[one.key] = _Sent(one, -one.quantity, part)

    def _part(self, kind: str, one: Receipt, extra: int, destination: int = 0) -> Part:
        """Pieces are the share of the receipt that has this share of its correction."""
        pieces = divided(self.receipt.quantity * abs(extra), abs(self.amount)) if self.amount else 0
        return Part(
            kind, one.sku_id, one.warehouse_id, one.key, pieces, extra, one.reason, one.reference, one.occurred_at,
            destination,
        )  # fmt: skip

    def parts(self) -> list[Part]:
        kept = [
            dataclasses.replace(
                self._part("kept", self.receipt, pool.extra), warehouse_id=place, entry_key=key or self.receipt.key
            )
            for (place, key), pool in self.pools.items() if pool.extra
        ]  # fmt: skip
        gone = [self._part("gone", one.entry, one.extra) for one in self.sent.values() if one.extra]
        return [*kept, *gone, *self.carried]


def follow(receipt: Receipt, amount: int) -> list[Part]:
    """Return where a correction (stored integer) of a receipt is now; the parts kept and gone add up to it."""
    walk = _Walk(receipt, amount)
    walk.walk()
    return walk.parts()
