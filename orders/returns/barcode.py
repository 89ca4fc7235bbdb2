"""Barcodes for the slip as SVG: Code 128 by the standard's own table, and a QR code."""

from __future__ import annotations

import io

import segno

# Widths of bars and spaces of the values 0 to 106 (ISO/IEC 15417, table 1); 104 starts set B, 106 stops.
TABLE = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 "
    "113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 "
    "212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 "
    "113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 "
    "314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 "
    "241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 "
    "214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 "
    "211232 2331112"
)
WIDTHS = TABLE.split()
START_B, STOP, QUIET = 104, 106, 10


def code128(text: str, *, height: int = 60) -> str:
    """Return a Code 128 (set B) as SVG. Raises ValueError for anything but printable ASCII."""
    if not text or any(not 32 <= ord(char) < 127 for char in text):
        raise ValueError("Code 128 set B holds printable ASCII only.")
    values = [START_B, *(ord(char) - 32 for char in text)]
    values += [(values[0] + sum(place * value for place, value in enumerate(values[1:], 1))) % 103, STOP]
    bars, x = [], QUIET
    for width_list in (WIDTHS[value] for value in values):
        for place, width in enumerate(map(int, width_list)):
            if place % 2 == 0:
                bars.append(f"M{x} 0h{width}v{height}h-{width}z")
            x += width
    size = f'viewBox="0 0 {x + QUIET} {height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} preserveAspectRatio="none" role="img">'
        f'<path d="{"".join(bars)}" fill="#000"/></svg>'
    )


def qr(text: str) -> str:
    """Return a QR code as SVG."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", xmldecl=False, svgns=True, scale=4, border=2)
    return out.getvalue().decode()
