"""The Chinese catalogue: collect texts, compile, and check that nothing is missing, doubtful or stale.

Texts of packages that are not complete in Chinese (unfold, django-q2 and others: tools/collect_texts.py names them) are
translated in our own catalogue too, marked `third party`: Django reads LOCALE_PATHS before it reads the packages.
"""

from __future__ import annotations

import re
import sys

import polib
from collect_texts import ROOT, key, ours, third_party

LOCALE = ROOT / "backoffice" / "locale" / "zh_Hans" / "LC_MESSAGES"
THIRD = "third party"
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sdifr]|%[sd]|\{[a-z_0-9]*\}|</?(?:a|b|br|code|em|p|strong)\b")


def wanted() -> list[polib.POEntry]:
    """Return every text that the catalogue must hold, ours first; a text of both is ours."""
    own = list(ours())
    keys = {key(entry) for entry in own}
    foreign = [entry for entry in third_party() if key(entry) not in keys]
    for entry in own + foreign:
        entry.flags = [flag for flag in entry.flags if flag != "fuzzy"]
        entry.comment = ""
        entry.msgstr_plural = {0: ""} if entry.msgid_plural else {}
    for entry in foreign:
        entry.tcomment = THIRD
    return own + foreign


def update() -> int:
    """Bring the catalogue up to date with the code, keep what is translated, compile."""
    LOCALE.mkdir(parents=True, exist_ok=True)
    path = LOCALE / "django.po"
    stored = polib.pofile(str(path)) if path.exists() else polib.POFile()
    translated = {key(entry): entry for entry in stored if entry.translated()}
    fresh = _empty()
    for entry in wanted():
        before = translated.get(key(entry))
        if before and entry.msgid_plural and before.msgstr_plural:
            entry.msgstr_plural = {0: before.msgstr_plural[0]}
        elif before and not entry.msgid_plural:
            entry.msgstr = before.msgstr
        fresh.append(entry)
    fresh.sort(key=lambda entry: (entry.tcomment == THIRD, entry.msgid, entry.msgctxt or ""))
    fresh.save(str(path))
    fresh.save_as_mofile(str(LOCALE / "django.mo"))
    missing = sum(not entry.translated() for entry in fresh)
    sys.stdout.write(f"{len(fresh)} texts, {missing} not translated\n")
    return 0


def check() -> int:
    """Say what is missing, fuzzy, uncollected, or compiled from an older catalogue; returns 1 if anything is."""
    stored = polib.pofile(str(LOCALE / "django.po"))
    known = {key(entry) for entry in stored}
    problems = [f"not translated: {entry.msgid!r}" for entry in stored if not entry.translated()]
    problems += [f"not in the catalogue: {entry.msgid!r}" for entry in wanted() if key(entry) not in known]
    compiled = {key(entry): entry.msgstr or entry.msgstr_plural for entry in polib.mofile(str(LOCALE / "django.mo"))}
    for entry in stored:
        if entry.translated() and compiled.get(key(entry)) != (entry.msgstr or entry.msgstr_plural):
            problems.append(f"compiled from another text: {entry.msgid!r}")
        if entry.translated() and not _same_placeholders(entry):
            problems.append(f"placeholders differ: {entry.msgid!r}")
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


def _same_placeholders(entry: polib.POEntry) -> bool:
    expected = sorted(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
    texts = list(entry.msgstr_plural.values()) or [entry.msgstr]
    return all(sorted(PLACEHOLDER.findall(text)) == expected for text in texts)


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
