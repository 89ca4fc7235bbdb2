"""Goods between two warehouses: they lie in one account of the ledger, counted and valued like all stock.

Each line knows its own share of that account, in pieces and in value, so that what arrives is worth what left: to the
cent, and whatever else of the SKU is under way.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from backoffice.fields import MoneyField, QuantityField
from inventory import balances, ledger
from inventory.ledger import EntryDraft, divided
from inventory.models import Bucket, Reason, Transfer, TransferLine, Warehouse

_QUANTITY, _MONEY = QuantityField(), MoneyField()
CODES = ("TRANSIT", "IN-TRANSIT", "YIKU-TRANSIT")


def place() -> Warehouse:
    """Return the account of goods under way, made when it is needed first."""
    found = Warehouse.objects.filter(kind=Warehouse.Kind.TRANSIT).first()
    if found is not None:
        return found
    taken = set(Warehouse.objects.filter(code__in=CODES).values_list("code", flat=True))
    code = next((one for one in CODES if one not in taken), CODES[-1])
    fields = {"code": code, "name": "调拨在途", "name_en": "In transit", "active": False, "read_only": True}
    return Warehouse.objects.get_or_create(kind=Warehouse.Kind.TRANSIT, defaults=fields)[0]


def share(value: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """Return the part's share of a value, rounded half to even; all of it for the whole."""
    if part >= whole:
        return value
    scaled = divided(_MONEY.scale(value) * _QUANTITY.scale(part), _QUANTITY.scale(whole))
    return Decimal(scaled).scaleb(-4)


class Posting:
    """The entries of one step of a transfer, under the locks of every balance it may touch."""

    def __init__(self, transfer: Transfer, lines: Sequence[TransferLine], actor: str = "") -> None:
        self.transfer, self.actor = transfer, actor
        self.transit = place()
        places = (transfer.origin_id, transfer.destination_id, self.transit.pk)
        balances.lock(((line.sku_id, where) for line in lines for where in places), create=True)
        transfer.turn += 1
        self.drafts: list[EntryDraft] = []

    def add(
        self, line: TransferLine, what: str, where: int, quantity: Decimal, reason: str, value: Decimal | None = None,
        lots: tuple[tuple[str, Decimal], ...] = (),
    ) -> EntryDraft:  # fmt: skip
        """Note goods that move; `value` signed like `quantity`, None at the average."""
        draft = EntryDraft(
            key=f"{self.transfer.reference}/{line.pk}.{self.transfer.turn}{what}", sku_id=line.sku_id,
            warehouse_id=where, quantity=quantity, reason=reason, reference=self.transfer.reference, value=value,
            lots=lots,
        )  # fmt: skip
        self.drafts.append(draft)
        return draft

    def expect(self, line: TransferLine, quantity: Decimal) -> None:
        """Note what is on its way to the destination, more or less."""
        self.drafts.append(
            EntryDraft(
                key=f"{self.transfer.reference}/{line.pk}.{self.transfer.turn}e", sku_id=line.sku_id,
                warehouse_id=self.transfer.destination_id, quantity=quantity, bucket=Bucket.INCOMING,
                reason=Reason.TRANSFER, reference=self.transfer.reference,
            )
        )  # fmt: skip

    def leave(self, line: TransferLine, quantity: Decimal, reason: str) -> Decimal:
        """Take pieces of a line out of the account with their share of its value; returns that value."""
        value = share(line.transit_value, quantity, line.transit)
        self.add(line, "t", self.transit.pk, -quantity, reason, -value)
        self.expect(line, -quantity)
        line.transit -= quantity
        line.transit_value -= value
        return value

    def write(self) -> dict[str, Decimal]:
        """Post what was noted; returns the value of each entry by its key."""
        done = ledger.post(entries=self.drafts, actor=self.actor) if self.drafts else None
        self.drafts = []
        return {one.key: one.value for one in (*done.posted, *done.repeated)} if done else {}
