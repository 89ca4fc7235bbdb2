"""A lot's whole way: where it lies, every movement, and who got it. The floors above say what a parcel is."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import IO, Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice import audit, incidents
from backoffice.departments import Department
from backoffice.models import Incident
from backoffice.spreadsheets.writing import Out, write_xlsx
from inventory.lots import keeping
from inventory.models import Lot, LotMovement, Reason

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


Reader = Callable[[HttpRequest, Sequence[LotMovement], bool], Iterable[Sent]]
_readers: dict[str, Reader] = {}


def register_reader(name: str, reader: Reader) -> None:
    """Add who knows parcels, in AppConfig.ready(): given the lot's shipments, and whether buyers are uncovered."""
    _readers[name] = reader


def sent(request: HttpRequest, lot: Lot, *, clear: bool = False, most: int = MOST) -> list[Sent]:
    """Return who got the lot, the newest first; each reader leaves out what this person may not see.

    No more movements are read than it takes to fill `most`.
    """
    found: list[Sent] = []
    rows = LotMovement.objects.filter(lot=lot, reason=Reason.SHIPMENT).order_by("-id")
    for start in range(0, MOST, PAGE):
        page = list(rows[start : start + PAGE])
        found += [one for reader in _readers.values() for one in reader(request, page, clear)]
        if len(page) < PAGE or len(found) >= most:
            break
    return found[:most]


def came_back(lot_id: int, references: Iterable[str]) -> Mapping[str, Decimal]:
    """Return what came back of the lot by reference."""
    found: dict[str, Decimal] = {}
    rows = LotMovement.objects.filter(lot_id=lot_id, reference__in=list(references), quantity__gt=0)
    for reference, quantity in rows.values_list("reference", "quantity"):
        found[reference] = found.get(reference, Decimal(0)) + quantity
    return found


COLUMNS = (
    Out(_("order"), width=20), Out(_("shop"), width=20), Out(_("parcel"), width=10), Out(_("shipped"), width=18),
    Out(_("tracking number"), width=24), Out(_("buyer"), width=24), Out(_("pieces"), "number", 10),
    Out(_("came back"), "number", 10),
)  # fmt: skip


def export(target: IO[bytes], rows: Iterable[Sent]) -> int:
    """Write the recall list."""
    told = (
        (one.order, one.shop, one.parcel, f"{one.shipped_at:%Y-%m-%d %H:%M}" if one.shipped_at else "", one.tracking,
         one.buyer, one.quantity, one.came_back)
        for one in rows
    )  # fmt: skip
    return write_xlsx(target, COLUMNS, told, name=str(_("Recall")))


@transaction.atomic
def begin(*, lot: Lot, reason: str, block: bool, actor: str = "") -> Incident:
    """Block the lot, if that is wished and it is open, and tell customer service: both or neither."""
    if block and lot.state == Lot.State.OPEN:
        keeping.block(lot_id=lot.pk, reason=reason, actor=actor)
    parcels = LotMovement.objects.filter(lot=lot, reason=Reason.SHIPMENT).values("key").distinct().count()
    return raise_alarm(lot=lot, orders=parcels, reason=reason, actor=actor)


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
