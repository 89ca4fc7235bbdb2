"""The labels of parcels on the packing table: which bought label goes on which parcel, and buying one there."""

from __future__ import annotations

from django.db.models import Q

from orders.fulfil import labels, offers
from orders.fulfil.carrier_words import sentence
from orders.fulfil.labels_given import LabelFacts
from orders.fulfil.papers.errors import PaperError
from orders.models import Label, Order, PackParcel, WaveOrder

State = Label.State
ENDED = (State.VOID, State.FAILED)


def of_parcel(order: Order, parcel: int, warehouse_id: int) -> LabelFacts | None:
    """Return what the label of a parcel says; None without any. This is packing's label source.

    Labels go on parcels in the order in which they were bought. Raises PaperError asked_again while the carrier has
    not answered: the parcel must not leave without the number that is paid for.
    """
    found = label_of_parcel(order.pk, parcel, warehouse_id)
    if found is not None:
        return _facts(found)
    asked = Label.objects.filter(order=order, warehouse=warehouse_id, state=State.ASKED, to_void=False).first()
    if asked is not None:
        raise PaperError("asked_again", what=sentence(asked.problem) or "…")
    return None


def _facts(label: Label) -> LabelFacts:
    return LabelFacts(label.account.name, label.tracking_number, labels.tracking_address(label), f"label:{label.pk}")


def label_of_parcel(order_id: int, parcel: int, warehouse_id: int) -> Label | None:
    """Return the unused label for a parcel of an order that is packed in a warehouse: the first for the first."""
    own = PackParcel.objects.filter(wave_order__order=order_id, wave_order__warehouse=warehouse_id)
    here = list(own.filter(wave_order__open=True).order_by("number").values_list("number", "tracking"))
    typed = {tracking for _number, tracking in here if tracking}
    place = sum(1 for number, tracking in here if not tracking and number < parcel)
    rows = Label.objects.filter(order=order_id, warehouse=warehouse_id, state__in=labels.UNUSED, to_void=False)
    free = rows.exclude(tracking_number__in=typed).select_related("account", "service").defer("pdf", "request")
    return next(iter(free.order_by("parcel", "pk")[place : place + 1]), None)


def buy(
    *, part: WaveOrder, parcel: int, service_id: int, weight_g: int, actor: str, warehouses: frozenset[int] | None
) -> Label:
    """Buy the label of a parcel on the table; pressed twice, it is bought once. Raises PaperError."""
    known = label_of_parcel(part.order_id, parcel, part.warehouse_id)
    if known is not None:
        return known
    before = f"pack:{part.pk}:{parcel}:"
    others = Label.objects.filter(order=part.order_id, state__in=labels.UNUSED, to_void=False)  # of other parcels
    given_up = Label.objects.filter(Q(state__in=ENDED) | Q(to_void=True), idempotency_key__startswith=before).count()
    wish = labels.Wish(
        order_id=part.order_id, service_id=service_id, warehouse_id=part.warehouse_id, weight_g=weight_g,
        key=f"{before}{given_up}", more=others.exists(),
    )  # fmt: skip
    label = labels.buy(wish=wish, actor=actor, warehouses=warehouses)
    return told(label)


def told(label: Label) -> Label:
    """Return a label that was bought. Raises PaperError: carrier_says, asked_again."""
    if label.state == State.FAILED:
        raise PaperError("carrier_says", what=sentence(label.problem))
    if label.state == State.ASKED:
        raise PaperError("asked_again", what=sentence(label.problem) or "…")
    return label


def weight_of(part: WaveOrder, typed: int | None, expected: int | None) -> int:
    """Return what a parcel weighs: by the scale, else as expected, else as the order's goods say."""
    if typed or expected:
        return typed or expected or 0
    plan = offers.plans_of([part.order_id]).get(part.order_id)
    return plan.weight_g if plan is not None else offers.DEFAULT_WEIGHT
