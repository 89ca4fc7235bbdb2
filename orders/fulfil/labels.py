"""Labels: asked for in a row, bought with that row's key, printed, put on a parcel.

The row is there before the carrier is called. A time-out after the carrier has booked it, a worker killed in between
or a doubled click all end in asking again with the same key: one label, paid once.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from backoffice import actors, audit, clock
from orders.carriers.base import Bought, CarrierError, LabelRequest, Piece, Place
from orders.carriers.registry import adapter_for
from orders.errors import OrderError
from orders.fulfil import carrier_texts, leaving
from orders.fulfil.carrier_words import sentence
from orders.fulfil.papers import gather
from orders.fulfil.papers.errors import PaperError
from orders.models import CarrierAccount, CarrierService, Label, Order, SenderAddress

State = Label.State
READY = (Order.State.APPROVED, Order.State.PARTLY_SHIPPED)
LIVE = (State.ASKED, State.BOUGHT, State.PRINTED, State.USED)
UNUSED = (State.BOUGHT, State.PRINTED)
LEASE = dt.timedelta(seconds=90)
MOST_ATTEMPTS = 12
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 3_600.0  # seconds
HEAVIEST = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A label to buy. The same `key` is the same wish; `more` adds another parcel to an order that has labels."""

    order_id: int
    service_id: int
    warehouse_id: int
    weight_g: int
    key: str
    sizes_mm: tuple[int | None, int | None, int | None] = (None, None, None)
    note: str = ""
    more: bool = False


def buy(*, wish: Wish, actor: str, warehouses: frozenset[int] | None = None) -> Label:
    """Ask for a label and buy it; the state of the row says how far it came.

    `warehouses` are those whoever asks may see; None: all. Raises PaperError; a carrier that does not answer raises
    nothing: the label stays asked for, and `finish_asked` goes on with it.
    """
    label = ask(wish=wish, actor=actor, warehouses=warehouses)
    return carry_out(label.pk) if label.state == State.ASKED else label


@transaction.atomic
def ask(*, wish: Wish, actor: str, warehouses: frozenset[int] | None = None) -> Label:
    """Write the wish down, under the order's lock; the same key gives the label of the first time."""
    order = Order.objects.select_for_update().filter(pk=wish.order_id).first()
    if order is None:
        raise PaperError("no_such_order")
    known = Label.objects.filter(idempotency_key=wish.key).first()
    if known is not None and known.order_id == order.pk:
        return known
    if warehouses is not None and wish.warehouse_id not in warehouses:
        raise PaperError("not_yours")
    if order.state not in READY:
        raise PaperError("order_not_ready", number=order.number, state=order.get_state_display())
    if not 0 < wish.weight_g <= HEAVIEST:
        raise PaperError("bad_weight")
    service = _service(wish)
    to = gather.recipient(order)
    sender = SenderAddress.objects.filter(warehouse=wish.warehouse_id).select_related("warehouse").first()
    if sender is None:
        raise PaperError("no_sender", warehouse=_warehouse_name(wish.warehouse_id))
    request = {"sender": dataclasses.asdict(gather.address_facts(sender)), "recipient": dataclasses.asdict(to)}
    return _written(order, wish, service, request, actor)


def _service(wish: Wish) -> CarrierService:
    rows = CarrierService.objects.filter(pk=wish.service_id, active=True, account__active=True)
    service = rows.select_related("account").first()
    if service is None or not serves(service.account, wish.warehouse_id):
        raise PaperError("no_carrier")
    return service


def serves(account: CarrierAccount, warehouse_id: int) -> bool:
    """True when the carrier collects from a warehouse."""
    places = {one.pk for one in account.warehouses.all()}
    return not places or warehouse_id in places


def _warehouse_name(pk: int) -> str:
    from inventory.models import Warehouse

    return str(Warehouse.objects.filter(pk=pk).first() or pk)


def _written(order: Order, wish: Wish, service: CarrierService, request: dict[str, Any], actor: str) -> Label:
    there = list(Label.objects.filter(order=order, state__in=LIVE).order_by("parcel"))
    unsent = [one for one in there if one.state != State.USED]
    if unsent and not wish.more:
        last = unsent[-1]
        when = date_format(timezone.localtime(last.asked_at), "SHORT_DATETIME_FORMAT")
        who = actors.named(last.actor)
        raise PaperError("has_label", number=order.number, tracking=str(last), who=who, when=when)
    length, width, height = wish.sizes_mm
    return Label.objects.create(
        order=order, account=service.account, service=service, warehouse_id=wish.warehouse_id,
        parcel=max((one.parcel for one in there), default=0) + 1, idempotency_key=wish.key, request=request,
        weight_g=wish.weight_g, length_mm=length, width_mm=width, height_mm=height, note=wish.note[:100],
        actor=actor[:150], asked_at=clock.now(),
    )  # fmt: skip


