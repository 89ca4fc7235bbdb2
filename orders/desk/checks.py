"""The built-in checks: pure functions from the facts of one order to what is wrong with it.

Which of them are on, who owns what they hold and their parameters are rows (CheckSetting); the rest is here. A check
never looks at the database: it gets the facts, so that the same order is judged alike today and in a replay.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from orders.desk import risk
from orders.desk.addresses import AddressProblem, problems
from orders.desk.facts import Facts
from orders.desk.phones import dialable, masked
from orders.models.order import Department

KEYWORDS = [
    "加急", "急用", "尽快", "礼品包装", "礼物包装", "生日", "贺卡", "发票", "开票", "抬头", "代发", "换货", "改地址",
    "不要发货", "暂停发货", "自提", "urgent", "asap", "rush", "gift wrap", "gift", "invoice", "vat number",
    "do not ship", "wrong address", "cancel",
]  # fmt: skip
ONE_PIECE = 1000
PHONE_COUNTRIES = {"CN"}


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing a person has to look at. `data` fills the sentence (orders.desk.sentences) and is stored."""

    code: str
    department: str
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as the review log keeps it."""
        return {"code": self.code, "department": self.department, **self.data}


Found = Iterator[Mapping[str, Any]]
Judge = Callable[[Facts, Mapping[str, Any]], Found]


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """A check with its defaults. The order of CHECKS is the order of importance: the first finding names the hold."""

    code: str
    judge: Judge
    department: str = Department.DESK
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    enabled: bool = True


def unmatched(facts: Facts, params: Mapping[str, Any]) -> Found:
    """Lines whose goods we do not know."""
    for line in facts.lines:
        if line.stocked and line.sku_id is None and line.quantity:
            yield {"line": line.line_id, "label": line.label, "reason": line.match_code or "unmatched"}


def bundle_without_parts(facts: Facts, params: Mapping[str, Any]) -> Found:
    """A bundle of nothing takes nothing from stock."""
    for line in facts.lines:
        if line.stocked and line.bundle and not line.parts:
            yield {"line": line.line_id, "label": line.label}


def no_goods(facts: Facts, params: Mapping[str, Any]) -> Found:
    """An order without anything to send."""
    if not any(line.quantity and not line.own for line in facts.lines):
        yield {}


def no_warehouse(facts: Facts, params: Mapping[str, Any]) -> Found:
    """The shop sells from no warehouse at the moment."""
    if not facts.warehouses and any(line.stocked and line.wanted for line in facts.lines):
        yield {}


def no_route(facts: Facts, params: Mapping[str, Any]) -> Found:
    """The routing policy lets no warehouse send there; filled in by the routing, which is asked before the stock."""
    if facts.no_route:
        yield {"country": facts.country}


def fraction(facts: Facts, params: Mapping[str, Any]) -> Found:
    """Parts of a piece: right for cloth by the metre, wrong for nearly everything else."""
    for line in facts.lines:
        if line.stocked and line.wanted % ONE_PIECE:
            yield {"line": line.line_id, "label": line.label, "quantity": f"{line.wanted / ONE_PIECE:g}"}


def large_quantity(facts: Facts, params: Mapping[str, Any]) -> Found:
    """More of one thing than a buyer usually orders."""
    most = int(params.get("most", 1000)) * ONE_PIECE
    for line in facts.lines:
        if line.wanted > most:
            yield {"line": line.line_id, "label": line.label, "quantity": f"{line.wanted / ONE_PIECE:g}"}


def currency(facts: Facts, params: Mapping[str, Any]) -> Found:
    """A currency the books do not know."""
    if not facts.currency_known:
        yield {"currency": facts.currency}


def total(facts: Facts, params: Mapping[str, Any]) -> Found:
    """Nothing to pay, or less."""
    if facts.total < 0 or (facts.total == 0 and not facts.replaces):
        yield {"total": format(facts.total, "f"), "currency": facts.currency}


def refunded(facts: Facts, params: Mapping[str, Any]) -> Found:
    """The money went back although goods are still to be sent."""
    if facts.payment in ("refunded", "voided"):
        yield {"payment": facts.payment}


def authorised(facts: Facts, params: Mapping[str, Any]) -> Found:
    """The money is promised, not taken."""
    if facts.payment == "authorized":
        yield {}


def closed(facts: Facts, params: Mapping[str, Any]) -> Found:
    """Finished over there while goods are still to be sent here."""
    if facts.closed and any(line.wanted for line in facts.lines):
        yield {}


def test_order(facts: Facts, params: Mapping[str, Any]) -> Found:
    """Somebody tried the shop."""
    if facts.test:
        yield {}


def address(facts: Facts, params: Mapping[str, Any]) -> Found:
    """A delivery address that cannot be right in its country."""
    if any(line.wanted for line in facts.lines):
        for problem in problems(facts.address):
            yield _address_data(problem)


def phone(facts: Facts, params: Mapping[str, Any]) -> Found:
    """A phone number nobody can dial."""
    if not facts.phone.strip():
        if facts.address is not None and not facts.address.masked and (params.get("required") or _needed(facts)):
            yield {"reason": "missing"}
    elif not masked(facts.phone) and not dialable(facts.phone, facts.country):
        yield {"reason": "invalid", "country": facts.country}


def _needed(facts: Facts) -> bool:
    """Couriers in China call before they come; elsewhere it is wrong where the shop's buyers nearly always give one."""
    if not any(line.stocked and line.wanted for line in facts.lines):
        return False
    return facts.country in PHONE_COUNTRIES or bool(facts.known.get("phone_usual"))


