"""The card of labels and papers on the page of an order."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from finance.admin.figures import money
from inventory.access import visible
from orders.admin import buyers
from orders.admin.papers import kit
from orders.fulfil import labels, offers
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
    rows = visible(kit.me(request), Label.objects.filter(order=order))
    found = list(rows.select_related("account", "service", "warehouse").defer("request").order_by("parcel", "pk"))
    ready = order.state in labels.READY
    plan = offers.plans_of([order.pk]).get(order.pk) if ready and may_buy else None
    places = kit.warehouses(request) if plan is not None else []
    live = [one for one in found if one.state in labels.LIVE and one.state != State.USED]
    return {
        "order": order,
        "labels": _shown(found),
        "cancelled": [one for one in live if order.state == Order.State.CANCELLED],
        "may_buy": may_buy and ready,
        "may_void": may_buy,
        "may_print": may_print,
        "may_ship": request.user.has_perm("orders.ship_order") and ready,
        "counts": printing.counts(order.pk),
        "plan": plan,
        "place": plan.warehouse_id if plan is not None else 0,
        "places": places,
        "services": _services(plan) if plan is not None else [],
        "why_not": _why_not(order) if ready else "",
        "has_live": bool(live),
        "can_label": any(one.live or one.state == State.USED for one in found),
        "spent": [money(amount, currency) for amount, currency in offers.spent(order.pk)],
        "once": uuid.uuid4().hex,
        "current": next((one for one in found if one.live), None),
    }


def _services(plan: offers.Plan) -> list[tuple[int, str, bool]]:
    """(key, name, usual) of the services that collect there; the first usual one is chosen."""
    return [
        (service.pk, f"{account.name} {service.name}", service.pk == account.default_service_id)
        for account in offers.accounts(plan.warehouse_id)
        for service in account.services.all()
        if service.active
    ]


def _why_not(order: Order) -> str:
    try:
        gather.recipient(order)
    except PaperError as error:
        return str(error)
    return ""


def _shown(found: Sequence[Label]) -> list[dict[str, Any]]:
    events: dict[int, list[TrackingEvent]] = {}
    for event in TrackingEvent.objects.filter(label__in=found).order_by("-at", "-pk") if found else ():
        events.setdefault(event.label_id, []).append(event)
    return [
        {
            "row": one,
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