def carry_out(label_id: int) -> Label:
    """Buy an asked label now, unless somebody is at it; safe to repeat at any time."""
    claimed = claim(Label.objects.filter(pk=label_id, state=State.ASKED))
    if claimed is None:
        return Label.objects.get(pk=label_id)
    try:
        bought = adapter_for(claimed.account).buy(request_of(claimed))
    except CarrierError as error:
        return _not_bought(claimed, error)
    return _bought(claimed, bought)


def claim(rows: Any) -> Label | None:
    """Take a row for a call: one conditional UPDATE with a growing fence; attempts are counted before the call."""
    now = clock.now()
    free = rows.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lte=now))
    taken = free.update(claimed_until=now + LEASE, fence=F("fence") + 1, attempts=F("attempts") + 1)
    if not taken:
        return None
    label: Label | None = rows.select_related("account", "service", "order").first()
    return label


def request_of(label: Label) -> LabelRequest:
    """Return what the carrier is asked, the same at each try."""
    return LabelRequest(
        key=label.idempotency_key,
        service=label.service.code,
        sender=Place(**label.request["sender"]),
        recipient=Place(**label.request["recipient"]),
        piece=Piece(
            weight_g=label.weight_g, length_mm=label.length_mm, width_mm=label.width_mm, height_mm=label.height_mm
        ),
        reference=label.order.number,
        note=label.note,
        parcel=label.parcel,
    )


@transaction.atomic
def _bought(claimed: Label, bought: Bought) -> Label:
    """Write the number down, if the row is still ours; a label nobody wants any more goes straight to be voided."""
    order = Order.objects.select_for_update().get(pk=claimed.order_id)
    label = Label.objects.select_for_update().get(pk=claimed.pk)
    if label.state != State.ASKED or label.fence != claimed.fence:
        return label
    number = bought.number.strip()[:100]
    if Label.objects.filter(account=label.account_id, tracking_number=number).exclude(pk=label.pk).exists():
        return _refused(label, f"number {number} was given before")
    label.state, label.tracking_number, label.carrier_ref = State.BOUGHT, number, bought.reference[:100]
    label.cost, label.currency, label.data = bought.amount, bought.currency[:10], dict(bought.data)
    label.pdf = bought.pdf or None
    label.bought_at, label.request, label.problem, label.claimed_until = clock.now(), {}, "", None
    label.attempts, label.not_before = 0, None
    if order.state == Order.State.CANCELLED:
        label.to_void, label.to_void_why = True, "order cancelled"
    label.save()
    after = {"tracking": number, "carrier": claimed.account.name, "cost": str(bought.amount), "parcel": label.parcel}
    audit.record(action="label.buy", target=order, actor=label.actor, after=after, summary=number)
    return label


@transaction.atomic
def _not_bought(claimed: Label, error: CarrierError) -> Label:
    label = Label.objects.select_for_update().get(pk=claimed.pk)
    if label.state != State.ASKED or label.fence != claimed.fence:
        return label
    text = carrier_texts.problem(error, [label.order_id])
    if error.permanent and not error.unknown:
        return _refused(label, text)
    label.problem, label.claimed_until = text[:300], None
    label.not_before = clock.now() + dt.timedelta(seconds=error.retry_after or pause(label.attempts))
    label.save(update_fields=["problem", "claimed_until", "not_before"])
    return label


def _refused(label: Label, text: str) -> Label:
    label.state, label.problem, label.request, label.claimed_until = State.FAILED, text[:300], {}, None
    label.save(update_fields=["state", "problem", "request", "claimed_until"])
    return label


def pause(attempts: int) -> float:
    """Return how long to wait after so many tries: doubled each time, an hour at most."""
    return min(FIRST_PAUSE * 2.0 ** max(attempts - 1, 0), LONGEST_PAUSE)


def finish_asked(limit: int = 50) -> int:
    """Go on with labels whose carrier did not answer, or whose worker was killed; returns how many were tried."""
    now = clock.now()
    due = Label.objects.filter(
        Q(not_before__isnull=True, asked_at__lte=now - LEASE) | Q(not_before__lte=now),
        Q(claimed_until__isnull=True) | Q(claimed_until__lte=now),
        state=State.ASKED, attempts__lt=MOST_ATTEMPTS,
    )  # fmt: skip
    ids = list(due.order_by("asked_at").values_list("pk", flat=True)[:limit])
    for pk in ids:
        carry_out(pk)
    return len(ids)


