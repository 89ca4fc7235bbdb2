"""`make bench` finds each benchmark, and knows the bar of each measure."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.sqlite


def test_every_benchmark_is_there():
    from benchmarks.__main__ import ALL

    assert all(importlib.util.find_spec(f"benchmarks.{name}") for name in ALL)


def test_an_unknown_name_is_refused_with_those_there_are():
    command = [sys.executable, "-m", "benchmarks", "hot_sku", "nonsense"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "There is no benchmark nonsense; there are hot_sku" in done.stdout


@pytest.mark.parametrize(
    ("measure", "bar"),
    [
        ("ingest", 0.35),
        ("ingest_same_pages", None),
        ("count_import_100000", 0.45),
        ("count_import_10000", None),
        ("changelist_deep_vs_first", 1 / 1.2),
        ("changelist_search_buyer", 1 / 1.5),
        ("hot_sku_single_32", 0.6),
        ("sale_to_shelf_postgres_hook_10_p99", 1.0),
        ("audit", 1 / 3),
        ("why_past", 1.0),
        ("something_else", None),
    ],
)
def test_a_measure_has_the_bar_of_the_longest_name(measure, bar):
    from benchmarks.bars import bar_of

    assert bar_of(measure) == bar
