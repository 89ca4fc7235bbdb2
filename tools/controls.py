"""Prove that every guard is tested: take each one out of a copy of the code and watch its test go red.

`tests/controls.toml` lists the guards. For each: the file, the exact text that is the guard, what it becomes without
it, and the test that must then fail. A test that stays green, a text that no longer stands in its file and a test
that fails even before the mutation are all errors: the control would prove nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis")


def run_test(tree: Path, guard: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the guard's test in `tree`; the database it names is started by conftest."""
    surroundings = {**os.environ, "YIKU_TESTING": "1", "YIKU_TEST_DB": guard.get("db", "sqlite")}
    surroundings.setdefault("YIKU_SHARED", str(ROOT.parent / "shared"))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *guard["test"].split()]
    return subprocess.run(command, cwd=tree, env=surroundings, capture_output=True, text=True, timeout=600, check=False)


def mutate(tree: Path, guard: dict[str, str]) -> str | None:
    """Take the guard out of the copy; returns what is wrong, or None."""
    path = tree / guard["file"]
    text = path.read_text() if path.exists() else ""
    if text.count(guard["find"]) != 1:
        return f"the guard's text stands {text.count(guard['find'])} times in {guard['file']}, not once"
    path.write_text(text.replace(guard["find"], guard["replace"]))
    return None


def prove(guard: dict[str, str]) -> str | None:
    """Return None when the test is green with the guard and red without it, else what is wrong."""
    with tempfile.TemporaryDirectory(prefix="yiku-control-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
        before = run_test(tree, guard)
        if before.returncode != 0:
            return "the test fails even with the guard in place:\n" + before.stdout[-2000:]
        wrong = mutate(tree, guard)
        if wrong:
            return wrong
        after = run_test(tree, guard)
        if after.returncode == 0:
            return "the test stays green without the guard"
        if after.returncode != 1:
            return f"pytest did not run (exit {after.returncode}):\n" + (after.stdout + after.stderr)[-2000:]
    return None


def main() -> int:
    """Prove all guards, or those whose name contains the word given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="only guards whose name contains this")
    wanted = parser.parse_args().name
    guards = tomllib.loads((ROOT / "tests" / "controls.toml").read_text())["guard"]
    chosen = [guard for guard in guards if wanted in guard["name"]]
    failures = 0
    for guard in chosen:
        wrong = prove(guard)
        failures += wrong is not None
        sys.stdout.write(f"{'RED AS IT SHOULD BE' if wrong is None else 'NOT PROVEN':20} {guard['name']}\n")
        if wrong:
            sys.stdout.write(f"    {wrong}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - failures} guards proven, {failures} not\n")
    return 1 if failures or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
