"""What is wrong with the stock now, kind by kind. Others register watches of their own (lots: what expires)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from django.db.models import Exists, F, OuterRef

from backoffice import clock
from inventory.alerts.rules import RuleBook
from inventory.models import AlertKind, Balance, Bucket, Reason, Sku, StockAlertRule, StockEntry


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """One trouble now. `rule` says whose it is; without one the buyers' department is told."""

    kind: str
    sku_id: int
    warehouse_id: int
    quantity: Decimal
    threshold: Decimal | None = None
    rule: StockAlertRule | None = None
    note: str = ""


Watch = Callable[[RuleBook], Iterable[Seen]]
_watches: dict[str, Watch] = {}


def register_watch(name: str, watch: Watch) -> None:
    """Add a watch, in AppConfig.ready(); a second one of the same name replaces the first."""
    _watches[name] = watch


def all_seen(book: RuleBook) -> Iterator[Seen]:
    """Yield all that is wrong now and not switched off by its rule."""
    for watch in _watches.values():
        for one in watch(book):
            if one.rule is None or one.rule.active:
                yield one


def register_own() -> None:
    """Register the stock's own watches."""
    register_watch("levels", levels)
    register_watch("slow", slow)


def _balances() -> Iterator[tuple[int, int, str, Decimal, Decimal, Decimal, Decimal | None]]:
    """SKU, warehouse, category, on hand, reserved, what is ordered or may not be sold, and the SKU's mark."""
    rows = Balance.objects.filter(
        sku__active=True, sku__kind=Sku.Kind.STOCKED, warehouse__active=True, warehouse__read_only=False
    )
    columns = ("sku_id", "warehouse_id", "sku__product__category", "on_hand", "reserved", "demand", "sku__low_stock")
    for *place, on_hand, reserved, demand, mark, held in rows.order_by("id").values_list(*columns, "unsellable"):
        yield (*place, on_hand, reserved, demand + held, mark)


def levels(book: RuleBook) -> Iterator[Seen]:
    """Out while orders wait, else low; and too much."""
    for sku_id, place, category, on_hand, reserved, demand, mark in _balances():
        free = on_hand - reserved - demand
        if free < 0:
            yield Seen(AlertKind.OUT, sku_id, place, free, Decimal(0), book.best("out", sku_id, category, place))
        else:
            rule = book.best(AlertKind.LOW, sku_id, category, place)
            limit = mark if rule is None or rule.threshold is None else rule.threshold
            if limit is not None and free <= limit:
                yield Seen(AlertKind.LOW, sku_id, place, free, limit, rule)
        most = book.best(AlertKind.OVER, sku_id, category, place)
        if most is not None and most.threshold is not None and on_hand > most.threshold:
            yield Seen(AlertKind.OVER, sku_id, place, on_hand, most.threshold, most)


def slow(book: RuleBook) -> Iterator[Seen]:
    """Goods that lay here before and of which nothing was sold for the days of their rule."""
    for days in sorted({one.days for one in book.of_kind(AlertKind.SLOW) if one.days}):
        for sku_id, place, category, on_hand in _unsold(clock.now() - dt.timedelta(days=days)):
            rule = book.best(AlertKind.SLOW, sku_id, category, place)
            if rule is not None and rule.days == days:
                yield Seen(AlertKind.SLOW, sku_id, place, on_hand, None, rule)


def _unsold(since: dt.datetime) -> Iterable[tuple[int, int, str, Decimal]]:
    here = StockEntry.objects.filter(sku=OuterRef("sku"), warehouse=OuterRef("warehouse"), bucket=Bucket.ON_HAND)
    sold = here.filter(recorded_at__gte=since, reason=Reason.SHIPMENT)
    rows = Balance.objects.filter(~Exists(sold), Exists(here.filter(recorded_at__lt=since)), on_hand__gt=F("reserved"))
    active = rows.filter(sku__active=True, warehouse__active=True)
    return active.order_by("id").values_list("sku_id", "warehouse_id", "sku__product__category", "on_hand")
