"""The page of backorders: what is missing for whom since when, when it comes, and giving out what has come."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice import audit, clock
from backoffice.adminkit import Outcome, report_outcomes
from backoffice.spreadsheets.writing import Out, write_xlsx
from finance.admin.figures import money
from inventory.access import visible
from inventory.models import Shop, Sku, Warehouse
from orders.admin.wording import delivery, pieces, short_age
from orders.desk import backorders, promise
from orders.desk.backorders import Need, Queue
from orders.models import Order

DECIDE = "orders.decide_order"
MOST_GROUPS = 200
RULES: dict[str, Any] = {
    promise.ORDERED: _("Whoever ordered first is served first."),
    promise.VALUE: _("Orders of high value are served first."),
    promise.PRIORITY: _("Orders of high priority are served first."),
}
COLUMNS = (
    Out(_("SKU"), width=18), Out(_("name"), width=28), Out(_("order number"), width=20), Out(_("shop"), width=18),
    Out(_("missing"), "number", 10), Out(_("wanted"), "number", 10), Out(_("ordered"), "datetime", 17),
    Out(_("waits since"), "datetime", 17), Out(_("value in base currency"), "money", 14),
    Out(_("priority"), "number", 8), Out(_("line promised for"), "date", 12), Out(_("from delivery"), width=36),
    Out(_("order promised for"), "date", 12), Out(_("on their way"), width=36),
)  # fmt: skip
IN_MEMORY = 2_000_000


def _queue(request: HttpRequest) -> tuple[Queue, list[Need], set[int]]:
    """Return the queue, what of it the person sees, and which of the orders that could leave."""
    if not request.user.has_perm("orders.view_order"):
        raise PermissionDenied
    queue = backorders.read()
    shops = set(visible(request.user, Shop.objects.all()).values_list("pk", flat=True))
    ready = set(queue.ready)
    mine = {one.order_id for one in queue.orders if one.shop_id in shops and one.order_id in ready}
    return queue, [need for need in queue.needs if need.order.shop_id in shops], mine


def page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Show them by SKU or by order."""
    queue, needs, ready = _queue(request)
    by = "order" if request.GET.get("by") == "order" else "sku"
    sort = "value" if request.GET.get("sort") == "value" else "first"
    known = _Known(request, needs)
    value_first = {need.order.order_id: need.order.value for need in needs}
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _now("Backorders"),
        "opts": model_admin.opts,
        "rows": needs,
        "groups": _groups(known, _sorted(needs, sort), by, queue, ready)[:MOST_GROUPS],
        "by": by,
        "sort": sort,
        "ready": len(ready),
        "more": queue.more,
        "may_allocate": request.user.has_perm(DECIDE),
        "automatic": backorders.automatic(),
        "rule_sentence": RULES[queue.rule],
        "totals": {
            "orders": len(value_first),
            "skus": len({need.sku_id for need in needs}),
            "value": money(sum(value_first.values(), Decimal(0))),
            "promised": len({need.order.order_id for need in needs if need.order.promised_on}),
        },
    }
    return TemplateResponse(request, "admin/orders/order/backorders.html", context)


def _sorted(needs: list[Need], sort: str) -> list[Need]:
    if sort == "value":
        return sorted(needs, key=lambda need: (-need.order.value, need.order.placed_at, need.order.order_id))
    return sorted(needs, key=lambda need: (need.order.placed_at, need.order.order_id))


class _Known:
    """What the rows are shown with: names and deliveries, read once."""

    def __init__(self, request: HttpRequest, needs: list[Need]) -> None:
        self.now = clock.now()
        self.today = timezone.localdate(self.now)
        self.skus = Sku.objects.in_bulk({need.sku_id for need in needs})
        self.shops = dict(Shop.objects.values_list("pk", "name"))
        self.incoming: dict[int, list[promise.Incoming]] = defaultdict(list)
        places = set(visible(request.user, Warehouse.objects.all()).values_list("pk", flat=True))
        for one in promise.incoming_of(list(self.skus)):
            if one.warehouse_id in places:
                self.incoming[one.sku_id].append(one)
        self.places = places
        self.promised = promise.lines_of({need.line_id for need in needs})

    def day(self, need: Need) -> dt.date | None:
        """When the last piece of a line is expected."""
        return max((row.expected_on for row in self.promised.get(need.line_id, ())), default=None)

    def deliveries(self, need: Need) -> list[str]:
        """What a line gets from which delivery; of warehouses the person does not see, nothing."""
        rows = [row for row in self.promised.get(need.line_id, ()) if row.arrival.sku_id == need.sku_id]
        return [delivery(row) for row in rows if row.arrival.warehouse_id in self.places]


