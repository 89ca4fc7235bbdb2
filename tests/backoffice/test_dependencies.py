"""Each pinned package has a line that says why it is here."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    return {re.match(r"[A-Za-z0-9_.-]+", one).group() for one in wanted}


def test_every_package_is_pinned_and_explained():
    page = (ROOT / "docs" / "dependencies.md").read_text().lower()
    unexplained = {name for name in pinned() if name.lower() not in page and not name.startswith("types-")}
    assert unexplained == set()


def test_every_version_is_exact_and_no_address_is_named():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for one in project["dependencies"] + project["optional-dependencies"]["dev"]:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+(\[[a-z-]+\])?==[0-9.]+", one), one
