"""Labels whose parcels do not leave: how long each warehouse may take, and the incident when it takes longer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from django.db.models import Q, QuerySet

from backoffice import clock, incidents
from orders.desk import troubles
from orders.models import Label, PackingSetting
from orders.models.order import order_reference

USUAL_HOURS: int = PackingSetting._meta.get_field("handover_hours").default
State = Label.State
PAGE = 1_000


def too_long(*, place: str, since: str, now: dt.datetime | None = None) -> Q:
    """Return the condition that rows have waited longer than their warehouse allows (PackingSetting).

    `place` names the warehouse of a row, `since` the moment from which it waits.
    """
    moment = now or clock.now()
    own = dict(PackingSetting.objects.values_list("warehouse_id", "handover_hours"))
    usual = moment - dt.timedelta(hours=USUAL_HOURS)
    late = Q(**{f"{since}__lte": usual}) & ~Q(**{f"{place}__in": list(own)})
    for warehouse_id, hours in own.items():
        late |= Q(**{place: warehouse_id, f"{since}__lte": moment - dt.timedelta(hours=hours)})
    return late


def not_left(rows: QuerySet[Label] | None = None) -> QuerySet[Label]:
    """Return labels that were printed and whose parcels have not left in time, the oldest first.

    `rows` narrows it to what a person sees.
    """
    printed = (Label.objects.all() if rows is None else rows).filter(
        state__in=(State.PRINTED, State.USED), scanned_out_at__isnull=True, manifest__isnull=True, to_void=False
    )
    late = printed.filter(too_long(place="warehouse", since="printed_at"))
    return late.defer("pdf", "request").order_by("printed_at", "pk")


def key_of(label_id: int) -> str:
    """Return the key of a label's incident."""
    return f"label:{label_id}"


def look() -> None:
    """Bring the incidents about labels in line with what has left; harmless to repeat (a chore)."""
    incidents.reconcile(kind=troubles.LABEL, prefix="label:", reports=list(_reports()))


def _reports() -> Iterator[incidents.Report]:
    for label in not_left().select_related("order").iterator(PAGE):
        yield incidents.Report(
            kind=troubles.LABEL, key=key_of(label.pk), target=order_reference(label.order_id),
            shop_id=label.order.shop_id, warehouse_id=label.warehouse_id,
            data={"number": label.order.number, "tracking": label.tracking_number,
                  "printed": label.printed_at.isoformat() if label.printed_at else ""},
        )  # fmt: skip


def settle(label_ids: Sequence[int], *, actor: str) -> None:
    """Close the incidents of labels that have left, or need not any more."""
    incidents.settle_many(kind=troubles.LABEL, keys=[key_of(pk) for pk in label_ids], actor=actor)
