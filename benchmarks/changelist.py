"""changelist: the order list on 1,000,000 orders: first page, filtered, searched, deep, last.

The limit of each page is the same page from ready-made rows without a database: the same request through the same
middleware, view and templates, every query answered from memory with the rows that the last real request got
(benchmarks.tape). Requests with and without the database take turns.

    python -m benchmarks.changelist [--orders 1000000] [--requests 40]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

from django.core.management import call_command

from benchmarks import ground
from benchmarks.tape import Tape

LIST = "/admin/orders/order/"


def main() -> int:
    """Measure and report; returns 1 when the number of queries is not constant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=40)
    arguments = parser.parse_args()
    ground.fresh_database("bench_changelist")
    call_command("collectstatic", interactive=False, verbosity=0)  # pages name their files by fingerprint
    start = time.perf_counter()
    _fill(arguments.orders)
    ground.say(f"{arguments.orders:,} orders made in {time.perf_counter() - start:.0f} s")
    client = _clerk()
    pages = _pages(client, arguments.orders)
    found = {name: _measure(client, url, arguments.requests) for name, url in pages.items()}
    for name, (ours, limit, queries) in found.items():
        ground.say(f"{name:16} p95 {ours:6.1f} ms, ready-made rows {limit:6.1f} ms, {queries} queries")
        ground.report(f"changelist_{name}", ours, limit, "ms", ratio=limit / ours)
    first, deep = found["first"][0], found["deep"][0]
    ground.report("changelist_deep_vs_first", deep, first, "ms", ratio=first / deep)
    counts = {found[name][2] for name in ("first", "deep", "last", "held", "shop")}
    if len(counts) > 1:
        ground.say(f"FAULT: the number of queries is not constant: {sorted(counts)}")
    return 1 if len(counts) > 1 else 0


# --- a million orders ------------------------------------------------------------------------------------------------

_ORDERS = """
INSERT INTO orders_order (shop_id, external_id, number, number_key, state, payment, currency, goods_total,
  discount_total, shipping_total, tax_total, fee_total, rounding, total, taxes_included, placed_at, paid_at,
  cancelled_here, closed, cancel_reason, platform_updated_at, received_at, updated_at, approved_at, hold_code,
  hold_note, hold_department, held_since, duplicate_key, test, risk, shipping_method, tags, url, revision,
  buyer_key, phone_key, address_key, marks, priority)
SELECT %(first)s + n %% 5, 'p' || n, '#' || (100000 + n), (100000 + n)::text, s.state,
  CASE WHEN s.state = 'unpaid' THEN 'pending' ELSE 'paid' END, 'EUR', 100000 + n %% 900000, 0, 49000, 20000, 0, 0,
  169000 + n %% 900000, false, at, at, false, false, '', at, at, at,
  CASE WHEN s.state IN ('held', 'unpaid') THEN NULL ELSE at END,
  CASE WHEN s.state = 'held' THEN (ARRAY['keyword', 'address', 'short_stock', 'unmatched'])[1 + n %% 4] ELSE '' END, '',
  CASE WHEN s.state = 'held' THEN (ARRAY['desk', 'service', 'buying'])[1 + n %% 3] ELSE '' END,
  CASE WHEN s.state = 'held' THEN at END, md5(n::text), false, '', '', '[]'::jsonb, '', 0,
  md5('b' || n / 3), md5('p' || n / 3), md5('a' || n / 2), '[]'::jsonb, 0
FROM generate_series(1, %(count)s) AS n
CROSS JOIN LATERAL (SELECT
  timestamptz '2024-11-20' + n * (interval '2 years' / %(count)s) AS at,
  CASE WHEN n > %(count)s * 0.985 THEN (ARRAY['approved', 'held', 'approved', 'unpaid', 'partly_shipped'])[1 + n %% 5]
    WHEN n %% 33 = 0 THEN 'cancelled' ELSE 'shipped' END AS state) AS s
"""
_CONTACTS = """
INSERT INTO orders_ordercontact (order_id, buyer_id, buyer_name, email, phone, shipping, billing, country, buyer_note,
  seller_note, address_fixed, name_key, email_key, phone_key)
SELECT id, '', name, lower(replace(name, ' ', '.')) || id || '@buyer.example', '+33 6 ' || id,
  jsonb_build_object('name', name, 'line1', '1 Rue', 'city', 'Lyon', 'postcode', '69001', 'country', 'FR'), '{}', 'FR',
  '', '', false, lower(name), lower(replace(name, ' ', '.')) || id || '@buyer.example', '336' || id
FROM (SELECT id, (ARRAY['Ana', 'Ben', 'Chloe', 'Dimitri', 'Fatma', 'Hana', 'Iris', 'Kenji', 'Mara', 'Noor'])[1 + id % 10]
  || ' ' || (ARRAY['Smith', 'Rossi', 'Dubois', 'Jensen', 'Silva', 'Tanaka'])[1 + id % 6] || id / 1000 AS name
  FROM orders_order) AS o
"""  # noqa: E501


