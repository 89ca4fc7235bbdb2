"""The shop's own page, in English and Chinese: goods with their stock, a button to buy, the last orders."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

from channels.sandbox.woocommerce.buying import Buying
from channels.sandbox.woocommerce.shop import Row, fixed

LAST_ORDERS = 12
WORDS = {
    "en": {
        "about": "A practice store that speaks WooCommerce. Buy something and watch your stock.",
        "goods": "Goods",
        "orders": "Last orders",
        "buy": "Buy",
        "left": "{} in stock",
        "plenty": "available",
        "none": "Sold out",
        "number": "Order",
        "placed": "Placed",
        "items": "Goods",
        "total": "Total",
        "state": "State",
        "thanks": "Thank you! Order {} is placed.",
        "sold_out": "Sorry, {} is sold out.",
        "nothing": "No orders yet.",
        "other": "中文",
    },
    "zh": {
        "about": "这是一个演示用的 WooCommerce 店铺。下一单，看看库存如何变化。",
        "goods": "商品",
        "orders": "最近订单",
        "buy": "购买",
        "left": "库存 {}",
        "plenty": "有货",
        "none": "售罄",
        "number": "订单号",
        "placed": "下单时间",
        "items": "商品",
        "total": "金额",
        "state": "状态",
        "thanks": "谢谢！订单 {} 已提交。",
        "sold_out": "抱歉，{} 已售罄。",
        "nothing": "还没有订单。",
        "other": "English",
    },
}
STATES_ZH = {
    "pending": "待付款",
    "processing": "处理中",
    "on-hold": "保留",
    "completed": "已完成",
    "cancelled": "已取消",
    "refunded": "已退款",
    "failed": "失败",
    "trash": "回收站",
}
STYLE = """
:root{--ink:#1f2430;--soft:#6b7280;--line:#e6e8ee;--card:#fff;--back:#f5f6f9;--brand:#7f54b3;--warn:#b42318}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans SC","Noto Sans CJK SC",sans-serif}
header{background:var(--brand);color:#fff;padding:22px 0}main,header>div{max-width:1080px;margin:0 auto;padding:0 20px}
header h1{margin:0;font-size:22px}header p{margin:4px 0 0;opacity:.85}header a{float:right;color:#fff}
h2{font-size:16px;margin:28px 0 12px}
.goods{display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:14px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px;
display:flex;flex-direction:column}
.card b{font-weight:600}.sku{color:var(--soft);font-size:12px;margin:2px 0 10px}
.row{display:flex;align-items:center;justify-content:space-between;margin-top:auto;gap:8px;padding-top:8px}
.price{font-weight:600}.stock{font-size:12px;color:#067647}.stock.out{color:var(--warn)}
button{background:var(--brand);color:#fff;border:0;border-radius:7px;padding:7px 14px;font:inherit;cursor:pointer}
button[disabled]{background:#c9cdd6;cursor:default}
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);
border-radius:10px;overflow:hidden}
th,td{text-align:left;padding:9px 12px;border-bottom:1px solid var(--line);font-size:14px}
th{color:var(--soft);font-weight:500}
.tag{background:#efe9f7;color:#5b3a86;border-radius:99px;padding:2px 9px;font-size:12px}
.said{background:#ecfdf3;border:1px solid #abefc6;border-radius:8px;padding:10px 14px;margin-top:18px}
.said.no{background:#fef3f2;border-color:#fecdca}
"""


def render(buying: Buying, language: str, *, said: str = "", failed: bool = False) -> str:
    """Return the page; `said` is the sentence after a purchase."""
    words = WORDS.get(language, WORDS["en"])
    site = buying.shop.site
    other = "en" if language == "zh" else "zh"
    message = f'<div class="said{" no" if failed else ""}" role="status">{html.escape(said)}</div>' if said else ""
    return (
        f'<!DOCTYPE html><html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{html.escape(site["name"])}</title>'
        f"<style>{STYLE}</style></head><body>"
        f'<header><div><a href="/?lang={other}">{words["other"]}</a><h1>{html.escape(site["name"])}</h1>'
        f"<p>{words['about']}</p></div></header><main>{message}"
        f'<h2>{words["goods"]}</h2><div class="goods">{"".join(_cards(buying, language))}</div>'
        f"<h2>{words['orders']}</h2>{_orders(buying, language)}</main></body></html>"
    )


def sentence(language: str, key: str, what: Any) -> str:
    """Return a sentence of the page."""
    return WORDS.get(language, WORDS["en"])[key].format(what)


def _cards(buying: Buying, language: str) -> Iterable[str]:
    for row in buying.catalogue.rows.values():
        if row["type"] in {"simple", "variation"} and row["status"] == "publish" and row["sku"]:
            yield _card(buying, row, language)


def _card(buying: Buying, row: Row, language: str) -> str:
    words, catalogue = WORDS.get(language, WORDS["en"]), buying.catalogue
    keeper = catalogue.stock_keeper(row)
    left = keeper["stock_quantity"] if keeper else None
    out = left is not None and left <= 0
    shown = words["none"] if out else words["plenty"] if left is None else words["left"].format(left)
    sku = html.escape(row["sku"])
    return (
        f'<div class="card" data-sku="{sku}"><b>{html.escape(_name(buying, row, language))}</b>'
        f'<div class="sku">{sku}</div><div class="row">'
        f'<span class="price">{_money(buying, catalogue.price(row))}</span>'
        f'<span class="stock{" out" if out else ""}">{shown}</span></div>'
        f'<form class="row" method="post" action="/buy?lang={language}"><input type="hidden" name="sku" value="{sku}">'
        f"<button{' disabled' if out else ''}>{words['buy']}</button></form></div>"
    )


def _name(buying: Buying, row: Row, language: str) -> str:
    own = buying.catalogue.rows[row["parent_id"]] if row["type"] == "variation" else row
    names = own.get("names") or {}
    if not names.get(language):
        return buying.catalogue.full_name(row)
    option = buying.catalogue.option(row) if row["type"] == "variation" else ""
    return f"{names[language]} - {option}" if option else str(names[language])


def _orders(buying: Buying, language: str) -> str:
    words = WORDS.get(language, WORDS["en"])
    newest = sorted(buying.ordering.rows.values(), key=lambda row: -row["id"])[:LAST_ORDERS]
    if not newest:
        return f"<p>{words['nothing']}</p>"
    head = "".join(f"<th>{words[name]}</th>" for name in ("number", "placed", "items", "total", "state"))
    rows = "".join(_order(buying, row, language) for row in newest)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _order(buying: Buying, row: Row, language: str) -> str:
    goods = ", ".join(f"{line['quantity']} × {line['name']}" for line in row["line_items"])
    name = str(buying.shop.statuses.get(row["status"], row["status"]))
    state = STATES_ZH.get(row["status"], name) if language == "zh" else name
    placed = (buying.shop.local(row["created"]) or "").replace("T", " ")
    total = _money(buying, buying.ordering.totals(row)["total"])
    return (
        f"<tr><td>#{row['id']}</td><td>{placed}</td><td>{html.escape(goods)}</td><td>{total}</td>"
        f'<td><span class="tag">{html.escape(state)}</span></td></tr>'
    )


def _money(buying: Buying, amount: Any) -> str:
    return html.escape(f"{buying.shop.site['currency_symbol']}{fixed(amount)}")
