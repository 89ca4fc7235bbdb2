"""Give buyers something for waiting: coupon, shipping back, gift or money, within limits, counted in base currency."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q, Sum

from backoffice import audit, clock, locks
from backoffice.models import User
from backoffice.money import round_money
from finance import currencies
from inventory.models import Balance
from orders.desk import gifts
from orders.desk.table import RowOutcome
from orders.errors import OrderError
from orders.late import plays
from orders.late.errors import LateError
from orders.models import (
    Compensation,
    CompensationLimit,
    CompensationPreset,
    CouponCode,
    LatePlay,
    Order,
    Return,
)
from orders.returns import amounts, deciding, refunding, requesting
from orders.returns.errors import ReturnError

Kind, State = CompensationPreset.Kind, Compensation.State
APPROVE = "orders.approve_compensation"
MOST = 500
ZERO, HUNDRED = Decimal(0), Decimal(100)


@dataclasses.dataclass(frozen=True, slots=True)
class Worth:
    """What a preset is for one order: `amount` in the order's currency goes back, `cost` in base currency is ours."""

    amount: Decimal
    cost: Decimal


def limit_of(user: User) -> Decimal | None:
    """Return how much a person may give for one order, in base currency; None is any amount."""
    if user.has_perm(APPROVE):
        return None
    rows = CompensationLimit.objects.filter(group__in=user.groups.all()).values_list("most", flat=True)
    return max(rows, default=ZERO)


def worth(preset: CompensationPreset, order: Order) -> Worth | None:
    """Return what a preset is worth for an order; None while no exchange rate is known for it."""
    if preset.kind in (Kind.COUPON, Kind.GIFT):
        return Worth(ZERO, preset.amount or _gift_cost(preset))
    rate = order.base_total / order.total if order.base_total is not None and order.total else None
    if rate is None or not rate:
        return None
    if preset.kind == Kind.SHIPPING:
        wanted = order.shipping_total
    elif preset.percent:
        wanted = order.total * preset.percent / HUNDRED
    else:
        wanted = preset.amount / rate
    places = currencies.iso_places(order.currency)
    amount = round_money(max(min(wanted, amounts.standing(order).left), ZERO), places)
    return Worth(amount, round_money(amount * rate, currencies.iso_places(currencies.base_code())))


def _gift_cost(preset: CompensationPreset) -> Decimal:
    """What the gift has cost us on average."""
    if preset.kind != Kind.GIFT or preset.sku_id is None:
        return ZERO
    row = Balance.objects.filter(sku_id=preset.sku_id, on_hand__gt=0).aggregate(
        pieces=Sum("on_hand"), value=Sum("value")
    )
    return round_money(row["value"] / row["pieces"] * preset.quantity, 2) if row["pieces"] else ZERO


@transaction.atomic
def give(
    *, user: User, actor: str, preset: CompensationPreset, order_ids: Sequence[int], play: LatePlay | None = None,
    note: str = "",
) -> list[RowOutcome]:  # fmt: skip
    """Give a preset to orders, each once a play; what is above the person's limit waits for somebody who may.

    The limit counts all that an order has got so far. Raises LateError: comp_off, play_no_orders, too_many.
    """
    wanted = list(dict.fromkeys(order_ids))
    if not preset.active:
        raise LateError("comp_off")
    if not wanted or len(wanted) > MOST:
        raise LateError("too_many", most=MOST) if wanted else LateError("play_no_orders")
    orders = locks.locked_rows(Order.objects.filter(pk__in=wanted))
    there = set(Compensation.objects.filter(play=play, preset=preset, order__in=wanted).values_list("order", flat=True))
    desk = _Desk(user, actor, preset, play, note, _spent(wanted))
    return [desk.serve(order, order.pk in there) for order in orders]


def _spent(order_ids: Collection[int]) -> dict[int, Decimal]:
    rows = Compensation.objects.filter(order__in=order_ids).exclude(state=State.REFUSED)
    return dict(rows.values("order").annotate(cost=Sum("cost")).values_list("order", "cost"))


class _Desk:
    """One preset for a page of orders."""

    def __init__(
        self, user: User, actor: str, preset: CompensationPreset, play: LatePlay | None, note: str,
        spent: dict[int, Decimal],
    ) -> None:  # fmt: skip
        self.limit, self.actor, self.preset, self.play = limit_of(user), actor, preset, play
        self.note, self.spent = note.replace("\0", "")[:200], spent

    def serve(self, order: Order, there: bool) -> RowOutcome:
        """Give it to one order, or say why not; nothing half-given stays."""
        if there:
            return _told(order, "comp_given")
        value = worth(self.preset, order)
        if value is None:
            return _told(order, "comp_no_rate", currency=order.currency)
        if not (value.amount or value.cost or self.preset.fixed_code):
            return _told(order, "comp_nothing")
        over = self.limit is not None and self.spent.get(order.pk, ZERO) + value.cost > self.limit
        row = Compensation(
            order=order, play=self.play, preset=self.preset, kind=self.preset.kind, amount=value.amount,
            cost=value.cost, state=State.ASKED if over else State.GIVEN, note=self.note, created_at=clock.now(),
            created_by=self.actor[:150], cause=self.play.cause if self.play else None,
        )  # fmt: skip
        sid = transaction.savepoint()
        row.save()
        refused = None if over else _hand_over(row, self.actor)
        if refused is not None:
            transaction.savepoint_rollback(sid)
            return RowOutcome(order.pk, False, refused[0], refused[1])
        transaction.savepoint_commit(sid)
        _audit(row, "compensation.ask" if over else "compensation.give", self.actor)
        return RowOutcome(order.pk, True, str(row.state))


