"""The name of a file as it is shown and given back: as the sender called it, without what deceives or does harm."""

from __future__ import annotations

import unicodedata

LONGEST = 100
NOT_IN_A_NAME = '<>:"|?*'  # what Windows refuses, and what markup begins with
FIRST = "=+-@. \t"  # a formula in a sheet of names, or a hidden file
SAME = {"jpg": ("jpg", "jpeg"), "png": ("png",), "webp": ("webp",), "pdf": ("pdf",)}


def shown(sent: str, kind: str) -> str:
    """Return a safe name with the ending of what the file is.

    Folders, control characters and those that turn the direction of writing are cut: `…fdp.exe` reads `exe.pdf` else.
    """
    last = unicodedata.normalize("NFC", sent[-1000:]).replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(one for one in last if unicodedata.category(one)[0] != "C")
    safe = "".join("_" if one in NOT_IN_A_NAME else one for one in plain)
    stem, _dot, ending = safe.rpartition(".")
    if ending.lower() not in SAME[kind]:
        stem = safe
    stem = " ".join(stem.split()).lstrip(FIRST)[:LONGEST].strip()
    return f"{stem or kind}.{kind}"


def said(sent: str) -> str:
    """Return a name for a sentence about a file that is no file of ours."""
    last = sent[-1000:].replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(one for one in last if unicodedata.category(one)[0] != "C")[:60] or "?"
