"""The consumer "push" of the stock's news: each change asks again for every figure that it goes into."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from backoffice import outbox
from channels.push import jobs
from inventory.models import StockChange, StockChangeDelivery

NAME = "push"


def handle(claims: Sequence[outbox.Claim]) -> None:
    """Touch the jobs of a page of stock changes and complete the deliveries, in one transaction."""
    with transaction.atomic():
        news = StockChange.objects.filter(pk__in=[one.event_id for one in claims])
        by_cause: dict[str, set[tuple[int, int]]] = {}
        for sku_id, warehouse_id, cause in news.values_list("sku_id", "warehouse_id", "cause"):
            by_cause.setdefault(cause, set()).add((sku_id, warehouse_id))
        for cause, pairs in sorted(by_cause.items()):
            jobs.touch_stock(pairs, cause=cause)
        outbox.complete(StockChangeDelivery, claims)
