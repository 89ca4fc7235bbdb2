"""What the stock refuses, each with everything a clerk needs to put it right."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """One balance that has too little; `available` is what could be taken, in pieces."""

    sku_id: int
    warehouse_id: int
    bucket: int
    wanted: Decimal
    available: Decimal


class NegativeStock(YikuError):
    """The entries would take a balance below zero, or on hand below what is reserved. Nothing was posted."""

    def __init__(self, shorts: Sequence[Short]) -> None:
        self.shorts = tuple(shorts)
        listed = ", ".join(
            f"{named(one)}: {one.available.normalize():f} < {one.wanted.normalize():f}" for one in shorts[:5]
        )
        more = f" … (+{len(shorts) - 5})" if len(shorts) > 5 else ""
        super().__init__("negative_stock", _("Not enough stock: %(listed)s."), params={"listed": listed + more})


class NotReserved(YikuError):
    """Goods were to leave that are not reserved for this reference. Nothing was posted."""

    def __init__(self, shorts: Sequence[tuple[str, Short]]) -> None:
        self.shorts = tuple(shorts)
        listed = ", ".join(
            f"{reference} {named(one)}: {one.available.normalize():f} < {one.wanted.normalize():f}"
            for reference, one in shorts[:5]
        )
        super().__init__("not_reserved", _("Not reserved: %(listed)s."), params={"listed": listed})


class KeyReused(YikuError):
    """A business key came back with other content: two different things claim to be the same one."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        message = _("These movements were already posted with other content: %(keys)s.")
        super().__init__("key_reused", message, params={"keys": ", ".join(keys[:5])})


class NoValueThere(YikuError):
    """A correction of value needs goods, and takes no more than they are worth. Nothing was posted."""

    def __init__(self, sku_id: int, warehouse_id: int, *, value: Decimal) -> None:
        none = Decimal(0)
        goods = named(Short(sku_id=sku_id, warehouse_id=warehouse_id, bucket=1, wanted=none, available=none))
        message = _("%(goods)s is worth %(value)s: its value cannot be corrected by more, nor without goods.")
        super().__init__("no_value_there", message, params={"goods": goods, "value": f"{value:f}"})


class TooLarge(YikuError):
    """A balance would grow beyond what the database can count."""

    def __init__(self) -> None:
        super().__init__("quantity_too_large", _("The quantity is larger than stock can be."))


def named(short: Short) -> str:
    """`code @ warehouse code`; read when the error is built, which is the rare path."""
    from inventory.models import Sku, Warehouse

    code = Sku.objects.filter(pk=short.sku_id).values_list("code", flat=True).first()
    place = Warehouse.objects.filter(pk=short.warehouse_id).values_list("code", flat=True).first()
    return f"{code or short.sku_id} @ {place or short.warehouse_id}"
