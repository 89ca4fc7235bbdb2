"""The card of labels and papers on the page of an order."""

from __future__ import annotations

import dataclasses
import uuid
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.http import HttpRequest

from finance.admin.figures import money
from inventory.access import visible
from orders.admin import buyers, shared
from orders.admin.papers import kit
from orders.carriers import price
from orders.carriers.base import Capability, Piece, Place
from orders.carriers.registry import can, rate_lines
from orders.desk import kept
from orders.fulfil import labels, offers
from orders.fulfil.carrier_words import sentence
from orders.fulfil.papers import gather, printing
from orders.fulfil.papers.errors import PaperError
from orders.models import Label, Order, TrackingEvent

EVENTS_SHOWN = 6
State = Label.State


def facts(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    """Return what the card shows; nothing for whoever may neither see labels nor print."""
    may_buy, may_print = request.user.has_perm(kit.BUY), buyers.may_print(request)
    if not request.user.has_perm("orders.view_label") and not may_print:
        return None
    rows = visible(kit.me(request), kept.rows(order, "labels", Label.objects.filter(order=order)))
    rows = rows.select_related("account", "service", "warehouse").defer("request", "pdf")
    has_pdf = ExpressionWrapper(Q(pdf__isnull=False), output_field=BooleanField())
    found = list(rows.annotate(has_pdf=has_pdf).order_by("parcel", "pk"))
    every = shared.all_of(request, "labels")
    ready = order.state in labels.READY
    whole = _plan(order) if ready and may_buy else None
    plan = whole.within(kit.seen_warehouses(request)) if whole is not None else None
    places = kit.warehouses(request) if plan is not None else []
    live = [one for one in found if one.state in labels.LIVE and one.state != State.USED]
    return {
        "order": order,
        "labels": _shown(found if every else found[-shared.SHOWN :]),
        "cut": len(found) if shared.cut(found, shared.SHOWN, every=every) else 0,
        "cancelled": [one for one in live if order.state == Order.State.CANCELLED],
        "may_buy": may_buy and ready,
        "may_void": may_buy,
        "may_print": may_print,
        "may_ship": request.user.has_perm("orders.ship_order") and ready,
        "counts": {} if kept.lacks(order, "prints") else printing.counts(order.pk),
        "plan": plan,
        "place": plan.warehouse_id if plan is not None else 0,
        "places": places,
        "services": services(order, plan) if plan is not None else [],
        "why_not": _why_not(order, hidden=whole is not None and plan is None) if ready else "",
        "has_live": bool(live),
        "can_label": any(one.live or one.state == State.USED for one in found),
        "spent": [money(amount, currency) for amount, currency in offers.spent(found)],
        "once": uuid.uuid4().hex,
        "current": next((one for one in found if one.live), None),
    }


def _plan(order: Order) -> offers.Plan | None:
    """From where it goes out and how heavy, of what the page has read."""
    lines = [line for line in shared.lines(order) if line.quantity > 0]
    held: dict[int, dict[tuple[int, int], Decimal]] = defaultdict(dict)
    for line_id, row in shared.held(order):
        held[line_id][row.sku_id, row.warehouse_id] = row.quantity
    goods = {line.pk: list(line.parts.all()) for line in lines}
    parts = {pk: tuple((one.sku_id, one.quantity) for one in rows) for pk, rows in goods.items()}
    skus = [line.sku for line in lines if line.sku] + [one.sku for rows in goods.values() for one in rows]
    return offers.plan_from(lines, held, parts, {sku.pk: sku.weight_g for sku in skus})


def services(order: Order, plan: offers.Plan) -> list[tuple[int, str, bool]]:
    """(key, name with its price where a table of ours has one, chosen); a service without a price there is left out.

    Chosen is what is wished for the order, else the cheapest of the tables, else a carrier's usual one.

    Carriers that are called are not asked here: a page must not wait for them. "Compare prices" asks them all.
    """
    try:
        to = Place(**dataclasses.asdict(gather.recipient(order)))
    except PaperError:
        return []
    found: list[tuple[int, str]] = []
    prices: list[tuple[int, Decimal, str]] = []
    usual: int | None = None
    for account in offers.accounts(plan.warehouse_id):
        usual = usual or account.default_service_id
        called = can(account, Capability.CALLS)
        lines = [] if called else rate_lines(account)
        for service in account.services.all():
            rate = price(lines, service=service.code, recipient=to, piece=Piece(weight_g=plan.weight_g))
            if service.active and (called or rate is not None):
                name = f"{account.name} {service.name}"
                told = f"{name} · {money(rate.amount, rate.currency)}" if rate is not None else name
                found.append((service.pk, told))
                prices += [(service.pk, rate.amount, rate.currency)] if rate is not None else []
    wished = order.carrier_service_id
    chosen = wished if wished in [pk for pk, _told in found] else _cheapest(prices) or usual
    return [(pk, told, pk == chosen) for pk, told in found]


def _cheapest(prices: Sequence[tuple[int, Decimal, str]]) -> int | None:
    """The cheapest service; only the best of each currency is converted, and none when all are of one."""
    best: dict[str, tuple[Decimal, int]] = {}
    for pk, amount, currency in prices:
        best[currency] = min((amount, pk), best.get(currency, (amount, pk)))
    if len(best) < 2:
        return next((pk for _amount, pk in best.values()), None)
    known = [(base, pk) for code, (amount, pk) in best.items() if (base := offers.in_base(amount, code)) is not None]
    return min(known)[1] if known else None


def _why_not(order: Order, *, hidden: bool) -> str:
    if hidden:
        return str(PaperError("not_yours"))
    try:
        gather.recipient(order)
    except PaperError as error:
        return str(error)
    return ""


def _shown(found: Sequence[Any]) -> list[dict[str, Any]]:
    events: dict[int, list[TrackingEvent]] = {}
    for event in TrackingEvent.objects.filter(label__in=found).order_by("-at", "-pk") if found else ():
        events.setdefault(event.label_id, []).append(event)
    return [
        {
            "row": one,
            "pdf": one.has_pdf,
            "problem": sentence(one.problem),
            "cost": money(one.cost, one.currency) if one.cost is not None else "",
            "link": labels.tracking_address(one),
            "events": events.get(one.pk, [])[:EVENTS_SHOWN],
            "stuck": one.state == State.ASKED or (one.to_void and one.state != State.VOID),
            "voidable": one.state in (State.BOUGHT, State.PRINTED, State.ASKED) and not one.to_void
            and one.scanned_out_at is None,
            "quiet": one.state == State.USED and not events.get(one.pk) and one.track_at is not None,
        }
        for one in found
    ]  # fmt: skip
