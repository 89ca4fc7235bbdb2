"""What expires soon, for the stock alerts: days and owner by SKU, category and warehouse, else the house's days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from inventory.alerts.rules import RuleBook
from inventory.alerts.watches import Seen
from inventory.lots.shelf import today
from inventory.models import AlertKind, LotBalance, LotSetting, StockAlertRule


def expiring(book: RuleBook) -> Iterator[Seen]:
    """One alert a SKU and warehouse: the pieces of all lots that expire within the days, the first lot named."""
    house = LotSetting.objects.filter(pk=1).values_list("alert_days", flat=True).first() or _usual()
    rows = LotBalance.objects.filter(
        on_hand__gt=0, lot__expires_on__isnull=False, warehouse__active=True, sku__active=True, sku__tracking__gt=0
    )
    columns = ("sku_id", "warehouse_id", "sku__product__category", "lot__expires_on", "lot__number", "on_hand")
    day = today()
    found: dict[tuple[int, int], tuple[tuple[str, dt.date], Decimal, StockAlertRule | None]] = {}
    for sku_id, place, category, expires_on, number, quantity in rows.order_by("lot__expires_on", "lot_id").values_list(
        *columns
    ):
        rule = book.best(AlertKind.EXPIRING, sku_id, category, place)
        days = house if rule is None or rule.days is None else rule.days
        if (expires_on - day).days > days:
            continue
        first, pieces, _rule = found.get((sku_id, place), ((number, expires_on), Decimal(0), rule))
        found[sku_id, place] = (first, pieces + quantity, rule)
    for (sku_id, place), ((number, expires_on), pieces, rule) in found.items():
        first_of = " · ".join(part for part in (number, str(expires_on)) if part)  # kept: in no language
        yield Seen(AlertKind.EXPIRING, sku_id, place, pieces, None, rule, first_of[:200])


def _usual() -> int:
    return int(LotSetting._meta.get_field("alert_days").default)
