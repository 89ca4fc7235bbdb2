"""hot_sku: 8 and 32 writers take single units of one SKU until 5,000 are gone.

Single: `inventory.reservations.reserve_one` in processes of their own. Limit: pgbench with the same statement, the
same rows and indexes (balance, entry, reservation, news, delivery). Pages: `reserve` with 50 wants a call, against the
single limit (one unit is one unit). Oversold must be 0 everywhere.

    python -m benchmarks.hot_sku [--units 5000] [--runs 3]
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import subprocess
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from benchmarks import ground

PAGE = 50


def main() -> int:
    """Measure and report; returns 1 when anything was oversold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--writers", type=int, nargs="+", default=[8, 32])
    arguments = parser.parse_args()
    url = ground.fresh_database("bench_hot_sku")
    _one_consumer()
    oversold = 0
    for writers in arguments.writers:
        rounds = [_round(url, writers, arguments.units) for _run in range(arguments.runs)]
        limit, single, page = (ground.median([one[i] for one in rounds]) for i in range(3))
        oversold += sum(one[3] for one in rounds)
        ratios = [ground.median([one[i] / one[0] for one in rounds]) for i in (1, 2)]
        ground.say(f"{writers} writers: pgbench {limit:,.0f}/s, single {single:,.0f}/s, pages of {PAGE} {page:,.0f}/s")
        ground.report(f"hot_sku_single_{writers}", single, limit, "reservations/s", ratio=ratios[0])
        ground.report(f"hot_sku_pages_{writers}", page, limit, "reservations/s", ratio=ratios[1])
    ground.say(f"oversold: {oversold}")
    return 1 if oversold else 0


def _one_consumer() -> None:
    from backoffice import outbox

    outbox._consumers.clear()
    outbox.register_consumer("inventory.StockChangeDelivery", "push")


def _round(url: str, writers: int, units: int) -> tuple[float, float, float, int]:
    """One run of each, turn about, on a new SKU each time; returns the three rates and what was oversold."""
    limit, over_limit = _pgbench(url, writers, units)
    single, over_single = _processes(_buy_singly, writers, units)
    page, over_page = _processes(_buy_pages, writers, units)
    return limit, single, page, over_limit + over_single + over_page


def _new_sku(units: int) -> tuple[int, int]:
    """A SKU with stock in a warehouse; a database that has seen traffic (cached plans are those of full tables)."""
    from inventory import ledger
    from inventory.models import Product, Sku, Warehouse

    place, _made = Warehouse.objects.get_or_create(code="HOT", defaults={"name": "Hot"})
    product = Product.objects.create(name="hot")
    if not Sku.objects.exists():
        Sku.objects.bulk_create(
            Sku(product=product, code=f"COLD-{i}", code_key=f"cold-{i}", name="cold") for i in range(2_000)
        )
    number = Sku.objects.count()
    sku = Sku.objects.create(product=product, code=f"HOT-{number}", name="hot")
    draft = ledger.EntryDraft(
        key=f"bench:{sku.pk}", sku_id=sku.pk, warehouse_id=place.pk, quantity=Decimal(units), reason="opening"
    )
    ledger.post(entries=[draft])
    return sku.pk, place.pk


def _oversold(sku: int, place: int) -> int:
    """Units reserved beyond the stock, and units whose reservation or entry is missing."""
    from django.db.models import Sum

    from inventory.models import Balance, Reservation, StockEntry

    balance = Balance.objects.get(sku_id=sku, warehouse_id=place)
    held = Reservation.objects.filter(sku_id=sku, bucket=3).aggregate(held=Sum("quantity"))["held"]
    entered = StockEntry.objects.filter(sku_id=sku, bucket=3).aggregate(entered=Sum("quantity"))["entered"]
    return int(max(balance.reserved - balance.on_hand, 0) + abs(held - balance.reserved) + abs(entered - held))


# --- the limit -------------------------------------------------------------------------------------------------------


def _pgbench(url: str, writers: int, units: int) -> tuple[float, int]:
    sku, place = _new_sku(units)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "take.sql"
        script.write_text(_script(sku, place))
        each = -(-units // writers)
        command = [str(ground.bin_dir() / "pgbench"), "-n", "-M", "prepared", "-f", str(script)]
        command += ["-c", str(writers), "-j", "2", "-t", str(each), "-D", "i=0", url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1]), _oversold(sku, place)


def _script(sku: int, place: int) -> str:
    from inventory.single_reservation import STATEMENT

    reference = f"'p{sku}-' || :client_id || '-' || :i"
    values = {
        "quantity": "1000",
        "now": "now()",
        "sku": str(sku),
        "warehouse": str(place),
        "reference": f"({reference})",
        "key": f"({reference} || '/k')",
        "actor": "'bench'",
        "consumers": "'{push}'",
    }
    statement = re.sub(r"%\((\w+)\)s", lambda found: values[found[1]], STATEMENT)
    return "\\set i :i + 1\n" + " ".join(statement.split()) + ";\n"


# --- ours ------------------------------------------------------------------------------------------------------------


def _processes(work, writers: int, units: int) -> tuple[float, int]:
    from django.db import connections

    sku, place = _new_sku(units)
    connections.close_all()
    context = multiprocessing.get_context("fork")
    gate, sold = context.Barrier(writers + 1), context.Queue()
    children = [context.Process(target=_child, args=(work, n, sku, place, gate, sold)) for n in range(writers)]
    for child in children:
        child.start()
    gate.wait(60)
    start = time.perf_counter()
    total, end = 0, start
    for _child_done in children:
        count, ended = sold.get(timeout=300)
        total, end = total + count, max(end, ended)
    for child in children:
        child.join()
    assert total == units, f"{total} sold of {units}"
    return units / (end - start), _oversold(sku, place)


def _child(work, number: int, sku: int, place: int, gate, sold) -> None:
    from django.db import connection

    connection.ensure_connection()
    gate.wait(60)
    sold.put((work(number, sku, place), time.perf_counter()))
    connection.close()


def _buy_singly(number: int, sku: int, place: int) -> int:
    from inventory.reservations import Want, reserve_one

    count = 0
    while True:
        reference = f"s{sku}-{number}-{count}"
        want = Want(reference=reference, sku_id=sku, quantity=Decimal(1), warehouses=(place,))
        if reserve_one(want=want).shortages:
            return count
        count += 1


def _buy_pages(number: int, sku: int, place: int) -> int:
    from inventory.reservations import Want, reserve

    count = page = 0
    while True:
        page += 1
        names = [f"g{sku}-{number}-{page}-{i}" for i in range(PAGE)]
        wants = [Want(reference=name, sku_id=sku, quantity=Decimal(1), warehouses=(place,)) for name in names]
        short = len(reserve(wants=wants).shortages)
        count += PAGE - short
        if short:
            return count


if __name__ == "__main__":
    raise SystemExit(main())
