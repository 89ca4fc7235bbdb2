"""Everything that must be clean before a change lands, one line a check; what it said follows when it failed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PRODUCTION = {
    "DEMO": "0",
    "DEBUG": "0",
    "YIKU_TESTING": "0",
    "SECURE": "1",
    "SECRET_KEY": "only-for-the-deploy-check-" + "x9" * 30,
    "FIELD_KEYS": "ZGVwbG95LWNoZWNrLWRlcGxveS1jaGVjay1kZXBsb3k=",
    "HASH_KEY": "only-for-the-deploy-check-" + "h7" * 10,
    "ALLOWED_HOSTS": "yiku.example",
    "CSRF_TRUSTED_ORIGINS": "https://yiku.example",
    "DATABASE_URL": "sqlite://:memory:",
}
TESTING = {"YIKU_TESTING": "1", "DATABASE_URL": "sqlite://:memory:"}
PYTHON = [sys.executable]
CHECKS: list[tuple[str, list[str], dict[str, str]]] = [
    ("ruff check", [str(BIN / "ruff"), "check", "."], {}),
    ("ruff format", [str(BIN / "ruff"), "format", "--check", "."], {}),
    ("import-linter", [str(BIN / "lint-imports")], TESTING),
    ("mypy", [str(BIN / "mypy"), "."], TESTING),
    ("migrations", [*PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"], TESTING),
    ("deploy", [*PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
    ("translations", [*PYTHON, "tools/translations.py", "--check"], TESTING),
    ("README commands", [*PYTHON, "tools/check_readme.py"], TESTING),
]


def main() -> int:
    """Run all checks; returns 1 when one failed."""
    failed = 0
    for name, command, extra in CHECKS:
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **extra}, capture_output=True, text=True, check=False
        )
        good = done.returncode == 0
        failed += not good
        sys.stdout.write(f"{'ok  ' if good else 'FAIL'} {name} ({time.monotonic() - started:.0f} s)\n")
        if not good:
            sys.stdout.write(done.stdout[-6000:] + done.stderr[-6000:] + "\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
