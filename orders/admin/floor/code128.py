"""Code 128 bars as SVG: every laser scanner reads them, and a page can print them without a picture file."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import mark_safe

# Widths of bars and gaps of the 103 values, the three starts and the stop, as the standard's table lists them.
TABLE = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 "
    "122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 "
    "322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 "
    "112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 "
    "331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 "
    "112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 "
    "124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 114311 411113 "
    "411311 113141 114131 311141 411131 211412 211214 211232 2331112"
)
PATTERNS = tuple(TABLE.split())
START_B, STOP = 104, 106
QUIET = 10  # modules of white on both sides


def values(text: str) -> list[int]:
    """Return start, characters, check value and stop of a text in code set B; ValueError for what it does not hold."""
    if not text or not all(" " <= char <= "\x7f" for char in text):
        raise ValueError("Code 128 B holds printable ASCII only.")
    data = [ord(char) - 32 for char in text]
    check = (START_B + sum(place * value for place, value in enumerate(data, 1))) % 103
    return [START_B, *data, check, STOP]


def svg(text: str, height: int = 40) -> str:
    """Return the bars of a text as an SVG picture."""
    at, bars = QUIET, []
    for value in values(text):
        for place, width in enumerate(map(int, PATTERNS[value])):
            if place % 2 == 0:
                bars.append(f"M{at} 0h{width}v{height}h-{width}z")
            at += width
    path = mark_safe("".join(bars))  # noqa: S308 — letters and figures made here
    return format_html(
        '<svg class="yp-bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path d="{}" fill="#000"/></svg>',
        at + QUIET, height, text, path,
    )  # fmt: skip