def keyword(facts: Facts, params: Mapping[str, Any]) -> Found:
    """A note that asks for something."""
    pattern = _pattern(tuple(params.get("words", KEYWORDS)))
    if pattern is None:
        return
    for place, text in (("buyer_note", facts.buyer_note), ("seller_note", facts.seller_note)):
        if text:
            words = sorted({found.casefold() for found in pattern.findall(text)})
            if words:
                yield {"where": place, "words": words[:10]}


def duplicate(facts: Facts, params: Mapping[str, Any]) -> Found:
    """The same buyer ordered the same goods a short while ago."""
    if facts.duplicate_of is not None:
        yield {"order": facts.duplicate_of[0], "number": facts.duplicate_of[1]}


def same_number(facts: Facts, params: Mapping[str, Any]) -> Found:
    """The same order stands in another shop too: brought by a file and by the platform, say."""
    yield from facts.known.get("same_number", ())


def blocked(facts: Facts, params: Mapping[str, Any]) -> Found:
    """Somebody on the list of those nothing is sent to without a look."""
    yield from facts.known.get("blocked", ())


def score(facts: Facts, params: Mapping[str, Any]) -> Found:
    """Signs of fraud or trouble that add up: the platform's advice, and our own."""
    found = risk.signs_of(facts, params)
    points = risk.points_of(found)
    if points >= float(params.get("points", 60)):
        yield {"points": points, "signs": found}


def discount(facts: Facts, params: Mapping[str, Any]) -> Found:
    """So much off that it may be a slip: a coupon that adds up, a price without its last digit."""
    before = facts.total + facts.discount_total
    percent = facts.discount_total / before * 100 if before > 0 else Decimal(0)
    if facts.total > 0 and percent > Decimal(str(params.get("percent", 80))):
        yield {"percent": f"{percent:.0f}"}


def price_floor(facts: Facts, params: Mapping[str, Any]) -> Found:
    """Sold below its least price, or (if asked for) below what it cost."""
    yield from facts.known.get("price_floor", ())


def destination(facts: Facts, params: Mapping[str, Any]) -> Found:
    """Goods that must not be sent there."""
    yield from facts.known.get("destination", ())


