"""The card on the page of an order: from where it is sent, what else could be, and the buttons that change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice import actors, audit, clock
from backoffice.errors import YikuError
from backoffice.models import User
from inventory.access import sight
from inventory.models import ShopWarehouse, Warehouse
from inventory.stock_state import valid
from orders.admin import shared
from orders.admin.routing import wording
from orders.desk import kept
from orders.desk.table import RowOutcome
from orders.fulfil.routing import moving, reading, wishes
from orders.models import GoodsGone, Order, OrderLine, RoutingPlan

REROUTE, REPORT = "orders.reroute_order", "orders.report_gone"
OPEN = (Order.State.UNPAID, *moving.MOVABLE)
MOST_EARLIER = 5
Rows = list[dict[str, Any]]
Labels = Mapping[int, str]


def facts(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    """Return what the card shows; None when there is nothing to show or nothing this person may see of it."""
    if not request.user.has_perm("orders.view_routingplan") and not request.user.has_perm(REPORT):
        return None
    rows = list(kept.rows(order, "plans", order.plans.select_related("policy"))[: MOST_EARLIER + 1])
    if not rows and order.state not in OPEN:
        return None
    lines = shared.lines(order)
    here = shared.held(order) if order.state in OPEN else []
    held = reading.held_of((line, row.sku_id, row.warehouse_id, row.quantity) for line, row in here)
    sources = _sources(request, order) if order.state in OPEN else []
    plan = rows[0] if rows else None
    sites = {site for row in rows for site in row.warehouses} | (sites_in(plan.content) if plan else set())
    sites |= {site for pairs in held.values() for _sku, site in pairs} | {pk for pk, _name in sources}
    names = wording.Names(request, sites)
    if not _concerns(names, rows, held):
        return None
    return _told(request, order, rows, lines, held, sources, names)


def _concerns(names: wording.Names, rows: Sequence[RoutingPlan], held: reading.Held) -> bool:
    """Whether the order has to do with a warehouse the reader sees: staff of one see only its plans."""
    touched = {site for row in rows for site in row.warehouses}
    touched |= {site for pairs in held.values() for _sku, site in pairs}
    return names.seen is None or not touched or any(names.sees(site) for site in touched)


def _told(
    request: HttpRequest, order: Order, rows: Sequence[RoutingPlan], lines: Sequence[OrderLine], held: reading.Held,
    sources: Sequence[tuple[int, str]], names: wording.Names,
) -> dict[str, Any]:  # fmt: skip
    user = cast(User, request.user)
    labels = {line.pk: line.sku.code if line.sku else line.sku_code or line.title[:60] for line in lines}
    plan = rows[0] if rows else None
    movable = bool(held) and order.state in moving.MOVABLE and order.pending_version_id is None
    return {
        "order": order,
        "plan": plan,
        "by": actors.named(plan.actor) if plan else "",
        "cost": wording.cost(None if plan is None or plan.cost is None else f"{plan.cost:f}"),
        "parcels": parcels(plan.content, names, labels) if plan else [],
        "moved": bool(plan and plan.content.get("moved")),
        "from": names.of(plan.warehouses) if plan else "",
        "missing": wording.missing(plan.content.get("missing", ()), labels) if plan else "",
        "alternatives": alternatives(plan.content, names, labels) if plan else [],
        "held": _held(held, names, labels, _reported(labels) if held else set()),
        "earlier": [{"row": row, "from": names.of(row.warehouses)} for row in rows[1:]],
        "sources": sources,
        "wish": order.routing_warehouse_id,
        "wish_policy": order.routing_policy,
        "may_move": movable and user.has_perm(REROUTE),
        "may_report": movable and user.has_perm(REPORT),
        "may_wish": not movable and order.state in OPEN and user.has_perm(REROUTE) and bool(sources),
    }


def _sources(request: HttpRequest, order: Order) -> list[tuple[int, str]]:
    """The warehouses the shop sells from, as far as the reader sees them."""
    links = ShopWarehouse.objects.filter(
        valid(clock.now()), shop=order.shop_id, warehouse__active=True, warehouse__read_only=False
    )
    found = list(links.order_by("priority", "warehouse_id").values_list("warehouse_id", "warehouse__name"))
    seen = sight(request.user).warehouses
    return [(pk, name) for pk, name in found if seen is None or pk in seen]


def sites_in(content: Mapping[str, Any]) -> set[int]:
    """Return every warehouse a plan's content names."""
    found = {int(one["site"]) for one in content.get("parcels", ())}
    return found | {int(site) for one in content.get("alternatives", ()) for site in one["sites"]}


