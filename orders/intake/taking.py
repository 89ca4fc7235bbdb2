"""A page of orders through intake: one transaction, set-based, and order by order when something in it breaks."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Literal

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from inventory import sets
from orders.contracts import IncomingOrder
from orders.intake import change, create
from orders.intake import goods as goods_of
from orders.intake.drafts import Draft, draft_of
from orders.intake.faults import Fault, Refused
from orders.intake.page import Page, page_of
from orders.match import CodeMatcher, Matcher

Action = Literal["created", "updated", "unchanged", "stale", "waiting", "failed"]
TRIES = 3  # of a page that lost a deadlock
log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one order of the page. `order_id` is None only when it failed before anything was stored."""

    external_id: str
    order_id: int | None
    action: Action
    error: Fault | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class IntakeResult:
    """The outcomes, in the order of the page."""

    outcomes: list[Outcome]

    @property
    def failed(self) -> list[Outcome]:
        """The orders that have to be parked."""
        return [one for one in self.outcomes if one.action == "failed"]


@dataclasses.dataclass(slots=True)
class Visit:
    """One page on its way: what it came with, and what has become of each place so far."""

    shop_id: int
    matcher: Matcher
    go_live: dt.datetime | None
    outcomes: dict[int, Outcome]


Placed = tuple[int, Draft]  # (place in the page, draft)


def take_in(
    *,
    shop_id: int,
    orders: Sequence[IncomingOrder],
    source_refs: Sequence[str] = (),
    match: Matcher | None = None,
    go_live: dt.datetime | None = None,
) -> IntakeResult:
    """Store a page of one shop's orders with all that follows: versions, demand, review, reservation.

    One transaction with a fixed number of statements. The same page again, by this worker or another one at the same
    moment, changes nothing. An order that cannot be stored is reported as failed with the field at fault, and the
    others go on. Orders placed before `go_live` are kept as history and take no stock.
    Raises OperationalError or InterfaceError when the database is away or a surrounding transaction must be repeated.
    """
    if source_refs and len(source_refs) != len(orders):
        raise ValueError("Give one source reference per order, or none.")
    visit = Visit(shop_id, match or CodeMatcher(), go_live, {})
    placed: list[Placed] = []
    for place, order in enumerate(orders):
        try:
            placed.append((place, draft_of(order, source_refs[place] if source_refs else "")))
        except Refused as refused:
            visit.outcomes[place] = Outcome(order.external_id, None, "failed", refused.fault)
    if placed:
        _whole(visit, placed)
    return IntakeResult([visit.outcomes[place] for place in range(len(orders))])


def _whole(visit: Visit, placed: Sequence[Placed]) -> None:
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic():
                done = _passes(visit, placed)
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or attempt == TRIES or not connection.is_usable():
                raise
        except Exception as error:  # something in one of the orders: find out in which
            log.warning("page_broken", shop=visit.shop_id, orders=len(placed), error=type(error).__name__)
            done = _one_by_one(visit, placed)
            break
        else:
            break
    visit.outcomes |= done


def _one_by_one(visit: Visit, placed: Sequence[Placed]) -> dict[int, Outcome]:
    """A savepoint per order: the bad one is reported, the others are stored."""
    done: dict[int, Outcome] = {}
    with transaction.atomic():
        for place, draft in placed:
            try:
                with transaction.atomic():
                    done |= _passes(visit, [(place, draft)])
            except (OperationalError, InterfaceError):
                raise
            except Exception as error:
                log.exception("order_broken", shop=visit.shop_id, order=draft.incoming.external_id)
                fault = Fault("fault", value=type(error).__name__)
                done[place] = Outcome(draft.incoming.external_id, None, "failed", fault)
    return done


def _passes(visit: Visit, placed: Sequence[Placed]) -> dict[int, Outcome]:
    """An order that stands in the page several times is taken in version by version, the oldest first."""
    rest = sorted(placed, key=lambda one: one[1].incoming.updated_at)
    done: dict[int, Outcome] = {}
    while rest:
        first: dict[str, Placed] = {}
        later: list[Placed] = []
        for one in rest:
            later.append(one) if one[1].incoming.external_id in first else first.setdefault(
                one[1].incoming.external_id, one
            )
        done |= _pass(visit, first)
        rest = later
    return done


def _pass(visit: Visit, drafts: dict[str, Placed]) -> dict[int, Outcome]:
    known = _known(visit.shop_id, list(drafts))
    done: dict[int, Outcome] = {}
    new, newer = [], []
    for external_id, (place, draft) in drafts.items():
        if external_id not in known:
            new.append((place, draft))
        elif draft.digest in known[external_id][1]:
            done[place] = Outcome(external_id, known[external_id][0], "unchanged")
        else:
            newer.append((place, draft))
    if not new and not newer:
        return done
    page = page_of(visit.shop_id, visit.go_live)
    _prepare(page, [draft for _place, draft in (*new, *newer)])
    matched = goods_of.find(_keys(new, newer), visit.matcher)
    ours = create.create(page, [draft for _place, draft in new], matched) if new else {}
    raced = [one for one in new if one[1].incoming.external_id not in ours]
    done |= {
        place: Outcome(draft.incoming.external_id, ours[draft.incoming.external_id], "created")
        for place, draft in new
        if draft.incoming.external_id in ours
    }
    if raced:  # another worker stored them while we looked
        known |= _known(visit.shop_id, [draft.incoming.external_id for _place, draft in raced])
    return done | _change(page, [*newer, *raced], known, matched)


def _change(
    page: Page,
    placed: Sequence[Placed],
    known: dict[str, tuple[int, set[str]]],
    matched: dict[goods_of.LineKey, goods_of.Goods],
) -> dict[int, Outcome]:
    if not placed:
        return {}
    pairs = [(known[draft.incoming.external_id][0], draft) for _place, draft in placed]
    actions = change.apply(page, pairs, matched)
    return {
        place: Outcome(draft.incoming.external_id, order_id, actions[order_id])  # type: ignore[arg-type]
        for (place, draft), (order_id, _draft) in zip(placed, pairs, strict=True)
    }


def _prepare(page: Page, drafts: Sequence[Draft]) -> None:
    page.load_rates({(draft.incoming.currency, draft.incoming.placed_at.date()) for draft in drafts})


def _keys(*groups: Sequence[Placed]) -> set[goods_of.LineKey]:
    return {goods_of.key_of(line.incoming) for group in groups for _place, draft in group for line in draft.lines}


def _known(shop_id: int, external_ids: list[str]) -> dict[str, tuple[int, set[str]]]:
    """Return the orders that are there: external id → (order id, digests of its versions)."""
    condition, parameters = sets.among("o.external_id", external_ids)
    sql = (
        "SELECT o.external_id, o.id, v.digest FROM orders_order o "  # noqa: S608 — no input
        f"LEFT JOIN orders_orderversion v ON v.order_id = o.id WHERE o.shop_id = %s AND {condition}"
    )
    found: dict[str, tuple[int, set[str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, [shop_id, *parameters])
        for external_id, order_id, digest in cursor.fetchall():
            found.setdefault(external_id, (order_id, set()))[1].add(digest)
    return found
