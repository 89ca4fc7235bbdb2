"""Returns by reason, SKU and shop with their value: what comes back, why, and what it costs."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Count, QuerySet, Sum

from orders.models import Return, ReturnDecision, ReturnLine, ReturnRefund
from orders.returns.requesting import DEAD

ZERO = Decimal(0)
MOST_ROWS = 5_000


@dataclasses.dataclass(slots=True)
class Row:
    """One line of the report. Money is in the base currency; None: an order had no rate."""

    label: str
    returns: int = 0
    pieces: Decimal = ZERO
    restocked: Decimal = ZERO
    lost: Decimal = ZERO  # cost of what was scrapped
    refunded: Decimal = ZERO
    unpriced: int = 0  # refunds whose order has no rate


def within(returns: QuerySet[Return], since: dt.datetime, until: dt.datetime) -> QuerySet[Return]:
    """Return the returns opened in a span: neither refused nor cancelled, nor mere money for waiting."""
    rows = returns.filter(requested_at__gte=since, requested_at__lt=until)
    return rows.exclude(state__in=DEAD).exclude(source=Return.Source.LATE)


def by_reason(returns: QuerySet[Return]) -> list[Row]:
    """Return a row per reason, the most frequent first."""
    return _by_return(returns, "reason_id", lambda found: str(found.reason) if found.reason else "–")


def by_shop(returns: QuerySet[Return]) -> list[Row]:
    """Return a row per shop."""
    return _by_return(returns, "order__shop_id", lambda found: found.order.shop.name)


def _by_return(returns: QuerySet[Return], key: str, label: object) -> list[Row]:
    """Sum returns by a key of theirs in a handful of statements, however many there are."""
    names = {}
    for pk, count in returns.values_list(key).annotate(count=Count("pk")).order_by():
        first = returns.filter(**{key: pk}).select_related("reason", "order__shop").first()
        if first is not None:
            names[pk] = Row(label(first), count)  # type: ignore[operator]
    lines = ReturnLine.objects.filter(rma__in=returns)
    for pk, pieces in lines.values_list(f"rma__{key}").annotate(sum=Sum("received_quantity")).order_by():
        names[pk].pieces = pieces or ZERO
    _add_decisions(names, ReturnDecision.objects.filter(return_line__rma__in=returns), f"return_line__rma__{key}")
    _add_money(names, returns, key)
    return sorted(names.values(), key=lambda row: (-row.returns, row.label))


def _add_decisions(rows: dict[int, Row], decisions: QuerySet[ReturnDecision], key: str) -> None:
    sums = decisions.values_list(key, "verdict").annotate(units=Sum("quantity"), cost=Sum("cost_value")).order_by()
    for pk, verdict, units, cost in sums:
        if verdict == ReturnDecision.Verdict.RESTOCK:
            rows[pk].restocked += units or ZERO
        elif verdict == ReturnDecision.Verdict.SCRAP:
            rows[pk].lost += cost or ZERO


def _add_money(rows: dict[int, Row], returns: QuerySet[Return], key: str) -> None:
    """Add what was given back: wanted here, or refunded on the platform for the return."""
    money = ReturnRefund.objects.filter(rma__in=returns, state=ReturnRefund.State.DONE)
    fields = ("order__total", "order__base_total")
    given: Iterable[tuple[int, Decimal, Decimal, Decimal | None]] = [
        *money.values_list(f"rma__{key}", "amount", *(f"rma__{name}" for name in fields)),
        *returns.exclude(refund=None).values_list(key, "refund__amount", *fields),
    ]
    for pk, amount, total, base in given:
        if base is None or not total:
            rows[pk].unpriced += 1
        else:
            rows[pk].refunded += amount * base / total


def by_sku(returns: QuerySet[Return]) -> list[Row]:
    """Return a row per SKU, the most pieces first. Money is given per order, so it stands in the other two tables."""
    lines = ReturnLine.objects.filter(rma__in=returns).exclude(line__sku=None)
    rows: dict[int, Row] = {}
    sums = lines.values_list("line__sku", "line__sku__code", "line__sku__name").order_by()
    for pk, code, name, count, pieces in sums.annotate(count=Count("rma", distinct=True), sum=Sum("received_quantity")):
        rows[pk] = Row(f"{code} · {name}"[:120], count, pieces or ZERO)
    decided = ReturnDecision.objects.filter(return_line__in=lines)
    _add_decisions(rows, decided, "return_line__line__sku")
    return sorted(rows.values(), key=lambda row: (-row.pieces, row.label))[:MOST_ROWS]


def totals(rows: list[Row]) -> Row:
    """Sum a table."""
    whole: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        for name in ("pieces", "restocked", "lost", "refunded"):
            whole[name] += getattr(row, name)
    return Row("", sum(row.returns for row in rows), **whole, unpriced=sum(row.unpriced for row in rows))
