"""`make bench`: every benchmark after the other, each in a process of its own, and a table at the end.

    python -m benchmarks [hot_sku ingest review routing labels …]

The exit code is 1 when a benchmark broke or found a fault (oversold, lost, doubled, memory not flat). A ratio below its
bar is marked in the table: it may be the machine's load, so measure again when it is quiet.
"""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.bars import bar_of
from benchmarks.ground import ROOT, say

ALL = (
    "hot_sku",
    "ingest",
    "review",
    "routing",
    "labels",
    "count_import",
    "stocktake",
    "audit",
    "why",
    "replenish",
    "changelist",
    "sale_to_shelf",
)


def main(names: list[str]) -> int:
    """Run the benchmarks named, or all."""
    unknown = set(names) - set(ALL)
    if unknown:
        say(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(ALL)}.")
        return 2
    found: list[dict[str, object]] = []
    broken = []
    for name in names or ALL:
        say(f"=== {name} ===")
        lines, code = _run(name)
        found += [json.loads(line) for line in lines if line.startswith('{"measure"')]
        if code:
            broken.append(name)
    _table(found)
    for name in broken:
        say(f"FAULT in {name}: see above")
    return 1 if broken else 0


def _run(name: str) -> tuple[list[str], int]:
    """Run one, show its lines as they come; returns them and the exit code."""
    lines = []
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{name}"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        for line in child.stdout or ():
            say(line.rstrip("\n"))
            lines.append(line)
    return lines, child.returncode


def _table(found: list[dict[str, object]]) -> None:
    say("\n" + f"{'measure':44}{'ours':>12}{'limit':>12}  {'unit':16}{'ratio':>7}{'bar':>7}")
    for one in found:
        bar = bar_of(str(one["measure"]))
        ratio = float(str(one["ratio"]))
        mark = "" if bar is None or ratio >= bar else "  BELOW"
        wanted = "" if bar is None else f"{bar:.2f}"
        say(f"{one['measure']:44}{one['ours']:>12}{one['limit']:>12}  {one['unit']:16}{ratio:>7.2f}{wanted:>7}{mark}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
