"""imports: large lists by file through the import pages' own tasks: preview, import and undo, on both engines.

Ours: `backoffice.imports.tasks` in a process of its own for each list, from the workbook on: 20,000 products, SKUs and
barcodes, 5,000 rows of bundles, 50,000 of opening stock, 5,000 suppliers' prices, 20,000 rows of purchase orders and of
transfers (50 lines each).
Limit: the bare parse with calamine and one set-based write of the same cells (COPY, or executemany on SQLite).
The lists are measured at a quarter of their size too: time and statements must not grow worse than linear.

    python -m benchmarks.imports [--lists skus transfers] [--engines postgres sqlite] [--share 1.0]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import ground

MOST_MEGABYTES = 700
WORST_GROWTH = 1.6  # time per row of the whole against a quarter of it
PLACES, SUPPLIERS, LINES = 3, 5, 50
Rows = Callable[[int], list[list[Any]]]


def _sku(number: int) -> str:
    return f"IM-{number:06d}"


def _documents(head: Callable[[int], list[Any]], row: Callable[[int], list[Any]], title: list[str]) -> Rows:
    """Rows of documents of so many lines each."""
    return lambda rows: [title, *([*head(i // LINES), *row(i)] for i in range(rows))]


LISTS: dict[str, tuple[str, int, Rows]] = {
    "products": ("inventory.products", 20_000, lambda rows: [
        ["name", "brand", "category"], *([f"Linen {i}", "Yiku", "Shirts"] for i in range(rows))]),
    "skus": ("inventory.skus", 20_000, lambda rows: [
        ["SKU code", "name", "product", "barcode", "list price"],
        *([f"NEW-{i:06d}", f"Linen {i}", f"Shirt {i // 4}", f"20{i:011d}", "99.5"] for i in range(rows))]),
    "barcodes": ("inventory.barcodes", 20_000, lambda rows: [
        ["SKU code", "barcode", "pack", "pieces"],
        *([_sku(i), f"30{i:011d}", "Case" if i % 2 else "", "12" if i % 2 else ""] for i in range(rows))]),
    "bundles": ("inventory.bundles", 5_000, lambda rows: [
        ["bundle", "part", "pieces"], *([f"SET-{i // 5:05d}", _sku(i), 1 + i % 3] for i in range(rows))]),
    "opening": ("inventory.opening", 50_000, lambda rows: [
        ["SKU code", "quantity", "warehouse", "cost"],
        *([_sku(i // PLACES), 5 + i % 9, f"IW{i % PLACES}", "2.5"] for i in range(rows))]),
    "prices": ("orders.supplier_items", 5_000, lambda rows: [
        ["supplier", "SKU code", "price", "price breaks"],
        *([f"IS{i % SUPPLIERS}", _sku(i // SUPPLIERS), "3.5", "120=3.2" if i % 4 == 0 else ""] for i in range(rows))]),
    "purchases": ("orders.purchases", 20_000, _documents(
        lambda n: [f"OLD-{n}", f"IS{n % SUPPLIERS}", f"IW{n % PLACES}"], lambda i: [_sku(i), 4 + i % 5, "3.5"],
        ["number", "supplier", "warehouse", "SKU code", "quantity", "price"])),
    "transfers": ("inventory.transfers", 20_000, _documents(
        lambda n: [f"OLD-{n}", f"IW{n % PLACES}", f"IW{(n + 1) % PLACES}"], lambda i: [_sku(i), 4 + i % 5],
        ["number", "from", "to", "SKU code", "quantity"])),
}  # fmt: skip


def main() -> int:
    """Measure and report; returns 1 when memory or growth is above what is allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", nargs="+", default=list(LISTS))
    parser.add_argument("--engines", nargs="+", default=["postgres", "sqlite"])
    parser.add_argument("--share", type=float, default=1.0, help="of the sizes: 0.1 is a tenth")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return _child(arguments.child[0], int(arguments.child[1]))
    faults = 0
    for engine in arguments.engines:
        for name in arguments.lists:
            rows = int(LISTS[name][1] * arguments.share)
            few, all_of_it = (_round(engine, name, size) for size in (max(rows // 4, 1), rows))
            faults += _told(engine, name, rows, few, all_of_it)
    return 1 if faults else 0


def _told(engine: str, name: str, rows: int, few: dict[str, Any], found: dict[str, Any]) -> int:
    faults = int(found["megabytes"] > MOST_MEGABYTES)
    for part in ("preview", "apply", "undo"):
        growth = found[part] / max(few[part], 0.01) / 4
        asked = f"{found['asked'][part]:,} statements ({found['asked'][part] / rows:.2f} a row)"
        ground.say(f"{engine} {name} {part}: {rows:,} rows in {found[part]:.1f} s, limit {found['bare']:.2f} s, "
                   f"{asked}, growth ×{growth:.2f}, peak {found['megabytes']:.0f} MB")  # fmt: skip
        ground.report(f"imports_{engine}_{name}_{part}", rows / found[part], rows / found["bare"], "rows/s")
        faults += found[part] > 2 and growth > WORST_GROWTH
    return faults


def _round(engine: str, name: str, rows: int) -> dict[str, Any]:
    environment = dict(os.environ)
    if engine == "postgres":
        environment["DATABASE_URL"] = _postgres()
    else:
        folder = tempfile.mkdtemp(prefix="yiku-bench-")
        environment["DATABASE_URL"] = f"sqlite:///{folder}/bench.sqlite3"
    environment |= {"YIKU_TESTING": "1", "DJANGO_SETTINGS_MODULE": "backoffice.settings",
                    "YIKU_VAR": tempfile.mkdtemp(prefix="yiku-bench-")}  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.imports", "--child", name, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ground.ROOT)
    if done.returncode:
        raise SystemExit(done.stderr[-3_000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _postgres() -> str:
    import psycopg

    address: str = ground.server().get_uri()  # type: ignore[attr-defined]
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute('DROP DATABASE IF EXISTS "bench_imports" WITH (FORCE)')
        connection.execute('CREATE DATABASE "bench_imports"')
    return address.replace("/postgres?", "/bench_imports?")


# --- one list on one engine, in a process of its own -----------------------------------------------------------------


def _child(name: str, rows: int) -> int:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from backoffice import progress, startup
    from backoffice.imports import reading, tasks
    from backoffice.models import ImportRun

    startup.settle()
    kind, _most, content = LISTS[name]
    user = _ground(rows)
    file = _workbook(content(rows))
    found: dict[str, Any] = {"bare": _bare(file), "asked": {}}
    run = reading.start(kind=kind, user=user, file_name=file.name, mark=reading.fingerprint(file, {}), options={})
    run.progress = progress.start("import", user, rows).row
    run.save()
    with _told_apart(found, "preview"):
        reading.read(run, file, meter=progress.resume(run.progress_id))
    assert (run.bad_count, run.new_count) == (0, rows), (run.bad_count, run.new_count, run.rows.first().problems)
    for part, work in (("apply", lambda: tasks.apply_run(run.pk, user.pk, False)),
                       ("undo", lambda: tasks.undo_run(run.pk, user.pk))):  # fmt: skip
        ImportRun.objects.filter(pk=run.pk).update(progress=progress.start("import", user, rows).row)
        with _told_apart(found, part):
            said = work()
        assert said == "ok", (part, said)
    run.refresh_from_db()
    assert (run.undone_count, run.kept_count) == (rows, 0), (run.undone_count, run.kept_count)
    ground.say(json.dumps({**found, "megabytes": ground.peak_megabytes()}))
    return 0


@contextmanager
def _told_apart(found: dict[str, Any], part: str) -> Any:
    """Seconds and statements of a part."""
    from django.db import connection

    asked = 0

    def count(execute: Any, *arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*arguments)

    start = time.perf_counter()
    with connection.execute_wrapper(count):
        yield
    found[part], found["asked"][part] = time.perf_counter() - start, asked


def _ground(rows: int) -> Any:
    from django.db import connection

    from backoffice.models import User
    from inventory.models import Access, Product, Sku, Warehouse
    from orders.models import Supplier

    user = User.objects.create_superuser("bench", password="bench")  # noqa: S106 — a database of its own
    Access.objects.update_or_create(user=user, defaults={"all_shops": True, "all_warehouses": True})
    product = Product.objects.create(name="bench")
    codes = [(_sku(i), Sku.Kind.STOCKED) for i in range(rows)]
    codes += [(f"SET-{i:05d}", Sku.Kind.BUNDLE) for i in range(rows // 5 + 1)]
    Sku.objects.bulk_create(
        [Sku(product=product, code=code, code_key=code.lower(), name=code, kind=kind) for code, kind in codes],
        batch_size=5_000,
    )
    for i in range(PLACES):
        Warehouse.objects.create(code=f"IW{i}", name=f"Import {i}")
    for i in range(SUPPLIERS):
        Supplier.objects.create(code=f"IS{i}", name=f"Supplier {i}")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return user


def _workbook(rows: list[list[Any]]) -> Path:
    import xlsxwriter

    path = Path(os.environ["YIKU_VAR"]) / "list.xlsx"
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("List")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()
    return path


def _bare(file: Path) -> float:
    """Seconds of the shortest way we know: parse, and write the cells as they stand."""
    from django.db import connection
    from python_calamine import CalamineWorkbook

    connection.ensure_connection()
    start = time.perf_counter()
    title, *rows = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    columns = ", ".join(f"c{i} text" for i in range(len(title)))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE bare ({columns})")
        if connection.vendor == "postgresql":
            with connection.connection.cursor().copy("COPY bare FROM STDIN") as copy:
                for row in rows:
                    copy.write_row([str(cell) for cell in row])
        else:
            cursor.execute("BEGIN")
            marks = ", ".join(["?"] * len(title))
            statement = f"INSERT INTO bare VALUES ({marks})"
            connection.connection.executemany(statement, [[str(cell) for cell in row] for row in rows])
            cursor.execute("COMMIT")
    return time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main())
