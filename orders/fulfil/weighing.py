"""What a parcel should weigh, and whether what the scale says is near enough: pure arithmetic, and one setting."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from decimal import Decimal

from orders.fulfil.floor_errors import FloorError
from orders.models import PackingSetting

HEAVIEST = 1_000_000  # grams; more is a slip of the finger


@dataclasses.dataclass(frozen=True, slots=True)
class Expected:
    """Grams with the packaging; None when the weight of some SKU is not known."""

    grams: int | None
    tolerance: int
    unknown: tuple[str, ...] = ()  # SKU codes without a weight


def setting_of(warehouse_id: int) -> PackingSetting:
    """Return how a warehouse packs; the usual values when nobody has set them."""
    row = PackingSetting.objects.filter(warehouse_id=warehouse_id).first()
    return row or PackingSetting(warehouse_id=warehouse_id)


def expected(contents: Iterable[tuple[str, int | None, Decimal]], setting: PackingSetting) -> Expected:
    """Return what a parcel of (SKU code, grams apiece, pieces) should weigh."""
    goods = list(contents)
    unknown = tuple(sorted({code for code, grams, _pieces in goods if not grams}))
    if unknown:
        return Expected(None, setting.tolerance_g, unknown)
    weight = sum((Decimal(grams or 0) * pieces for _code, grams, pieces in goods), Decimal(setting.packaging_g))
    grams = int(weight.to_integral_value())
    return Expected(grams, max(setting.tolerance_g, grams * setting.tolerance_percent // 100))


def read(text: str) -> int | None:
    """Return the grams that were typed or sent by a scale (`1250`, `1,25 kg`, `ST,GS 1250g`); None for nothing typed.

    Raises FloorError bad_weight.
    """
    plain = text.strip().lower().replace("，", ".").replace(",", ".")
    if not plain:
        return None
    kilos = plain.endswith(("kg", "公斤", "千克"))
    figures = "".join(char for char in plain if char in "0123456789.")
    try:
        value = Decimal(figures.strip(".")) * (1000 if kilos else 1)
    except ArithmeticError:
        raise FloorError("bad_weight", text=text[:40]) from None
    if not 0 < value <= HEAVIEST:
        raise FloorError("bad_weight", text=text[:40])
    return max(int(value.to_integral_value()), 1)


def check(weight: int | None, should: Expected, setting: PackingSetting, reason: str) -> None:
    """Refuse a parcel that was not weighed where it must be, or is off without a reason.

    Raises FloorError: weigh_first, weight_off.
    """
    if weight is None:
        if setting.weigh:
            raise FloorError("weigh_first")
        return
    if should.grams is None or abs(weight - should.grams) <= should.tolerance or reason.strip():
        return
    raise FloorError("weight_off", weight=weight, expected=should.grams, tolerance=should.tolerance)
