"""What the price of an invoiced row changes: the value of goods still there, sales that took the rest, their months."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Sequence
from decimal import Decimal

from backoffice.models import User
from finance import posting
from finance.posting.months import book_day, month_of
from inventory import access
from inventory.costing.method import setting
from inventory.costing.ripple import Correction, Gone, Ripple, trace
from inventory.sets import Pair
from orders.models import Order, OrderLine
from orders.supply.costs.booking import LINE, grouped
from orders.supply.costs.receipts import Receipt

SHOWN = 5  # orders named in a row


@dataclasses.dataclass(frozen=True, slots=True)
class Effect:
    """Where the difference of a row goes, as plain texts that JSON carries, and what booking it compares."""

    told: dict[str, str]
    stock: Decimal = Decimal(0)
    pairs: frozenset[Pair] = frozenset()


def of(parts: Sequence[tuple[Receipt, Decimal]], user: User | None) -> Effect:
    """Return what the shares of some receipts change."""
    if not parts:
        return Effect({})
    ripple = trace([Correction(one.entry_key, share) for one, share in parts if share])
    told = {"stock": f"{ripple.kept_amount:f}"} if ripple.kept_amount else {}
    if ripple.gone_amount:
        told |= {"gone": f"{ripple.gone_amount:f}", **_gone(ripple, user)}
    return Effect(told, ripple.kept_amount, frozenset(ripple.pairs))


def _gone(ripple: Ripple, user: User | None) -> dict[str, str]:
    """The orders that took goods, the months that change, the closed ones that do not."""
    late, told = setting().late, {}
    months: dict[str, Decimal] = defaultdict(Decimal)
    for (_shop, month), rows in grouped(ripple.gone, late).items():
        months[f"{month:%Y-%m}" if month else ""] += sum((one.amount for one in rows), Decimal(0))
    names = _names(ripple.gone, user)
    if names:
        told["orders"] = ", ".join(names[:SHOWN]) + (f" +{len(names) - SHOWN}" if len(names) > SHOWN else "")
    told["months"] = "; ".join(f"{month}={amount:f}" for month, amount in sorted(months.items()))
    closed = posting.closed_months(book_day(one.occurred_at) for one in ripple.gone)
    touched = {month_of(book_day(one.occurred_at)) for one in ripple.gone if one.amount} & closed
    if touched:
        told["closed"] = ", ".join(f"{one:%Y-%m}" for one in sorted(touched))
    return told


def _names(gone: Collection[Gone], user: User | None) -> list[str]:
    """The numbers of orders that took goods, of the shops that the person sees."""
    said = {one.reference.removeprefix(LINE) for one in gone if one.reference.startswith(LINE)}
    ids = OrderLine.objects.filter(pk__in=[int(one) for one in said if one.isdecimal()]).values("order")
    return list(access.visible(user, Order.objects.filter(pk__in=ids)).order_by("pk").values_list("number", flat=True))
