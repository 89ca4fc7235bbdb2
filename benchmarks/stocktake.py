"""stocktake: a full count of 10,000 and 100,000 SKUs by one sheet, half of the rows different.

Ours: `inventory.stocktakes` in a process of its own: the sheet read to its preview, taken and closed, posted.
Limit: the bare parse with calamine and one set-based write for each half (COPY and a comparison; entries and balances).

    python -m benchmarks.stocktake [--rows 10000 100000] [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import ground
from benchmarks.count_import import LIMIT, _stocked

MOST_MEGABYTES = 400


def main() -> int:
    """Measure and report; returns 1 when memory is not flat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return _child(*arguments.child)
    ground.fresh_database("bench_stocktake")
    peaks = []
    for rows in arguments.rows:
        rounds = [_round(rows, number) for number in range(arguments.runs)]
        peaks.append(max(one["megabytes"] for one in rounds))
        for part in ("preview", "posting"):
            ours, limit = (ground.median([one[name] for one in rounds]) for name in (part, f"bare_{part}"))
            ratio = ground.median([one[f"bare_{part}"] / one[part] for one in rounds])
            ground.say(f"{rows:,} rows, {part}: limit {limit:.2f} s, ours {ours:.2f} s, peak {peaks[-1]:.0f} MB")
            ground.report(f"stocktake_{rows}_{part}", rows / ours, rows / limit, "rows/s", ratio=ratio)
    ground.report("stocktake_memory", max(peaks), MOST_MEGABYTES, "MB", ratio=MOST_MEGABYTES / max(peaks))
    return 1 if max(peaks) > MOST_MEGABYTES else 0


def _round(rows: int, number: int) -> dict[str, float]:
    folder = Path(os.environ["YIKU_VAR"])
    places = [_stocked(rows, f"ST{rows}-{number}-{who}") for who in ("limit", "ours")]
    file = _workbook(folder / f"stocktake-{rows}-{number}.xlsx", rows)
    bare = _limit(file, places[0])
    command = [sys.executable, "-m", "benchmarks.stocktake", "--child", str(file), str(places[1]), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {**json.loads(done.stdout.splitlines()[-1]), **bare}


def _workbook(path: Path, rows: int) -> Path:
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("Count")
    sheet.write_row(0, 0, ["SKU code", "name", "counted quantity"])
    for i in range(rows):
        sheet.write_row(i + 1, 0, [f"SKU-{i:06d}", f"Product {i} blue/large", 20 if i % 2 else 18])
    book.close()
    return path


def _limit(file: Path, place: int) -> dict[str, float]:
    """Seconds of the shortest way we know: parse, COPY and compare; then write what posting leaves behind."""
    from django.db import connection
    from python_calamine import CalamineWorkbook

    connection.ensure_connection()
    raw = connection.connection
    start = time.perf_counter()
    rows = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    connection.set_autocommit(False)
    with raw.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE counted (row int, code text, quantity bigint) ON COMMIT DROP")
        with cursor.copy("COPY counted FROM STDIN") as copy:
            for number, row in enumerate(rows[1:], 2):
                copy.write_row((number, row[0].lower(), int(row[2]) * 1000))
        for statement in LIMIT[:2]:
            cursor.execute(statement, {"place": place})
        read = time.perf_counter()
        for statement in LIMIT[2:]:
            cursor.execute(statement, {"place": place})
    connection.commit()
    connection.set_autocommit(True)
    return {"bare_preview": read - start, "bare_posting": time.perf_counter() - read}


def _child(file: str, place: str, rows: str) -> int:
    """Count in a process of its own, so that its memory can be told."""
    import django

    django.setup()
    from django.db import connection

    from backoffice import outbox, startup
    from inventory.models import Warehouse
    from inventory.stocktakes import counting, opening, posting, sheets

    outbox._consumers.clear()
    outbox.register_consumer("inventory.StockChangeDelivery", "push")
    connection.ensure_connection()
    startup.settle()  # as the task workers and the web do
    made = opening.plan(warehouse=Warehouse.objects.get(pk=int(place)), user=None)
    stocktake = opening.start(stocktake_id=made.pk, user=None)
    start = time.perf_counter()
    sheet = sheets.preview(stocktake=stocktake, file=Path(file), user=None)
    read = time.perf_counter()
    sheets.take(sheet_id=sheet.pk, user=None)
    counting.close(stocktake_id=stocktake.pk, user=None)
    done = posting.post(stocktake_id=stocktake.pk, user=None)
    found = {
        "preview": read - start,
        "posting": time.perf_counter() - read,
        "megabytes": ground.peak_megabytes(),
    }
    assert (sheet.row_count, done.difference_count) == (int(rows), int(rows) // 2), (sheet.row_count, done)
    ground.say(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
