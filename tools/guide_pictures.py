"""Take the pictures of the guides from a running demo: `python tools/guide_pictures.py ADDRESS [GUIDE…]`.

Needs Chromium and the demo company. Pictures are WebP of at most 60 kB, one a language, in the guide's own app.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Page, ViewportSize, sync_playwright

if __package__ is None:
    sys.path.insert(0, str(Path(__file__).resolve().parent))
from screenshots import _first, _sign_in

ROOT = Path(__file__).resolve().parent.parent
WIDE, TALL = ViewportSize(width=1040, height=680), ViewportSize(width=390, height=700)
MOST_BYTES = 60_000
STOCK, ORDERS = "/admin/inventory", "/admin/orders"
# guide: app, who looks, the page; `first:` opens the first row of a list
PICTURES = {
    "stocktake": ("inventory", "owner", f"first:{STOCK}/stocktake/?state__exact=review"),
    "transfers": ("inventory", "owner", f"first:{STOCK}/transfer/?state__exact=partly"),
    "assembly": ("inventory", "owner", f"first:{STOCK}/assembly/"),
    "floor": ("inventory", "warehouse", f"{STOCK}/flooraction/receive/"),
    "bins": ("inventory", "owner", f"{STOCK}/bin/"),
    "lots": ("inventory", "owner", f"first:{STOCK}/lot/?q=LJ2509"),
    "values": ("inventory", "owner", f"{STOCK}/costsetting/value/"),
    "late-costs": ("orders", "owner", f"first:{ORDERS}/costdocument/?state__exact=draft"),
    "trust": ("inventory", "owner", f"{STOCK}/stockalert/"),
    "purchasing": ("orders", "owner", f"first:{ORDERS}/purchaseorder/?state__exact=partly"),
    "replenishment": ("orders", "owner", f"{ORDERS}/replenishrow/?verdict__exact=order"),
    "imports": ("backoffice", "buyer", "preview"),
}
PHONE = ("floor",)


def main(base: str, names: tuple[str, ...] = ()) -> int:
    """Take every picture, or those of the named guides, in both languages."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for language in ("en", "zh"):
            pages: dict[tuple[str, bool], Page] = {}
            for name, (app, who, where) in PICTURES.items():
                if names and name not in names:
                    continue
                seat = (who, name in PHONE)
                if seat not in pages:
                    pages[seat] = browser.new_context(viewport=TALL if seat[1] else WIDE).new_page()
                    _sign_in(pages[seat], base, language, who)
                _take(pages[seat], base, where, ROOT / app / "static" / app / "guides" / f"{name}-{language}.webp")
        browser.close()
    return 0


def _take(page: Page, base: str, where: str, picture: Path) -> None:
    path = _address(page, base, where)
    page.goto(base + path)
    page.wait_for_timeout(600)
    _shrink(page.screenshot(), picture)
    sys.stdout.write(f"{picture.relative_to(ROOT)} {picture.stat().st_size // 1000} kB\n")


def _address(page: Page, base: str, where: str) -> str:
    if where == "preview":  # a file of purchase orders waiting for a decision
        page.goto(f"{base}/admin/imports/")
        return str(page.locator(".ym-table a", has_text="双十二采购").first.get_attribute("href"))
    return _first(page, base + where.removeprefix("first:")) if where.startswith("first:") else where


def _shrink(shot: bytes, picture: Path) -> None:
    """Write the picture as small as it stays readable."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    image = _trimmed(Image.open(io.BytesIO(shot)).convert("RGB"))
    for quality in (80, 65, 50, 35):
        image.save(picture, "WEBP", quality=quality, method=6)
        if picture.stat().st_size <= MOST_BYTES:
            return


def _trimmed(image: Image.Image) -> Image.Image:
    """Cut the empty lower part of a short page off."""
    ground = Image.new("RGB", image.size, image.getpixel((2, image.height - 2)))
    box = ImageChops.difference(image, ground).getbbox()
    return image.crop((0, 0, image.width, min(image.height, box[3] + 20))) if box else image


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].rstrip("/"), tuple(sys.argv[2:])))
