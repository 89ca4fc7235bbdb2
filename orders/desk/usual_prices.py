"""What goods usually cost in a shop: what was paid last there, else the list price."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from django.db.models import F, OuterRef, Subquery
from django.db.models.query import QuerySet

from finance import currencies
from inventory.models import Sku
from orders.models import OrderLine


def priced(skus: QuerySet[Sku], shop_id: int, currency: str) -> QuerySet[Sku]:
    """Add `last_price` to SKUs: the newest price of a line of this shop in this currency."""
    lines = OrderLine.objects.filter(
        sku=OuterRef("pk"), order__shop_id=shop_id, order__currency=currency, own=False, pack=1, unit_price__gt=0
    )
    return skus.annotate(last_price=Subquery(lines.order_by("-pk").values("unit_price")[:1]))


def of(sku_ids: Collection[int], shop_id: int, currency: str) -> dict[int, Decimal]:
    """Return the usual price of SKUs as far as there is one, in one query."""
    base = currencies.base_code()
    rows = priced(Sku.objects.filter(pk__in=set(sku_ids)), shop_id, currency)
    found = {}
    for pk, last, listed in rows.values_list("pk", "last_price", F("list_price")):
        price = last if last is not None else listed if currency == base else None
        if price is not None:
            found[pk] = price
    return found
