"""Money for a return: proposed, approved above a limit, wanted from the platform, or given by hand. Never twice."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction

from backoffice import clock
from backoffice.money import allocate, round_money
from orders.contracts import IncomingRefund, IncomingRefundLine
from orders.fulfil import parcels, refunds
from orders.models import Compensation, Order, OrderEvent, Return, ReturnRefund
from orders.models.returns import OPEN
from orders.returns import amounts, limits, locking
from orders.returns.amounts import Suggested
from orders.returns.errors import ReturnError
from orders.returns.matching import OWN

State = ReturnRefund.State
ZERO = Decimal(0)
PAYABLE = tuple(one for one in OPEN if one != Return.State.REQUESTED)


@transaction.atomic
def propose(
    *,
    return_id: int,
    lines: Mapping[int, Decimal],
    actor: str,
    key: str,
    limit: Decimal | None,
    shipping: Decimal = ZERO,
    extra: Decimal = ZERO,
    deduction_reason: str = "",
) -> ReturnRefund:
    """Want money back to the buyer: per line of the return an amount, tax included, and shipping; one call per key.

    `extra` is for no goods at all (a return without any). Above `limit` (base currency, all money of the return
    together; None: any) it waits for approval. Raises ReturnError: not_found, state, unknown_line, money_none,
    money_odd, money_line, money_over, money_unpaid, say_why. Then nothing has happened.
    """
    found = locking.locked(return_id)
    known = ReturnRefund.objects.filter(idempotency_key=key).first()
    if known is not None:
        return known
    locking.must_be(found, *PAYABLE)
    order = found.order
    for amount in (*lines.values(), shipping, extra):
        _must_be_money(order, amount)
    asked = _asked(found, lines)
    total = sum(lines.values(), ZERO) + shipping + extra
    if total <= 0:
        raise ReturnError("money_none")
    deducted = sum((one.amount for one, _amount in asked), ZERO) - sum(lines.values(), ZERO)
    if deducted > 0 and not deduction_reason.strip():
        raise ReturnError("say_why")
    _must_be_shipping(order, shipping)
    _must_be_left(order, total)
    money = _made(found, asked, total, shipping, max(deducted, ZERO), deduction_reason, actor, key)
    if limits.within(order, _of_return(found), limit):
        _want(money, order, actor)
    locking.note(found, actor, "return.refund", summary=f"{total} {order.currency}", money_state=money.state)
    return money


def _asked(found: Return, lines: Mapping[int, Decimal]) -> list[tuple[Suggested, Decimal]]:
    rows = {row.pk: row for row in found.lines.select_related("line").order_by("pk")}
    if set(lines) - set(rows):
        raise ReturnError("unknown_line", number=found.order.number)
    chosen = [rows[pk] for pk, amount in lines.items() if amount]
    asked = [(one, lines[one.line.pk]) for one in amounts.suggested(found, chosen)]
    for one, amount in asked:
        if amount > one.amount:
            label = str(one.line.line)
            raise ReturnError("money_line", label=label, most=_plain(one.amount), wanted=_plain(amount))
    return asked


def _must_be_money(order: Order, amount: Decimal) -> None:
    """Refuse what is no amount of the order's currency: below zero, not a number, parts of a coin, beyond all money."""
    odd = not amount.is_finite() or amount < 0 or amount >= 10**12
    if odd or round_money(amount, amounts.places_of(order)) != amount:
        raise ReturnError("money_odd", wanted=str(amount)[:40], currency=order.currency)


def _must_be_left(order: Order, total: Decimal) -> None:
    stands = amounts.standing(order)
    if stands.paid <= 0:
        raise ReturnError("money_unpaid", number=order.number)
    if total > stands.left:
        figures = {"left": stands.left, "paid": stands.paid, "back": stands.back}
        raise ReturnError("money_over", number=order.number, **{name: _plain(one) for name, one in figures.items()})


def _must_be_shipping(order: Order, shipping: Decimal) -> None:
    left = amounts.shipping_left(order) if shipping else ZERO
    if shipping > left:
        raise ReturnError("money_line", label=str(Order._meta.get_field("shipping_total").verbose_name),
                          most=_plain(left), wanted=_plain(shipping))  # fmt: skip


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}" if amount else "0"


def _of_return(found: Return) -> Decimal:
    """All money of a return, given or under way: many small refunds do not pass a limit that one would not."""
    rows = found.money.exclude(state=State.CANCELLED).values_list("amount", flat=True)
    return sum(rows, ZERO)


def _made(
    found: Return,
    asked: list[tuple[Suggested, Decimal]],
    total: Decimal,
    shipping: Decimal,
    deducted: Decimal,
    reason: str,
    actor: str,
    key: str,
) -> ReturnRefund:
    taxes = [_tax_part(found.order, one, amount) for one, amount in asked]
    content = [
        [one.line.line.external_id, _plain(one.units), _plain(amount), _plain(tax)]
        for (one, amount), tax in zip(asked, taxes, strict=True)
    ]
    return ReturnRefund.objects.create(
        rma=found,
        currency=found.order.currency,
        amount=total,
        tax=sum(taxes, ZERO),
        shipping=shipping,
        deducted=deducted,
        deduction_reason=reason.replace("\0", "").strip()[:300],
        content=content,
        created_at=clock.now(),
        created_by=actor[:150],
        idempotency_key=key[:200],
    )


def _tax_part(order: Order, one: Suggested, amount: Decimal) -> Decimal:
    """Return the tax in an amount that may be less than what was paid."""
    if not one.amount:
        return ZERO
    return allocate(one.tax, [amount, one.amount - amount], amounts.places_of(order))[0]


