"""Goods between two warehouses: they lie in one account of the ledger, counted and valued like all stock.

Each line knows its own share of that account, in pieces and in value, so that what arrives is worth what left: to the
cent, and whatever else of the SKU is under way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from backoffice.fields import MoneyField, QuantityField
from inventory import balances, ledger
from inventory.costing.sharing import divided
from inventory.ledger import EntryDraft
from inventory.models import Bucket, Reason, StockEntry, Transfer, TransferLine, Warehouse

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
        self._into: dict[str, str] | None = None

    def add(
        self, line: TransferLine, what: str, where: int, quantity: Decimal, reason: str, value: Decimal | None = None,
        source: str = "", lots: tuple[tuple[str, Decimal], ...] = (),
    ) -> EntryDraft:  # fmt: skip
        """Note goods that move; `value` signed like `quantity`, None at the average; `source` is what they carry on."""
        draft = EntryDraft(
            key=f"{self.transfer.reference}/{line.pk}.{self.transfer.turn}{what}", sku_id=line.sku_id,
            warehouse_id=where, quantity=quantity, reason=reason, reference=self.transfer.reference, value=value,
            source=source, lots=lots,
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

    def leave(self, line: TransferLine, quantity: Decimal, reason: str) -> EntryDraft:
        """Note pieces of a line that leave the account with their share of its value; `left` says which it was."""
        value = share(line.transit_value, quantity, line.transit)
        draft = self.add(line, "t", self.transit.pk, -quantity, reason, -value, self._brought(line))
        self.expect(line, -quantity)
        line.transit -= quantity
        return draft

    def left(self, leaving: Mapping[TransferLine, EntryDraft]) -> dict[TransferLine, Decimal]:
        """Post what leaves; returns what each line's pieces were worth. What arrives must be worth just that."""
        values = self.write()
        worth = {line: -values[draft.key] for line, draft in leaving.items()}
        for line, value in worth.items():
            line.transit_value = max(line.transit_value - value, Decimal(0)) if line.transit else Decimal(0)
        return worth

    def _brought(self, line: TransferLine) -> str:
        """The entry that brought a line's goods into the account."""
        if self._into is None:
            rows = StockEntry.objects.filter(
                reference=self.transfer.reference, warehouse=self.transit, bucket=Bucket.ON_HAND, quantity__gt=0
            ).exclude(reason=Reason.UNDO)  # what a receipt gave back is the same goods
            keys = rows.order_by("id").values_list("key", flat=True)
            self._into = {key.rpartition("/")[2].partition(".")[0]: key for key in keys}
        return self._into.get(str(line.pk), "")

    def write(self) -> dict[str, Decimal]:
        """Post what was noted; returns the value of each entry by its key."""
        done = ledger.post(entries=self.drafts, actor=self.actor) if self.drafts else None
        self.drafts = []
        return {one.key: one.value for one in (*done.posted, *done.repeated)} if done else {}
