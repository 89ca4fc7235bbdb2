"""Photos of codes, drawn by our own papers kit."""

import io
import random

from PIL import Image, ImageDraw, ImageFilter

from backoffice.papers import codes

MODULE, SQUARE, HIGH, QUIET = 3, 6, 90, 40  # pixels


def bars(drawn) -> Image.Image:
    """The bars of a linear code on white paper."""
    wide, runs = drawn
    picture = Image.new("L", (wide * MODULE + 2 * QUIET, HIGH + 2 * QUIET), 255)
    pen = ImageDraw.Draw(picture)
    for start, width in runs:
        left = QUIET + start * MODULE
        pen.rectangle((left, QUIET, left + width * MODULE - 1, QUIET + HIGH), fill=0)
    return picture


def qr(text: str) -> Image.Image:
    """A QR code on white paper."""
    side, runs = codes.qr(text)
    picture = Image.new("L", (side * SQUARE + 2 * QUIET,) * 2, 255)
    pen = ImageDraw.Draw(picture)
    for row, start, width in runs:
        left, top = QUIET + start * SQUARE, QUIET + row * SQUARE
        pen.rectangle((left, top, left + width * SQUARE - 1, top + SQUARE - 1), fill=0)
    return picture


def below(*pictures: Image.Image) -> Image.Image:
    """Pictures on one photo, from top to bottom."""
    whole = Image.new("L", (max(one.width for one in pictures), sum(one.height for one in pictures)), 255)
    top = 0
    for one in pictures:
        whole.paste(one, (0, top))
        top += one.height
    return whole


def noisy(picture: Image.Image, seed: int = 7) -> Image.Image:
    """As a cheap camera takes it: grey, blurred, with grains."""
    chance = random.Random(seed)
    grey = picture.filter(ImageFilter.GaussianBlur(1)).point(lambda value: 60 + value * 150 // 255)
    grains = Image.frombytes("L", grey.size, bytes(chance.randrange(256) for _one in range(grey.width * grey.height)))
    return Image.blend(grey, grains, 0.25)


def file(picture: Image.Image, kind: str = "JPEG", **more) -> bytes:
    """The file a phone sends."""
    made = io.BytesIO()
    picture.save(made, kind, **more)
    return made.getvalue()
