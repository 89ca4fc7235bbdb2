"""Why a shop shows this number: the formula term by term with the rows behind it, now or at any past moment."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from inventory import availability
from inventory.availability import Figure
from inventory.models import Bucket, Reservation, ShopWarehouse, Sku, StockEntry, StockPolicy, Warehouse

MOST_ENTRIES, MOST_HELD = 30, 200
HELD = (Bucket.DEMAND.value, Bucket.RESERVED.value)

LABELS: dict[str, Promise] = {
    "free": _("Free in the shop's warehouses"),
    "unsellable": _("Less lots that are blocked or expired"),
    "buffer": _("Less the buffer"),
    "share": _("Times the share"),
    "presale": _("Plus presale"),
    "stop_below": _("Stop selling below"),
    "cap": _("At most"),
    "whole": _("Whole pieces, not below zero"),
    "pause": _("Paused"),
    "inactive": _("The SKU is not active"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Term:
    """One step of the formula: its amount (None where it has none) and what stands after it."""

    code: str
    label: Promise
    amount: Decimal | None
    result: Decimal
    detail: str = ""
    policy_id: int | None = None

    @property
    def changes(self) -> bool:
        """False for a term that had nothing to say (no buffer, share 1, no cap)."""
        neutral: dict[str, Decimal | None] = {"share": Decimal(1), "cap": None, "whole": self.amount}
        return self.code in ("free", "pause", "inactive") or self.amount != neutral.get(self.code, Decimal(0))


@dataclasses.dataclass(frozen=True, slots=True)
class PlaceRow:
    """Stock of the SKU (or of one part of the bundle) in one warehouse of the shop."""

    warehouse: Warehouse
    sku: Sku
    on_hand: Decimal
    reserved: Decimal
    demand: Decimal
    free: Decimal
    counts: bool
    link_id: int | None
    unsellable: Decimal = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True)
class HeldRow:
    """What one reference (an order line) held."""

    reference: str
    bucket: int
    sku_id: int
    warehouse_id: int
    quantity: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """The figure and everything it was made of; `entries` are the newest movements up to that moment."""

    shop_id: int
    sku: Sku
    at: dt.datetime
    figure: Figure
    terms: tuple[Term, ...]
    places: tuple[PlaceRow, ...]
    held: tuple[HeldRow, ...]
    entries: tuple[StockEntry, ...]
    policy: StockPolicy | None
    pauses: tuple[StockPolicy, ...]
    elsewhere: bool = False  # some of it lies in warehouses that whoever asks may not see

    @property
    def quantity(self) -> Decimal:
        """What the shop may show."""
        return self.figure.quantity


def why(
    *, shop_id: int, sku_id: int, at: dt.datetime | None = None, within: frozenset[int] | None = None
) -> Explanation:
    """Explain the figure of one shop and SKU; raises Sku.DoesNotExist for an unknown SKU.

    The figure is always the whole shop's; its rows are only those of the warehouses in `within` (None: all).
    """
    figure = availability.figures(shop_ids=[shop_id], sku_ids=[sku_id], at=at).get((shop_id, sku_id, None))
    if figure is None:
        raise Sku.DoesNotExist
    moment = dt.datetime.fromisoformat(figure.inputs["at"])
    everywhere = _places(figure, shop_id)
    places = [row for row in everywhere if within is None or row.warehouse.pk in within]
    skus, warehouses = {row.sku.pk for row in places}, {row.warehouse.pk for row in places}
    policies = _policies(figure)
    return Explanation(
        shop_id=shop_id,
        sku=Sku.objects.get(pk=sku_id),
        at=moment,
        figure=figure,
        terms=tuple(_terms(figure)),
        places=tuple(places),
        held=tuple(_held(skus, warehouses, at)),
        entries=tuple(_entries(skus, warehouses, moment)),
        policy=policies.get(figure.inputs["policy"]["id"]),
        pauses=tuple(policies[one["policy"]] for one in figure.inputs["pauses"] if one["policy"] in policies),
        elsewhere=len(places) < len(everywhere),
    )


def _terms(figure: Figure) -> list[Term]:
    inputs, policy = figure.inputs, figure.inputs["policy"]["id"]
    terms = [_term(row, None if row["code"] in ("free", "unsellable", "whole") else policy) for row in inputs["terms"]]
    if not inputs["active"]:
        terms.append(Term("inactive", LABELS["inactive"], None, Decimal(0)))
    for pause in inputs["pauses"]:
        terms.append(Term("pause", LABELS["pause"], None, Decimal(0), pause["reason"], pause["policy"]))
    return terms


def _term(row: dict[str, Any], policy_id: int | None) -> Term:
    amount = None if row["amount"] is None else Decimal(row["amount"])
    return Term(row["code"], LABELS[row["code"]], amount, Decimal(row["result"]), policy_id=policy_id)


def _places(figure: Figure, shop_id: int) -> list[PlaceRow]:
    rows = figure.inputs["warehouses"]
    warehouses = Warehouse.objects.in_bulk([row["warehouse"] for row in rows])
    skus = Sku.objects.in_bulk({stock["sku"] for row in rows for stock in row["stock"]})
    links = dict(ShopWarehouse.objects.filter(shop_id=shop_id, valid_to__isnull=True).values_list("warehouse_id", "id"))
    return [
        PlaceRow(
            warehouse=warehouses[row["warehouse"]],
            sku=skus[stock["sku"]],
            on_hand=Decimal(stock["on_hand"]),
            reserved=Decimal(stock["reserved"]),
            demand=Decimal(stock["demand"]),
            free=Decimal(stock["free"]),
            counts=row["counts"],
            link_id=links.get(row["warehouse"]),
            unsellable=Decimal(stock.get("unsellable", "0")),
        )
        for row in rows
        for stock in row["stock"]
    ]


def _policies(figure: Figure) -> dict[int, StockPolicy]:
    ids = [figure.inputs["policy"]["id"], *(one["policy"] for one in figure.inputs["pauses"])]
    return StockPolicy.objects.in_bulk([pk for pk in ids if pk is not None])


def _held(skus: Collection[int], warehouses: Collection[int], at: dt.datetime | None) -> list[HeldRow]:
    """What is open now, less what was recorded after the moment asked for; the largest first."""
    rows = Reservation.objects.filter(sku_id__in=skus, warehouse_id__in=warehouses, quantity__gt=0)
    columns = ("reference", "bucket", "sku_id", "warehouse_id")
    held = {row[:4]: row[4] for row in rows.values_list(*columns, "quantity")}
    if at is not None:
        later = StockEntry.objects.filter(
            sku_id__in=skus, warehouse_id__in=warehouses, bucket__in=HELD, recorded_at__gt=at
        )
        moved = later.order_by().values_list(*columns).annotate(moved=Sum("quantity")).values_list(*columns, "moved")
        for row in moved:
            held[row[:4]] = held.get(row[:4], Decimal(0)) - row[4]
    open_rows = [HeldRow(key[0], key[1], key[2], key[3], quantity) for key, quantity in held.items() if quantity > 0]
    return sorted(open_rows, key=lambda row: -row.quantity)[:MOST_HELD]


def _entries(skus: Collection[int], warehouses: Collection[int], moment: dt.datetime) -> list[StockEntry]:
    rows = StockEntry.objects.filter(sku_id__in=skus, warehouse_id__in=warehouses, recorded_at__lte=moment)
    rows = rows.exclude(quantity=0)  # a correction of value alone says nothing about pieces
    return list(rows.select_related("sku", "warehouse").order_by("-id")[:MOST_ENTRIES])
