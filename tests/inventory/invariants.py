"""What must always hold of the stock, recomputed from the entries by plain Python."""

from collections import defaultdict
from decimal import Decimal

from inventory.models import Balance, Bucket, Reservation, StockEntry

NAMES = {1: "on_hand", 2: "demand", 3: "reserved", 4: "incoming"}


def broken() -> list[str]:
    """Return every broken invariant as a sentence."""
    summed, values = defaultdict(Decimal), defaultdict(Decimal)
    for entry in StockEntry.objects.all():
        summed[entry.sku_id, entry.warehouse_id, entry.bucket] += entry.quantity
        values[entry.sku_id, entry.warehouse_id] += entry.value
    held = defaultdict(Decimal)
    for row in Reservation.objects.all():
        held[row.sku_id, row.warehouse_id, row.bucket] += row.quantity
    found, pairs = [], set()
    for balance in Balance.objects.all():
        pair = (balance.sku_id, balance.warehouse_id)
        pairs.add(pair)
        found += _of_one(balance, pair, summed, values, held)
    found += [f"{key} has entries and no balance" for key in summed if key[:2] not in pairs]
    return found


def _of_one(balance, pair, summed, values, held):
    for bucket, name in NAMES.items():
        if getattr(balance, name) != summed[*pair, bucket]:
            yield f"{pair} {name} is {getattr(balance, name)}, its entries say {summed[*pair, bucket]}"
    for bucket in (Bucket.DEMAND, Bucket.RESERVED):
        if summed[*pair, bucket] != held[*pair, bucket]:
            yield f"{pair} {bucket.label}: entries {summed[*pair, bucket]}, open {held[*pair, bucket]}"
    if balance.value != values[pair]:
        yield f"{pair} is worth {balance.value}, its entries say {values[pair]}"
    if not 0 <= balance.reserved <= balance.on_hand:
        yield f"{pair} has {balance.reserved} reserved of {balance.on_hand}"
    if not balance.on_hand and balance.value:
        yield f"{pair} is empty and worth {balance.value}"
