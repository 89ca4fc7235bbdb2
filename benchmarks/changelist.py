"""changelist: the order desk on 1,000,000 orders: its list (first page, filtered, searched, deep, last), the page of
one order, and the incident desk (open, of a department, overdue, closed, deep, one).

The limit of each page is the same page from ready-made rows without a database: the same request through the same
middleware, view and templates, every query answered from memory with the rows that the last real request got
(benchmarks.tape). Requests with and without the database take turns.

    python -m benchmarks.changelist [--orders 1000000] [--requests 40] [--only late incidents_closed]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

from django.core.management import call_command

from benchmarks import desk_rows, ground
from benchmarks.tape import Tape

LIST, DESK = "/admin/orders/order/", "/admin/backoffice/incident/"
EVER = ("first", "deep", "last", "held", "shop")  # measured always: their queries and their times are compared
NARROWED = {
    "late": "due=late",
    "soon": "due=soon",
    "today": "due=today",
    "backorder": "waits=backorder",
    "presale": "waits=presale",
    "urgent": "priority=7",
    "packed": "floor=packed",
    "country": "country=FR",
    "department": "hold_department__exact=desk",
}


def main() -> int:
    """Measure and report; returns 1 when a page of the list asks more than the first, which has all states."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--only", nargs="*", help="pages beside those that are always measured")
    arguments = parser.parse_args()
    ground.fresh_database("bench_changelist")
    call_command("collectstatic", interactive=False, verbosity=0)  # pages name their files by fingerprint
    start = time.perf_counter()
    desk_rows.fill(arguments.orders)
    ground.say(f"{arguments.orders:,} orders made in {time.perf_counter() - start:.0f} s")
    client = _clerk()
    pages = _pages(client, arguments.orders)
    if arguments.only is not None:
        pages = {name: url for name, url in pages.items() if name in (*EVER, *arguments.only)}
    found = {name: _measure(client, url, arguments.requests) for name, url in pages.items()}
    for name, (ours, limit, queries) in found.items():
        ground.say(f"{name:18} p95 {ours:6.1f} ms, ready-made rows {limit:6.1f} ms, {queries} queries")
        ground.report(f"changelist_{name}", ours, limit, "ms", ratio=limit / ours)
    first, deep = found["first"][0], found["deep"][0]
    ground.report("changelist_deep_vs_first", deep, first, "ms", ratio=first / deep)
    more = sorted(name for name in EVER if found[name][2] > found["first"][2])
    if more:
        ground.say(f"FAULT: these pages ask more than the first one: {', '.join(more)}")
    return 1 if more else 0


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
    held = Order.objects.filter(state=Order.State.HELD).latest("pk")
    found = {
        "first": LIST,
        "held": f"{LIST}?state__exact=held",
        "shop": f"{LIST}?shop={middle.shop_id}",
        "number": f"{LIST}?q={middle.number_key}",
        "number_prefix": f"{LIST}?q={middle.number_key[:4]}",
        "buyer": f"{LIST}?q={contact.name_key.replace(' ', '+')}",
        "buyer_prefix": f"{LIST}?q={contact.name_key[:5]}",
        "deep": f"{LIST}?key_after={deep}",
        "last": f"{LIST}?key_end=1",
        "order_shipped": f"{LIST}{middle.pk}/change/",
        "order_held": f"{LIST}{held.pk}/change/",
    }
    found |= {name: f"{LIST}?{query}" for name, query in NARROWED.items()}
    return found | _incident_pages()


def _incident_pages() -> dict[str, str]:
    from backoffice.keyset import cursor
    from backoffice.models import Incident

    closed = Incident.objects.filter(state__in=("gone", "resolved")).order_by("due_at", "pk")
    middle = closed[closed.count() // 2]
    return {
        "incidents": DESK,
        "incidents_desk": f"{DESK}?department__exact=desk",
        "incidents_overdue": f"{DESK}?view=overdue",
        "incidents_closed": f"{DESK}?view=closed",
        "incidents_deep": f"{DESK}?view=closed&key_after={cursor(middle, ['due_at', 'id'])}",
        "incidents_one": f"{DESK}{middle.pk}/change/",
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
