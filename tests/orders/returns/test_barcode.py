"""The barcode on the slip: by the standard's own rules."""

import re

import pytest

from orders.returns import barcode


def bars(svg: str) -> list[tuple[int, int]]:
    """(start, width) of every bar."""
    return [(int(x), int(w)) for x, w in re.findall(r"M(\d+) 0h(\d+)", svg)]


def values(svg: str) -> list[int]:
    """Read the symbol back as a scanner does: bars and spaces to values."""
    found = bars(svg)
    widths = []
    for (x, width), following in zip(found, [*found[1:], None], strict=True):
        widths += [width] if following is None else [width, following[0] - x - width]
    whole, stop = widths[:-7], "".join(map(str, widths[-7:]))
    assert stop == barcode.WIDTHS[barcode.STOP]
    return [barcode.WIDTHS.index("".join(map(str, whole[at : at + 6]))) for at in range(0, len(whole), 6)]


def test_every_symbol_is_eleven_wide_and_none_stands_twice():
    assert [sum(map(int, one)) for one in barcode.WIDTHS] == [11] * 106 + [13]
    assert len(set(barcode.WIDTHS)) == 107
    assert all(sum(map(int, one[::2])) % 2 == 0 for one in barcode.WIDTHS[:106])  # bars are even, as the standard says


def test_a_number_reads_back_with_its_check_sum():
    read = values(barcode.code128("R10012"))
    text = "".join(chr(value + 32) for value in read[1:-1])
    check = (104 + sum(place * value for place, value in enumerate(read[1:-1], 1))) % 103
    assert (read[0], text, read[-1]) == (104, "R10012", check)


@pytest.mark.parametrize("text", ["", "中文", "a\n"])
def test_what_it_cannot_hold_is_refused(text):
    with pytest.raises(ValueError):
        barcode.code128(text)
