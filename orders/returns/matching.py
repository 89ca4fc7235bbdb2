"""A platform's refund and our returns: the same money is never counted twice, the same goods never put back twice.

`orders.fulfil.refunds` asks here while it records what a platform tells, under the order's lock.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from orders.contracts import IncomingRefund
from orders.models import Order, Refund, RefundLine, Return, ReturnLine, ReturnPolicy, ReturnRefund
from orders.models.returns import OPEN
from orders.returns import deciding, locking, requesting

State = ReturnRefund.State
ZERO = Decimal(0)
OWN = "return:"  # begins the id of a refund that was given by hand and recorded here
AWAITED = (State.SENT, State.SENDING, State.WANTED, State.MANUAL)


@dataclasses.dataclass(slots=True)
class Known:
    """What our returns know of one order whose refunds are being recorded."""

    order: Order
    money: list[ReturnRefund]  # that may still come in from the platform, and what was recorded here by hand
    announced: dict[int, Decimal]  # line → units on open returns that nobody has decided about
    unpaid: dict[int, Decimal]  # of these, units whose money is not given yet: the next refund may be theirs
    open_lines: list[ReturnLine]
    inspect: bool

    @classmethod
    def of(cls, order: Order) -> Known:
        """Read it: three queries."""
        money = list(
            ReturnRefund.objects.filter(rma__order=order, state__in=(*AWAITED, State.DONE))
            .select_related("rma", "refund")
            .order_by("pk")
        )
        announced: dict[int, Decimal] = defaultdict(lambda: ZERO)
        unpaid: dict[int, Decimal] = defaultdict(lambda: ZERO)
        paid = {row.rma_id for row in money if row.state == State.DONE}
        waiting = ReturnLine.objects.filter(rma__order=order, rma__goods=True, rma__state__in=OPEN)
        rows = list(waiting.select_related("rma").order_by("rma_id"))
        for row in rows:
            units = max(row.quantity, row.received_quantity) - row.decided_quantity
            announced[row.line_id] += units
            if row.rma.refund_id is None and row.rma_id not in paid:
                unpaid[row.line_id] += units
        inspect = ReturnPolicy.objects.filter(shop=order.shop_id, inspect=True).exists()
        return cls(order, money, announced, unpaid, rows, inspect)

    def recorded_here(self, one: IncomingRefund) -> bool:
        """Give the platform's id to a refund that a person gave by hand and recorded here; False when there is none."""
        if one.external_id.startswith(OWN):
            return False
        for row in self.money:
            refund = row.refund
            if refund is not None and refund.external_id.startswith(OWN) and refund.amount == one.amount:
                refund.external_id = one.external_id
                refund.save(update_fields=["external_id"])
                ReturnRefund.objects.filter(pk=row.pk).update(external_id=one.external_id[:200])
                return True
        return False

    def awaited(self, one: IncomingRefund) -> ReturnRefund | None:
        """Return the money of a return that this refund is: by the platform's id, else by the amount, oldest first."""
        open_ones = [row for row in self.money if row.state in AWAITED]
        if one.external_id.startswith(OWN):
            return next((row for row in open_ones if f"{OWN}{row.pk}" == one.external_id), None)
        by_id = next((row for row in open_ones if row.external_id and row.external_id == one.external_id), None)
        equal = (row for row in open_ones if not row.external_id and row.amount == one.amount)
        return by_id or next(equal, None)

    def through_inspection(self, rows: Sequence[RefundLine], money: ReturnRefund | None) -> None:
        """Keep goods off the shelf that a return brings: by the shop's rule, or because one is open for them.

        Goods whose money was given before are other goods than those of this refund.
        """
        for row in rows:
            if row.restock and (self.inspect or money is not None or self.unpaid[row.line_id] > 0):
                row.restock = False

    def settled(self, refund: Refund, rows: Sequence[RefundLine], money: ReturnRefund | None, actor: str) -> None:
        """Follow a refund that was just recorded: the money of its return is given, or goods are expected.

        One that nobody asked for here may still be the money of an open return: by its goods.
        """
        if money is not None:
            given(money, refund, actor)
            return
        coming: dict[int, Decimal] = defaultdict(lambda: ZERO)
        for row in rows:
            if row.of_shipped > 0 and not row.restocked:
                coming[row.line_id] += row.of_shipped
        found = self._return_of(coming)
        if found is not None:
            _paid_over_there(found, refund, actor)
        elif self.order.state != Order.State.CANCELLED:
            more = {pk: units - self.announced[pk] for pk, units in coming.items() if units > self.announced[pk]}
            requesting.expect(self.order, refund, more, refund.recorded_at, actor)

    def _return_of(self, coming: dict[int, Decimal]) -> Return | None:
        """Return the oldest open return that brings all of these goods and has no money yet."""
        paid = {row.rma_id for row in self.money}
        for found in {row.rma_id: row.rma for row in self.open_lines}.values():
            mine = {row.line_id: row.quantity for row in self.open_lines if row.rma_id == found.pk}
            free = found.wants == Return.Wants.REFUND and found.refund_id is None and found.pk not in paid
            if coming and free and all(mine.get(pk, ZERO) >= units for pk, units in coming.items()):
                return found
        return None


def _paid_over_there(found: Return, refund: Refund, actor: str) -> None:
    found.order, found.refund = refund.order, refund
    locking.moved(found, actor, "return.money_given", "refund", amount=str(refund.amount), refund=refund.external_id)
    deciding.settle_if_done(found, actor)


def given(money: ReturnRefund, refund: Refund, actor: str) -> None:
    """Note that the money of a return is given, and settle the return when nothing else is open."""
    money.state, money.refund, money.done_at, money.done_by = State.DONE, refund, refund.recorded_at, actor[:150]
    if not refund.external_id.startswith(OWN):
        money.external_id = refund.external_id[:200]
    money.problem = ""
    money.save(update_fields=["state", "refund", "done_at", "done_by", "external_id", "problem"])
    found = Return.objects.select_for_update().select_related("order").get(pk=money.rma_id)
    locking.note(found, actor, "return.money_given", amount=str(money.amount), refund=refund.external_id)
    deciding.settle_if_done(found, actor)
