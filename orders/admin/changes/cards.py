"""What the page of one order shows of this: sent together, planned parcels, gifts, linked orders; and its buttons."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import actors, audit
from finance.admin.figures import money
from inventory.access import sight, visible
from orders.admin import shared
from orders.admin.changes import basket_form, entering, groups
from orders.admin.parts import register_bulk, register_part, register_work
from orders.admin.wording import pieces
from orders.desk import gifts, kept, merging, own_orders, replacing, splitting
from orders.errors import OrderError
from orders.fulfil import planned
from orders.models import Gift, MergeGroup, Order, OrderPart, Quote
from orders.models.order import OPEN_STATES

ARRANGE, SHIP = "orders.arrange_order", "orders.ship_order"
FOLDER = "admin/orders/changes/"
GIVABLE = (Order.State.HELD, Order.State.APPROVED, Order.State.PARTLY_SHIPPED)


def register() -> None:
    """Register the cards, the buttons and the actions on many orders."""
    register_part("together", "main", f"{FOLDER}card_together.html", together, order=20)
    register_part("plan", "main", f"{FOLDER}card_plan.html", plan, order=30)
    register_part("gifts", "main", f"{FOLDER}card_gifts.html", gifts_of, order=40)
    register_part("linked", "side", f"{FOLDER}card_linked.html", linked, order=20)
    register_part("own", "buttons", f"{FOLDER}buttons.html", buttons, order=50)
    for name, work in (
        ("merge", _merge), ("split_plan", _split), ("split_undo", _undo), ("part_dates", _dates), ("gift", _gift),
        ("gift_out", _gift_out),
    ):  # fmt: skip
        register_work(name, ARRANGE, work)
    register_work("ship_part", SHIP, _ship_part)
    for action in (send_together, split_by_warehouse, split_by_kind):
        register_bulk(action)


# --- cards -----------------------------------------------------------------------------------------------------------


def together(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    """The group it goes with, or the orders it could go with, each with why not."""
    if not request.user.has_perm("orders.view_mergegroup"):
        return None
    group = merging.group_of(order)
    if group is not None:
        mine = groups.seen_groups(request, MergeGroup.objects.filter(pk=group.pk)).exists()
        return {**groups.facts(request, group), "order": order} if mine else {"foreign": True}
    found = merging.candidates(order, visible(request.user, Order.objects.all()))
    if not found:
        return None
    rows = [
        {
            "order": one.order, "url": reverse("admin:orders_order_change", args=[one.order.pk]),
            "total": money(one.order.total, one.order.currency),
            "why": str(OrderError(why[0], **{"number": one.order.number, **why[1]})) if why else "",
        }
        for one, why in found
    ]  # fmt: skip
    fit = [one for one in rows if not one["why"]]
    return {"candidates": rows, "fit": fit, "may_arrange": request.user.has_perm(ARRANGE), "order": order}


def plan(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    """Its planned parcels, or the form that plans them."""
    found = [] if kept.lacks(order, "plan") else planned.plan_of(order)
    may = request.user.has_perm(ARRANGE)
    waiting = [part for part, _lines in found if not planned.sent(part)]
    lines = [line for line in shared.lines(order) if line.quantity > line.shipped_quantity]
    can_split = may and not waiting and order.state in GIVABLE and sum(line.quantity for line in lines) > 1
    if not found and not can_split:
        return None
    ready = order.state in (Order.State.APPROVED, Order.State.PARTLY_SHIPPED)
    return {
        "parts": [_part(part, rows) for part, rows in found],
        "may": may and bool(waiting),
        "may_ship": ready and request.user.has_perm(SHIP),
        "lines": [{"line": line, "left": pieces(line.quantity - line.shipped_quantity)} for line in lines]
        if can_split
        else [],
        "short": order.hold_code == "short_stock",
        "once": uuid.uuid4().hex,
        "do_url": reverse("admin:orders_order_do", args=[order.pk]),
    }


def _part(part: OrderPart, rows: list[tuple[Any, Decimal]]) -> dict[str, Any]:
    return {
        "row": part,
        "sent": planned.sent(part),
        "name": part.name or (_("waits for stock") if part.waiting else ""),
        "lines": [(pieces(units), line.sku.code if line.sku else str(line)) for line, units in rows],
        "after": _local(part.ship_after),
        "by": _local(part.ship_by),
    }


def _local(moment: dt.datetime | None) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M") if moment else ""


def gifts_of(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    """Its gifts, with who gave them, and the form that adds one."""
    given = Gift.objects.filter(order=order).select_related("line", "sku").order_by("pk")
    rows = list(kept.rows(order, "gifts", given))
    may = request.user.has_perm(ARRANGE) and order.state in GIVABLE
    if not rows and not may:
        return None
    return {
        "rows": [
            {
                "row": one, "quantity": pieces(one.line.ordered_quantity),
                "by": actors.named(one.added_by),
                "may_out": may and one.removed_at is None and not one.line.shipped_quantity,
                "left": one.line.shipped_quantity > 0,
            }
            for one in rows
        ],
        "may": may,
        "do_url": reverse("admin:orders_order_do", args=[order.pk]),
        "skus_url": reverse("admin:orders_ownorder_skus") + f"?shop={order.shop_id}",
    }  # fmt: skip


def linked(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    """What it was made from, and what was made from it."""
    followers = list(visible(request.user, kept.rows(order, "followers", order.followers.order_by("pk"))))
    origin = visible(request.user, Order.objects.filter(pk=order.origin_id)).first() if order.origin_id else None
    quote = Quote.objects.filter(order=order).first() if order.kind else None
    if not followers and origin is None and not order.kind:
        return None
    return {
        "kind": order.get_kind_display() if order.kind else "",
        "reason": replacing.reason_of(order) if order.origin_id else "",
        "origin": origin,
        "followers": followers,
        "quote": quote if quote and request.user.has_perm("orders.view_quote") else None,
    }


def buttons(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    """Send again or exchange what has left; change what was entered here."""
    replace = order.shipped_at is not None and request.user.has_perm("orders.replace_order")
    change = own_orders.may_change(order) and request.user.has_perm("orders.change_ownorder")
    if not replace and not change:
        return None
    return {"replace": replace, "change": change, "order": order}


# --- buttons ---------------------------------------------------------------------------------------------------------


def _who() -> str:
    return audit.current_actor().name


def _merge(request: HttpRequest, order: Order) -> None:
    asked = [entering.number(one) for one in request.POST.getlist("with")[:50]]
    mine = visible(request.user, Order.objects.filter(pk__in=asked, state__in=OPEN_STATES))
    groups.report(request, merging.merge(order_ids=[order.pk, *mine.values_list("pk", flat=True)], actor=_who()))


def _split(request: HttpRequest, order: Order) -> None:
    how = request.POST.get("by", "")
    by: Any = how if how in ("stock", "warehouse", "line_class") else _chosen(request, order)
    after, until = _moment(request, "ship_after"), _moment(request, "ship_by")
    (told,) = splitting.split(order_ids=[order.pk], by=by, actor=_who(), ship_after=after, ship_by=until)
    if told.ok:
        messages.success(request, _("Planned as several parcels."))
    else:
        messages.error(request, told.message)


def _chosen(request: HttpRequest, order: Order) -> dict[int, Decimal]:
    found = {}
    for pk in order.lines.values_list("pk", flat=True):
        text = entering.text(request, f"later_{pk}", 20) or "0"
        try:
            found[pk] = Decimal(text)
        except InvalidOperation:
            raise OrderError("split_lines", number=order.number) from None
    return found


def _moment(request: HttpRequest, name: str) -> dt.datetime | None:
    text = entering.text(request, name, 40)
    try:
        found = parse_datetime(text) if text else None
        moment = timezone.make_aware(found) if found is not None and timezone.is_naive(found) else found
    except (ValueError, OverflowError):
        return None
    return moment if moment is not None and 2000 <= moment.year < 2200 else None


def _undo(request: HttpRequest, order: Order) -> None:
    splitting.undo(order_id=order.pk, actor=_who())
    messages.success(request, _("What has not left goes as one parcel again."))


def _dates(request: HttpRequest, order: Order) -> None:
    splitting.set_dates(
        order_id=order.pk, part_id=entering.number(request.POST.get("part", "")),
        ship_after=_moment(request, "ship_after"), ship_by=_moment(request, "ship_by"), actor=_who(),
    )  # fmt: skip
    messages.success(request, _("The dates of the parcel are kept."))


def _ship_part(request: HttpRequest, order: Order) -> None:
    splitting.ship_part(
        order_id=order.pk, part_id=entering.number(request.POST.get("part", "")),
        carrier=entering.text(request, "carrier", 100), tracking=entering.text(request, "tracking", 200),
        actor=_who(), idempotency_key=f"part:{order.pk}:{entering.once(request)}",
        warehouses=sight(request.user).warehouses,
    )  # fmt: skip
    messages.success(request, _("Shipped. The platform will be told, and the books write the sale."))


def _gift(request: HttpRequest, order: Order) -> None:
    code = entering.text(request, "code", 100)
    found = basket_form.find([code]).get(code) if code else None
    if found is None:
        raise OrderError("gift_unknown")
    try:
        quantity = Decimal(entering.text(request, "quantity", 20) or "1")
    except InvalidOperation:
        raise OrderError("gift_quantity") from None
    (told,) = gifts.add(
        order_ids=[order.pk], sku_id=found.pk, quantity=quantity, actor=_who(),
        reason=entering.text(request, "reason"), force=bool(request.POST.get("force")),
    )  # fmt: skip
    if told.ok:
        messages.success(request, _("The gift is in the order."))
    else:
        messages.error(request, told.message)


def _gift_out(request: HttpRequest, order: Order) -> None:
    gift = Gift.objects.filter(order=order, pk=entering.number(request.POST.get("gift", ""))).first()
    if gift is None:
        raise Http404
    gifts.remove(order_id=order.pk, gift_id=gift.pk, actor=_who())
    messages.success(request, _("The gift is taken out; its goods are free again."))


# --- many at once ----------------------------------------------------------------------------------------------------


@admin.action(description=gettext_lazy("Send together"), permissions=["decide"])
def send_together(model_admin: Any, request: HttpRequest, queryset: QuerySet[Order]) -> None:
    """Put orders of one buyer to one address in one parcel; the others are told why not."""
    entering.demand(request, ARRANGE)
    ids = list(queryset.values_list("pk", flat=True))
    groups.report(request, merging.merge(order_ids=ids, actor=_who()))


@admin.action(description=gettext_lazy("Split by warehouse"), permissions=["decide"])
def split_by_warehouse(model_admin: Any, request: HttpRequest, queryset: QuerySet[Order]) -> None:
    """A parcel for each place the goods lie in."""
    _split_many(model_admin, request, queryset, "warehouse")


@admin.action(description=gettext_lazy("Split by kind of goods"), permissions=["decide"])
def split_by_kind(model_admin: Any, request: HttpRequest, queryset: QuerySet[Order]) -> None:
    """A parcel for each category."""
    _split_many(model_admin, request, queryset, "line_class")


def _split_many(model_admin: Any, request: HttpRequest, queryset: QuerySet[Order], by: str) -> None:
    entering.demand(request, ARRANGE)
    model_admin._each(
        request, queryset, lambda ids, who, _why: splitting.split(order_ids=ids, by=by, actor=who)
    )  # fmt: skip
