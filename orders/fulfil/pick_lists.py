"""Pick lists: which goods are taken from which bin for which orders, in the order in which the bins are walked."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from django.db.models.functions import Coalesce
from django.utils.translation import get_language

from inventory.codes import normalise
from inventory.lots import proposing, scanning
from inventory.models import Barcode, ShelfPlace, Sku
from orders.models import PickMode, Wave, WaveGoods

ZERO = Decimal(0)
LAST = 2**31  # bins nobody has named come last
_DIGITS = re.compile(r"(\d+)")


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """What one order gets of a row."""

    wave_order_id: int
    tote: int
    code: str  # of the tote: W12-3
    order_number: str
    quantity: Decimal
    picked: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class PickRow:
    """One stop: a bin, a SKU, all pieces of it, and the orders they are for. `key` names the row in answers."""

    key: str
    bin: str
    sku_id: int
    code: str
    name: str
    image: str
    total: Decimal
    picked: Decimal
    shares: tuple[Share, ...]
    tracking: int = 0
    lots: tuple[proposing.Proposed, ...] = ()  # of tracked goods: which to take, first expired first

    @property
    def done(self) -> bool:
        """Whether all of it is picked."""
        return self.picked >= self.total


def pick_rows(wave: Wave) -> list[PickRow]:
    """Return the stops of a wave, bins in walking order (order by order, when it is picked that way). Two queries."""
    fields: tuple[Any, ...] = (
        "wave_order_id", Coalesce("wave_order__lead__place", "wave_order__place"),
        "wave_order__order__number", "sku_id", "sku__code", "sku__name",
        "sku__name_en", "sku__product__image", "sku__tracking", "wanted", "picked",
    )  # fmt: skip
    rows = WaveGoods.objects.filter(wave_order__wave=wave).exclude(wave_order__state="dropped")
    found = list(rows.order_by("wave_order__place", "pk").values_list(*fields))
    bins = bins_of({row[3] for row in found}, wave.warehouse_id)
    single = wave.mode == PickMode.SINGLE
    stops: dict[tuple[int, int], list[Any]] = {}
    for row in found:
        stops.setdefault((row[0] if single else 0, row[3]), []).append(row)
    made = [(_way(key, group, bins), _row(wave, key, group, bins)) for key, group in stops.items()]
    return _with_lots([row for _place, row in sorted(made, key=lambda pair: pair[0])], wave.warehouse_id)


def _with_lots(rows: list[PickRow], warehouse_id: int) -> list[PickRow]:
    """Say which lots to take: what one stop takes, the next does not. One query, where anything is tracked."""
    lots = proposing.propose([(row.sku_id, row.tracking, row.total - row.picked) for row in rows], warehouse_id)
    return [dataclasses.replace(row, lots=found) if found else row for row, found in zip(rows, lots, strict=True)]


def bins_of(sku_ids: Collection[int], warehouse_id: int) -> dict[int, tuple[int, str]]:
    """Return (place on the way, bin) of each SKU that has one in a warehouse."""
    rows = ShelfPlace.objects.filter(warehouse_id=warehouse_id, sku__in=sku_ids)
    return {sku_id: (order, name) for sku_id, order, name in rows.values_list("sku_id", "sort_order", "bin")}


def _way(key: tuple[int, int], group: list[Any], bins: dict[int, tuple[int, str]]) -> tuple[Any, ...]:
    order, name = bins.get(key[1], (LAST, ""))
    tote = group[0][1] if key[0] else 0
    return (tote, order, natural(name), group[0][4])


def natural(name: str) -> list[tuple[int, str]]:
    """`A-9` before `A-10`: figures in a bin's name are compared as figures."""
    return [(int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in _DIGITS.split(name) if part]


def _row(wave: Wave, key: tuple[int, int], group: list[Any], bins: dict[int, tuple[int, str]]) -> PickRow:
    shares: dict[int, Share] = {}
    for pk, tote, number, *_goods, wanted, picked in group:
        before = shares.get(pk)
        more = (before.quantity, before.picked) if before else (ZERO, ZERO)
        code = f"{wave.code}-{tote}"
        shares[pk] = Share(pk, tote, code, number, more[0] + wanted, more[1] + picked)
    first = group[0]
    return PickRow(
        key=f"{key[0]}:{key[1]}",
        bin=bins.get(key[1], (0, ""))[1],
        sku_id=key[1],
        code=first[4],
        name=in_language(first[5], first[6]),
        image=first[7] if first[7].startswith("https://") else "",
        total=sum((one.quantity for one in shares.values()), ZERO),
        picked=sum((one.picked for one in shares.values()), ZERO),
        shares=tuple(shares.values()),
        tracking=first[8],
    )


def in_language(name: str, english: str) -> str:
    """Return the name of goods in the reader's language, where there is one."""
    return english if english and (get_language() or "").startswith("en") else name


def codes_of(skus: Iterable[tuple[int, str]]) -> dict[int, dict[str, str]]:
    """Return for each SKU (id, code) what may be scanned for it and for how many pieces that stands. One query."""
    found = {pk: {normalise(code): "1"} for pk, code in skus}
    rows = Barcode.objects.filter(sku__in=found).values_list("sku_id", "code", "pack__quantity")
    for sku_id, code, pieces in rows:
        found[sku_id][code] = f"{pieces.normalize():f}" if pieces else "1"
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Scanned:
    """What a code stands for: pieces of a SKU."""

    sku_id: int
    sku_code: str
    pieces: Decimal
    lot: str = ""  # the lot or serial that a GS1 code, or the bare number of a serial, names


def scanned(text: str) -> Scanned | None:
    """Return what a barcode, the barcode of a pack, a SKU code or a serial stands for; None for what nobody knows."""
    read = scanning.read(text)
    if read is not None:
        found = _goods(scanning.article(text))
        tracking = Sku.objects.filter(pk=found.sku_id if found else 0).values_list("tracking", flat=True).first()
        return found and dataclasses.replace(found, lot=read.number(tracking or 0))
    return _goods(text) or _lot(text)


def _lot(text: str) -> Scanned | None:
    lot = scanning.named(text)
    return None if lot is None else Scanned(lot.sku_id, lot.sku.code, Decimal(1), lot.number)


def _goods(text: str) -> Scanned | None:
    key = normalise(text)
    if not key:
        return None
    row = Barcode.objects.filter(code=key).values_list("sku_id", "sku__code", "pack__quantity").first()
    if row is not None:
        return Scanned(row[0], row[1], row[2] or Decimal(1))
    sku = Sku.objects.filter(code_key=key).values_list("pk", "code").first()
    return Scanned(sku[0], sku[1], Decimal(1)) if sku else None
