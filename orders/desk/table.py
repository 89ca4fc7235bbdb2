"""The orders of one action: locked together, each with its outcome, each change with its audit row."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice import actors, audit, bulk, clock, locks
from backoffice.models import AuditEntry
from orders.errors import OrderError
from orders.models import Order, ReviewLog
from orders.models.order import order_reference

_COLUMNS = (
    "state", "approved_at", "hold_code", "hold_note", "hold_department", "held_since", "hold_until", "cancelled_at",
    "cancelled_here", "cancel_reason", "demand_expires_at", "pending_version_id", "updated_at",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one order. `message` is a sentence for the clerk when `ok` is False."""

    order_id: int
    ok: bool
    code: str
    message: str = ""


class Table:
    """Open it inside a transaction: the orders are locked until it ends."""

    def __init__(self, order_ids: Sequence[int], actor: str) -> None:
        self.asked = list(dict.fromkeys(order_ids))
        self.actor, self.now = actor, clock.now()
        self.orders: list[Order] = locks.locked_rows(Order.objects.filter(pk__in=self.asked))
        self.before = {order.pk: order.state for order in self.orders}
        self._outcomes: dict[int, RowOutcome] = {}
        self._late: dict[int, tuple[Order, str]] = {}

    def reload(self) -> None:
        """Read the locked orders again after other code has written them."""
        self.orders = list(Order.objects.filter(pk__in=self.asked).order_by("pk"))

    # --- outcomes ----------------------------------------------------------------------------------------------------

    def refuse(self, order: Order, code: str, **params: Any) -> None:
        """Say why nothing was done to an order."""
        sentence = str(OrderError(code, number=order.number, **params))
        self._outcomes[order.pk] = RowOutcome(order.pk, False, code, sentence)

    def refuse_state(self, order: Order, wanted: str = "") -> None:
        """Say in which state an order is, and (when the outcomes are asked for) who brought it there."""
        went_on = wanted == Order.State.APPROVED and order.state in (Order.State.PARTLY_SHIPPED, Order.State.SHIPPED)
        self._late[order.pk] = (order, "already" if order.state == wanted or went_on else "wrong_state")

    def _tell_late(self) -> None:
        """One query for all whose last change is asked for."""
        targets = {order_reference(pk): pk for pk in self._late}
        entries = AuditEntry.objects.filter(target__in=list(targets)).order_by("pk")
        last = {targets[target]: (actor, at) for target, actor, at in entries.values_list("target", "actor", "at")}
        for pk, (order, code) in self._late.items():
            who, at = last.get(pk, (_("automatically"), order.updated_at))
            when = date_format(timezone.localtime(at), "DATETIME_FORMAT")
            self.refuse(order, code, state=order.get_state_display(), who=named(who), when=when)
        self._late = {}

    def succeed(self, order: Order, code: str) -> None:
        """Say that it was done."""
        self._outcomes[order.pk] = RowOutcome(order.pk, True, code)

    def outcomes(self, accepted: Collection[int] = ()) -> list[RowOutcome]:
        """Return the outcomes in the order asked. What is in `accepted` was done, even if the order stays held."""
        if self._late:
            self._tell_late()
        missing = str(OrderError("not_found"))
        found = [self._outcomes.get(pk, RowOutcome(pk, False, "not_found", missing)) for pk in self.asked]
        return [dataclasses.replace(one, ok=True) if one.order_id in accepted else one for one in found]

    # --- writing -----------------------------------------------------------------------------------------------------

    def save(self, orders: Sequence[Order]) -> None:
        """Write the states and holds of orders in one statement."""
        for order in orders:
            order.updated_at = self.now
        rows = [(order.pk, *(getattr(order, name) for name in _COLUMNS), 1) for order in orders]
        if rows:
            bulk.update_rows(Order, ["id"], _COLUMNS, rows, increments=["revision"])

    def done(self, orders: Sequence[Order], code: str, action: str, after: Mapping[str, Any]) -> None:
        """Note the change and tell that it was done."""
        self.note(orders, action, after)
        for order in orders:
            self.succeed(order, code)

    def note(self, orders: Sequence[Order], action: str, after: Mapping[str, Any]) -> None:
        """Write an audit row for each order."""
        entries = [
            audit.Entry(action, order, {"state": self.before[order.pk]}, after, order.number[:300], self.actor)
            for order in orders
        ]
        if entries:
            audit.record_many(entries)

    def decided(self, orders: Sequence[Order], verdict: str, reason: str) -> None:
        """Write what the person decided beside what the checks had said: the newest review of each order."""
        if not orders:
            return
        newest: dict[int, int] = {}
        rows = ReviewLog.objects.filter(order__in=[order.pk for order in orders]).order_by("pk")
        for order_id, pk in rows.values_list("order_id", "pk"):
            newest[order_id] = pk
        values = (str(verdict), self.actor[:150], reason[:300], self.now)
        columns = ("person_verdict", "person", "person_reason", "decided_at")
        bulk.update_rows(ReviewLog, ["id"], columns, [(pk, *values) for pk in newest.values()], prepared=True)


def named(actor: str) -> str:
    """`user:7 wang` is `wang` to the clerk."""
    return actors.named(actor)
