"""What the routing tests share: policies and rate tables as people keep them."""

from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice import clock
from orders.fulfil.routing import policies
from orders.models import RateRow, RateTable, RoutingPolicy


def policy(*criteria: str, shops=(), general=False, lists=(), priority=(), split=False, name="P", **fields):
    """A policy that is on: by these criteria, in this order."""
    row = RoutingPolicy(
        name=name,
        general=general,
        criteria=policies.checked_criteria([{"by": one} for one in criteria or ("complete", "priority")]),
        priority=[place.pk for place in priority],
        lists=[{"warehouse": place.pk if place else None, "mode": mode, "places": list(where)}
               for place, mode, where in lists],
        split_lines=split,
        **fields,
    )  # fmt: skip
    return policies.save(policy=row, shops=shops, actor="user:1 boss")


def rates(name, currency, *rows, warehouses=()):
    """A rate table of (country, postcode, up to g, base, per kg)."""
    table = RateTable.objects.create(
        name=name, currency=currency, warehouses=[one.pk for one in warehouses], updated_at=clock.now(), updated_by="x"
    )
    for country, postcode, up_to, base, per_kg in rows:
        RateRow.objects.create(
            table=table, country=country, postcode=postcode, up_to_g=up_to, base=Decimal(base), per_kg=Decimal(per_kg)
        )
    return table


def counted(job) -> int:
    """How many queries a job makes."""
    with CaptureQueriesContext(connection) as seen:
        job()
    return len(seen)
