"""What we know of an order, and what one delivery does to it: read for a whole page, decided in memory."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence

from backoffice import locks
from orders.contracts import IncomingOrder, from_json
from orders.intake.create import FreshLine
from orders.intake.drafts import Draft
from orders.models import Order, OrderContact, OrderLine, OrderVersion

State = Order.State
Version = OrderVersion.Outcome


@dataclasses.dataclass(slots=True)
class Known:
    """An order in the tables, with all that deciding about a newer version needs."""

    order: Order
    contact: OrderContact
    lines: dict[str, OrderLine]
    versions: dict[str, tuple[int, str]]  # digest → (id, outcome)
    number: int  # of the newest version
    base: IncomingOrder  # the version decided last: accepted, or rejected after it
    base_rejected: bool


@dataclasses.dataclass(slots=True)
class Change:
    """What one delivery does to one order."""

    known: Known
    draft: Draft
    version_id: int
    outcome: str = Version.ACCEPTED.value
    action: str = "updated"
    release: list[OrderLine] = dataclasses.field(default_factory=list)  # give everything back
    cut: list[OrderLine] = dataclasses.field(default_factory=list)  # bring to the quantity wanted now
    fresh: list[tuple[OrderLine, FreshLine]] = dataclasses.field(default_factory=list)
    judge: bool = False
    cancelled: bool = False
    contact_changed: bool = False

    @property
    def order(self) -> Order:
        """The order it is about."""
        return self.known.order


def read(order_ids: Sequence[int]) -> dict[int, Known]:
    """Lock orders and read all that deciding about them needs."""
    orders = locks.locked_rows(Order.objects.filter(pk__in=order_ids))
    contacts = OrderContact.objects.in_bulk([order.pk for order in orders])
    lines: dict[int, dict[str, OrderLine]] = defaultdict(dict)
    for line in OrderLine.objects.filter(order_id__in=order_ids).select_related("sku").order_by("position", "pk"):
        lines[line.order_id][line.external_id] = line
    versions: dict[int, list[tuple[int, int, str, str]]] = defaultdict(list)
    rows = OrderVersion.objects.filter(order_id__in=order_ids).order_by("number")
    for order_id, pk, number, digest, outcome in rows.values_list("order_id", "id", "number", "digest", "outcome"):
        versions[order_id].append((pk, number, digest, outcome))
    bases = {order.pk: _base(order, versions[order.pk]) for order in orders}
    texts = dict(OrderVersion.objects.filter(pk__in=bases.values()).values_list("pk", "content"))
    return {
        order.pk: _known(order, contacts[order.pk], lines[order.pk], versions[order.pk], bases[order.pk], texts)
        for order in orders
    }


def _base(order: Order, versions: Sequence[tuple[int, int, str, str]]) -> int:
    """The version a new one is compared with: the accepted one, or one that a person rejected after it."""
    decided = [pk for pk, _number, _digest, outcome in versions if outcome in (Version.ACCEPTED, Version.REJECTED)]
    return max([order.accepted_version_id or 0, *decided])


def _known(
    order: Order,
    contact: OrderContact,
    lines: dict[str, OrderLine],
    versions: Sequence[tuple[int, int, str, str]],
    base: int,
    texts: dict[int, str],
) -> Known:
    return Known(
        order=order,
        contact=contact,
        lines=lines,
        versions={digest: (pk, outcome) for pk, _number, digest, outcome in versions},
        number=max(number for _pk, number, _digest, _outcome in versions),
        base=from_json(texts[base]),
        base_rejected=base != order.accepted_version_id,
    )
