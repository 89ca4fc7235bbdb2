"""Barcodes and QR codes as SVG, for pages that the browser prints: the same figures as in a PDF."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from backoffice.papers import codes

QUIET, QUIET_QR = 10, 2  # modules of white around


def code128(text: str, *, height: int = 40) -> SafeString:
    """Return the bars of a Code 128. Raises YikuError bad_barcode."""
    wide, bars = codes.code128(text)
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" class="yp-bars" viewBox="0 0 {} {}" preserveAspectRatio="none"'
        ' role="img" aria-label="{}"><path d="{}" fill="#000"/></svg>',
        wide + 2 * QUIET, height, text, _path((start + QUIET, 0, width, height) for start, width in bars),
    )  # fmt: skip


def qr(text: str) -> SafeString:
    """Return a QR code."""
    side, runs = codes.qr(text)
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {0}" role="img" aria-label="{1}">'
        '<path d="{2}" fill="#000"/></svg>',
        side + 2 * QUIET_QR, text, _path((start + QUIET_QR, row + QUIET_QR, width, 1) for row, start, width in runs),
    )  # fmt: skip


def _path(frames: Iterable[tuple[int, int, int, int]]) -> SafeString:
    parts = (f"M{x} {y}h{wide}v{high}h-{wide}z" for x, y, wide, high in frames)
    return mark_safe("".join(parts))  # noqa: S308 — letters and figures made here
