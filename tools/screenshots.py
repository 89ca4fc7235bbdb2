"""Take the pictures of README and docs/screenshots from a running demo: `python tools/screenshots.py ADDRESS [NAME…]`.

Needs Chromium and the demo company, with something held and something in the error queue. Names take only those.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
PASSWORD = "qingwu-demo"  # noqa: S105 # the demo's public one
FILE = "订单号,下单时间,SKU 编码,数量,单价,买家,电话,地址,城市,省/州,邮编,国家,已付款\n"
ROWS = (
    "S-1,2026-11-20 10:12,TW-GW-120-MW,2,98,王芳,13800138000,南京西路 1 号,上海,上海,200040,CN,是\n"
    "S-1,2026-11-20 10:12,KT-BW-600,1,45,王芳,13800138000,南京西路 1 号,上海,上海,200040,CN,是\n"
    "S-2,2026-11-20 11:40,TW-PM-TQ,6,26,李雷,13900139000,中山路 2 号,杭州,浙江,310000,CN,是\n"
)


PHONE = ("pick", "pack")  # what the warehouse does with the phone


def main(base: str, names: tuple[str, ...] = ()) -> int:
    """Take every picture, or the named ones, in both languages."""
    HERE.mkdir(exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for language in ("en", "zh"):
            context = browser.new_context(viewport={"width": 1360, "height": 850})
            page = context.new_page()
            floor = browser.new_context(viewport={"width": 390, "height": 760}).new_page()
            _sign_in(page, base, language)
            _sign_in(floor, base, language, "warehouse")
            for name, path in _places(page, base).items():
                if not names or name in names:
                    _take(floor if name in PHONE else page, base + path, name, language)
            if not names or "import" in names:
                _preview(page, base, HERE / f"import-{language}.png")
        browser.close()
    return 0


def _take(page: Page, url: str, name: str, language: str) -> None:
    page.goto(url)
    page.wait_for_timeout(2500 if name == "api" else 500)
    page.screenshot(path=HERE / f"{name}-{language}.png")


def _sign_in(page: Page, base: str, language: str, who: str = "owner") -> None:
    page.goto(f"{base}/admin/login/")
    page.fill("#id_username", who)
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_load_state()
    code = {"en": "en", "zh": "zh-hans"}[language]
    page.evaluate(
        """async code => {
            const token = document.cookie.match(/csrftoken=([^;]+)/)?.[1]
                ?? document.querySelector("[name=csrfmiddlewaretoken]").value;
            await fetch("/i18n/language/", {method: "POST", body: new URLSearchParams({language: code}),
                headers: {"X-CSRFToken": token}});
        }""",
        code,
    )


def _places(page: Page, base: str) -> dict[str, str]:
    held = _first(page, f"{base}/admin/orders/order/?state__exact=held")
    work = _first(page, f"{base}/admin/orders/order/?state__exact=approved")
    wave = _first(page, f"{base}/admin/orders/wave/?state__exact=picking")
    return {
        "home": "/admin/",
        "orders": "/admin/orders/order/",
        "held": held,
        "why": "/admin/inventory/sku/1/why/",
        "account": "/admin/channels/account/1/change/",
        "errors": "/admin/channels/syncerror/",
        "api": "/api/v1/docs",
        "order": work,
        "label_prices": work.split("?")[0].replace("/order/", "/label/offers/").replace("/change/", "/"),
        "wave": wave,
        "pick": wave.split("?")[0].replace("/change/", "/pick/"),
        "pack": _inside(page, f"{base}/admin/orders/wave/pack/", "?wave=", "/wave/pack/"),
        "late_board": "/admin/orders/lateorder/",
        "late_play": _first(page, f"{base}/admin/orders/lateplay/?o=1"),
        "incidents": "/admin/backoffice/incident/",
        "return": _first(page, f"{base}/admin/orders/return/?state__exact=inspected"),
        "routing": "/admin/orders/routingpolicy/add/",
        "quote": _first(page, f"{base}/admin/orders/quote/"),
    }


def _first(page: Page, url: str) -> str:
    page.goto(url)
    return str(page.locator("#result_list tbody th a, #result_list tbody td a").first.get_attribute("href"))


def _inside(page: Page, url: str, *parts: str) -> str:
    """Follow the first link that holds each part, one after the other."""
    page.goto(url)
    for part in parts[:-1]:
        page.locator(f'main a[href*="{part}"], .yo a[href*="{part}"]').first.click()
        page.wait_for_load_state()
    return str(page.locator(f'.yo-lines a[href*="{parts[-1]}"]').first.get_attribute("href"))


def _preview(page: Page, base: str, picture: Path) -> None:
    page.goto(f"{base}/admin/channels/orderfile/upload/")
    page.set_input_files(
        "input[type=file]",
        {"name": "门店订单.csv", "mimeType": "text/csv", "buffer": (FILE + ROWS).encode("utf-8-sig")},
    )
    page.locator(".ys-primary").first.click()
    page.wait_for_load_state()
    page.wait_for_timeout(500)
    page.screenshot(path=picture)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].rstrip("/"), tuple(sys.argv[2:])))
