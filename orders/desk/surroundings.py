"""What the house knows about a page of orders beyond what they say: asked once a page, and nothing for empty tables."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Exists, Q
from django.db.models.query import QuerySet

from inventory.models import Sku
from orders.desk import duplicates, risk
from orders.desk.facts import KEY, Facts, History
from orders.desk.rules import background
from orders.desk.rules.fields import COSTS
from orders.desk.ruleset import Ruleset
from orders.models import CheckSetting, DestinationBan, ListedBuyer, OrderContact, PriceFloor

ONE_PIECE = 1000
LAST_ORDERS, ENOUGH_ORDERS, USUAL = 200, 30, 0.95
By, Side = ListedBuyer.By, ListedBuyer.Side


def attach(page: Sequence[Facts], rules: Ruleset, now: dt.datetime) -> None:
    """Fill in what the checks ask of the house: earlier orders, listed buyers, forbidden places, least prices."""
    if not page:
        return
    duplicates.find(page, rules)
    duplicates.find_elsewhere(page, rules)
    there = _there()
    if there["buyers"]:
        _listed(page, now)
    if there["bans"] and "destination" in rules.params:
        _destinations(page)
    floor = rules.params.get("price_floor")
    if floor is not None and (there["floors"] or floor.get("below_cost")):
        _floors(page, bool(floor.get("below_cost")))
    if "phone" in rules.params:
        _phones(page)
    if "risk" in rules.params:
        _histories(page, rules.params["risk"])


def _there() -> dict[str, bool]:
    """Return which of the lists have rows at all: one question, instead of one for each empty list."""
    tables: dict[str, QuerySet[Any]] = {
        "buyers": ListedBuyer.objects.all(),
        "bans": DestinationBan.objects.filter(active=True),
        "floors": PriceFloor.objects.all(),
    }
    asked = CheckSetting.objects.values(**{name: Exists(rows) for name, rows in tables.items()})
    return asked.first() or dict.fromkeys(tables, True)


# --- buyers ----------------------------------------------------------------------------------------------------------


def keys_of(facts: Facts) -> dict[str, str]:
    """Return what an order's buyer is known by: kind → key."""
    domain = facts.email.rpartition("@")[2].strip().casefold()[:64]
    found = {
        By.BUYER.value: facts.buyer_hash[:KEY],
        By.PHONE.value: facts.phone_hash[:KEY],
        By.ADDRESS.value: facts.address_hash[:KEY],
        By.DOMAIN.value: domain,
    }
    return {kind: key for kind, key in found.items() if key}


def _listed(page: Sequence[Facts], now: dt.datetime) -> None:
    asked: dict[tuple[str, str], list[Facts]] = defaultdict(list)
    for facts in page:
        for pair in keys_of(facts).items():
            asked[pair].append(facts)
    wanted = Q()
    for kind in By.values:
        wanted |= Q(by=kind, key__in=[key for of, key in asked if of == kind])
    rows = ListedBuyer.objects.filter(wanted).filter(Q(until=None) | Q(until__gt=now)).order_by("pk")
    for pk, side, kind, key in rows.values_list("pk", "side", "by", "key"):
        for facts in asked[kind, key]:
            facts.known.setdefault(side, []).append({"entry": pk, "by": kind})


# --- places ----------------------------------------------------------------------------------------------------------


def _destinations(page: Sequence[Facts]) -> None:
    bans = list(DestinationBan.objects.filter(active=True).select_related("sku").order_by("pk"))
    ids = {sku_id for facts in page for line in facts.lines for sku_id in background.skus_on(line)}
    rows = Sku.objects.filter(pk__in=ids).values_list("pk", "product__category", "product__brand", "hs_code")
    goods = {pk: (category, brand, hs_code) for pk, category, brand, hs_code in rows}
    for facts in page:
        for line in facts.lines:
            if not line.wanted or not facts.country:
                continue
            for sku_id in background.skus_on(line):
                ban = next((one for one in bans if _forbids(one, facts.country, sku_id, goods.get(sku_id))), None)
                if ban is not None:
                    found = {"line": line.line_id, "label": line.label, "country": facts.country, "why": ban.reason}
                    facts.known.setdefault("destination", []).append(found)
                    break


