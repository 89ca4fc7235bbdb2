"""count_import: a stock count .xlsx of 10,000 and 100,000 rows, 1 % of them bad, half of the others different.

Ours: `inventory.counts` in a process of its own, from the file to the posted document: parsed in the limited child,
every row checked, compared with the system and kept, movements, balances and news written, bad rows named.
Limit: calamine in the same process, COPY, one UPDATE of the balances, and the same other rows by one INSERT … SELECT
each, with every check left out. Peak memory is the importing process's own (its parsing child is bounded apart).

    python -m benchmarks.count_import [--rows 10000 100000] [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import ground

MOST_MEGABYTES = 250


def main() -> int:
    """Measure and report; returns 1 when memory is not flat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return _child(*arguments.child)
    ground.fresh_database("bench_count")
    peaks = []
    for rows in arguments.rows:
        rounds = [_round(rows, number) for number in range(arguments.runs)]
        ours, limit = (ground.median([one[i] for one in rounds]) for i in range(2))
        ratio = ground.median([one[0] / one[1] for one in rounds])
        peaks.append(max(one[2] for one in rounds))
        ground.say(f"{rows:,} rows: limit {limit:,.0f} rows/s, ours {ours:,.0f} rows/s, peak {peaks[-1]:.0f} MB")
        ground.report(f"count_import_{rows}", ours, limit, "rows/s", ratio=ratio)
    ground.report("count_import_memory", max(peaks), MOST_MEGABYTES, "MB", ratio=MOST_MEGABYTES / max(peaks))
    return 1 if max(peaks) > MOST_MEGABYTES else 0


