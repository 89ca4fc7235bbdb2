"""Text from strangers made fit for paper: one line, joined Arabic letters, right-to-left in its visual order.

fpdf2 shapes only with a compiled library that we do without. Arabic letters have ready-made joined forms in Unicode,
which is enough for names and addresses.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from fpdf.bidi import BidiParagraph

INVISIBLE = re.compile("[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]")
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
PLACES = {(1, 1): "medial", (1, 0): "final", (0, 1): "initial", (0, 0): "isolated"}  # joined before, joined after
LAM, ALEFS = "\u0644", "\u0622\u0623\u0625\u0627"


def one_line(text: object) -> str:
    """Return the text on one line, without what cannot be seen (control signs, direction marks, joiners)."""
    plain = re.sub(r"\s+", " ", str(text).replace("\0", " "))
    return INVISIBLE.sub("", plain).encode("utf-16", "replace").decode("utf-16", "replace").strip()


def visual(text: str) -> str:
    """Return the letters of one line in the order they are drawn from left to right."""
    if not RIGHT_TO_LEFT.search(text):
        return text
    shaped = _joined(text)
    try:
        return BidiParagraph(text=shaped).get_reordered_string()
    except (IndexError, ValueError, AttributeError):  # a library that stumbles must not lose an address
        return shaped


@lru_cache(maxsize=1)
def _forms() -> dict[str, dict[str, str]]:
    """Return letter → {isolated, initial, medial, final → joined letter}, lam-alef pairs included."""
    found: dict[str, dict[str, str]] = {}
    for code in range(0xFB50, 0xFEFD):
        name, *parts = unicodedata.decomposition(chr(code)).split()[:3] or [""]
        if name in ("<isolated>", "<initial>", "<medial>", "<final>") and parts:
            letters = "".join(chr(int(one, 16)) for one in parts)
            if len(letters) == 1 or (letters[0] == LAM and letters[1] in ALEFS and len(letters) == 2):
                found.setdefault(letters, {}).setdefault(name.strip("<>"), chr(code))
    return found


def _joined(text: str) -> str:
    forms = _forms()
    letters = _pairs(text)
    out = []
    for place, letter in enumerate(letters):
        own = forms.get(letter)
        if own is None:
            out.append(letter)
            continue
        before = _joins_on(forms, letters[place - 1]) if place else False
        after = place + 1 < len(letters) and "initial" in own and _joins_back(forms, letters[place + 1])
        name = {(True, True): "medial", (True, False): "final", (False, True): "initial"}.get(
            (before, after), "isolated"
        )
        out.append(own.get(name) or own.get("isolated") or letter)
    return "".join(out)


def _pairs(text: str) -> list[str]:
    found: list[str] = []
    for letter in text:
        if letter in ALEFS and found and found[-1] == LAM:
            found[-1] += letter
        elif unicodedata.category(letter) != "Mn" or not RIGHT_TO_LEFT.match(letter):  # vowel signs are left out
            found.append(letter)
    return found


def _joins_on(forms: dict[str, dict[str, str]], letter: str) -> bool:
    return "initial" in forms.get(letter, {}) or letter == "\u0640"


def _joins_back(forms: dict[str, dict[str, str]], letter: str) -> bool:
    return "final" in forms.get(letter, {}) or letter == "\u0640"
