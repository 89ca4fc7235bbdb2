"""What of tracked goods could not be sold at a past moment: lots as they lay then, blocks and dates as they were."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, Sum
from django.utils import timezone

from inventory.lots.registry import house_days
from inventory.models import LotBlock, LotMovement
from inventory.sets import Pair


def unsellable(pairs: Collection[Pair], at: dt.datetime) -> dict[Pair, Decimal]:
    """Return it by balance. The SKU's and the house's days are those of now: what they were is not kept."""
    then = LotBlock.objects.filter(lot=OuterRef("lot"), blocked_at__lte=at)
    blocked = Exists(then.filter(Q(opened_at__isnull=True) | Q(opened_at__gt=at)))
    rows = LotMovement.objects.filter(
        sku_id__in={pair[0] for pair in pairs}, warehouse_id__in={pair[1] for pair in pairs}, recorded_at__lte=at
    )
    columns = ("sku_id", "warehouse_id", "lot_id", "lot__expires_on", "lot__sku__ship_days", "blocked")
    there = rows.annotate(blocked=blocked).order_by().values_list(*columns).annotate(there=Sum("quantity"))
    day, house = timezone.localtime(at, timezone.get_default_timezone()).date(), None
    found: dict[Pair, Decimal] = {}
    for sku_id, place, _lot, expires_on, days, held, quantity in there.values_list(*columns, "there"):
        if days is None and expires_on is not None:
            house = house_days() if house is None else house
        good = expires_on is None or (expires_on - day).days >= (days if days is not None else house or 0)
        if held or not good:
            found[sku_id, place] = found.get((sku_id, place), Decimal(0)) + quantity
    return found
