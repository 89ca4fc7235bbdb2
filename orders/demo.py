"""The demo company's orders: stories told through the real intake, review and shipping, with the clock set to then."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction

from backoffice import clock
from backoffice.models import User
from inventory import demo_floor
from inventory.models import Shop
from orders import (
    demo_changes,
    demo_files,
    demo_late,
    demo_lists,
    demo_packing,
    demo_papers,
    demo_returns,
    demo_routing,
    demo_rules,
    demo_supply,
    intake,
)
from orders.desk import actions
from orders.desk.checks import CHECKS, KEYWORDS
from orders.fulfil import shipping
from orders.match import Matcher
from orders.models import CheckSetting, Order, OrderLine

if TYPE_CHECKING:
    from fixtures.company import Company
    from fixtures.draft import Delivery, Story
    from orders.contracts import IncomingOrder

PAGE = 100
GIVE_UP = dt.timedelta(days=25)  # nobody goes on looking for the goods of an older order
Page = list[tuple[dt.datetime, "IncomingOrder"]]
Key = tuple[str, str]  # shop code, platform's order id
READY = (Order.State.APPROVED, Order.State.PARTLY_SHIPPED)


@dataclasses.dataclass(frozen=True, slots=True)
class Crew:
    """Who acts, as written in the audit trail."""

    clerk: str
    packer: str


@dataclasses.dataclass(slots=True)
class Counts:
    """What a replay did."""

    delivered: int = 0
    failed: int = 0
    decided: int = 0
    shipped: int = 0


class Replay:
    """Tells stories to the product. `shops` maps a shop's code to its id, `matchers` to what reads its listings."""

    def __init__(self, *, shops: Mapping[str, int], crew: Crew, matchers: Mapping[str, Matcher] | None = None) -> None:
        self.shops, self.crew, self.matchers = shops, crew, matchers or {}
        self.counts = Counts()
        self.told = dt.datetime.min.replace(tzinfo=dt.UTC)  # everything up to here has happened
        self._arriving: list[tuple[dt.datetime, int, str, Delivery]] = []
        self._held: dict[Key, Story] = {}
        self._packing: dict[Key, Story] = {}
        self._serial = itertools.count()

    def add(self, stories: Iterable[Story], *, after: dt.datetime) -> None:
        """Take up stories; versions delivered up to `after` are known already."""
        for story in stories:
            key = (story.label.shop, story.label.external_id)
            for delivery in story.deliveries:
                if delivery.at > after:
                    self._expect(delivery.at, story.label.shop, delivery)
            if story.decision != "leave":
                self._held[key] = story
            if story.ship_at:
                self._packing[key] = story

    def until(self, moment: dt.datetime) -> None:
        """Let everything happen that happens up to `moment`: deliveries, then decisions, then parcels."""
        for shop, page in self._pages(moment):
            self.told = max(self.told, page[-1][0])
            self._deliver(shop, [order for _at, order in page])
        self.told = moment
        with clock.moved_to(lambda: self.told):
            self._decide()
            self._pack()

    def _expect(self, at: dt.datetime, shop: str, delivery: Delivery) -> None:
        heapq.heappush(self._arriving, (at, next(self._serial), shop, delivery))

    def _pages(self, moment: dt.datetime) -> list[tuple[str, Page]]:
        """Cut what arrives into pages of one shop, an order at most once in each, earliest finished page first."""
        open_pages: dict[str, Page] = defaultdict(list)
        done: list[tuple[str, Page]] = []
        while self._arriving and self._arriving[0][0] <= moment:
            at, _serial, shop, delivery = heapq.heappop(self._arriving)
            if delivery.after_parcel and (shop, delivery.order.external_id) in self._packing:
                self._expect(at + dt.timedelta(days=1), shop, delivery)  # nobody sends back what has not left
                continue
            page = open_pages[shop]
            if len(page) >= PAGE or any(delivery.order.external_id == other.external_id for _at, other in page):
                done.append((shop, page))
                page = open_pages[shop] = []
            page.append((at, delivery.order))
        done.extend((shop, page) for shop, page in open_pages.items() if page)
        return sorted(done, key=lambda entry: entry[1][-1][0])

    def _deliver(self, shop: str, orders: Sequence[IncomingOrder]) -> None:
        with clock.moved_to(lambda: self.told):
            result = intake.take_in(shop_id=self.shops[shop], orders=orders, match=self.matchers.get(shop))
        self.counts.delivered += len(orders)
        self.counts.failed += len(result.failed)

    def _decide(self) -> None:
        """The clerk looks at what is held and due: cancels, takes over edits, approves or asks for another review."""
        due = {key: story for key, story in self._held.items() if story.decide_at <= self.told}
        rows = self._rows(due, "hold_code", "pending_version_id")
        todo: dict[str, list[int]] = defaultdict(list)
        for key, story in due.items():
            pk, state, hold_code, pending = rows.get(key, (0, "", "", None))
            if pk and state == Order.State.HELD and hold_code != "presale":  # goes on by itself
                todo[self._decision(story, hold_code, pending)].append(pk)
            elif state == Order.State.APPROVED and story.decision == "cancel":
                todo["cancel"].append(pk)
            elif pending:
                todo["accept"].append(pk)
            elif state not in ("", Order.State.UNPAID) or story.decide_at < self.told - GIVE_UP:
                del self._held[key]
        for name, order_ids in todo.items():
            self._act(name, order_ids)

    @staticmethod
    def _decision(story: Story, hold_code: str, pending: int | None) -> str:
        if story.decision == "cancel":
            return "cancel"
        if pending:
            return "accept"
        return "approve" if hold_code not in ("short_stock", "unmatched") else "review"

    def _act(self, name: str, order_ids: list[int]) -> None:
        acts: dict[str, Callable[[], list[actions.RowOutcome]]] = {
            "cancel": lambda: actions.cancel(order_ids=order_ids, actor=self.crew.clerk, reason="与买家确认后取消"),
            "accept": lambda: actions.accept_edit(order_ids=order_ids, actor=self.crew.clerk),
            "approve": lambda: actions.approve(order_ids=order_ids, actor=self.crew.clerk, reason="已核对"),
            "review": lambda: actions.release_hold(order_ids=order_ids, actor=self.crew.clerk),
        }
        self.counts.decided += sum(row.ok for row in acts[name]())

    def _pack(self) -> None:
        """The packer ships what is due and approved; the rest is looked at again next time."""
        due = {key: story for key, story in self._packing.items() if story.ship_at and story.ship_at <= self.told}
        rows = self._rows(due)
        ready = {key: rows[key][0] for key in due if key in rows and rows[key][1] in READY}
        lines = _line_ids(ready.values())
        with transaction.atomic():
            for key, pk in ready.items():
                self._ship(due[key], pk, lines[pk])
        for key, story in due.items():
            over = key in rows and rows[key][1] in (Order.State.SHIPPED, Order.State.CANCELLED)
            if key in ready or over or story.decide_at < self.told - GIVE_UP:
                del self._packing[key]

    def _ship(self, story: Story, order_id: int, lines: list[tuple[int, Decimal]]) -> None:
        parcels = [
            shipping.Parcel(lines=part, carrier=story.carrier, tracking=tracking_number(story, number))
            for number, part in enumerate(_parts(lines, story.parcels), start=1)
        ]
        shipping.ship(
            order_id=order_id,
            parcels=parcels,
            actor=self.crew.packer,
            idempotency_key=f"demo:{story.label.shop}:{story.label.external_id}",
            shipped_at=max(story.ship_at or self.told, self.told - dt.timedelta(hours=8)),
        )
        self.counts.shipped += len(parcels)

    def _rows(self, stories: Mapping[Key, Story], *more: str) -> dict[Key, tuple[Any, ...]]:
        """Return (id, state, …) by (shop code, platform id) of the orders of these stories."""
        names = {pk: code for code, pk in self.shops.items()}
        found = {}
        keys = list(stories)
        for start in range(0, len(keys), 500):
            ids = [external_id for _shop, external_id in keys[start : start + 500]]
            rows = Order.objects.filter(external_id__in=ids)
            for shop_id, external_id, *rest in rows.values_list("shop_id", "external_id", "pk", "state", *more):
                found[names.get(shop_id, ""), external_id] = tuple(rest)
        return found


