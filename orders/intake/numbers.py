"""Numbers of a shop's own orders and quotes: drawn under the lock of their range, so that none comes twice."""

from __future__ import annotations

from inventory.models import Shop
from orders.models import NumberRange

LETTERS = {
    NumberRange.Of.MANUAL.value: "M",
    NumberRange.Of.EXCHANGE.value: "E",
    NumberRange.Of.REISSUE.value: "R",
    NumberRange.Of.QUOTE.value: "Q",
}


def locked(*, shop_id: int, of: str) -> NumberRange:
    """Return the range, locked until the transaction ends; whoever draws next waits here."""
    if not NumberRange.objects.filter(shop_id=shop_id, of=of).exists():
        code = Shop.objects.values_list("code", flat=True).get(pk=shop_id)
        fresh = NumberRange(shop_id=shop_id, of=of, prefix=f"{LETTERS[of]}-{code}-"[:40])
        NumberRange.objects.bulk_create([fresh], ignore_conflicts=True)
    return NumberRange.objects.select_for_update().get(shop_id=shop_id, of=of)


def draw(row: NumberRange) -> str:
    """Take the next number of a locked range."""
    number = str(row)
    row.next += 1
    row.save(update_fields=["next"])
    return number