def _forbids(ban: DestinationBan, country: str, sku_id: int, goods: tuple[str, str, str] | None) -> bool:
    if (country in ban.countries) != (ban.mode == DestinationBan.Mode.NEVER):
        return False
    if ban.sku_id is not None and ban.sku_id != sku_id:
        return False
    category, brand, hs_code = goods or ("", "", "")
    for asked, told in ((ban.category, category), (ban.brand, brand)):
        if asked and asked.strip().casefold() != told.strip().casefold():
            return False
    return not ban.hs_prefix or _digits(hs_code).startswith(_digits(ban.hs_prefix))


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


# --- prices ----------------------------------------------------------------------------------------------------------


def _floors(page: Sequence[Facts], below_cost: bool) -> None:
    ids = {line.sku_id for facts in page for line in facts.lines if line.sku_id is not None}
    rows = PriceFloor.objects.filter(sku_id__in=ids).values_list("sku_id", "shop_id", "price")
    floors: dict[tuple[int, int | None], Decimal] = {(sku_id, shop_id): price for sku_id, shop_id, price in rows}
    goods = background.skus_of(page, {COSTS}) if below_cost else {}
    costs = {sku_id: one.cost for sku_id, one in goods.items()}
    for facts in page:
        found = [one for one in (_too_cheap(facts, line, floors, costs) for line in facts.lines) if one]
        if found:
            facts.known["price_floor"] = found


def _too_cheap(
    facts: Facts, line: Any, floors: Mapping[tuple[int, int | None], Decimal], costs: Mapping[int, Decimal | None]
) -> dict[str, Any] | None:
    """Return what stands below its floor: what the buyer pays for a piece after discounts, in base currency."""
    pieces = Decimal(line.quantity) * line.pack / ONE_PIECE
    given = line.own or (facts.replaces and not line.total)
    if line.sku_id is None or pieces <= 0 or facts.base_rate is None or given:
        return None
    price = line.total * facts.base_rate / pieces
    floor = floors.get((line.sku_id, facts.shop_id), floors.get((line.sku_id, None)))
    kind = "floor"
    if floor is None:
        net = (line.total - (line.tax if facts.taxes_included else Decimal(0))) * facts.base_rate / pieces
        floor, price, kind = _cost(line, costs), net, "cost"
    if floor is None or price >= floor:
        return None
    told = {"price": f"{price:.2f}", "floor": f"{floor:.2f}", "kind": kind}
    return {"line": line.line_id, "label": line.label, **told}


def _cost(line: Any, costs: Mapping[int, Decimal | None]) -> Decimal | None:
    """Return what one piece of the line's SKU costs us, a bundle by its parts; None when one cost is not known."""
    parts = line.parts if line.bundle else ((line.sku_id, Decimal(1)),)
    known = [(costs.get(sku_id), each) for sku_id, each in parts]
    if not known or any(cost is None for cost, _each in known):
        return None
    return sum((cost * each for cost, each in known if cost is not None), Decimal(0))


# --- phones ----------------------------------------------------------------------------------------------------------


def _phones(page: Sequence[Facts]) -> None:
    """Note, for orders without a phone number, whether the buyers of their shop nearly always give one."""
    without = [facts for facts in page if not facts.phone.strip() and facts.address and not facts.address.masked]
    for shop_id in {facts.shop_id for facts in without}:
        rows = OrderContact.objects.filter(order__shop_id=shop_id).order_by("-order__placed_at", "-order_id")
        last = list(rows.values_list("phone_key", flat=True)[:LAST_ORDERS])
        given = sum(1 for key in last if key)
        if len(last) >= ENOUGH_ORDERS and given >= USUAL * len(last):
            for facts in without:
                if facts.shop_id == shop_id:
                    facts.known["phone_usual"] = [{"of": len(last), "given": given}]


# --- history ---------------------------------------------------------------------------------------------------------


def _histories(page: Sequence[Facts], params: Mapping[str, Any]) -> None:
    """Read the earlier orders of those whose signs make it worth the while."""
    doubtful = [facts for facts in page if risk.worth_reading(list(risk.signs(facts, params)), params)]
    if not doubtful:
        return
    earlier = background.earlier_of(doubtful, risk.DAYS, ("buyer", "address"))
    for facts in doubtful:
        own = (facts.placed_at, facts.order_id)
        mine = [one for one in earlier.get(facts.buyer_hash[:KEY], []) if (one.placed_at, one.order_id) < own]
        day = facts.placed_at - dt.timedelta(days=1)
        near = [
            one for one in earlier.get(facts.address_hash[:KEY], [])
            if day <= one.placed_at and (one.placed_at, one.order_id) < own
        ]  # fmt: skip
        facts.history = History(len(mine), sum(one.refunded for one in mine), len(near))
