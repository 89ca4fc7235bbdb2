"""Returns: lines of the sidebar, the card on the order's page, the home card, who may what, whose rows they are."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django.apps import AppConfig, apps
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.db.models.signals import post_migrate
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import clock, references
from backoffice.home import Figure, HomeCard, register_card
from backoffice.references import Described
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import access
from orders.admin import shared
from orders.admin.parts import register_part, register_work
from orders.desk import kept
from orders.models import (
    Order,
    Return,
    ReturnDecision,
    ReturnPlace,
    ReturnPolicy,
    ReturnReason,
    ReturnRefund,
    StrayParcel,
)
from orders.pages.lines import register_lists
from orders.returns import deciding, limits, receiving, requesting
from orders.returns.errors import ReturnError
from orders.returns.sight import DECIDE, MONEY, RECEIVE, REFUND, VIEW, mine, my_strays

LIST = "admin:orders_return_changelist"
SETTINGS = ("returnreason", "returnpolicy", "returnplace", "refundlimit")
KEEP = [f"{verb}_{model}" for model in SETTINGS for verb in ("view", "add", "change")]
SEEN = ["view_return", "money_return", "view_strayparcel"]
WORK = ["decide_return", "refund_return"]
RULERS = [*SEEN, *WORK, "receive_return", "approve_refund", *KEEP, "delete_refundlimit"]
ROLES = {
    "owner": RULERS,
    "ops_admin": RULERS,
    "order_clerk": [*SEEN, *WORK, "receive_return", "view_returnreason"],
    "customer_service": [*SEEN, *WORK, "view_returnreason"],
    "warehouse_clerk": ["view_return", "receive_return", "view_strayparcel"],
    "bookkeeper": ["view_return", "money_return", "approve_refund"],
    "auditor": [*SEEN, *(f"view_{model}" for model in SETTINGS)],
}
REASONS = (
    ("质量问题", "Faulty"),
    ("运输破损", "Damaged on the way"),
    ("发错商品", "Wrong goods sent"),
    ("与描述不符", "Not as described"),
    ("尺寸或颜色不合适", "Size or colour does not suit"),
    ("不想要了", "Changed their mind"),
    ("未收到货", "Never arrived"),
    ("其他", "Other"),
)


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    register_role_permissions("orders", ROLES)
    access.register(Return, shop="order__shop")
    access.register(ReturnPolicy, shop="shop")
    access.register(ReturnPlace, shop=None, warehouse="warehouse")
    access.register(StrayParcel, shop=None, warehouse="warehouse")
    _sidebar()
    register_card("returns", home_card, order=35, permission=VIEW)
    register_part("returns", "main", "admin/orders/return/order_card.html", order_card, order=60)
    register_work("open_return", DECIDE, open_return)
    _describe_references()
    post_migrate.connect(seed_after_migrate, sender=apps.get_app_config("orders"), dispatch_uid="orders.returns")


def _sidebar() -> None:
    register_sidebar(
        "after_sales", _("Returns"), LIST, icon="assignment_return", permission=VIEW, order=10, badge=_asked
    )
    register_sidebar(
        "after_sales", _("Overdue returns"), LIST, icon="timer_off", permission=DECIDE, order=11,
        query="?waits=overdue", badge=_overdue,
    )  # fmt: skip
    register_sidebar(
        "after_sales", _("Refunds to be made by hand"), LIST, icon="payments", permission=REFUND, order=52,
        query="?waits=hand", badge=_by_hand,
    )  # fmt: skip
    pages = (
        ("after_sales", _("Report on returns"), "report", "bar_chart", MONEY, 90),
        ("after_sales", _("A parcel came back"), "arrive", "barcode_scanner", RECEIVE, 12),
        ("after_sales", _("Kept apart"), "apart", "block", VIEW, 13),
    )
    for section, title, name, icon, right, place in pages:
        register_sidebar(section, title, f"admin:orders_return_{name}", icon=icon, permission=right, order=place)
    register_lists(("after_sales", _("Unknown parcels"), "strayparcel", "help_center"), order=14)
    register_lists(
        ("order_settings", _("Return reasons"), "returnreason", "list"),
        ("order_settings", _("Rules of returns"), "returnpolicy", "rule"),
        ("order_settings", _("Places that take returns"), "returnplace", "home_pin"),
        ("order_settings", _("Refund limits"), "refundlimit", "price_check"),
        order=60,
    )


def _asked(request: HttpRequest) -> QuerySet[Return] | None:
    if not request.user.has_perm(DECIDE):
        return None
    return mine(request.user).filter(state=Return.State.REQUESTED)


def _by_hand(request: HttpRequest) -> QuerySet[Return]:
    waiting = ReturnRefund.objects.filter(state=ReturnRefund.State.MANUAL)
    return mine(request.user).filter(pk__in=waiting.values("rma"))


def _overdue(request: HttpRequest) -> QuerySet[Return]:
    return receiving.overdue(mine(request.user))


def seed_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate: an installation starts with reasons and limits; what the owner changed stays."""
    if not ReturnReason.objects.using(using).exists():
        ReturnReason.objects.using(using).bulk_create(
            ReturnReason(name=name, name_en=english, place=10 * place)
            for place, (name, english) in enumerate(REASONS, 1)
        )
    limits.seed()


# --- references ------------------------------------------------------------------------------------------------------


