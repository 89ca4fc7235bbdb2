"""Hand-over lists: the parcels of one carrier that leave a warehouse together; each list is closed once."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from backoffice import audit, clock, locks
from orders.carriers.base import Capability, CarrierError
from orders.carriers.registry import adapter_for, can
from orders.desk import merging
from orders.fulfil import carrier_texts, handover, leaving
from orders.fulfil.papers import gather
from orders.fulfil.papers.errors import PaperError
from orders.fulfil.papers.facts import ManifestFacts, ManifestRow
from orders.models import CarrierAccount, Label, Manifest, Shipment


def waiting(rows: QuerySet[Label] | None = None) -> QuerySet[Label]:
    """Return the parcels that were packed and are on no list yet; `rows` narrows it to what a person sees."""
    found = Label.objects.all() if rows is None else rows
    return found.filter(state=Label.State.USED, manifest__isnull=True, delivered_at__isnull=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Heap:
    """Parcels of one carrier that wait in one warehouse."""

    account_id: int
    account: str
    warehouse_id: int
    warehouse: str
    count: int
    weight_g: int


def heaps(rows: QuerySet[Label] | None = None) -> list[Heap]:
    """Return what waits, by carrier and warehouse."""
    found = waiting(rows).values_list("account_id", "account__name", "warehouse_id", "warehouse__name")
    counted = found.annotate(count=Count("pk"), weight=Sum("weight_g")).order_by("account__name", "warehouse__name")
    return [Heap(*row) for row in counted]


def close(*, account_id: int, warehouse_id: int, actor: str, rows: QuerySet[Label] | None = None) -> Manifest:
    """Close a list over all parcels that wait, and tell the carrier.

    A carrier that does not answer raises nothing: the list is closed, and `tell_due` goes on telling. Raises PaperError
    no_parcels_waiting (also for whoever comes second).
    """
    made = _closed(account_id, warehouse_id, actor, rows)
    return tell(made.pk)


@transaction.atomic
def _closed(account_id: int, warehouse_id: int, actor: str, rows: QuerySet[Label] | None) -> Manifest:
    account = CarrierAccount.objects.select_for_update().filter(pk=account_id).first()
    if account is None:
        raise PaperError("no_carrier")
    found = waiting(rows).filter(account=account, warehouse=warehouse_id)
    labelled = list(Shipment.objects.filter(pk__in=found.values("shipment"), state=Shipment.State.SENT))
    inside = merging.sent_together(labelled)  # one label for all orders of a common parcel
    sent = Shipment.objects.filter(inside, handover__isnull=True, state=Shipment.State.SENT)
    leaves = locks.locked_rows(sent)  # before their labels, as when parcels are scanned out one by one
    parcels = list(found.select_for_update(of=("self",)).order_by("pk").values_list("pk", "weight_g"))
    if not parcels:
        raise PaperError("no_parcels_waiting")
    now = clock.now()
    today = timezone.localtime(now).date()
    there = Manifest.objects.filter(account=account, warehouse=warehouse_id, day=today).count()
    made = Manifest.objects.create(
        account=account, warehouse_id=warehouse_id, day=today, place=there + 1, count=len(parcels),
        weight_g=sum(weight for _pk, weight in parcels), closed_at=now, closed_by=actor[:150],
    )  # fmt: skip
    mine = Label.objects.filter(pk__in=[pk for pk, _weight in parcels])
    mine.filter(scanned_out_at__isnull=True).update(scanned_out_at=now)
    handover.leave(leaves, actor=actor)
    mine.update(manifest=made)
    leaving.settle([pk for pk, _weight in parcels], actor=actor)
    audit.record(action="manifest.close", target=made, actor=actor, after={"parcels": len(parcels)}, summary=str(made))
    return made


def tell(manifest_id: int) -> Manifest:
    """Tell the carrier of a closed list, with the list's own key; again changes nothing."""
    made = Manifest.objects.select_related("account").get(pk=manifest_id)
    if made.state == Manifest.State.TOLD:
        return made
    try:
        if can(made.account, Capability.MANIFEST):
            numbers = list(made.labels.order_by("pk").values_list("tracking_number", flat=True))
            reference = adapter_for(made.account).manifest(numbers=numbers, key=f"manifest:{made.pk}")
            made.carrier_ref = reference[:100]
    except CarrierError as error:
        made.problem = carrier_texts.problem(error, made.labels.values_list("order_id", flat=True))
        made.not_before = clock.now() + dt.timedelta(seconds=error.retry_after or 300)
        made.save(update_fields=["problem", "not_before"])
        return made
    made.state, made.problem = Manifest.State.TOLD, ""
    made.save(update_fields=["state", "problem", "carrier_ref"])
    return made


def tell_due() -> int:
    """Go on telling carriers of closed lists; returns how many were tried."""
    due = Q(not_before__isnull=True) | Q(not_before__lte=clock.now())
    ids = list(Manifest.objects.filter(due, state=Manifest.State.CLOSED).values_list("pk", flat=True)[:20])
    for pk in ids:
        tell(pk)
    return len(ids)


def facts_of(made: Manifest) -> ManifestFacts:
    """Return what stands on the paper."""
    company = gather.company()
    labels: Any = (
        made.labels.select_related("order", "order__contact", "service").defer("pdf", "request").order_by("pk")
    )
    return ManifestFacts(
        title=str(made),
        carrier=made.account.name,
        carrier_ref=made.carrier_ref,
        warehouse=str(made.warehouse),
        day=made.day,
        rows=[_row(one) for one in labels],
        company=gather.company_facts(company),
        language=company.language,
    )


def _row(label: Label) -> ManifestRow:
    contact = getattr(label.order, "contact", None)
    to = contact.shipping if contact is not None else {}
    return ManifestRow(
        number=label.tracking_number, order=label.order.number, service=label.service.name,
        country=str(to.get("country") or ""), postcode=str(to.get("postcode") or ""), weight_g=label.weight_g,
    )  # fmt: skip
