"""Prove that every guard is tested: take each one out of a copy of the code and watch its test go red.

`tests/controls.toml` (and any `controls.toml` deeper under tests/) lists the guards. For each: the file, the exact text
that is the guard, what it becomes without it, the test that must then fail and the database it runs on. A test that
stays green, a text that no longer stands in its file and a test that fails even before the mutation are all errors:
the control would prove nothing.
"""

from __future__ import annotations

import argparse
import compileall
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis")
AT_ONCE = 2
SECONDS = 600  # the longest a test may take; one that hangs without its guard counts as red
HUNG = -1
EMPTY_TEST = "tests/crash/test_constraints.py"  # touches no row: what it leaves is an empty database
Guard = dict[str, str]


def guards() -> list[Guard]:
    """Return all guards of all lists."""
    lists = sorted((ROOT / "tests").rglob("controls.toml"))
    return [guard for one in lists for guard in tomllib.loads(one.read_text())["guard"]]


def found(guard: Guard, tree: Path = ROOT) -> int:
    """Return how often the guard's text stands in its file; anything but 1 makes the entry worthless."""
    path = tree / guard["file"]
    return path.read_text().count(guard["find"]) if path.exists() else 0


class Prover:
    """Runs tests in one frozen copy of the code and in mutated copies of that.

    What costs time is done once: compiling (copies keep their bytecode) and the empty database. Guards that stand in
    migrations or in models (triggers are made from those) get a database of their own.
    """

    def __init__(self, folder: Path, at_once: int) -> None:
        self.folder, self.clean, self.at_once = folder, folder / "clean", at_once
        shutil.copytree(ROOT, self.clean, ignore=LEFT_OUT)
        compileall.compile_dir(self.clean, quiet=2)
        self.slots: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(at_once):
            self.slots.put(number)
        self.made: set[int] = set()  # slots whose PostgreSQL holds a clean test database
        self.empty = folder / "empty"
        self.empty.mkdir()
        self._run(self.clean, [EMPTY_TEST], "sqlite", {"YIKU_TEST_SCRATCH": str(self.empty)}, "--reuse-db")

    # --- running -----------------------------------------------------------------------------------------------------

    def run(self, tree: Path, tests: Sequence[str], database: str, *, own: bool = False) -> tuple[int, str]:
        """Run tests on an empty database, a new one if `own`; returns pytest's exit code and the end of its output."""
        slot = self.slots.get()
        try:
            if database == "sqlite":
                return self._on_sqlite(tree, tests, own)
            # Short and outside the tree: PostgreSQL's socket lies in it, whose path may have 107 characters.
            where = {"YIKU_PGDATA": str(self.folder / f"pg{slot}")}
            again = slot in self.made and not own
            self.made.discard(slot)
            done = self._run(tree, tests, database, where, "--reuse-db", *([] if again else ["--create-db"]))
            if done[0] in (0, 1) and not own:  # it ended by itself, so it has cleaned up
                self.made.add(slot)
            return done
        finally:
            self.slots.put(slot)

    def _on_sqlite(self, tree: Path, tests: Sequence[str], own: bool) -> tuple[int, str]:
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            for file in [] if own else self.empty.glob("test_yiku.sqlite3*"):
                shutil.copy2(file, scratch)
            where = {"YIKU_TEST_SCRATCH": scratch}
            return self._run(tree, tests, "sqlite", where, "--create-db" if own else "--reuse-db")

    def _run(
        self, tree: Path, tests: Sequence[str], database: str, where: dict[str, str], *options: str
    ) -> tuple[int, str]:
        surroundings = {**os.environ, "YIKU_TESTING": "1", "YIKU_TEST_DB": database, **where}
        surroundings.setdefault("YIKU_SHARED", str(ROOT.parent / "shared"))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *options, *tests]
        try:
            done = subprocess.run(
                command, cwd=tree, env=surroundings, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return HUNG, "the test did not end"
        return done.returncode, (done.stdout + done.stderr)[-2000:]

    # --- proving -----------------------------------------------------------------------------------------------------

    def red_without(self, guard: Guard) -> str | None:
        """Return None when the test is red without the guard, else what is wrong."""
        if found(guard, self.clean) != 1:
            return f"the guard's text stands {found(guard, self.clean)} times in {guard['file']}, not once"
        with tempfile.TemporaryDirectory(dir=self.folder) as copy:
            tree = Path(copy) / "tree"
            shutil.copytree(self.clean, tree)
            path = tree / guard["file"]
            path.write_text(path.read_text().replace(guard["find"], guard["replace"]))
            own = "/migrations/" in guard["file"] or "/models" in guard["file"]
            code, output = self.run(tree, guard["test"].split(), guard.get("db", "sqlite"), own=own)
        if code == 0:
            return "the test stays green without the guard"
        return None if code in (1, HUNG) else f"pytest did not run (exit {code}):\n{output}"

    def red_before(self, chosen: Sequence[Guard]) -> dict[str, str]:
        """Run the tests with all guards in place; returns those that are red then too, which proves nothing.

        All together per database, and one by one only if that fails.
        """
        red: dict[str, str] = {}
        for database in sorted({guard.get("db", "sqlite") for guard in chosen}):
            tests = sorted({guard["test"] for guard in chosen if guard.get("db", "sqlite") == database})
            together = [test for test in tests if " " not in test]
            if together and self.run(self.clean, together, database)[0] == 0:
                tests = [test for test in tests if test not in together]
            for test in tests:
                code, output = self.run(self.clean, test.split(), database)
                if code != 0:
                    red[test] = output
        return red


def say(guard: Guard, wrong: str | None) -> None:
    """Print what became of a guard."""
    sys.stdout.write(f"{'RED AS IT SHOULD BE' if wrong is None else 'NOT PROVEN':20} {guard['name']}\n")
    if wrong:
        sys.stdout.write(f"    {wrong}\n")
    sys.stdout.flush()


def main() -> int:
    """Prove all guards, or those whose name or file contains the word given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="only guards whose name or file contains this")
    wanted = parser.parse_args().name
    chosen = [guard for guard in guards() if wanted in guard["name"] or wanted in guard["file"]]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="yk-ctl-", dir="/var/tmp") as folder:
        prover = Prover(Path(folder), AT_ONCE)
        proven = []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            runs = {pool.submit(prover.red_without, guard): guard for guard in chosen}
            for run in as_completed(runs):
                say(runs[run], run.result())
                proven += [runs[run]] if run.result() is None else []
        red = prover.red_before(proven)
        for guard in [one for one in proven if one["test"] in red]:
            say(guard, "the test is red with the guard in place too:\n" + red[guard["test"]])
            proven.remove(guard)
    failures, seconds = len(chosen) - len(proven), time.monotonic() - began
    sys.stdout.write(f"{len(proven)} guards proven, {failures} not, in {seconds:.0f} s\n")
    return 1 if failures or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
