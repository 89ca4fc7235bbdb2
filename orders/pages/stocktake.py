"""Likely causes of a stocktake's differences that only orders know: waves, parcels still here, returns not put away."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import ExpressionWrapper, F
from django.utils.translation import gettext as _

from backoffice.fields import QuantityField
from inventory.models import Stocktake, StocktakeLine
from inventory.readable import pieces
from inventory.stocktakes import causes
from orders.models import ReturnLine, ShipmentGoods, WaveGoods

MOST = 20_000  # rows looked at for one page of lines
RECENT = dt.timedelta(days=7)  # where nobody scans parcels out, older ones have surely left


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    causes.register_cause("orders.waves", picked_not_sent)
    causes.register_cause("orders.parcels", booked_still_here)
    causes.register_cause("orders.returns", returned_not_put_away)


def picked_not_sent(stocktake: Stocktake, lines: Sequence[StocktakeLine]) -> Iterable[tuple[int, str]]:
    """Too few on the shelf: taken for a wave, not shipped yet, so the books still have them."""
    missing = {line.sku_id: line for line in lines if line.difference < 0}
    rows = WaveGoods.objects.filter(
        sku__in=missing, wave_order__warehouse_id=stocktake.warehouse_id, wave_order__open=True, picked__gt=0
    )
    text = _("%(n)s pieces are picked for %(where)s and not shipped yet: they do not lie on the shelf.")
    named = rows.annotate(n=F("picked"), where=F("wave_order__wave_id"))
    return _told(missing, ((one["sku_id"], one["n"], f"W{one['where']}") for one in _values(named)), text)


def booked_still_here(stocktake: Stocktake, lines: Sequence[StocktakeLine]) -> Iterable[tuple[int, str]]:
    """Too many: shipped in the books, the parcel has not left the building."""
    found = {line.sku_id: line for line in lines if line.difference > 0}
    since = (stocktake.snapshot_at or stocktake.created_at) - RECENT
    rows = ShipmentGoods.objects.filter(
        sku__in=found, warehouse_id=stocktake.warehouse_id, shipment_line__shipment__state="sent",
        shipment_line__shipment__source="desk", shipment_line__shipment__handover=None,
        shipment_line__shipment__shipped_at__gte=since,
    )  # fmt: skip
    text = _("%(n)s pieces are packed in parcels that have not been handed over (%(where)s): were they counted too?")
    named = rows.annotate(n=F("quantity"), where=F("shipment_line__shipment__order__number"))
    return _told(found, ((one["sku_id"], one["n"], one["where"]) for one in _values(named)), text)


def returned_not_put_away(stocktake: Stocktake, lines: Sequence[StocktakeLine]) -> Iterable[tuple[int, str]]:
    """Too many: came back from a buyer, nobody has decided about it."""
    found = {line.sku_id: line for line in lines if line.difference > 0}
    rows = ReturnLine.objects.filter(
        line__sku__in=found, rma__warehouse_id=stocktake.warehouse_id, received_quantity__gt=F("decided_quantity")
    )
    text = _("%(n)s pieces came back from buyers and are not put away (%(where)s): were they counted too?")
    named = rows.annotate(
        n=ExpressionWrapper(F("received_quantity") - F("decided_quantity"), QuantityField()),
        where=F("rma__order__number"),
        sku_id=F("line__sku_id"),
    )
    return _told(found, ((one["sku_id"], one["n"], one["where"]) for one in _values(named)), text)


def _values(rows: Any) -> Any:
    return rows.order_by("-id").values("sku_id", "n", "where")[:MOST]


def _told(
    lines: dict[int, StocktakeLine], rows: Iterable[tuple[int, Decimal, str]], text: str
) -> Iterable[tuple[int, str]]:
    """One sentence a SKU, naming up to three places."""
    sums: dict[int, Decimal] = defaultdict(Decimal)
    names: dict[int, list[str]] = defaultdict(list)
    for sku, quantity, name in rows:
        sums[sku] += quantity
        if name not in names[sku]:
            names[sku].append(name)
    for sku, total in sums.items():
        more = " …" if len(names[sku]) > 3 else ""
        yield lines[sku].pk, text % {"n": pieces(total), "where": ", ".join(names[sku][:3]) + more}
