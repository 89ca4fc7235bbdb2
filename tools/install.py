"""Install the packages that pyproject.toml pins into this environment, once per change: `install.py [dev]`."""

import hashlib
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Install unless the stamp says that exactly this was installed; returns the exit code."""
    extras = sys.argv[1:]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    stamp = Path(sys.prefix) / ("yiku-" + "-".join(["run", *extras]) + ".stamp")
    mark = hashlib.sha256("\n".join([sys.version, *sorted(wanted)]).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == mark:
        return 0
    sys.stdout.write(f"Installing {len(wanted)} packages into {sys.prefix} …\n")
    sys.stdout.flush()
    if importlib.util.find_spec("pip") is None:  # an environment whose making was interrupted
        subprocess.run([sys.executable, "-m", "ensurepip"], check=False)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    if subprocess.run(command, check=False).returncode:
        sys.stderr.write(
            "\nThe packages could not be installed. The first start needs the network (PyPI or a mirror).\n"
        )
        return 1
    stamp.write_text(mark)
    return 0


if __name__ == "__main__":
    sys.exit(main())