def _want(money: ReturnRefund, order: Order, actor: str) -> None:
    """Let the platform hear of it; who gives it, the platform or a person, is decided by what the platform can."""
    money.state, money.approved_at, money.approved_by = State.WANTED, clock.now(), actor[:150]
    money.save(update_fields=["state", "approved_at", "approved_by"])
    kind, data = OrderEvent.Kind.REFUND_WANTED, {"money": money.pk}
    parcels.announce([OrderEvent(order=order, kind=kind, data=data, created_at=clock.now())])


# --- what people do with it ------------------------------------------------------------------------------------------


@transaction.atomic
def approve(*, money_id: int, actor: str) -> ReturnRefund:
    """Approve what is above the proposer's limit. Raises ReturnError: not_found, money_state, money_own."""
    money, found = _locked(money_id)
    _must_stand(money, State.PROPOSED)
    if money.created_by == actor[:150]:
        raise ReturnError("money_own")
    _want(money, found.order, actor)
    locking.note(found, actor, "return.refund_approve", summary=str(money))
    return money


@transaction.atomic
def withdraw(*, money_id: int, actor: str, reason: str) -> ReturnRefund:
    """Drop money that nobody has begun to give. Raises ReturnError: not_found, money_state, say_why."""
    money, found = _locked(money_id)
    _must_stand(money, State.PROPOSED, State.WANTED, State.MANUAL)
    if not reason.strip():
        raise ReturnError("say_why")
    _set(money, State.CANCELLED, actor, problem=reason.replace("\0", "").strip()[:300])
    # Money for waiting that is not given after all costs nothing, and leaves the limit of its order free again.
    Compensation.objects.filter(rma=found).update(
        state=Compensation.State.REFUSED, decided_at=clock.now(), decided_by=actor[:150]
    )
    locking.note(found, actor, "return.refund_withdraw", summary=f"{money} {reason}"[:250])
    return money


@transaction.atomic
def take_over(*, money_id: int, actor: str) -> ReturnRefund:
    """Give it by hand instead of waiting for the platform. Raises ReturnError: not_found, money_state."""
    money, found = _locked(money_id)
    _must_stand(money, State.WANTED)
    _set(money, State.MANUAL, actor)
    locking.note(found, actor, "return.refund_by_hand", summary=str(money))
    return money


@transaction.atomic
def given_by_hand(*, money_id: int, actor: str) -> ReturnRefund:
    """Note that a person gave it on the platform: recorded once, told to the books, and the return goes on.

    When the platform tells of it later, it is known by its amount and not recorded again. Raises ReturnError:
    not_found, money_state.
    """
    money, found = _locked(money_id)
    _must_stand(money, State.MANUAL)
    now = clock.now()
    incoming = IncomingRefund(
        external_id=f"{OWN}{money.pk}",
        refunded_at=now,
        amount=money.amount,
        shipping=money.shipping,
        reason=found.number,
        lines=tuple(
            IncomingRefundLine(line_external_id=line, quantity=Decimal(units), amount=Decimal(amount), tax=Decimal(tax))
            for line, units, amount, tax in money.content
        ),
    )
    refunds.record(found.order, [incoming], now, actor)
    money.refresh_from_db()
    return money


def _locked(money_id: int) -> tuple[ReturnRefund, Return]:
    return_id = ReturnRefund.objects.filter(pk=money_id).values_list("rma_id", flat=True).first()
    if return_id is None:
        raise ReturnError("not_found")
    found = locking.locked(return_id)
    money = ReturnRefund.objects.select_for_update().get(pk=money_id)
    money.rma = found
    return money, found


def _must_stand(money: ReturnRefund, *states: str) -> None:
    if money.state not in states:
        who = locking.last(money.done_by or money.approved_by or money.created_by,
                           money.done_at or money.approved_at or money.created_at)  # fmt: skip
        raise ReturnError("money_state", state=money.get_state_display(), **who)


def _set(money: ReturnRefund, state: str, actor: str, **fields: str) -> None:
    money.state, money.done_by, money.done_at = state, actor[:150], clock.now()
    for name, value in fields.items():
        setattr(money, name, value)
    money.save(update_fields=["state", "done_by", "done_at", *fields])


# --- what the platform's side does with it (channels) ----------------------------------------------------------------


def by_hand(ids: list[int], problem: str = "", *, unknown: bool = False) -> int:
    """The platform cannot give these: a person has to, and says so. Returns how many were still wanted.

    `unknown`: it may have been given all the same, so that the person looks there first.
    """
    rows = ReturnRefund.objects.filter(pk__in=ids, state__in=(State.WANTED, State.SENDING)) if ids else None
    if rows is None:
        return 0
    return rows.update(state=State.MANUAL, maybe_given=unknown, problem=problem[:300])


def try_again(ids: list[int]) -> int:
    """A person lets the platform be asked again; returns how many still wait for a hand."""
    if not ids:
        return 0
    rows = ReturnRefund.objects.filter(pk__in=ids, state=State.MANUAL)
    return rows.update(state=State.WANTED, maybe_given=False, problem="")


def begin_sending(money_id: int) -> bool:
    """Take it before the call to the platform; False when a person has withdrawn it, taken it over or it is given."""
    rows = ReturnRefund.objects.filter(pk=money_id, state__in=(State.WANTED, State.SENDING))
    return bool(rows.update(state=State.SENDING))


def sent(money_id: int, external_id: str) -> None:
    """The platform has given it; it is done once the platform's own record of it has come in."""
    rows = ReturnRefund.objects.filter(pk=money_id)
    rows.filter(state=State.SENDING).update(state=State.SENT, external_id=external_id[:200], problem="")