def presale(facts: Facts, params: Mapping[str, Any]) -> Found:
    """Goods that are sold before they are here; with stock goods beside them they hold these too, or are split off."""
    waiting = [line for line in facts.lines if line.waits is not None and line.wanted]
    beside = any(line.stocked and line.wanted and line.waits is None for line in facts.lines)
    if beside and params.get("mixed") == "split":
        return  # the stock goods leave; the order keeps the mark (orders.desk.presale)
    for line in waiting:
        until = line.waits.isoformat() if line.waits else ""
        yield {"line": line.line_id, "label": line.label, "until": until, "oversold": line.oversold}


def short_stock(facts: Facts, params: Mapping[str, Any]) -> Found:
    """What could not be reserved; filled in by the review, which asks the stock last."""
    yield from facts.shortages


def unpaid(facts: Facts, params: Mapping[str, Any]) -> Found:
    """Finds nothing: its parameter says for how many hours the goods of an unpaid order are kept."""
    return iter(())


CHECKS: dict[str, Check] = {
    check.code: check
    for check in (
        Check("unmatched", unmatched),
        Check("bundle_without_parts", bundle_without_parts),
        Check("no_goods", no_goods),
        Check("no_warehouse", no_warehouse, Department.OWNER),
        Check("no_route", no_route, Department.OWNER),
        Check("closed", closed, Department.SERVICE),
        Check("refunded", refunded, Department.SERVICE),
        Check("authorised", authorised, Department.FINANCE, enabled=False),
        Check("currency", currency, Department.FINANCE),
        Check("total", total, Department.FINANCE),
        Check("test_order", test_order),
        Check("blocked", blocked, Department.SERVICE),
        Check("risk", score, Department.FINANCE, params=risk.PARAMS),
        Check("destination", destination, Department.OWNER),
        Check("price_floor", price_floor, Department.OWNER, params={"below_cost": False}),
        Check("discount", discount, Department.OWNER, params={"percent": 80}),
        Check("duplicate", duplicate, params={"hours": 24}),
        Check("same_number", same_number),
        Check("address", address, Department.SERVICE),
        Check("phone", phone, Department.SERVICE, params={"required": False}),
        Check("keyword", keyword, params={"words": KEYWORDS}),
        Check("fraction", fraction),
        Check("large_quantity", large_quantity, params={"most": 1000}),
        Check("presale", presale, Department.BUYING, params={"mixed": "hold"}),
        Check("short_stock", short_stock, Department.BUYING, params={"first": "ordered", "automatic": True}),
        Check("unpaid", unpaid, params={"hours": 48}),
    )
}
# What a trusted buyer is not asked about.
TRUSTED_PASS = frozenset({"duplicate", "large_quantity", "risk", "same_number"})
# Without these an order could be approved that cannot be shipped: they may change hands but not be switched off.
ALWAYS = {
    "unmatched", "bundle_without_parts", "no_goods", "no_warehouse", "no_route", "currency", "presale", "short_stock",
    "unpaid",
}  # fmt: skip


def duplicate_window(params: Mapping[str, Any]) -> dt.timedelta:
    """How far apart two orders may be and still be looked at as one."""
    return dt.timedelta(hours=float(params.get("hours", 24)))


def _address_data(problem: AddressProblem) -> dict[str, Any]:
    data = {"field": problem.field, "reason": problem.code}
    # The value itself is personal data only for street and name, and those are never quoted.
    if problem.field in ("postcode", "region", "country") and problem.value:
        data["value"] = problem.value[:40]
    if problem.example:
        data["example"] = problem.example
    return data


@lru_cache(maxsize=64)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """One alternation for all words; words in Latin letters must stand alone, so that “gift” is not in “gifted”."""
    parts = [_word(word.strip()) for word in sorted(set(words), key=len, reverse=True) if word.strip()]
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _word(word: str) -> str:
    escaped = re.escape(word)
    return rf"\b{escaped}\b" if word.isascii() else escaped
