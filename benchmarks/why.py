"""why: the explanation of one published number, of a SKU with 100,000 movements.

Ours: both pages' facts, `inventory.explain.why` and `channels.why.picture`, now and an hour ago.
Limit: the bare queries for what they show: the balance, the newest movements, what is held, the last publications.
The bar is 100 ms over the limit (95th percentile), and a number of queries that does not grow with the movements.

    python -m benchmarks.why [--movements 100000] [--requests 100]
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from benchmarks import ground

MOST_OVER = 100.0  # milliseconds
PUBLISHED = 5_000  # publications of the listing
FEW = 1_000  # movements of the SKU that the number of queries is compared with
MOVES = """
INSERT INTO inventory_stockentry (key, sku_id, warehouse_id, bucket, quantity, value, reason, reference, occurred_at,
  recorded_at, lot, bin, condition, actor)
SELECT 'bench:%(sku)s:' || n, %(sku)s, %(place)s, 1, CASE WHEN n %% 2 = 0 THEN -1000 ELSE 1000 END,
  CASE WHEN n %% 2 = 0 THEN -10000 ELSE 10000 END, 'correction', 'bench:' || n, moment, moment, '', '', '', 'bench'
FROM (SELECT n, now() - (%(count)s - n) * interval '25 seconds' AS moment FROM generate_series(1, %(count)s) AS n) AS s
"""
BARE = (
    "SELECT * FROM inventory_balance WHERE sku_id = %(sku)s",
    "SELECT * FROM inventory_stockentry WHERE sku_id = %(sku)s AND warehouse_id = %(place)s ORDER BY id DESC LIMIT 30",
    "SELECT * FROM inventory_reservation WHERE sku_id = %(sku)s AND quantity > 0 LIMIT 200",
    "SELECT * FROM channels_publicationlog WHERE listing_id = %(listing)s ORDER BY decided_at DESC LIMIT 20",
)


def main() -> int:
    """Measure and report; returns 1 when the number of queries grows with the movements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--movements", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=100)
    arguments = parser.parse_args()
    ground.fresh_database("bench_why")
    few, many = _published("FEW", FEW), _published("MANY", arguments.movements)
    hour = dt.timedelta(hours=1)
    grown = []
    for name, ago in (("now", None), ("past", hour)):
        ours, limit = _measure(many, ago, arguments.requests)
        counts = [_queries(one, ago) for one in (few, many)]
        over = ours - limit
        ground.say(f"{name:5} p95 {ours:.1f} ms, bare {limit:.1f} ms, {over:.1f} ms over; {counts[1]} queries")
        ground.report(f"why_{name}", over, MOST_OVER, "ms over", ratio=MOST_OVER / max(over, 0.1))
        if counts[0] != counts[1]:
            grown.append(f"{name}: {counts[0]} → {counts[1]}")
    if grown:
        ground.say(f"FAULT: the number of queries grows with the movements: {', '.join(grown)}")
    return 1 if grown else 0


@dataclasses.dataclass(frozen=True, slots=True)
class Published:
    """One published number."""

    job: Any
    sku_id: int
    shop_id: int
    warehouse_id: int


def _published(code: str, count: int) -> Published:
    """A shop whose listing shows the stock of one SKU with so many movements."""
    from django.db import connection

    from backoffice import clock
    from channels.models import Account, Listing, ListingMatch, PublicationLog, PushJob, RemoteLocation
    from inventory.models import Balance, Product, Shop, ShopWarehouse, Sku, Warehouse

    now = clock.now()
    place = Warehouse.objects.create(code=code, name=code)
    shop = Shop.objects.create(code=code, name=code, currency="EUR")
    long_ago = now - dt.timedelta(days=900)
    ShopWarehouse.objects.create(shop=shop, warehouse=place, valid_from=long_ago)
    sku = Sku.objects.create(product=Product.objects.create(name=code), code=code, name=code)
    Balance.objects.create(sku=sku, warehouse=place, on_hand=Decimal(0), updated_at=now)
    account = Account.objects.create(shop=shop, platform="shopify", name=code, hook_token=code)
    location = RemoteLocation.objects.create(account=account, read_at=now, whole_shop=True)
    listing = Listing.objects.create(account=account, external_id=code, title=code, first_seen_at=now, read_at=now)
    ListingMatch.objects.create(listing=listing, sku=sku, how="code", valid_from=long_ago)
    with connection.cursor() as cursor:
        cursor.execute(MOVES % {"sku": sku.pk, "place": place.pk, "count": count})
        cursor.execute("VACUUM ANALYZE")
    job = PushJob.objects.create(account=account, listing=listing, location=location, not_before=now)
    figures = {"available": [], "steps": []}
    PublicationLog.objects.bulk_create(
        [
            PublicationLog(
                account=account,
                listing=listing,
                location=location,
                mode="live",
                sequence=n,
                inputs=figures,
                desired=n,
                sent=n,
                status="applied",
                observed=n,
                decided_at=now - dt.timedelta(minutes=n),
                answered_at=now - dt.timedelta(minutes=n),
            )
            for n in range(PUBLISHED)
        ],
        batch_size=1_000,
    )
    return Published(job, sku.pk, shop.pk, place.pk)  # fmt: skip


def _explain(one: Published, ago: dt.timedelta | None) -> None:
    """What the two pages need: the number term by term with its rows, and the listing's whole picture."""
    from backoffice import clock
    from channels import why
    from inventory import explain

    at = clock.now() - ago if ago else None
    found = explain.why(shop_id=one.shop_id, sku_id=one.sku_id, at=at)
    picture = why.picture(job=one.job, at=at)
    assert found.entries, "the explanation shows no movement"
    assert len(picture.publications) == why.RECENT, "the picture shows no publications"


def _bare(one: Published) -> None:
    from django.db import connection

    values = {"sku": one.sku_id, "place": one.warehouse_id, "listing": one.job.listing_id}
    with connection.cursor() as cursor:
        for statement in BARE:
            cursor.execute(statement, values)
            cursor.fetchall()


def _measure(one: Published, ago: dt.timedelta | None, requests: int) -> tuple[float, float]:
    """Return both 95th percentiles in milliseconds; they take turns."""
    for _warm in range(3):
        _explain(one, ago)
        _bare(one)
    ours, limit = [], []
    for _turn in range(requests):
        ours.append(_milliseconds(lambda: _explain(one, ago)))
        limit.append(_milliseconds(lambda: _bare(one)))
    return _p95(ours), _p95(limit)


def _queries(one: Published, ago: dt.timedelta | None) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as caught:
        _explain(one, ago)
    return len(caught)


def _milliseconds(job: Callable[[], Any]) -> float:
    start = time.perf_counter()
    job()
    return (time.perf_counter() - start) * 1000


def _p95(values: list[float]) -> float:
    return sorted(values)[max(int(len(values) * 0.95) - 1, 0)]


if __name__ == "__main__":
    raise SystemExit(main())