def _describe_references() -> None:
    """Say in the stock ledger and the books what a decision or an unknown parcel is."""
    references.register("orders.returndecision", _decisions)
    references.register("orders.strayparcel", _strays)


def _decisions(request: HttpRequest, ids: Any) -> dict[int, Described]:
    if not request.user.has_perm(VIEW):
        return {}
    rows = ReturnDecision.objects.filter(pk__in=ids, return_line__rma__in=mine(request.user))
    return {
        one.pk: Described(
            one.return_line.rma.number, reverse("admin:orders_return_change", args=[one.return_line.rma_id])
        )
        for one in rows.select_related("return_line__rma")
    }


def _strays(request: HttpRequest, ids: Any) -> dict[int, Described]:
    if not request.user.has_perm("orders.view_strayparcel"):
        return {}
    rows = my_strays(request.user).filter(pk__in=ids)
    return {one.pk: Described(str(one), reverse("admin:orders_strayparcel_change", args=[one.pk])) for one in rows}


# --- the home page ---------------------------------------------------------------------------------------------------


def home_card(request: HttpRequest) -> HomeCard:
    """What waits of returns, for this person."""
    from orders.admin.returns.return_list import waiting

    rows, url = mine(request.user), reverse(LIST)
    wanted = (
        ("decision", _now("To approve or refuse"), "warn", DECIDE),
        ("overdue", _now("Overdue"), "bad", DECIDE),
        ("inspection", _now("To inspect"), "warn", RECEIVE),
        ("settling", _now("To settle"), "warn", DECIDE),
        ("approval", _now("Money to approve"), "warn", limits.APPROVE),
        ("hand", _now("Money to give by hand"), "bad", "orders.refund_return"),
    )
    figures = [
        Figure(label, f"{count:,}", f"{url}?waits={name}", tone)
        for name, label, tone, right in wanted
        if request.user.has_perm(right) and (count := waiting(rows, name).count())
    ]
    if request.user.has_perm(RECEIVE) and (count := my_strays(request.user).filter(state="waiting").count()):
        strays = reverse("admin:orders_strayparcel_changelist") + "?state__exact=waiting"
        figures.append(Figure(_now("Unknown parcels"), f"{count:,}", strays, "warn"))
    return HomeCard(
        title=_now("Returns"),
        icon="assignment_return",
        figures=figures,
        url=url,
        empty=_now("No return waits for anybody."),
        as_of=clock.now(),
    )


# --- the page of an order --------------------------------------------------------------------------------------------


def order_card(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    """The order's returns, and the form that opens one; nothing for an order of which nothing has left or come back."""
    if not request.user.has_perm(VIEW):
        return None
    found = [] if kept.lacks(order, "returns", "exchanged") else list(mine(request.user, _of(order)))
    rows = [one for one in found if one.order_id == order.pk]
    exchanged_for = next((one for one in found if one.exchange_order_id == order.pk), None)
    may = request.user.has_perm(DECIDE) and (order.shipped_at is not None or order.payment in _PAID)
    if not rows and not may and exchanged_for is None:
        return None
    left = requesting.returnable(order, lines=shared.lines(order)) if may else {}
    lines = [line for line in shared.lines(order) if left.get(line.pk)] if may else []
    return {
        "order": order,
        "rows": [{"row": one, "late": one.expected and _is_late(one)} for one in rows],
        "exchanged_for": exchanged_for,
        "may": may,
        "once": uuid.uuid4().hex,
        "lines": [{"line": line, "left": requesting.plain(left[line.pk])} for line in lines],
        "wants": [*Return.Wants.choices, ("money", _now("Money only, no goods"))] if lines else _money_only(),
        "reasons": list(ReturnReason.objects.filter(active=True)) if may else [],
    }


_PAID = (Order.Payment.PAID, Order.Payment.PARTIALLY_PAID, Order.Payment.PARTIALLY_REFUNDED)


def _money_only() -> list[tuple[str, str]]:
    return [("money", _now("Money only, no goods"))]


def _of(order: Order) -> QuerySet[Return]:
    concerned = Return.objects.filter(Q(order=order) | Q(exchange_order=order))
    return concerned.select_related("reason").order_by("-pk")


def _is_late(found: Return) -> bool:
    return found.expected_by is not None and found.expected_by < clock.now()


def open_return(request: HttpRequest, order: Order) -> HttpResponseRedirect:
    """Open a return from the order's page."""
    from orders.admin.returns import kit

    wants = request.POST.get("wants", "")
    goods = wants != "money"
    if goods and wants not in Return.Wants.values:
        raise ReturnError("no_lines")
    lines: dict[int, Decimal] = {
        line.pk: units for line in order.lines.all() if (units := kit.decimal(request, f"return_{line.pk}"))
    }
    found = requesting.open_return(
        order_id=order.pk, lines=lines, actor=kit.who(), key=kit.once(request, "return", order.pk),
        wants=wants if goods else Return.Wants.REFUND, goods=goods, reason_id=_why(request.POST.get("why", "")),
        text=request.POST.get("words", ""),
    )  # fmt: skip
    if request.POST.get("approved") and found.state == Return.State.REQUESTED:
        deciding.approve(return_id=found.pk, actor=kit.who())
    messages.success(request, _now("Return %s is open.") % found.number)
    return kit.to(found)


def _why(typed: str) -> int | None:
    if not typed:
        return None
    if not typed.isdecimal() or len(typed) > 17:
        raise ReturnError("bad_reason")
    return int(typed)