def _groups(known: _Known, needs: list[Need], by: str, queue: Queue, ready: set[int]) -> list[dict[str, Any]]:
    groups: dict[int, list[Need]] = {}
    for need in needs:
        groups.setdefault(need.sku_id if by == "sku" else need.order.order_id, []).append(need)
    servable = {sku for pk in ready for sku in queue.skus[pk]}
    return [
        _by_sku(known, key, rows, key in servable) if by == "sku" else _by_order(known, key, rows)
        for key, rows in groups.items()
    ]


def _by_sku(known: _Known, key: int, rows: list[Need], free: bool) -> dict[str, Any]:
    sku = known.skus[key]
    return {
        "key": key,
        "title": sku.code,
        "url": reverse("admin:inventory_sku_change", args=[key]),
        "note": sku.name,
        "missing": pieces(sum((need.missing for need in rows), Decimal(0))),
        "incoming": [
            {"pieces": pieces(one.quantity), "day": one.expected_on, "overdue": one.expected_on < known.today}
            for one in known.incoming[key]
        ],
        "free": free,
        "rows": [_row(known, need) for need in rows],
    }


def _by_order(known: _Known, key: int, rows: list[Need]) -> dict[str, Any]:
    order = rows[0].order
    url = reverse("admin:orders_order_change", args=[key])
    return {"key": key, "title": order.number, "url": url, "note": "", "rows": [_row(known, need) for need in rows]}


def _row(known: _Known, need: Need) -> dict[str, Any]:
    order, day = need.order, known.day(need)
    return {
        "number": order.number,
        "url": reverse("admin:orders_order_change", args=[order.order_id]),
        "sku": known.skus[need.sku_id].code,
        "label": need.label,
        "shop": known.shops.get(order.shop_id, ""),
        "missing": pieces(need.missing),
        "wanted": pieces(need.wanted),
        "placed_at": order.placed_at,
        "age": short_age(known.now - (order.since or order.placed_at)),
        "value": money(order.value),
        "priority": order.priority,
        "day": day,
        "deliveries": known.deliveries(need),
        "promised_on": order.promised_on,
        "whole": bool(day and order.promised_on != day),
        "late": bool(day and day < known.today),
    }


def do(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Give out what has come, of one SKU or of all, or plan the promises again."""
    if not request.user.has_perm(DECIDE) or not request.user.has_perm("orders.view_order"):
        raise PermissionDenied
    name, who = request.POST.get("do", ""), audit.current_actor().name
    if name == "promise":
        count = len(promise.refresh(actor=who))
        told = ngettext("%(count)d promise has moved.", "%(count)d promises have moved.", count)
        report_outcomes(request, [Outcome("")] * count, told) if count else None
    elif name in ("all", "sku"):
        _allocate(request, name, who)
    else:
        raise Http404
    return HttpResponseRedirect(reverse("admin:orders_order_backorders"))


def _allocate(request: HttpRequest, name: str, who: str) -> None:
    text = request.POST.get("sku", "")
    wanted = [int(text) if text.isdecimal() and len(text) < 18 else 0] if name == "sku" else None
    _queue_now, _needs, mine = _queue(request)
    told = backorders.allocate(actor=who, sku_ids=wanted, within=mine)
    numbers = dict(Order.objects.filter(pk__in=[one.order_id for one in told]).values_list("pk", "number"))
    outcomes = [
        Outcome(
            numbers.get(one.order_id, ""), "" if one.ok else one.message,
            reverse("admin:orders_order_change", args=[one.order_id]),
        )
        for one in told
    ]  # fmt: skip
    done = sum(one.ok for one in told)
    text = ngettext("%(count)d order can be shipped now.", "%(count)d orders can be shipped now.", done)
    report_outcomes(request, outcomes or [Outcome("", _now("Nothing has come that completes an order."))], text)
    promise.refresh(actor=who)


def xlsx(model_admin: Any, request: HttpRequest) -> FileResponse:
    """All short lines as a workbook."""
    _queue_now, needs, _ready = _queue(request)
    known = _Known(request, needs)
    file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 — the response closes it
    write_xlsx(file, COLUMNS, _sheet(known, _sorted(needs, "first")), name=_now("Backorders"))
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"backorders-{known.today:%Y%m%d}.xlsx")


def _sheet(known: _Known, needs: list[Need]) -> Iterator[tuple[Any, ...]]:
    for need in needs:
        order, sku = need.order, known.skus[need.sku_id]
        yield (
            sku.code, sku.name, order.number, known.shops.get(order.shop_id, ""), need.missing, need.wanted,
            order.placed_at, order.since, order.value, order.priority or None, known.day(need),
            ", ".join(known.deliveries(need)), order.promised_on,
            ", ".join(_coming(one) for one in known.incoming[need.sku_id]),
        )  # fmt: skip


def _coming(one: promise.Incoming) -> str:
    day: dt.date = one.expected_on
    return f"{day:%Y-%m-%d}: {pieces(one.quantity)}"
