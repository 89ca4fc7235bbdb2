"""Find the texts that a person can see: ours, and those of packages that bring no or not all Chinese themselves."""

from __future__ import annotations

import ast
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
APPS = ("backoffice", "inventory", "orders", "channels", "finance")
# What a page of ours can show. Django's and the packages' own zh_Hans catalogues are left as they are: see `complete`.
THIRD_PARTY = (
    "unfold/*.py", "unfold/mixins", "unfold/templates", "unfold/templatetags", "unfold/contrib/filters",
    "unfold/contrib/forms", "unfold/contrib/import_export", "import_export", "django_q/admin.py", "django_q/models.py",
    "axes", "rest_framework", "django_filters", "django/contrib/admin", "django/contrib/auth",
    "django/contrib/contenttypes", "django/core", "django/db", "django/forms", "django/utils", "django/views",
)  # fmt: skip
KINDS = (".py", ".html", ".txt")
NOT_SHOWN = {"migrations", "tests", "management", "locale", "jinja2"}
KEYWORDS = (
    "gettext_noop", "gettext_lazy", "ngettext:1,2", "ngettext_lazy:1,2", "pgettext:1c,2", "npgettext:1c,2,3",
    "pgettext_lazy:1c,2", "npgettext_lazy:1c,2,3", "_now", "_lazy", "_",
)  # fmt: skip


def key(entry: polib.POEntry) -> tuple[str, str]:
    """Return what makes an entry the same: context and text."""
    return entry.msgctxt or "", entry.msgid


def ours() -> polib.POFile:
    """Return the texts of our apps, as Django's makemessages finds them, and those of the connectors."""
    found = _extract(path for app in APPS for path in _files(ROOT / app))
    known = {entry.msgid for entry in found}
    found += [polib.POEntry(msgid=text) for text in sorted(set(_connector_texts()) - known)]
    return found


def _connector_texts() -> Iterator[str]:
    """Find what the connect form shows of a connector: connectors know no Django, so nothing marks these texts."""
    for path in _files(ROOT / "channels" / "connectors"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "CredentialField":
                given = {word.arg: word.value for word in node.keywords}
                for name in ("label", "help"):
                    if isinstance(value := given.get(name), ast.Constant) and value.value:
                        yield str(value.value)


def third_party() -> list[polib.POEntry]:
    """Return the packages' texts that no zh_Hans catalogue of theirs or of Django translates."""
    known = complete()
    return [entry for entry in _extract(_installed()) if key(entry) not in known]


def complete() -> set[tuple[str, str]]:
    """Return the keys of every text that Django or a package has in Chinese under the name Django looks for."""
    folders = {
        path if path.is_dir() else path.parent for pattern in (*THIRD_PARTY, "django/conf") for path in _at(pattern)
    }
    stored = (folder / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.mo" for folder in folders)
    return {(entry.msgctxt or "", entry.msgid) for path in stored if path.exists() for entry in polib.mofile(str(path))}


def _installed() -> Iterator[Path]:
    for pattern in THIRD_PARTY:
        for path in _at(pattern):
            yield from _files(path) if path.is_dir() else [path]


def _at(pattern: str) -> list[Path]:
    """Return where a package, or a part of one, is installed."""
    name, _, rest = pattern.partition("/")
    spec = find_spec(name)
    if spec is None or not spec.origin:
        raise SystemExit(f"{name} is not installed.")
    folder = Path(spec.origin).parent
    return sorted(folder.glob(rest)) if rest else [folder]


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix in KINDS)
    return sorted(path for path in found if not NOT_SHOWN & set(path.relative_to(folder).parts))


def _extract(paths: Iterable[Path]) -> polib.POFile:
    """Run xgettext over Python, and over templates made into Python by Django. Locations would only make noise."""
    with tempfile.TemporaryDirectory() as folder:
        names, output = Path(folder) / "files", Path(folder) / "out.po"
        names.write_text("\n".join(_readable(path, Path(folder), number) for number, path in enumerate(paths)))
        keywords = [f"--keyword={word}" for word in KEYWORDS]
        files = ["--no-location", "--sort-output", "--force-po", f"--output={output}", f"--files-from={names}"]
        command = ["xgettext", "--language=Python", "--from-code=UTF-8", *keywords, *files]
        subprocess.run(command, check=True, capture_output=True, text=True)
        return polib.pofile(str(output))


def _readable(path: Path, folder: Path, number: int) -> str:
    from django.utils.translation import template

    if path.suffix == ".py":
        return str(path)
    made = folder / f"{number}-{path.name}.py"
    made.write_text(template.templatize(path.read_text(), origin=str(path)))
    return str(made)