@dataclasses.dataclass(frozen=True, slots=True)
class BuyOutcome:
    """What became of one order of many: `problem` is a sentence, `label` the row when one was written."""

    order_id: int
    number: str
    problem: str = ""
    label: Label | None = None

    @property
    def ok(self) -> bool:
        """True when a label was bought."""
        return not self.problem


def outcome_of(order: Order, label: Label) -> BuyOutcome:
    """Say how far a label came."""
    if label.state == State.FAILED:
        return BuyOutcome(order.pk, order.number, str(PaperError("carrier_says", what=sentence(label.problem))), label)
    if label.state == State.ASKED:
        what = sentence(label.problem) or "…"
        return BuyOutcome(order.pk, order.number, str(PaperError("asked_again", what=what)), label)
    return BuyOutcome(order.pk, order.number, "", label)


# --- reading ---------------------------------------------------------------------------------------------------------


def current(order_id: int, warehouse_id: int | None = None) -> Label | None:
    """Return the label the next parcel of an order goes out with, of a warehouse if one is named; None without any."""
    rows = Label.objects.filter(order=order_id, state__in=(State.BOUGHT, State.PRINTED), to_void=False)
    if warehouse_id is not None:
        rows = rows.filter(warehouse=warehouse_id)
    return rows.select_related("account", "service").defer("pdf").order_by("parcel").first()


def tracking_address(label: Label) -> str:
    """Return the carrier's page for the parcel; empty when the account names none."""
    pattern = label.account.tracking_url
    number = re.sub(r"[^A-Za-z0-9-]", "", label.tracking_number)
    return pattern.replace("{}", number) if pattern and number else ""


# --- on the parcel ---------------------------------------------------------------------------------------------------


def put_on(order: Order, parcels: Sequence[Any], now: dt.datetime) -> None:
    """Take the labels whose numbers parcels carry; runs in the transaction that ships them.

    Raises OrderError label_to_void: a carrier does not move a parcel whose label was given back.
    """
    numbers = {one.tracking_number: one for one in parcels if one.tracking_number}
    if not numbers:
        return
    rows = Label.objects.select_for_update(of=("self",)).select_related("account").defer("pdf")
    mine = rows.filter(order=order, state__in=(State.BOUGHT, State.PRINTED), tracking_number__in=list(numbers))
    for label in mine.order_by("pk"):
        if label.to_void:
            raise OrderError("label_to_void", number=order.number, tracking=label.tracking_number)
        label.state, label.shipment, label.track_at = State.USED, numbers[label.tracking_number], now
        if not label.account.scans_out:
            label.scanned_out_at = label.scanned_out_at or label.shipment.shipped_at
        label.save(update_fields=["state", "shipment", "track_at", "scanned_out_at"])


def take_off(shipment_id: int) -> None:
    """Free the label of a parcel that was taken back; runs in the transaction that does it."""
    for label in Label.objects.select_for_update().filter(shipment=shipment_id, state=State.USED).order_by("pk"):
        label.state = State.PRINTED if label.printed_at else State.BOUGHT
        label.shipment, label.track_at = None, None
        if label.manifest_id is None:
            label.scanned_out_at = None
        label.save(update_fields=["state", "shipment", "track_at", "scanned_out_at"])


def scan_out(shipment_ids: Sequence[int], *, actor: str) -> None:
    """Note that parcels leave the house now; runs in the transaction that hands them over. Again is no error."""
    now, here = clock.now(), Label.objects.filter(shipment__in=list(shipment_ids), state=State.USED)
    rows = list(here.select_for_update(of=("self",)).select_related("order").defer("pdf", "request").order_by("pk"))
    fresh = [one for one in rows if one.scanned_out_at is None]
    Label.objects.filter(pk__in=[one.pk for one in fresh]).update(scanned_out_at=now)
    entries = [
        audit.Entry("label.scan_out", one.order, {}, {"tracking": one.tracking_number}, one.tracking_number, actor)
        for one in fresh
    ]
    if entries:
        audit.record_many(entries)
    if rows:
        leaving.settle([one.pk for one in rows], actor=actor)


def stopped(text: str, rows: QuerySet[Label]) -> tuple[str, dict[str, str]] | None:
    """Say why a parcel with this number must not leave: (code, what fills the sentence); None without such a label."""
    found = rows.filter(tracking_number__in={text, text.upper()}).select_related("order").defer("pdf", "request")
    label = found.order_by("-pk").first()
    if label is None or label.state == State.USED:
        return None
    told = {"tracking": str(label), "number": label.order.number}
    if label.state == State.VOID:
        return "label_void", told
    if label.to_void or label.order.state == Order.State.CANCELLED:
        return "label_cancelled", told
    return "label_not_packed", told