def _fill(count: int) -> None:
    from django.db import connection

    from inventory.models import Shop

    shops = [Shop.objects.create(code=f"S{n}", name=f"Shop {n}", currency="EUR") for n in range(5)]
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS, {"first": shops[0].pk, "count": count})
        cursor.execute(_CONTACTS)
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _clerk() -> Any:
    """A logged-in order clerk who sees every shop."""
    from django.contrib.auth.models import Group
    from django.test.client import Client

    from backoffice.models import User
    from inventory.models import Access

    user = User.objects.create_user("clerk", is_staff=True)
    user.groups.add(Group.objects.get(name="order_clerk"))
    Access.objects.create(user=user, all_shops=True, all_warehouses=True)
    client = Client(headers={"accept-language": "en"}, SERVER_NAME="127.0.0.1")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _pages(client: Any, count: int) -> dict[str, str]:
    from backoffice.keyset import cursor
    from orders.models import Order

    middle = Order.objects.order_by("pk")[count // 2]
    deep = cursor(middle, ["-placed_at", "-id"])
    contact = middle.contact
    return {
        "first": LIST,
        "held": f"{LIST}?state__exact=held",
        "shop": f"{LIST}?shop={middle.shop_id}",
        "number": f"{LIST}?q={middle.number_key}",
        "number_prefix": f"{LIST}?q={middle.number_key[:4]}",
        "buyer": f"{LIST}?q={contact.name_key.replace(' ', '+')}",
        "buyer_prefix": f"{LIST}?q={contact.name_key[:5]}",
        "deep": f"{LIST}?key_after={deep}",
        "last": f"{LIST}?key_end=1",
    }


# --- measuring -------------------------------------------------------------------------------------------------------


def _measure(client: Any, url: str, requests: int) -> tuple[float, float, int]:
    """Return (our p95, the limit's p95, queries of one request)."""
    for _warm in range(3):
        page = client.get(url)
    assert page.status_code == 200, f"{url}: {page.status_code}"
    tape = min((_recorded(client, url) for _turn in range(2)), key=lambda one: len(one.answers))
    ours, limit = [], []
    for _turn in range(requests):
        ours.append(_milliseconds(lambda: client.get(url)))
        with tape.playing():
            limit.append(_milliseconds(lambda: client.get(url)))
    with tape.playing():
        again = client.get(url)
    assert _same(page.content.decode(), again.content.decode()), f"{url}: not the same page"
    return _p95(ours), _p95(limit), len(tape.answers)


def _recorded(client: Any, url: str) -> Tape:
    tape = Tape()
    with tape.recording():
        client.get(url)
    return tape


def _same(one: str, other: str) -> bool:
    """True when two pages differ in nothing but their tokens and ages."""
    return abs(len(one) - len(other)) < 200 and len(set(one.split()) ^ set(other.split())) < 40


def _milliseconds(job: Callable[[], Any]) -> float:
    start = time.perf_counter()
    job()
    return (time.perf_counter() - start) * 1000


def _p95(values: list[float]) -> float:
    return sorted(values)[max(int(len(values) * 0.95) - 1, 0)]


if __name__ == "__main__":
    raise SystemExit(main())
