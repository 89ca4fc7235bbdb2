"""sale_to_shelf: from an order in one sandbox shop until the stock in the four other shops is changed.

Five shops (three Shopify, two WooCommerce), each sandbox in a process of its own and unthrottled; the product as it
runs: a web server, a dispatcher, one database. Orders arrive in the first shop at an even pace. Measured where it
counts: at the moments when the shops themselves took the write, by the shops' own clocks on this machine.

    python -m benchmarks.sale_to_shelf [--seconds 60] [--only postgres hook 2]

`ratio` is the bar divided by ours.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil

from benchmarks import ground

SHOPS = ("shopify", "woocommerce", "shopify", "woocommerce", "shopify")
SKUS, STOCK = 100, 50_000
POLL_SECONDS = 10
LONGEST_WAIT = 30.0
BARS = {  # (mode, rate) → (median, 99th percentile) in seconds; None: not asked for
    ("hook", 2): (0.5, 2.0),
    ("hook", 10): (None, 5.0),
    ("poll", 2): (None, POLL_SECONDS + 2.0),
}


def main() -> int:
    """Measure every engine, mode and pace, each in a process of its own; returns 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", nargs=3, metavar=("ENGINE", "MODE", "RATE"))
    chosen = parser.parse_args()
    if chosen.only:
        engine, mode, rate = chosen.only
        return 0 if _measure(engine, mode, int(rate), chosen.seconds) else 1
    missed = 0
    for engine in ("sqlite", "postgres"):
        for mode, rate in BARS:
            seconds = str(chosen.seconds if rate == 2 else chosen.seconds / 2)
            command = [sys.executable, "-m", "benchmarks.sale_to_shelf", "--seconds", seconds, "--only"]
            missed += subprocess.run([*command, engine, mode, str(rate)], check=False).returncode != 0
    return 1 if missed else 0


def _measure(engine: str, mode: str, rate: int, seconds: float) -> bool:
    with _shops() as urls:
        port = _free_port()
        os.environ["PUBLIC_URL"] = f"http://127.0.0.1:{port}" if mode == "hook" else ""
        _database(engine)
        environment = {**os.environ, "EGRESS_ALLOW": "127.0.0.1", "ALLOWED_HOSTS": "127.0.0.1"}
        _connect(urls, hooks=mode == "hook")
        with _running(environment, port):
            _calm(seconds=20.0)
            sales = _sell(urls[0], rate, seconds)
            delays, lost = _delays(sales, urls)
    return _tell(engine, mode, rate, delays, lost)


# --- the stage -------------------------------------------------------------------------------------------------------


@contextmanager
def _shops() -> Iterator[list[str]]:
    """The five sandbox shops; gives their addresses."""
    children = []
    try:
        for kind in SHOPS:
            command = [sys.executable, "-m", "benchmarks.shelf_shop", kind, "--skus", str(SKUS), "--stock", str(STOCK)]
            children.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ground.ROOT))
        yield [str(child.stdout.readline()).strip() for child in children if child.stdout]
    finally:
        _stop(children)


def _stop(children: Sequence[subprocess.Popen[Any]]) -> None:
    for child in children:
        child.send_signal(signal.SIGTERM)
    for child in children:
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()


