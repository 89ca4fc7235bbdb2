"""The demo seller's lateness: handling times from the first day, what may be given, and one play under way."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group

from backoffice import audit, clock
from backoffice.errors import YikuError
from backoffice.incidents import causes
from backoffice.models import User
from inventory.access import EVERYTHING
from inventory.models import Bucket, Reservation, Sku, Warehouse
from orders.late import alarms, compensations, due, pausing, plays, sources, supply, trend
from orders.models import CompensationLimit, CompensationPreset, LatePlay, Order, PenaltyEntry, ShipPolicy, SupplyDraft

PRESETS: tuple[dict[str, Any], ...] = (
    {"name": "优惠券 10 元", "name_en": "Coupon 10", "kind": "coupon", "amount": Decimal(10)},
    {"name": "退还运费", "name_en": "Shipping back", "kind": "shipping"},
    {"name": "退款 10%", "name_en": "Refund 10 %", "kind": "refund", "percent": 10},
)
CODES = "\n".join(f"QW-SORRY-{number:03d}" for number in range(1, 61))
LIMITS = {"order_clerk": 30, "customer_service": 20}
CLERK = "clerk"


def load() -> None:
    """Set how long the shops may take and what may be given: before the first order comes."""
    if ShipPolicy.objects.exists():
        return
    now = clock.now()
    ShipPolicy.objects.create(
        amount=2, unit=ShipPolicy.Unit.WORK_DAYS, work_days=[0, 1, 2, 3, 4, 5], soon_hours=6, applied=1,
        updated_at=now, updated_by="owner",
    )  # fmt: skip
    coupon, *_rest = [CompensationPreset.objects.create(**one) for one in PRESETS]
    compensations.add_codes(preset=coupon, text=CODES, actor="system")
    for role, most in LIMITS.items():
        CompensationLimit.objects.create(group=Group.objects.get(name=role), most=Decimal(most))


def finish() -> None:
    """When the past has been told: a play of the SKU that most orders wait for, half-way through; a fine; the trend."""
    clerk = User.objects.filter(username=CLERK).first()
    if clerk is None or LatePlay.objects.exists():
        return
    trend.count()
    alarms.sound()
    sku = _shortest()
    with audit.acting_as(audit.user_actor(clerk)):
        if sku is not None:
            _play(sku, clerk)
        _penalty()


def _shortest() -> Sku | None:
    """The SKU that most orders wait for; best one of which there really is too little."""
    rows = Reservation.objects.filter(bucket=Bucket.DEMAND, quantity__gt=0, reference__startswith=plays.PREFIX)
    counts = Counter(rows.values_list("sku_id", flat=True)).most_common()
    wanted = [pk for pk, _many in counts if plays.affected(pk)]
    lacking = [pk for pk in wanted if sources.free_pieces(pk) < 0]
    return Sku.objects.filter(pk=[*lacking, *wanted][0]).first() if wanted else None


def _play(sku: Sku, clerk: User) -> None:
    actor = audit.current_actor().name
    play, _new = plays.begin(actor=actor, once="demo", sku_id=sku.pk)
    pausing.pause(play_id=play.pk, actor=actor, resume_on_arrival=True)
    place = next((one for one in sources.places_of(sku.pk, EVERYTHING) if one.wanted > 0 and not one.read_only), None)
    there = Warehouse.objects.filter(pk=place.warehouse_id).first() if place else None
    if place is not None and there is not None:
        wish = supply.Wish(
            kind=SupplyDraft.Kind.PURCHASE, sku_id=sku.pk, quantity=str(max(int(-place.free), 1) * 2),
            destination_id=there.pk, supplier="景德镇青岚陶瓷厂", expected_on=clock.now().date() + dt.timedelta(days=4),
            note=play.title,
        )  # fmt: skip
        supply.draft(wish=wish, actor=actor, once="demo", seen=EVERYTHING, play=play)
    coupon = CompensationPreset.objects.filter(kind="coupon").first()
    first = list(play.orders.order_by("pk").values_list("order_id", flat=True)[:2])
    if coupon is not None and first:
        compensations.give(user=clerk, actor=actor, preset=coupon, order_ids=first, play=play)
    cause = causes.for_kind(alarms.KIND).filter(code="supplier_late").first()
    try:
        plays.set_cause(play_id=play.pk, cause=cause, actor=actor)
    except YikuError:
        return


def _penalty() -> None:
    order = Order.objects.filter(due_at__isnull=False, state__in=due.CLOCKED).order_by("due_at").first()
    if order is None:
        return
    cause = causes.for_kind(alarms.KIND).filter(code="picked_late").first()
    PenaltyEntry.objects.create(
        shop_id=order.shop_id, order=order, kind=PenaltyEntry.Kind.PENALTY, amount=Decimal(15), cause=cause,
        happened_on=clock.now().date(), note="平台延迟发货扣款 Fine for late dispatch", created_by=CLERK,
    )  # fmt: skip
