"""Run the tests: on SQLite, then on a real PostgreSQL that pip brings; `soak` runs what is too long for every day."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser() -> str:
    """Return the path of a Chromium: the system's, or one that we can install; empty when there is none."""
    for name in CHROMIUM:
        path = shutil.which(name)
        if path:
            return path
    if os.geteuid() == 0 and shutil.which("apt-get"):
        wanted = ["chromium", "fonts-noto-cjk"]
        for command in (["update"], ["install", "-y", "--no-install-recommends", *wanted]):
            subprocess.run(["apt-get", "-qq", *command], capture_output=True, check=False)
        return shutil.which("chromium") or ""
    downloaded = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return "playwright" if downloaded.returncode == 0 else ""


def run(engine: str, extra: list[str], chromium: str) -> int:
    """Run one pass; returns pytest's exit code."""
    surroundings = {**os.environ, "YIKU_TESTING": "1", "YIKU_TEST_DB": engine, "YIKU_BROWSER": chromium}
    sys.stdout.write(f"\n=== tests on {engine} ===\n")
    sys.stdout.flush()
    slowest = ["--durations=15", "--durations-min=10"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-n",
        workers(),
        "--dist",
        "worksteal",
        *slowest,
        *extra,
    ]
    return subprocess.run(command, cwd=ROOT, env=surroundings, check=False).returncode


def _migrate_ahead() -> subprocess.Popen[bytes]:
    """Make the database that PostgreSQL's tests start from while one worker makes SQLite's and the others wait."""
    surroundings = {**os.environ, "YIKU_TESTING": "1", "YIKU_TEST_DB": "postgres"}
    command = [sys.executable, "-m", "tests.databases"]
    return subprocess.Popen(command, cwd=ROOT, env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def workers() -> str:
    """Two processes are what two cores carry; more cores, more processes, up to eight."""
    return str(min(max(os.cpu_count() or 2, 2), 8))


def main(arguments: list[str]) -> int:
    """Run the passes asked for; the worst exit code is ours."""
    chromium = browser()
    left_out = [] if chromium else ["-m", "not browser"]
    if left_out:
        sys.stdout.write("!!! NO CHROMIUM FOUND: the browser tests are LEFT OUT. apt-get install chromium !!!\n")
    passes = arguments or ["sqlite", "postgres"]
    codes = []
    ahead = _migrate_ahead() if "postgres" in passes[1:] else None
    for name in passes:
        if name == "soak":
            codes += [run(engine, ["-m", "soak"], chromium) for engine in ("sqlite", "postgres")]
        else:
            codes.append(run(name, left_out, chromium))
    if ahead is not None:
        ahead.wait()  # done long ago; what it could not make, the tests have made
    return max(codes, default=1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