def _database(engine: str) -> None:
    os.environ["EGRESS_ALLOW"] = "127.0.0.1"
    if engine == "postgres":
        ground.fresh_database("bench_shelf")
        return
    folder = tempfile.mkdtemp(prefix="yiku-bench-")
    os.environ |= {
        "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
        "DJANGO_SETTINGS_MODULE": os.environ.get("YIKU_BENCH_SETTINGS", "backoffice.settings"),
        "YIKU_TESTING": "1",
        "YIKU_VAR": folder,
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _connect(urls: Sequence[str], *, hooks: bool) -> None:
    """One warehouse, the SKUs, a shop and an account for each sandbox, listings read, webhooks made, writing on."""
    from channels import accounts, listings, pull
    from channels.models import Account
    from channels.push import send
    from channels.webhooks import subscriptions
    from inventory import ledger
    from inventory.models import Product, Shop, ShopWarehouse, Sku, Warehouse

    place = Warehouse.objects.create(code="MAIN", name="Main", country="DE")
    product = Product.objects.create(name="Bench")
    drafts = []
    for number in range(SKUS):
        sku = Sku.objects.create(product=product, code=f"BENCH-{number:03}", name=f"Bench {number}")
        drafts.append(
            ledger.EntryDraft(
                key=f"bench:{number}",
                sku_id=sku.pk,
                warehouse_id=place.pk,
                quantity=Decimal(STOCK),
                unit_cost=Decimal(1),
                reason="opening",
            )  # fmt: skip
        )
    ledger.post(entries=drafts)
    secrets = {
        "shopify": {"access_token": "shpat_bench", "client_secret": "secret"},
        "woocommerce": {"consumer_key": "ck_bench", "consumer_secret": "cs_bench", "webhook_secret": "woo-secret"},
    }
    for number, (kind, url) in enumerate(zip(SHOPS, urls, strict=True)):
        shop = Shop.objects.create(code=f"S{number}", name=f"Shop {number}", currency="EUR", country="DE")
        ShopWarehouse.objects.create(shop=shop, warehouse=place, priority=1)
        options: dict[str, Any] = {} if hooks else {"webhooks": False}
        options |= {"shop_domain": "bench.myshopify.com"} if kind == "shopify" else {}
        account = Account.objects.create(
            shop=shop, platform=kind, name=shop.code, base_url=url, options=options,
            poll_seconds=30 if hooks else POLL_SECONDS,
        )  # fmt: skip
        accounts.set_credential(account=account, values=secrets[kind], actor="bench")
        # Five sandboxes answer with the same shop's name: here they are five shops.
        Account.objects.filter(pk=account.pk).update(external_shop_id=f"bench-{number}")
        accounts.ready(account)
        account.refresh_from_db()
        Account.objects.filter(pk=account.pk).update(write_enabled=True, checked_at=account.created_at)
        listings.sync(account.pk)
        pull.run(account.pk)
        send.run(account.pk)
        if hooks:
            subscriptions.check(account.pk)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(environment: dict[str, str], port: int) -> Iterator[None]:
    """The product: a web server with two workers and a dispatcher."""
    from django.db import connections

    connections.close_all()
    python = [sys.executable, "-m"]
    web = [
        *python,
        "gunicorn",
        "backoffice.wsgi",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        "2",
        "--log-level",
        "error",
    ]
    dispatch = [sys.executable, str(ground.ROOT / "manage.py"), "dispatch", "--inline"]
    log = Path(os.environ["YIKU_VAR"]) / "bench.log"
    with log.open("wb") as output:
        children = [
            subprocess.Popen(command, env=environment, cwd=ground.ROOT, stdout=output, stderr=output)
            for command in (web, dispatch)
        ]
        try:
            yield
            _tell_effort(children)
        finally:
            _stop(children)


def _tell_effort(children: Sequence[subprocess.Popen[Any]]) -> None:
    """Print what the product itself used, and how busy the machine was: on a crowded one the delays are not ours."""
    used = []
    for child in children:
        family = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
        used.append(sum(sum(one.cpu_times()[:2]) for one in family))
    load, cores = os.getloadavg()[0], os.cpu_count()
    ground.say(f"CPU seconds: web {used[0]:.1f}, dispatcher {used[1]:.1f}; load {load:.1f} on {cores} cores")


def _calm(seconds: float) -> None:
    """Wait until both are up and the first walks are over."""
    from backoffice import health

    deadline = time.monotonic() + 60
    while health.ages()["dispatcher"] is None and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(min(seconds, 8.0))


# --- the measure -----------------------------------------------------------------------------------------------------


def _call(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def _sell(url: str, rate: int, seconds: float) -> list[tuple[float, str, int]]:
    """Order one piece at a time at an even pace; returns (moment, SKU, what may be shown from then on)."""
    chance, sales, left = random.Random(7), [], dict.fromkeys(range(SKUS), STOCK)
    lock, threads = threading.Lock(), []

    def one(number: int) -> None:
        at = _call(f"{url}/bench/order", {"sku": f"BENCH-{number:03}"})["at"]
        with lock:
            left[number] -= 1
            sales.append((at, f"BENCH-{number:03}", left[number]))

    started = time.monotonic()
    for turn in range(int(rate * seconds)):
        time.sleep(max(0.0, started + turn / rate - time.monotonic()))
        thread = threading.Thread(target=one, args=(chance.randrange(SKUS),))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    return sales


def _delays(sales: Sequence[tuple[float, str, int]], urls: Sequence[str]) -> tuple[list[float], int]:
    """Return for each sale the seconds until the last of the four other shops showed it, and how many never did."""
    deadline = time.monotonic() + LONGEST_WAIT
    while True:
        writes = [_call(f"{url}/bench/writes") for url in urls[1:]]
        found = [_delay(sale, writes) for sale in sales]
        if None not in found or time.monotonic() > deadline:
            return [delay for delay in found if delay is not None], found.count(None)
        time.sleep(0.5)


def _delay(sale: tuple[float, str, int], writes: Sequence[Sequence[tuple[float, str, int]]]) -> float | None:
    at, sku, left = sale
    moments = []
    for shop in writes:
        moment = next((when for when, what, figure in shop if what == sku and when >= at and figure <= left), None)
        if moment is None:
            return None
        moments.append(moment)
    return max(moments) - at


def _tell(engine: str, mode: str, rate: int, delays: list[float], lost: int) -> bool:
    if not delays:
        ground.say(f"{engine} {mode} {rate}/s: no sale reached the shelves")
        return False
    middle = statistics.median(delays)
    late = sorted(delays)[min(len(delays) - 1, int(len(delays) * 0.99))]
    ground.say(
        f"{engine}, by {mode}, {rate} a second: {len(delays)} sales, median {middle:.2f} s, "
        f"99th percentile {late:.2f} s, worst {max(delays):.2f} s, never shown {lost}"
    )
    good = not lost
    for name, ours, bar in zip(("median", "p99"), (middle, late), BARS[mode, rate], strict=True):
        if bar is not None:
            measure = f"sale_to_shelf_{engine}_{mode}_{rate}_{name}"
            ground.say(
                json.dumps(
                    {
                        "measure": measure,
                        "ours": round(ours, 3),
                        "limit": bar,
                        "ratio": round(bar / ours, 2),
                        "unit": "s",
                    }
                )
            )
            good = good and ours <= bar
    return good


if __name__ == "__main__":
    sys.exit(main())
