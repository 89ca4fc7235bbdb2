"""The shop's front page for the demo: what is for sale and how much is left, a buy button, and the latest orders."""

from __future__ import annotations

import random
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from channels.sandbox.shopify import money as sums
from channels.sandbox.shopify.store import Record, Refused, Store
from channels.sandbox.shopify.stream import random_details
from channels.sandbox.shopify.wire import Call, Reply, as_html, redirect

if TYPE_CHECKING:
    from channels.sandbox.shopify.shop import ShopifySandbox

RECENT = 12
WORDS = {
    "en": {
        "about": "A sandbox shop: it speaks Shopify's protocol, and nothing here is real.",
        "buy": "Buy",
        "left": "in stock",
        "sold_out": "Sold out",
        "recent": "Latest orders",
        "none": "No orders yet.",
        "bought": "Thank you! Your order is {name}.",
        "refused": "Not possible: {why}",
        "other": "中文",
        "paid": "paid",
        "cancelled": "cancelled",
        "shipped": "shipped",
        "not_counted": "always available",
    },
    "zh": {
        "about": "这是一个沙盒店铺：它使用 Shopify 的协议，这里的一切都不是真实的。",
        "buy": "购买",
        "left": "件库存",
        "sold_out": "已售罄",
        "recent": "最近的订单",
        "none": "还没有订单。",
        "bought": "谢谢！您的订单号是 {name}。",
        "refused": "无法下单：{why}",
        "other": "English",
        "paid": "已付款",
        "cancelled": "已取消",
        "shipped": "已发货",
        "not_counted": "不限库存",
    },
}
STYLE = """
*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,-apple-system,"Noto Sans CJK SC",sans-serif;color:#1d2327;
background:#f6f7f5}header{background:#0b5d4b;color:#fff;padding:1rem 1.5rem;display:flex;gap:1rem;align-items:baseline;
flex-wrap:wrap}header h1{margin:0;font-size:1.35rem}header p{margin:0;opacity:.85;flex:1;font-size:.9rem}header a{
color:#fff}main{max-width:84rem;margin:0 auto;padding:1.25rem;display:grid;gap:1.25rem;align-items:start;
grid-template-columns:minmax(0,1fr) 24rem}.say{grid-column:1/-1;margin:0}aside{position:sticky;top:1rem}aside h2{
font-size:1.05rem;margin:0 0 .5rem}@media(max-width:60rem){main{grid-template-columns:minmax(0,1fr)}aside{
position:static}}.goods{display:grid;gap:1rem;grid-template-columns:
repeat(auto-fill,minmax(15rem,1fr))}.card{background:#fff;border:1px solid #dfe3df;border-radius:.6rem;padding:1rem;
display:flex;flex-direction:column;gap:.35rem}.card h2{font-size:1rem;margin:0}.sku{color:#5c665f;font-size:.8rem}
.price{font-weight:600}.stock{font-size:.9rem;color:#0b5d4b}.out{color:#b3261e}form{margin-top:auto}button{width:100%;
padding:.5rem;border:0;border-radius:.4rem;background:#0b5d4b;color:#fff;font:inherit;cursor:pointer}button:disabled{
background:#c8cec9;cursor:default}button:focus-visible{outline:3px solid #7fd1bd}.say{background:#e3f4ee;border:1px
solid #9ed3c3;border-radius:.5rem;padding:.6rem 1rem}.bad{background:#fdecea;border-color:#f3b4ae}table{width:100%;
border-collapse:collapse;background:#fff;border:1px solid #dfe3df}td{padding:.45rem .75rem;border-top:1px solid
#eceeec}.wide{overflow-x:auto}td{font-size:.9rem;vertical-align:top}.sum{text-align:right;white-space:nowrap}
"""


def reply(shop: ShopifySandbox, call: Call) -> Reply:
    """Answer the front page and its buy button."""
    language = call.query.get("lang") or call.form().get("lang") or "en"
    language = language if language in WORDS else "en"
    if call.path == "/buy" and call.method == "POST":
        return redirect("/?" + urlencode({"lang": language, **_buy(shop, call.form())}))
    return as_html(_page(shop, language, call.query))


def _buy(shop: ShopifySandbox, form: dict[str, str]) -> dict[str, str]:
    quantity = form.get("quantity", "1")
    try:
        lines = [{"variant": form.get("variant", ""), "quantity": int(quantity) if quantity.isdecimal() else 1}]
        order = shop.place_order(lines, **random_details(random.Random(len(shop.store.orders))))
    except Refused as refusal:
        return {"refused": refusal.message}
    return {"bought": order["name"]}


def _page(shop: ShopifySandbox, language: str, query: dict[str, str]) -> str:
    words, store = WORDS[language], shop.store
    with store.lock:
        name = escape(store.shop["name"])
        goods = "".join(_card(store, row, language) for row in store.variants.values())
        orders = [_row(order, words) for order in list(store.orders.values())[-RECENT:][::-1]]
    said = ""
    if "bought" in query:
        said = f'<p class="say">{escape(words["bought"].format(name=query["bought"]))}</p>'
    elif "refused" in query:
        said = f'<p class="say bad">{escape(words["refused"].format(why=query["refused"]))}</p>'
    other = "en" if language == "zh" else "zh"
    rows = "".join(orders) or f"<tr><td>{escape(words['none'])}</td></tr>"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{name}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head><body>'
        f'<header><h1>{name}</h1><p>{escape(words["about"])}</p><a href="/?lang={other}">{words["other"]}</a></header>'
        f'<main>{said}<div class="goods">{goods}</div><aside><h2>{escape(words["recent"])}</h2>'
        f'<div class="wide"><table>{rows}</table></div></aside></main></body></html>'
    )


def _card(store: Store, row: Record, language: str) -> str:
    product, item, words = store.products[row["product"]], store.items[row["item"]], WORDS[language]
    if product["status"] != "ACTIVE":
        return ""
    title = (product["title_zh"] if language == "zh" else "") or product["title"]
    if row["title"] != "Default Title":
        title = f"{title} – {row['title']}"
    have = sum(level["available"] for level in item["levels"].values())
    open_ = not item["tracked"] or have > 0 or row["inventoryPolicy"] == "CONTINUE"
    left = words["not_counted"] if not item["tracked"] else f"{have} {words['left']}" if open_ else words["sold_out"]
    return (
        f'<article class="card"><h2>{escape(title)}</h2><span class="sku">{escape(row["sku"] or "")}</span>'
        f'<span class="price">{Decimal(row["price"]):.2f} {escape(store.shop["currencyCode"])}</span>'
        f'<span class="stock{"" if open_ else " out"}">{escape(left)}</span>'
        f'<form method="post" action="/buy"><input type="hidden" name="variant" value="{escape(row["id"])}">'
        f'<input type="hidden" name="lang" value="{language}"><button{"" if open_ else " disabled"}>'
        f"{escape(words['buy'])}</button></form></article>"
    )


def _row(order: Record, words: dict[str, str]) -> str:
    state = words["cancelled"] if order["cancelledAt"] else words["shipped"] if order["fulfillments"] else words["paid"]
    goods = ", ".join(f"{row['quantity']} × {row['sku'] or row['title']}" for row in order["lines"][:4])
    total = f"{sums.totals(order, now=True)['total']:.2f} {order['currencyCode']}"
    when = order["createdAt"].replace("T", " ").rstrip("Z")
    return (
        f'<tr><td><b>{escape(order["name"])}</b><br><span class="sku">{escape(when)}</span></td>'
        f'<td>{escape(goods)}</td><td class="sum">{escape(total)}<br><span class="sku">{escape(state)}</span></td></tr>'
    )
