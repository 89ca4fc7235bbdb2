#!/bin/sh
# Make the virtual environment and install what pyproject.toml pins. Usage: sh tools/install.sh [folder]
# Names what is missing with the command that installs it; does nothing when all is there (no network needed then).
set -eu
cd "$(dirname "$0")/.."
venv="${1:-.venv}"

hint() { # package for Debian/Ubuntu, package for Fedora, package for Homebrew
    if command -v apt-get >/dev/null 2>&1; then echo "sudo apt-get install $1"
    elif command -v dnf >/dev/null 2>&1; then echo "sudo dnf install $2"
    elif command -v brew >/dev/null 2>&1; then echo "brew install $3"
    else echo "the package manager of your system: $1"; fi
}
fail() { printf '\nMissing: %s\nInstall it with:  %s\n\n' "$1" "$2" >&2; exit 1; }

command -v make >/dev/null 2>&1 || fail "make" "$(hint make make make)"
python=""
for name in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
    [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 || continue
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$name"; break; fi
done
[ -n "$python" ] || fail "Python 3.11 or newer" "$(hint 'python3 python3-venv' python3 python3)"
"$python" -c 'import venv, ensurepip' 2>/dev/null || fail "Python's venv module" "$(hint python3-venv python3-libs python3)"
"$python" -c 'import sqlite3, sys; sys.exit(sqlite3.sqlite_version_info < (3, 35))' 2>/dev/null \
    || fail "SQLite 3.35 or newer for Python" "$(hint libsqlite3-0 sqlite sqlite)"

[ -x "$venv/bin/python" ] || { echo "Making $venv …"; "$python" -m venv "$venv"; }
exec "$venv/bin/python" tools/install.py dev