def _round(rows: int, number: int) -> tuple[float, float, float]:
    """One run of each on a warehouse of its own with the same stock; returns rows/s of ours and limit, and our peak."""
    folder = Path(os.environ["YIKU_VAR"])
    places = [_stocked(rows, f"W{rows}-{number}-{who}") for who in ("limit", "ours")]
    file = _workbook(folder / f"count-{rows}-{number}.xlsx", rows, number)
    limit = _limit(file, places[0])
    command = [sys.executable, "-m", "benchmarks.count_import", "--child", str(file), str(places[1]), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ours = json.loads(done.stdout.splitlines()[-1])
    _must_be_alike(*places)
    ground.say(f"    limit {limit:.2f} s, reading {ours['reading']:.2f} s, posting {ours['posting']:.2f} s")
    return rows / ours["seconds"], rows / limit, ours["megabytes"]


def _stocked(rows: int, code: str) -> int:
    """A warehouse with stock of every SKU; returns its id."""
    from decimal import Decimal

    from django.db import connection

    from inventory import ledger
    from inventory.models import Product, Sku, Warehouse

    place = Warehouse.objects.create(code=code, name=code)
    have = Sku.objects.count()
    product = Product.objects.first() or Product.objects.create(name="bench")
    Sku.objects.bulk_create(
        (
            Sku(product=product, code=f"SKU-{i:06d}", code_key=f"sku-{i:06d}", name=f"Product {i} blue/large")
            for i in range(have, rows)
        ),
        batch_size=5_000,
    )
    ids = list(Sku.objects.order_by("code_key").values_list("id", flat=True)[:rows])
    for start in range(0, rows, 5_000):
        drafts = [
            ledger.EntryDraft(
                key=f"{code}/{sku}", sku_id=sku, warehouse_id=place.pk, quantity=Decimal(20), unit_cost=Decimal("2.5"),
                reason="opening",
            )
            for sku in ids[start : start + 5_000]
        ]  # fmt: skip
        ledger.post(entries=drafts)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return place.pk


def _workbook(path: Path, rows: int, seed: int) -> Path:
    import xlsxwriter

    dice = random.Random(seed)
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("Count")
    sheet.write_row(0, 0, ["SKU code", "name", "bin", "counted quantity"])
    for i in range(rows):
        code, quantity = f"SKU-{i:06d}", 20 if i % 2 else dice.choice([15, 18, 19, 21, 25])
        if i % 100 == 7:
            code, quantity = dice.choice([(f"NOBODY-{i}", quantity), (code, "many"), (code, -3)])
        sheet.write_row(i + 1, 0, [code, f"Product {i} blue/large", f"A-{i % 40:02d}", quantity])
    book.close()
    return path


# --- the limit -------------------------------------------------------------------------------------------------------


def _limit(file: Path, place: int) -> float:
    """Seconds of the shortest way we know, in one transaction."""
    from django.db import connection
    from python_calamine import CalamineWorkbook

    connection.ensure_connection()
    start = time.perf_counter()
    rows = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    raw = connection.connection
    connection.set_autocommit(False)
    with raw.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE counted (row int, code text, quantity bigint) ON COMMIT DROP")
        with cursor.copy("COPY counted FROM STDIN") as copy:
            for number, row in enumerate(rows[1:], 2):
                if isinstance(row[3], float) and row[3] >= 0:
                    copy.write_row((number, row[0].lower(), int(row[3]) * 1000))
        for statement in LIMIT:
            cursor.execute(statement, {"place": place})
    connection.commit()
    seconds = time.perf_counter() - start
    connection.set_autocommit(True)
    return seconds


# The same rows that ours leaves behind: document, lines, balances, entries, news and deliveries.
LIMIT = (
    "CREATE TEMP TABLE doc ON COMMIT DROP AS WITH made AS (INSERT INTO inventory_stockdocument (kind, state, "
    "warehouse_id, reason, note, counted_at, file_name, file_digest, upload, sheet, problems, problem_count, "
    "uncounted, line_count, difference_count, created_at, posted_at) VALUES ('count', 'posted', %(place)s, 'count', "
    "'', now(), '', '', '', '', '[]', 0, 0, 0, 0, now(), now()) RETURNING id) SELECT id FROM made",
    "INSERT INTO inventory_stockdocumentline (document_id, row, sku_id, warehouse_id, system_quantity, "
    "counted_quantity, difference) SELECT doc.id, c.row, s.id, %(place)s, coalesce(b.on_hand, 0), c.quantity, "
    "c.quantity - coalesce(b.on_hand, 0) FROM doc, counted c JOIN inventory_sku s ON s.code_key = c.code "
    "LEFT JOIN inventory_balance b ON b.sku_id = s.id AND b.warehouse_id = %(place)s",
    "INSERT INTO inventory_stockentry (key, sku_id, warehouse_id, bucket, quantity, unit_cost, value, reason, "
    "reference, occurred_at, recorded_at, lot, bin, condition, actor) SELECT 'inventory.document:' || doc.id || '/' || "
    "l.row, l.sku_id, l.warehouse_id, 1, l.difference, round(b.value * 100000.0 / b.on_hand), round(b.value::numeric * "
    "l.difference / b.on_hand), 'count', 'inventory.document:' || doc.id, now(), now(), '', '', '', 'bench' FROM doc "
    "JOIN inventory_stockdocumentline l ON l.document_id = doc.id JOIN inventory_balance b ON b.sku_id = l.sku_id "
    "AND b.warehouse_id = l.warehouse_id WHERE l.difference <> 0",
    "UPDATE inventory_balance b SET on_hand = b.on_hand + e.quantity, value = b.value + e.value, updated_at = now() "
    "FROM doc, inventory_stockentry e WHERE e.reference = 'inventory.document:' || doc.id AND b.sku_id = e.sku_id "
    "AND b.warehouse_id = e.warehouse_id",
    "WITH news AS (INSERT INTO inventory_stockchange (created_at, sku_id, warehouse_id, cause) SELECT now(), e.sku_id, "
    "e.warehouse_id, 'count' FROM doc, inventory_stockentry e WHERE e.reference = 'inventory.document:' || doc.id "
    "RETURNING id) INSERT INTO inventory_stockchangedelivery (event_id, consumer, state, not_before, fence, attempts, "
    "code) SELECT id, 'push', 'due', now(), 0, 0, '' FROM news",
)


def _must_be_alike(limit: int, ours: int) -> None:
    """Both ways end with the same stock, or the comparison is worth nothing."""
    from django.db.models import Count, Sum

    from inventory.models import Balance, StockDocumentLine, StockEntry

    for model, name in ((Balance, "on_hand"), (StockEntry, "quantity"), (StockDocumentLine, "difference")):
        found = [
            tuple(model.objects.filter(warehouse_id=place).aggregate(n=Count("pk"), s=Sum(name)).values())
            for place in (limit, ours)
        ]
        assert found[0] == found[1], (model, found)


# --- ours ------------------------------------------------------------------------------------------------------------


def _child(file: str, place: str, rows: str) -> int:
    """Import in a process of its own, so that its memory can be told."""
    import django

    django.setup()
    from django.db import connection

    from backoffice import outbox
    from inventory import counts

    outbox._consumers.clear()
    outbox.register_consumer("inventory.StockChangeDelivery", "push")
    connection.ensure_connection()
    start = time.perf_counter()
    order = counts.CountOrder(warehouse_id=int(place))
    document = counts.preview(file=Path(file), order=order, user=None)
    read = time.perf_counter()
    counts.post(document_id=document.pk, user=None, without_bad_rows=True)
    end = time.perf_counter()
    found: dict[str, Any] = {
        "seconds": end - start,
        "reading": read - start,
        "posting": end - read,
        "megabytes": ground.peak_megabytes(),
        "problems": document.problem_count,
    }
    assert document.problem_count == int(rows) // 100, found
    ground.say(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