def _line_ids(order_ids: Iterable[int]) -> dict[int, list[tuple[int, Decimal]]]:
    """Return (line id, units to ship) of each order's lines that a parcel can hold."""
    found: dict[int, list[tuple[int, Decimal]]] = {pk: [] for pk in order_ids}
    rows = OrderLine.objects.filter(order__in=found, quantity__gt=0, platform_fulfilled=False).order_by("position")
    for order_id, pk, wanted, shipped in rows.values_list("order_id", "pk", "quantity", "shipped_quantity"):
        if wanted > shipped:
            found[order_id].append((pk, wanted - shipped))
    return found


def _parts(lines: list[tuple[int, Decimal]], parcels: int) -> list[dict[int, Decimal] | None]:
    """Return what each parcel holds; None for all there is."""
    if parcels == 1 or len(lines) < 2:
        return [None]
    return [dict(lines[:1]), dict(lines[1:])]


def tracking_number(story: Story, parcel: int) -> str:
    """Return a number in the carrier's manner, always the same for the same parcel."""
    digits = int(hashlib.sha256(f"{story.label.external_id}/{parcel}".encode()).hexdigest(), 16)
    prefix = {"顺丰速运": "SF", "中通快递": "78", "圆通速递": "YT", "京东物流": "JDVB", "自提": "ZT"}
    return f"{prefix.get(story.carrier, '0034')}{digits % 10**12:012d}"


def replay(matchers: Mapping[str, Matcher]) -> Replay:
    """Return a replay for the demo's own shops and staff."""
    names = dict(User.objects.filter(username__in=("clerk", "warehouse")).values_list("username", "pk"))
    crew = Crew(clerk=f"user:{names['clerk']} clerk", packer=f"user:{names['warehouse']} warehouse")
    return Replay(shops=dict(Shop.objects.values_list("code", "pk")), crew=crew, matchers=matchers)


def load(*, company: Company) -> None:
    """Set two checks as this seller has them: its own note keywords, and a phone number on every order."""
    settings: dict[str, dict[str, Any]] = {
        "keyword": {"words": sorted({*KEYWORDS, *company.keywords})},
        "phone": {"required": True},
    }
    for code, params in settings.items():
        defaults = {"params": params, "department": CHECKS[code].department}
        CheckSetting.objects.update_or_create(code=code, defaults=defaults)
    demo_rules.load()
    demo_returns.load()
    demo_lists.load(company)
    demo_late.load()
    demo_papers.load()


def finish() -> int:
    """Add what the stories do not tell, once they are told; returns how many parcels were packed."""
    demo_lists.finish()
    demo_changes.load()
    packed = demo_packing.finish()
    demo_returns.finish()
    demo_routing.finish()
    demo_floor.finish()
    demo_supply.finish()
    demo_files.finish()
    return packed
