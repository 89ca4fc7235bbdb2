"""A lot's whole way: where it lies, every movement, and who got it. The floors above say what a parcel is."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import IO, Any

from django.db import transaction
from django.db.models import IntegerField, QuerySet, Value
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice import audit, incidents
from backoffice.departments import Department
from backoffice.models import Incident
from backoffice.spreadsheets.writing import Out, write_xlsx
from inventory import balances
from inventory.lots import following, keeping
from inventory.lots.following import Goods, Reached
from inventory.models import Balance, Bucket, Lot, LotMovement, Reason, StockEntry

KIND = "lot_recall"
MOST, PAGE = 20_000, 500


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """Pieces of the lot that left with one parcel. `buyer` is empty for whoever may not know it."""

    order: str
    url: str
    shop: str
    parcel: str
    shipped_at: dt.datetime | None
    tracking: str
    buyer: str
    quantity: Decimal
    came_back: Decimal = Decimal(0)
    reference: str = ""
    how: str = ""  # empty: the lot itself was in the parcel; else what was built from it, and where


@dataclasses.dataclass(frozen=True, slots=True)
class Left:
    """A movement of goods to a buyer: of a lot, or (without) of a SKU that has no lots."""

    key: str
    reference: str
    quantity: Decimal
    sku_id: int
    lot_id: int | None
    recorded_at: dt.datetime
    how: str = ""

    @property
    def whose(self) -> Whose:
        """By what its pieces that came back are found."""
        return self.reference, self.sku_id, self.lot_id


Whose = tuple[str, int, int | None]
Reader = Callable[[HttpRequest, Sequence[Left], bool], Iterable[Sent]]
_readers: dict[str, Reader] = {}


def register_reader(name: str, reader: Reader) -> None:
    """Add who knows parcels, in AppConfig.ready(): given the lot's shipments, and whether buyers are uncovered."""
    _readers[name] = reader


def sent(
    request: HttpRequest, lot: Lot, *, clear: bool = False, most: int = MOST, reached: Sequence[Reached] | None = None
) -> list[Sent]:
    """Return who got the lot, the newest first, then who got what was built from it, each telling how.

    Each reader leaves out what this person may not see. No more is read than it takes to fill `most`; `reached` is what
    `following.follow` says, where the caller knows it already.
    """
    found: list[Sent] = []
    for page in _pages(lot, reached):
        found += [one for reader in _readers.values() for one in reader(request, page, clear)]
        if len(found) >= most:
            break
    return found[:most]


def _pages(lot: Lot, reached: Sequence[Reached] | None) -> Iterator[list[Left]]:
    """The movements to buyers, page by page; what was built is looked for when the lot's own are through."""
    yield from _read(LotMovement.objects.filter(lot=lot), {})
    for rows, ways in _built(following.follow(lot) if reached is None else reached):
        yield from _read(rows, ways)


Rows = QuerySet[LotMovement] | QuerySet[StockEntry]


def _built(reached: Sequence[Reached]) -> Iterator[tuple[Rows, Mapping[Goods, Reached]]]:
    """The movements of everything that holds goods of a lot: of lots, and of SKUs without lots."""
    lots = {one.goods: one for one in reached if one.lot}
    loose = {one.goods: one for one in reached if not one.lot}
    if lots:
        since = min(one.since for one in lots.values())
        yield LotMovement.objects.filter(lot__in=[lot for _sku, lot in lots], recorded_at__gte=since), lots
    if loose:
        since = min(one.since for one in loose.values())
        skus = [sku for sku, _lot in loose]
        yield StockEntry.objects.filter(sku__in=skus, bucket=Bucket.ON_HAND, recorded_at__gte=since), loose


def _read(rows: Rows, ways: Mapping[Goods, Reached]) -> Iterator[list[Left]]:
    columns = ["key", "reference", "quantity", "sku_id", "lot_id", "recorded_at"]
    if rows.model is StockEntry:
        columns[4] = "nothing"
        rows = rows.annotate(nothing=Value(None, output_field=IntegerField()))
    rows = rows.filter(reason=Reason.SHIPMENT).order_by("-id")
    for start in range(0, MOST, PAGE):
        page = [Left(*row) for row in rows.values_list(*columns)[start : start + PAGE]]
        told = page if not ways else [
            dataclasses.replace(one, how=way.how)
            for one in page if (way := ways[one.sku_id, one.lot_id]).since <= one.recorded_at
        ]  # fmt: skip
        yield told
        if len(page) < PAGE:
            return