def parcels(content: Mapping[str, Any], names: wording.Names, labels: Labels) -> Rows:
    """Return the parcels of a plan in words."""
    return [
        {
            "place": names.of([one["site"]]),
            "goods": wording.missing(one["items"], labels),
            "weight": f"{one['g'] / 1000:.2f} kg",
            "km": wording.kilometres(one["km"]),
            "cost": wording.cost(one["cost"]),
        }
        for one in content.get("parcels", ())
    ]


def alternatives(content: Mapping[str, Any], names: wording.Names, labels: Labels) -> Rows:
    """Return the other ways in words; `to` is what the button sends, empty when it cannot be chosen."""
    return [
        {
            "place": names.of(one["sites"]),
            "km": wording.kilometres(one["km"]),
            "cost": wording.cost(one["cost"]),
            "why": wording.why_not(one, labels),
            "to": ",".join(map(str, one["sites"]))
            if one["code"] not in ("lacks", "not_allowed") and all(names.sees(site) for site in one["sites"])
            else "",
        }
        for one in content.get("alternatives", ())
    ]


def _reported(labels: Labels) -> set[tuple[int, int]]:
    """Return (line, warehouse) of goods that were reported as not found."""
    rows = GoodsGone.objects.filter(line__in=list(labels), closed_at=None)
    return set(rows.values_list("line_id", "warehouse_id"))


def _held(held: reading.Held, names: wording.Names, labels: Labels, reported: set[tuple[int, int]]) -> Rows:
    """Return what lines hold and where, for the button that says it is not there."""
    found: dict[tuple[int, int], int] = {}
    for line, pairs in held.items():
        for (_sku, site), quantity in pairs.items():
            found[line, site] = max(found.get((line, site), 0), quantity)
    return [
        {"line": line, "site": site, "label": labels.get(line, "?"), "place": names.of([site]),
         "quantity": wording.units(quantity), "mine": names.sees(site), "reported": (line, site) in reported}
        for (line, site), quantity in found.items()
    ]  # fmt: skip


# --- the buttons -----------------------------------------------------------------------------------------------------


def _tell(request: HttpRequest, outcome: RowOutcome, done: str) -> None:
    if outcome.ok:
        messages.success(request, done)
    else:
        messages.error(request, outcome.message)


def chosen(text: str) -> list[int] | None:
    """Return the warehouses a button or a list names (`3,7`); None for “by the policy”. Raises YikuError."""
    if not text:
        return None
    found = [part for part in text.split(",") if part]
    if not found or len(found) > 20 or not all(part.isdecimal() and len(part) < 18 for part in found):
        raise YikuError("bad_choice", _("Choose a warehouse."))
    return [int(part) for part in found]


def reroute(request: HttpRequest, order: Order) -> None:
    """Hold the goods elsewhere: at the warehouses named, or by the policy."""
    told = moving.reroute(
        order_ids=[order.pk],
        actor=audit.current_actor().name,
        to=chosen(request.POST.get("to", "")),
        within=sight(request.user).warehouses,
    )
    _tell(request, told[0], _("Re-routed: the goods are reserved at the new place."))


def goods_gone(request: HttpRequest, order: Order) -> None:
    """Say that goods are not to be found."""
    line, site = chosen(request.POST.get("line", "")), chosen(request.POST.get("site", ""))
    if not line or not site:
        raise YikuError("bad_choice", _("Choose a warehouse."))
    outcome = moving.gone(
        order_id=order.pk, line_id=line[0], warehouse_id=site[0], actor=audit.current_actor().name,
        within=sight(request.user).warehouses,
    )  # fmt: skip
    if outcome.ok:
        messages.success(request, _("Noted. The goods are reserved elsewhere; no plan counts on them there now."))
    elif outcome.code == "no_better_route":
        messages.warning(
            request, _("Noted. No other warehouse can send them: the order is held until somebody counts.")
        )
    else:
        messages.error(request, outcome.message)


def prefer(request: HttpRequest, order: Order) -> None:
    """Wish for a warehouse, or take the wish back."""
    wanted = chosen(request.POST.get("to", ""))
    sources = {pk for pk, _name in _sources(request, order)}
    if wanted and (len(wanted) > 1 or wanted[0] not in sources):
        raise YikuError("bad_choice", _("Choose a warehouse."))
    site = wanted[0] if wanted else None
    wishes.prefer([order.pk], warehouse_id=site, policy_id=order.routing_policy_id, actor=audit.current_actor().name)
    name = Warehouse.objects.filter(pk=site or 0).values_list("name", flat=True).first()
    said = _("Noted: it will be sent from %s if the goods are there.") % name if site else _("The wish is taken back.")
    messages.success(request, said)
