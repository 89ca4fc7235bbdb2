"""The Chinese catalogue: collect texts, compile, and check that nothing is missing, doubtful or stale.

Texts of third parties (unfold, import-export, django-q2 and others that are not complete in Chinese) are translated
in our own catalogue too: LOCALE_PATHS comes first. `third_party.txt` beside the catalogue names their packages.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "backoffice" / "locale" / "zh_Hans" / "LC_MESSAGES"
APPS = ("backoffice", "inventory", "orders", "channels", "finance")
KEYWORDS = (
    "gettext_noop", "gettext_lazy", "ngettext:1,2", "ngettext_lazy:1,2", "pgettext:1c,2", "npgettext:1c,2,3",
    "pgettext_lazy:1c,2", "npgettext_lazy:1c,2,3", "_now", "_lazy", "_",
)  # fmt: skip


def sources() -> list[Path]:
    """Return the files that hold texts: Python and templates of our apps."""
    found: list[Path] = []
    for app in APPS:
        for pattern in ("*.py", "*.html", "*.txt"):
            found += [path for path in (ROOT / app).rglob(pattern) if "migrations" not in path.parts]
    return sorted(found)


def collected() -> polib.POFile:
    """Return the texts of our code, as Django's makemessages finds them."""
    from django.utils.translation import template

    with tempfile.TemporaryDirectory() as folder:
        listed = []
        for number, path in enumerate(sources()):
            target = path
            if path.suffix != ".py":
                target = Path(folder) / f"{number}-{path.name}.py"
                target.write_text(template.templatize(path.read_text(), origin=str(path.relative_to(ROOT))))
            listed.append(str(target))
        names = Path(folder) / "files"
        names.write_text("\n".join(listed))
        output = Path(folder) / "out.po"
        keywords = [f"--keyword={word}" for word in KEYWORDS]
        files = ["--no-location", "--sort-output", f"--output={output}", f"--files-from={names}"]
        command = ["xgettext", "--language=Python", "--from-code=UTF-8", *keywords, *files]
        subprocess.run(command, check=True, capture_output=True, text=True)
        return polib.pofile(str(output))


def key(entry: polib.POEntry) -> tuple[str, str]:
    """Return what makes an entry the same: context and text."""
    return entry.msgctxt or "", entry.msgid


def update() -> int:
    """Bring the catalogue up to date with the code, keep what is translated, compile."""
    LOCALE.mkdir(parents=True, exist_ok=True)
    path = LOCALE / "django.po"
    stored = polib.pofile(str(path)) if path.exists() else _empty()
    known = {key(entry): entry for entry in stored}
    for entry in collected():
        if key(entry) not in known:
            entry.flags = [flag for flag in entry.flags if flag != "fuzzy"]
            stored.append(entry)
    found = {key(entry) for entry in collected()}
    for entry in list(stored):
        if key(entry) not in found and entry.tcomment != "third party":
            stored.remove(entry)
    stored.sort(key=lambda entry: (entry.tcomment == "third party", entry.msgid, entry.msgctxt or ""))
    stored.save(str(path))
    stored.save_as_mofile(str(LOCALE / "django.mo"))
    missing = [entry for entry in stored if not entry.translated()]
    sys.stdout.write(f"{len(stored)} texts, {len(missing)} not translated\n")
    return 0


def check() -> int:
    """Say what is missing, fuzzy, uncollected, or compiled from an older catalogue."""
    stored = polib.pofile(str(LOCALE / "django.po"))
    known = {key(entry): entry for entry in stored}
    problems = [f"not translated: {entry.msgid!r}" for entry in stored if not entry.translated()]
    problems += [f"not in the catalogue: {entry.msgid!r}" for entry in collected() if key(entry) not in known]
    compiled = {key(entry): entry.msgstr or entry.msgstr_plural for entry in polib.mofile(str(LOCALE / "django.mo"))}
    problems += [
        f"compiled from another text: {entry.msgid!r}"
        for entry in stored
        if entry.translated() and compiled.get(key(entry)) != (entry.msgstr or entry.msgstr_plural)
    ]
    problems += [f"placeholders differ: {entry.msgid!r}" for entry in stored if entry.translated() and not _same(entry)]
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


def _same(entry: polib.POEntry) -> bool:
    import re

    pattern = re.compile(r"%\([a-z_]+\)[sdif]|%[sd]|\{[a-z_]*\}")
    wanted = sorted(pattern.findall(entry.msgid_plural or entry.msgid))
    texts = list(entry.msgstr_plural.values()) or [entry.msgstr]
    return all(sorted(pattern.findall(text)) == wanted for text in texts)


def _empty() -> polib.POFile:
    catalogue = polib.POFile()
    catalogue.metadata = {
        "Project-Id-Version": "yiku",
        "Language": "zh_Hans",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=1; plural=0;",
    }
    return catalogue


if __name__ == "__main__":
    sys.exit(check() if "--check" in sys.argv[1:] else update())
