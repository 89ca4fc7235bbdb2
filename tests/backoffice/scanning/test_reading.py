"""Codes in a photo: read whatever their kind, askew and grainy; a picture that would fill the memory is refused."""

import struct
import zlib

import pytest
from PIL import Image

from backoffice.errors import YikuError
from backoffice.papers import codes
from backoffice.scanning import MOST_MEGABYTES, PhotoRefused, read, read_sent
from tests.backoffice.scanning.pictures import bars, below, file, noisy, qr

EAN, TRACKING, LINK = "6901234567892", "ZT00000003", "https://example.com/收货?id=1"
DRAWN = {
    "ean13": (lambda: bars(codes.ean13(EAN)), EAN),
    "code128": (lambda: bars(codes.code128(TRACKING)), TRACKING),
    "qr": (lambda: qr(LINK), LINK),
}


def told(data):
    return [(one.kind, one.text) for one in read(data)]


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("turn", [0, 10, 45, 90, 180, 300])
def test_a_code_is_read_however_the_phone_was_held(kind, turn):
    picture, text = DRAWN[kind]
    turned = picture().rotate(turn, expand=True, fillcolor=255)
    assert told(file(turned)) == [(kind, text)]


@pytest.mark.parametrize("kind", DRAWN)
def test_a_grainy_photo_is_read(kind):
    picture, text = DRAWN[kind]
    assert told(file(noisy(picture()), quality=60)) == [(kind, text)]


def test_two_codes_on_one_photo_come_from_top_to_bottom_each_once():
    first, second = DRAWN["code128"][0](), DRAWN["ean13"][0]()
    assert told(file(below(first, second))) == [("code128", TRACKING), ("ean13", EAN)]
    assert told(file(below(second, first, second))) == [("ean13", EAN), ("code128", TRACKING)]


def test_a_drawing_on_a_clear_background_is_read():
    clear = Image.new("RGBA", (500, 300), (0, 0, 0, 0))
    ink = DRAWN["ean13"][0]()
    clear.paste((0, 0, 0, 255), (50, 50), ink.point(lambda value: 255 - value))
    assert told(file(clear, "PNG")) == [("ean13", EAN)]


def test_a_large_photo_is_read_small():
    whole = Image.new("L", (6_000, 4_500), 235)
    whole.paste(DRAWN["ean13"][0]().resize((2_400, 900)), (1_500, 1_500))
    assert told(file(whole)) == [("ean13", EAN)]


def test_a_photo_without_a_code_has_none():
    assert read(file(noisy(Image.new("L", (400, 300), 200)))) == []


def test_a_code_holds_only_what_can_be_typed():
    assert told(file(qr("A\x00B\x1b[31m\n" + "x" * 400))) == [("qr", "AB[31m" + "x" * 294)]


def claims(width: int, height: int) -> bytes:
    """A tiny PNG that says it is huge."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000)
    parts = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    chunks = (struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
              for name, data in parts)  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "photo_missing"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "photo_kind"),
        (file(Image.new("L", (20, 20)), "GIF"), "photo_kind"),
        (claims(8_000, 8_000), "photo_pixels"),
        (claims(60_000, 60_000), "photo_pixels"),
        (claims(3_000, 3_000), "photo_broken"),
        (file(noisy(Image.new("L", (300, 300), 200)))[:2_000], "photo_broken"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_picture_is_refused_with_a_sentence(data, code):
    with pytest.raises(PhotoRefused) as caught:
        read(data)
    assert caught.value.code == code
    assert "%" not in str(caught.value)


def test_a_file_that_is_too_large_is_not_read_to_its_end():
    taken = []

    class Endless:
        def chunks(self, chunk_size=None):
            while True:
                taken.append(1)
                yield b"\xff" * 1024 * 1024

    with pytest.raises(PhotoRefused) as caught:
        read_sent(Endless())
    assert (caught.value.code, len(taken)) == ("photo_large", MOST_MEGABYTES + 1)


def test_an_ean_is_drawn_with_its_own_check_digit_only():
    for wrong in ("6901234567890", "690123456789", "69012345678９2", ""):
        with pytest.raises(YikuError) as caught:
            codes.ean13(wrong)
        assert caught.value.code == "bad_barcode"
