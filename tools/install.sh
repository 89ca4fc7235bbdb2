#!/bin/sh
# Make the virtual environment and install what pyproject.toml pins; once it stands, nothing here needs a network.
set -eu
venv=$1
find_python() {
    for name in python3.13 python3.12 python3.11 python3; do
        if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"; return
        fi
    done
}
stamp="$venv/.installed"
want=$(cksum pyproject.toml)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && [ -x "$venv/bin/python" ]; then exit 0; fi
python=$(find_python)
if [ -z "$python" ]; then
    echo "Yiku needs Python 3.11 or newer. On Debian or Ubuntu: sudo apt-get install python3 python3-venv" >&2; exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "This Python cannot make virtual environments. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 1
fi
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
echo "Installing what pyproject.toml pins into $venv (once; afterwards no network is needed) ..."
if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[dev]'; then
    echo "The installation failed; the lines above say why. It needs a package index once." >&2; exit 1
fi
echo "$want" > "$stamp"
