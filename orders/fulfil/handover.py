"""Parcels leave the building: each is scanned once when the carrier takes it; what was packed and stays is listed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q, QuerySet

from backoffice import clock, locks
from orders.desk import merging
from orders.fulfil import labels, leaving, scan_log
from orders.fulfil.scan_log import Answer, moment, person
from orders.models import Handover, Label, PackScan, Shipment, ShipmentGoods

OUT = PackScan.Stage.OUT
PARCEL = "P"  # P123 is the parcel with the id 123


def code_of(shipment_id: int) -> str:
    """Return what is printed on a parcel that has no tracking number."""
    return f"{PARCEL}{shipment_id}"


@transaction.atomic
def scan(*, text: str, actor: str, key: str, warehouses: frozenset[int] | None = None) -> Answer:
    """Hand over the parcel with this tracking number or code; twice, unknown or taken back is refused and kept.

    One label may stand on the parcels of several orders: they leave together. `warehouses` are those a person sees.
    """
    full = scan_log.full_key(OUT, actor.partition(" ")[0][:40], key)
    before = scan_log.known(full)
    if before is not None:
        return before
    wanted = scan_log.clean(text)
    found = _named(wanted, warehouses)
    rows = locks.locked_rows(found) if wanted else []
    answer, shipment = _judge(rows, wanted) if rows or not wanted else (_unpacked(wanted, warehouses), None)
    if answer.ok:
        gone = set(Handover.objects.filter(shipment__in=rows).values_list("shipment_id", flat=True))
        left = [one for one in rows if one.pk not in gone and _may_leave(one)]
        leave(left, actor=actor)
    return scan_log.write(full, OUT, answer, actor=actor, text=text, shipment=shipment)


def leave(parcels: Sequence[Shipment], *, actor: str) -> None:
    """Note that parcels leave now, with their labels; the caller holds their locks and knows that they may."""
    now = clock.now()
    Handover.objects.bulk_create([Handover(shipment=one, at=now, actor=actor[:150]) for one in parcels])
    labels.scan_out([one.pk for one in parcels], actor=actor)


def _unpacked(text: str, warehouses: frozenset[int] | None) -> Answer:
    """No parcel was sent under this code: perhaps its label was bought, and the parcel never packed."""
    rows = Label.objects.all() if warehouses is None else Label.objects.filter(warehouse__in=warehouses)
    why = labels.stopped(text, rows)
    return Answer(False, why[0], dict(why[1])) if why else Answer(False, "parcel_unknown", {"text": text})


def _named(text: str, warehouses: frozenset[int] | None) -> QuerySet[Shipment]:
    which = Q(tracking_number__in={text, text.upper()})
    number = text[len(PARCEL) :] if text[:1].upper() == PARCEL else ""
    if number.isascii() and number.isdecimal() and len(number) < 18:
        which |= Q(pk=int(number))
    rows = Shipment.objects.filter(which)
    here = list(rows.filter(state=Shipment.State.SENT).only("pk", "idempotency_key"))
    if here:  # the label of the first order stands for all that lie in the parcel
        rows = Shipment.objects.filter(which | merging.sent_together(here))
    if warehouses is None:
        return rows
    goods = ShipmentGoods.objects.filter(warehouse__in=warehouses, shipment_line__shipment__in=rows)
    return Shipment.objects.filter(pk__in=goods.values("shipment_line__shipment"))


def _may_leave(one: Shipment) -> bool:
    return one.state == Shipment.State.SENT and one.source == Shipment.Source.DESK


def _judge(rows: list[Shipment], text: str) -> tuple[Answer, Shipment | None]:
    if not text:
        return Answer(False, "text_missing"), None
    numbers = dict(Shipment.objects.filter(pk__in=[one.pk for one in rows]).values_list("pk", "order__number"))
    gone = {one.shipment_id: one for one in Handover.objects.filter(shipment__in=rows)}
    first = next((one for one in rows if one.pk not in gone and _may_leave(one)), rows[0])
    parcel = {"parcel": f"{numbers[first.pk]}-{first.number}"}
    if first.pk in gone:
        row = gone[first.pk]
        return Answer(False, "parcel_gone", {**parcel, "who": person(row.actor), "when": moment(row.at)}), first
    if first.state == Shipment.State.VOID:
        return Answer(False, "parcel_void", parcel), first
    if first.source == Shipment.Source.PLATFORM:
        return Answer(False, "parcel_elsewhere", parcel), first
    return Answer(True, "handed_over", {**parcel, "carrier": first.carrier or "–"}), first


def waiting(hours: float | None = None, *, now: dt.datetime | None = None) -> QuerySet[Shipment]:
    """Return parcels that were packed here and have not left for so many hours, oldest first.

    Without `hours` each warehouse has its own limit (PackingSetting); 0 gives every parcel that is still here.
    """
    moment_now = now or clock.now()
    rows = Shipment.objects.filter(state=Shipment.State.SENT, handover__isnull=True, packed_as__isnull=False)
    if hours is not None:
        return rows.filter(created_at__lte=moment_now - dt.timedelta(hours=hours)).order_by("created_at", "pk")
    late = leaving.too_long(place="packed_as__wave_order__warehouse", since="created_at", now=moment_now)
    return rows.filter(late).order_by("created_at", "pk")


def packed_in(rows: QuerySet[Shipment], warehouses: frozenset[int] | None) -> QuerySet[Shipment]:
    """Narrow packed parcels to those of the warehouses a person sees."""
    return rows if warehouses is None else rows.filter(packed_as__wave_order__warehouse__in=warehouses)
