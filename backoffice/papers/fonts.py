"""Which font files papers are written with: Chinese first, then whatever fills the gaps; none is a clear refusal."""

from __future__ import annotations

import dataclasses
import logging
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError

logging.getLogger("fontTools").setLevel(logging.ERROR)  # it tells of every table it leaves out
ROOTS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("/Library/Fonts"),
    Path("/System/Library/Fonts"),
)
REGULAR = ("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "SourceHanSansSC-Regular.otf")
BOLD = ("NotoSansCJK-Bold.ttc", "NotoSansCJKsc-Bold.otf", "SourceHanSansSC-Bold.otf")
GAPS = ("DejaVuSans.ttf", "NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf", "NotoSansThai-Regular.ttf")
SIMPLIFIED = 2  # which font of Noto's collection has the Chinese forms


@dataclasses.dataclass(frozen=True, slots=True)
class FontFile:
    """A font file, and which font of a collection."""

    path: Path
    number: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Fonts:
    """What a paper is written with."""

    regular: FontFile
    bold: FontFile
    gaps: tuple[FontFile, ...] = ()


class NoFont(YikuError):
    """There is nothing to write Chinese with; boxes instead of an address would be worse than no paper."""

    def __init__(self) -> None:
        super().__init__(
            "no_font",
            _(
                "No font for Chinese is installed on the server. Install one with “apt-get install fonts-noto-cjk”, or"
                " name a font file in the setting PDF_FONT."
            ),
        )


def fonts() -> Fonts:
    """Return the fonts of this machine. Raises NoFont."""
    return _found(str(getattr(settings, "PDF_FONT", "") or ""))


@lru_cache(maxsize=4)
def _found(chosen: str) -> Fonts:
    regular = _chosen(chosen) if chosen else _first(REGULAR)
    if regular is None:
        raise NoFont
    bold = None if chosen else _first(BOLD)
    gaps = tuple(one for name in GAPS if (one := _first((name,))) is not None)
    return Fonts(regular, bold or regular, gaps)


def _chosen(text: str) -> FontFile | None:
    """Read `path` or `path#number`."""
    path, _sign, number = text.partition("#")
    return FontFile(Path(path), int(number or 0)) if Path(path).is_file() and (number or "0").isdecimal() else None


def _first(names: tuple[str, ...]) -> FontFile | None:
    for name in names:
        for root in ROOTS:
            for path in sorted(root.rglob(name)) if root.is_dir() else ():
                return FontFile(path, SIMPLIFIED if path.suffix == ".ttc" else 0)
    return None