def _told(order: Order, code: str, **params: Any) -> RowOutcome:
    return RowOutcome(order.pk, False, code, str(LateError(code, number=order.number, **params)))


def _audit(row: Compensation, action: str, actor: str) -> None:
    after = {"preset": str(row.preset), "cost": format(row.cost, "f"), "state": row.state}
    audit.record(action=action, target=row.order, actor=actor, after=after, summary=str(row)[:300])


def _hand_over(row: Compensation, actor: str) -> tuple[str, str] | None:
    """Do what the kind means; returns the refusal (code, sentence) when it cannot be done."""
    work: dict[str, Callable[[Compensation, str], tuple[str, str] | None]] = {
        Kind.COUPON: _coupon, Kind.GIFT: _gift, Kind.SHIPPING: _refund, Kind.REFUND: _refund,
    }  # fmt: skip
    return work[row.kind](row, actor)


def _coupon(row: Compensation, actor: str) -> tuple[str, str] | None:
    if row.preset.fixed_code:
        code = row.preset.fixed_code
    else:
        free = CouponCode.objects.filter(preset=row.preset, given_to__isnull=True).order_by("pk")
        one = free.select_for_update(skip_locked=True).first()
        if one is None:
            return "comp_no_codes", str(LateError("comp_no_codes"))
        one.given_to, code = row, one.code
        one.save(update_fields=["given_to"])
    row.code = code
    row.save(update_fields=["code"])
    return None


def _gift(row: Compensation, actor: str) -> tuple[str, str] | None:
    """A line of the order, at no price."""
    preset = row.preset
    if preset.sku_id is None:
        return "comp_nothing", str(LateError("comp_nothing", number=row.order.number))
    reason = row.play.title if row.play else str(preset)
    try:
        told = gifts.add(
            order_ids=[row.order_id], sku_id=preset.sku_id, quantity=preset.quantity, actor=actor, reason=reason
        )
    except OrderError as error:
        return error.code, str(error)
    return None if told[0].ok else (told[0].code, told[0].message)


def _refund(row: Compensation, actor: str) -> tuple[str, str] | None:
    """Money goes the road of all refunds: to the platform where it can, else by hand, known when it comes in."""
    try:
        row.rma = apply_refund(row.order, row.amount, actor=actor, key=f"late:{row.pk}", text=str(row.preset))
    except ReturnError as error:
        return error.code, str(error)
    row.save(update_fields=["rma"])
    return None


@transaction.atomic
def apply_refund(order: Order, amount: Decimal, *, actor: str, key: str, text: str = "") -> Return:
    """Give money back without goods, for waiting; the same key again gives nothing more.

    The limit is that of compensations and was looked at before. Raises ReturnError money_unpaid, money_over, money_odd.
    """
    found = requesting.open_return(
        order_id=order.pk, lines={}, goods=False, source=Return.Source.LATE, actor=actor, key=key, text=text
    )
    if found.state == Return.State.REQUESTED:
        found = deciding.approve(return_id=found.pk, actor=actor)
    refunding.propose(return_id=found.pk, lines={}, extra=amount, limit=None, actor=actor, key=key)
    return found


# --- above the limit -------------------------------------------------------------------------------------------------


@transaction.atomic
def decide(*, compensation_id: int, user: User, actor: str, good: bool) -> Compensation:
    """Approve or refuse what somebody asked for above the limit.

    The order is locked first, as when something is given: what it can still get back may have changed since the
    question. Raises LateError comp_decided, or why it cannot be.
    """
    locks.locked_rows(Order.objects.filter(compensations=compensation_id))
    row = locks.locked_rows(Compensation.objects.filter(pk=compensation_id))[0]
    if row.state != State.ASKED:
        raise LateError("comp_decided", who=plays.named(row.decided_by), when=plays.at(row.decided_at))
    if good:
        refused = _hand_over(row, actor)
        if refused is not None:
            raise Refused(*refused)
    row.state = State.GIVEN if good else State.REFUSED
    row.decided_at, row.decided_by = clock.now(), actor[:150]
    row.save(update_fields=["state", "decided_at", "decided_by"])
    _audit(row, "compensation.approve" if good else "compensation.refuse", actor)
    return row


class Refused(LateError):
    """A refusal that has its sentence already."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__("comp_off")
        self.code, self.message, self.params = code, message, {}


def add_codes(*, preset: CompensationPreset, text: str, actor: str) -> tuple[int, int]:
    """Put pasted codes into a preset's pool; returns (new, known already). One a line, spaces around them dropped."""
    codes = list(dict.fromkeys(code for line in text.replace("\0", "").splitlines() if (code := line.strip()[:60])))
    there = set(CouponCode.objects.filter(code__in=codes).values_list("code", flat=True))
    rows = [CouponCode(preset=preset, code=code) for code in codes if code not in there]
    CouponCode.objects.bulk_create(rows, ignore_conflicts=True)
    audit.record(action="coupon.add", target=preset, actor=actor, after={"codes": len(rows)})
    return len(rows), len(codes) - len(rows)


def told(order_ids: Collection[int], play: LatePlay) -> dict[int, str]:
    """Return what each order of a play was given, as the buyer may read it."""
    found: dict[int, list[str]] = {}
    rows = Compensation.objects.filter(Q(play=play), order__in=order_ids, state=State.GIVEN)
    for row in rows.select_related("preset", "order").order_by("pk"):
        found.setdefault(row.order_id, []).append(_words(row))
    return {pk: "; ".join(parts) for pk, parts in found.items()}


def _words(row: Compensation) -> str:
    if row.kind == Kind.COUPON:
        return f"{row.preset} {row.code}".strip()
    if row.amount:
        return f"{row.preset}: {row.amount.normalize():f} {row.order.currency}"
    return str(row.preset)
