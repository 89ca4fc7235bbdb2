"""Labels taken back: asked for in the row first, then told to the carrier until it has answered."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Q

from backoffice import audit, clock
from orders.carriers.base import Capability, CarrierError
from orders.carriers.registry import adapter_for, can
from orders.fulfil import carrier_texts, labels, leaving
from orders.fulfil.papers.errors import PaperError
from orders.models import Label, Order

State = Label.State
CANCELLED = "order cancelled"
OPEN = (State.BOUGHT, State.PRINTED)


def void(*, label_id: int, actor: str, reason: str = "", warehouses: frozenset[int] | None = None) -> Label:
    """Take a label back; its cost no longer counts, its number is never given again.

    Raises PaperError: no_such_label, not_yours, on_a_parcel, handed_over, never_bought. A carrier that does not answer
    raises nothing: the label stays to be voided, and `void_due` goes on with it.
    """
    label = _asked(label_id, actor, reason, warehouses)
    return carry_out(label.pk) if label.to_void and label.state in OPEN else label


@transaction.atomic
def _asked(label_id: int, actor: str, reason: str, warehouses: frozenset[int] | None) -> Label:
    found = Label.objects.filter(pk=label_id).values_list("order_id", flat=True).first()
    if found is None:
        raise PaperError("no_such_label")
    Order.objects.select_for_update().get(pk=found)
    label = Label.objects.select_for_update().defer("pdf").get(pk=label_id)
    if warehouses is not None and label.warehouse_id not in warehouses:
        raise PaperError("not_yours")
    if label.state == State.VOID:
        return label
    if label.state == State.FAILED:
        raise PaperError("never_bought")
    if label.state == State.USED:
        raise PaperError("on_a_parcel", tracking=str(label))
    if label.scanned_out_at is not None or label.manifest_id is not None:
        raise PaperError("handed_over", tracking=str(label))
    label.to_void, label.to_void_why, label.voided_by = True, reason[:200], actor[:150]
    label.attempts, label.not_before = (0, None) if label.state in OPEN else (label.attempts, label.not_before)
    label.save(update_fields=["to_void", "to_void_why", "voided_by", "attempts", "not_before"])
    return label


def carry_out(label_id: int) -> Label:
    """Tell the carrier now, unless somebody is at it; safe to repeat."""
    claimed = labels.claim(Label.objects.filter(pk=label_id, state__in=OPEN, to_void=True))
    if claimed is None:
        return Label.objects.get(pk=label_id)
    try:
        if can(claimed.account, Capability.VOID):
            key = f"{claimed.idempotency_key}/void"
            adapter_for(claimed.account).void(number=claimed.tracking_number, reference=claimed.carrier_ref, key=key)
    except CarrierError as error:
        return _not_voided(claimed, error)
    return _voided(claimed)


@transaction.atomic
def _voided(claimed: Label) -> Label:
    label = Label.objects.select_for_update().defer("pdf").get(pk=claimed.pk)
    if label.fence != claimed.fence or label.state not in OPEN:
        return label
    label.state, label.to_void, label.voided_at = State.VOID, False, clock.now()
    label.claimed_until, label.problem, label.scanned_out_at = None, "", None
    label.save(update_fields=["state", "to_void", "voided_at", "claimed_until", "problem", "scanned_out_at"])
    after = {"tracking": label.tracking_number, "reason": label.to_void_why, "cost": str(label.cost)}
    leaving.settle([label.pk], actor=label.voided_by or "system")
    audit.record(
        action="label.void", target=claimed.order, actor=label.voided_by or "system", after=after,
        summary=label.tracking_number,
    )  # fmt: skip
    return label


@transaction.atomic
def _not_voided(claimed: Label, error: CarrierError) -> Label:
    """Wait and ask again; a carrier that refuses for good leaves it to a person.

    A label of a cancelled order stays listed as to be voided then, any other can be used again.
    """
    label = Label.objects.select_for_update().defer("pdf").get(pk=claimed.pk)
    if label.fence != claimed.fence or label.state not in OPEN:
        return label
    label.problem = carrier_texts.problem(error, [label.order_id])
    label.claimed_until = None
    if error.permanent:
        label.attempts = labels.MOST_ATTEMPTS
        label.to_void = label.to_void_why == CANCELLED
    else:
        wait = error.retry_after or labels.pause(label.attempts)
        label.not_before = clock.now() + dt.timedelta(seconds=wait)
    label.save(update_fields=["problem", "claimed_until", "not_before", "attempts", "to_void"])
    return label


def void_cancelled() -> int:
    """Mark the labels of orders that were cancelled, here or on the platform; returns how many are new."""
    rows = Label.objects.filter(
        state__in=(State.ASKED, *OPEN), to_void=False, scanned_out_at__isnull=True, order__state=Order.State.CANCELLED
    )
    ids = list(rows.values_list("pk", flat=True)[:500])
    fresh = Label.objects.filter(pk__in=ids, state__in=(State.ASKED, *OPEN), to_void=False)
    return fresh.update(to_void=True, to_void_why=CANCELLED, voided_by="system", attempts=0, not_before=None)


def void_due(limit: int = 50) -> int:
    """Tell carriers of labels that are to be voided; returns how many were tried."""
    now = clock.now()
    rows = Label.objects.filter(
        Q(not_before__isnull=True) | Q(not_before__lte=now),
        Q(claimed_until__isnull=True) | Q(claimed_until__lte=now),
        to_void=True, state__in=OPEN, attempts__lt=labels.MOST_ATTEMPTS,
    )  # fmt: skip
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:limit])
    for pk in ids:
        carry_out(pk)
    return len(ids)