def came_back(rows: Sequence[Left]) -> Mapping[Whose, Decimal]:
    """Return what came back of the same goods by order line: at most two queries for any number."""
    found: dict[Whose, Decimal] = {}
    back: list[LotMovement | StockEntry] = []
    for loose in (False, True):
        mine = [one for one in rows if (one.lot_id is None) == loose]
        skus, references = {one.sku_id for one in mine}, {one.reference for one in mine}
        if mine and loose:
            there = StockEntry.objects.filter(sku__in=skus, reference__in=references, bucket=Bucket.ON_HAND)
            back += there.filter(quantity__gt=0)
        elif mine:
            back += LotMovement.objects.filter(sku__in=skus, reference__in=references, quantity__gt=0)
    for one in back:
        whose = (one.reference, one.sku_id, one.lot_id if isinstance(one, LotMovement) else None)
        found[whose] = found.get(whose, Decimal(0)) + one.quantity
    return found


COLUMNS = (
    Out(_("order"), width=20), Out(_("shop"), width=20), Out(_("parcel"), width=10), Out(_("shipped"), width=18),
    Out(_("tracking number"), width=24), Out(_("buyer"), width=24), Out(_("pieces"), "number", 10),
    Out(_("came back"), "number", 10), Out(_("how it got there"), width=40),
)  # fmt: skip


def export(target: IO[bytes], rows: Iterable[Sent]) -> int:
    """Write the recall list."""
    told = (
        (one.order, one.shop, one.parcel, f"{one.shipped_at:%Y-%m-%d %H:%M}" if one.shipped_at else "", one.tracking,
         one.buyer, one.quantity, one.came_back, one.how)
        for one in rows
    )  # fmt: skip
    return write_xlsx(target, COLUMNS, told, name=str(_("Recall")))


@transaction.atomic
def begin(*, lot: Lot, reason: str, block: bool, built: bool = False, actor: str = "") -> Incident:
    """Block the lot (and the lots `built` from it), if that is wished, and tell customer service: all or nothing."""
    reached = following.follow(lot)
    held = [lot] if block else []
    if built:
        held += [one.lot for one in reached if one.lot and one.lot.number]
    _block(lot, [one for one in held if one.state == Lot.State.OPEN], reason, actor)
    return raise_alarm(lot=lot, orders=parcels(lot, reached), reason=reason, actor=actor)


def _block(lot: Lot, held: Sequence[Lot], reason: str, actor: str) -> None:
    """Balances of several SKUs are locked together first: nobody waits for us crosswise."""
    skus = {one.sku_id for one in held}
    if len(skus) > 1:
        balances.lock(Balance.objects.filter(sku_id__in=skus).values_list("sku_id", "warehouse_id"))
    for one in sorted(held, key=lambda one: one.pk):
        told = reason if one.pk == lot.pk else f"{reason.strip()[:200]} ({lot.sku.code} {lot})"
        keeping.block(lot_id=one.pk, reason=told, actor=actor)


def parcels(lot: Lot, reached: Sequence[Reached]) -> int:
    """Return how many parcels have the lot, or what was built from it."""
    keys = set(LotMovement.objects.filter(lot=lot, reason=Reason.SHIPMENT).values_list("key", flat=True))
    for rows, ways in _built(reached):
        keys |= {one.key for page in _read(rows, ways) for one in page}
    return len(keys)


def raise_alarm(*, lot: Lot, orders: int, reason: str, actor: str = "") -> Incident:
    """Tell customer service that a lot is recalled; told once, and again it counts up."""
    made = incidents.report(
        kind=KIND, key=f"lot:{lot.pk}", target=f"inventory.lot:{lot.pk}", severity="high",
        data={"lot": str(lot), "sku": lot.sku.code, "orders": orders, "reason": reason[:200]},
    )  # fmt: skip
    audit.record(action="lot.recall", target=lot, summary=reason[:300], actor=actor)
    return made


def register_kind() -> None:
    """Register the kind of incident; called once by AppConfig.ready()."""
    incidents.register_kind(
        KIND, title=_("A lot is recalled"), sentence=_sentence, department=Department.SERVICE,
        acknowledge_minutes=60, resolve_hours=24,
        advice=_("Open the lot, take the list of orders, write to the buyers, block the lot if it is not."),
    )  # fmt: skip


def _sentence(data: Mapping[str, Any]) -> str:
    count = int(data.get("orders", 0))
    text = ngettext(
        "Lot %(lot)s of %(sku)s is recalled: %(orders)d parcel has it. %(reason)s",
        "Lot %(lot)s of %(sku)s is recalled: %(orders)d parcels have it. %(reason)s",
        count,
    )
    return text % {**data, "orders": count}
