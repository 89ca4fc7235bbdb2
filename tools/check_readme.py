"""What the README and its pages tell people to type must exist: make targets, management commands, files, settings."""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def commands() -> set[str]:
    """Return the names of all management commands."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    import django
    from django.core.management import get_commands

    django.setup()
    return set(get_commands())


@lru_cache
def settings() -> set[str]:
    """Return the environment variables that our code reads."""
    sources = [path.read_text() for path in (ROOT / "backoffice").rglob("*.py")]
    return {name for text in sources for name in re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", text)}


def targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def wrong(page: str, known: set[str], made: set[str]) -> list[str]:
    """Return what a page names that does not exist."""
    path = ROOT / page
    if not path.exists():
        return [f"{page} is missing"]
    text = path.read_text()
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    asked = re.findall(r"\bmake ([a-z][a-z0-9-]*)", code)
    found = [f"{page}: no target `make {one}`" for one in asked if one not in made]
    named = re.findall(r"manage\.py ([a-z_]+)", code)
    found += [f"{page}: no command `manage.py {one}`" for one in named if one not in known]
    set_here = re.findall(r"^([A-Z][A-Z_]+)=", code, re.MULTILINE)
    found += [f"{page}: no setting {one}" for one in set_here if one not in settings()]
    for link in LINK.findall(text):
        if not link.startswith(("http://", "https://", "mailto:")) and not (path.parent / link).exists():
            found.append(f"{page}: no file {link}")
    return found


def main() -> int:
    """Print what is wrong; returns 1 when something is."""
    known, made = commands(), targets()
    problems = [problem for page in PAGES for problem in wrong(page, known, made)]
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
