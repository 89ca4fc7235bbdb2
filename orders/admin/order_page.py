"""The page of one order: what state it is in, why, what to do next, and the buttons that do it."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from backoffice import audit, clock
from backoffice.errors import YikuError
from inventory.access import sight, visible
from orders.admin import buyers, order_facts, parts
from orders.admin import versions as versions_page
from orders.desk import actions, correcting, kept, listing_buyers, marking, overrides, presale, presence, staleness
from orders.errors import OrderError
from orders.fulfil import shipping
from orders.models import ListedBuyer, Order, Override
from orders.models.order import Department

LONGEST_LISTING = 3_650  # days
REVEALED = "orders_revealed"  # in the session: the order uncovered last, for the next look only


def show(model_admin: Any, request: HttpRequest, order: Order) -> HttpResponse:
    """Render the page."""
    clear = _uncovered(request, order)
    kept.note(order)
    context = {
        **model_admin.admin_site.each_context(request),
        **order_facts.of(request, order, clear=clear),
        "title": _("Order %s") % order.number,
        "opts": model_admin.opts,
        "original": order,
        "order": order,
        "may_decide": request.user.has_perm("orders.decide_order"),
        "may_ship": request.user.has_perm("orders.ship_order"),
        "may_see_buyer": buyers.may_see(request),
        "may_reveal": buyers.may_reveal(request),
        "revealed": clear,
        "buyer": buyers.shown(getattr(order, "contact", None), clear=clear) if buyers.may_see(request) else {},
        "departments": Department.choices,
        "scopes": Override.Scope.choices,
        "listed": listing_buyers.entries_of(order) if buyers.may_see(request) else [],
        "may_list": request.user.has_perm(LIST_BUYERS),
        "sides": ListedBuyer.Side.choices,
        "known_by": ListedBuyer.By.choices,
        "once": uuid.uuid4().hex,
        "parts": parts.shown(request, order),
        "seen": staleness.token(order),
        "colleagues": presence.others(order_id=order.pk, user=request.user),
        "beat": presence.EVERY,
        "may_note": request.user.has_perm(NOTE),
    }
    return TemplateResponse(request, "admin/orders/order/page.html", context)


def _uncovered(request: HttpRequest, order: Order) -> bool:
    return request.session.pop(REVEALED, None) == order.pk and buyers.may_reveal(request)


def versions(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """Two versions of the order side by side."""
    order = _order(request, pk)
    return versions_page.page(model_admin, request, order, clear=_uncovered(request, order))


@require_POST
def here(request: HttpRequest, pk: int) -> JsonResponse:
    """A sign of life of an open page; tells who else has the order open, and whether it has changed."""
    order = _order(request, pk)
    if request.POST.get("gone"):
        presence.gone(order_id=order.pk, user=request.user)
        return JsonResponse({})
    presence.here(order_id=order.pk, user=request.user)
    others = presence.others(order_id=order.pk, user=request.user)
    changed = ""
    try:
        staleness.check(order, request.POST.get("seen", ""), _who())
    except staleness.Stale as stale:
        changed = stale.what
    return JsonResponse({"colleagues": [_colleague(one) for one in others], "changed": changed})


def _colleague(one: presence.Colleague) -> str:
    since = time_format(timezone.localtime(one.since), "TIME_FORMAT")
    return _("%(name)s has had this order open since %(since)s.") % {"name": one.name, "since": since}


@require_POST
def reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """Uncover the buyer for one look; who looked is recorded."""
    order = _order(request, pk)
    if not buyers.may_reveal(request):
        raise PermissionDenied
    audit.record(action="order.reveal_buyer", target=order, request=request)
    request.session[REVEALED] = order.pk
    if request.POST.get("next") == "versions":
        asked = {name: request.POST.get(name, "")[:8] for name in ("a", "b")}
        return HttpResponseRedirect(f"{reverse('admin:orders_order_versions', args=[order.pk])}?{urlencode(asked)}")
    return HttpResponseRedirect(_url(order) + "#buyer")


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button of the page says."""
    order = _order(request, pk)
    name = request.POST.get("do", "")
    permission, work = WORK.get(name) or parts.work_of(name)
    if work is None:
        raise Http404
    if not request.user.has_perm(permission):
        raise PermissionDenied
    answer = None
    try:
        staleness.check(order, request.POST.get("seen", ""), _who())
        answer = work(request, order)
    except YikuError as error:
        messages.error(request, str(error))
    return answer or HttpResponseRedirect(_url(order))


def _order(request: HttpRequest, pk: int) -> Order:
    if not request.user.has_perm("orders.view_order"):
        raise PermissionDenied
    order = visible(request.user, Order.objects.filter(pk=pk)).select_related("shop").first()
    if order is None:
        raise Http404
    return order


def _url(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


def _who() -> str:
    return audit.current_actor().name


def _tell(request: HttpRequest, outcome: actions.RowOutcome, done: str) -> None:
    if outcome.ok:
        messages.success(request, done)
    else:
        messages.error(request, outcome.message or _("That is no longer possible: the order has changed meanwhile."))


def _text(request: HttpRequest, name: str) -> str:
    """What was typed, without the NUL that PostgreSQL refuses."""
    return request.POST.get(name, "").replace("\0", "").strip()


def _reason(request: HttpRequest, *, needed: bool = False) -> str:
    reason = _text(request, "reason")[:300]
    if needed and not reason:
        raise YikuError("reason_missing", _("Say why: colleagues will read it."))
    return reason


def _approve(request: HttpRequest, order: Order) -> None:
    told = actions.approve(order_ids=[order.pk], actor=_who(), reason=_reason(request))
    waits = told[0].code == "waits"
    done = _("Approved: it leaves when its presale goods may.") if waits else _("Approved: the goods are reserved.")
    _tell(request, told[0], done)
    if told[0].ok and request.POST.get("scope") in Override.Scope.values:
        days = _number(request.POST.get("days", ""))
        made = overrides.grant(
            order_id=order.pk, scope=request.POST["scope"], days=days, reason=_reason(request), actor=_who()
        )
        said = _("The same passes again until %s; Rules of orders → Standing exceptions ends it.")
        messages.success(request, said % date_format(timezone.localtime(made[0].until), "SHORT_DATE_FORMAT"))


def _review_again(request: HttpRequest, order: Order) -> None:
    told = actions.release_hold(order_ids=[order.pk], actor=_who(), reason=_reason(request))
    order.refresh_from_db()
    held = order.state == Order.State.HELD
    _tell(request, told[0], _("Checked again: still held.") if held else _("Checked again: approved."))


def _hold(request: HttpRequest, order: Order) -> None:
    department = request.POST.get("department", "")
    if department not in Department.values:
        department = str(Department.DESK)
    reason = _reason(request, needed=True)
    told = actions.hold(order_ids=[order.pk], actor=_who(), reason=reason, department=department)
    _tell(request, told[0], _("Held."))


def _cancel(request: HttpRequest, order: Order) -> None:
    told = actions.cancel(order_ids=[order.pk], actor=_who(), reason=_reason(request, needed=True))
    _tell(request, told[0], _("Cancelled: the goods are free again."))


def _split(request: HttpRequest, order: Order) -> None:
    told = actions.split_by_stock(order_ids=[order.pk], actor=_who())
    _tell(request, told[0], _("What is in stock is reserved; the rest waits."))


def _undo(request: HttpRequest, order: Order) -> None:
    told = actions.undo_approve(order_ids=[order.pk], actor=_who(), reason=_reason(request))
    _tell(request, told[0], _("The approval is undone."))


def _accept_edit(request: HttpRequest, order: Order) -> None:
    told = actions.accept_edit(order_ids=[order.pk], actor=_who(), reason=_reason(request))
    _tell(request, told[0], _("The platform's change was accepted and checked."))


def _reject_edit(request: HttpRequest, order: Order) -> None:
    told = actions.reject_edit(order_ids=[order.pk], actor=_who(), reason=_reason(request))
    _tell(request, told[0], _("The old version stays."))


def _address(request: HttpRequest, order: Order) -> None:
    if not buyers.may_reveal(request):
        raise PermissionDenied
    values = {name: request.POST.get(f"address_{name}", "") for name in correcting.FIELDS}
    outcome = correcting.correct_address(order_id=order.pk, address=values, actor=_who())
    _tell(request, outcome, _("The address is corrected."))


def _ship(request: HttpRequest, order: Order) -> None:
    parcel = shipping.Parcel(
        lines=_quantities(request, order),
        carrier=_text(request, "carrier")[:100],
        tracking=_text(request, "tracking")[:200],
        tracking_url=_address_of_tracking(_text(request, "tracking_url")),
        warehouses=sight(request.user).warehouses,
    )
    key = f"desk:{order.pk}:{_text(request, 'once')[:64] or uuid.uuid4().hex}"
    shipping.ship(order_id=order.pk, parcels=[parcel], actor=_who(), idempotency_key=key)
    messages.success(request, _("Shipped. The platform will be told, and the books write the sale."))


def _address_of_tracking(text: str) -> str:
    text = text[:1000]
    if text and not text.lower().startswith(("https://", "http://")):
        raise YikuError("bad_address", _("A tracking address starts with https://."))
    return text


def _quantities(request: HttpRequest, order: Order) -> dict[int, Decimal]:
    found: dict[int, Decimal] = {}
    for line in order.lines.all():
        text = request.POST.get(f"quantity_{line.pk}", "").strip()
        try:
            quantity = Decimal(text or "0")
        except InvalidOperation:
            raise OrderError("bad_quantity", label=str(line), wanted=text[:40]) from None
        if not quantity.is_finite() or quantity:  # whether it can be shipped is said there
            found[line.pk] = quantity
    return found


def _note(request: HttpRequest, order: Order) -> None:
    told = marking.add_note(order_ids=[order.pk], text=request.POST.get("text", ""), actor=_who())
    _tell(request, told[0], _("The note is written."))


def _mark(request: HttpRequest, order: Order) -> None:
    marks = marking.read_marks(request.POST.get("marks", ""))
    work = marking.unmark if request.POST.get("off") else marking.mark
    _tell(request, work(order_ids=[order.pk], marks=marks, actor=_who())[0], _("The marks are changed."))


def _priority(request: HttpRequest, order: Order) -> None:
    wanted = _number(request.POST.get("priority", "")) if request.POST.get("priority") else -1
    told = marking.set_priority(order_ids=[order.pk], priority=wanted, actor=_who())
    _tell(request, told[0], _("The priority is set."))


def _release_presale(request: HttpRequest, order: Order) -> None:
    told = presale.release_orders(order_ids=[order.pk], actor=_who())
    refused = next((one for one in told if not one.ok), None)
    _tell(request, refused or told[0], _("Released: its goods are reserved."))


def _void(request: HttpRequest, order: Order) -> None:
    shipment = order.shipments.filter(pk=_number(request.POST.get("shipment", ""))).first()
    if shipment is None:
        raise Http404
    seen = sight(request.user).warehouses
    shipping.void(
        shipment_id=shipment.pk, actor=_who(), reason=_reason(request), warehouses=seen,
        lies_here="lies_here" in request.POST,
    )  # fmt: skip
    messages.success(request, _("The parcel is taken back: goods and books as before."))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 18 else 0


def _list_buyer(request: HttpRequest, order: Order) -> None:
    side, by, days = request.POST.get("side", ""), request.POST.get("by", ""), _number(request.POST.get("days", ""))
    if side not in ListedBuyer.Side.values or by not in ListedBuyer.By.values or days > LONGEST_LISTING:
        raise YikuError("bad_choice", _("Choose the list and what the buyer is known by."))
    _entry, held = listing_buyers.list_from_order(
        order_id=order.pk, side=side, by=by, reason=_reason(request, needed=True), actor=_who(),
        until=clock.now() + dt.timedelta(days=days) if days else None,
        hold=visible(request.user, Order.objects.all())
        if request.POST.get("hold") and request.user.has_perm(DECIDE)
        else None,
    )  # fmt: skip
    messages.success(request, _("On the list; Rules of orders → Blocked and trusted buyers takes it off."))
    count = sum(one.ok for one in held)
    if count:
        told = ngettext("%(count)d approved order is held now.", "%(count)d approved orders are held now.", count)
        messages.warning(request, told % {"count": count})


DECIDE, SHIP, NOTE = "orders.decide_order", "orders.ship_order", "orders.add_staffnote"
LIST_BUYERS = "orders.add_listedbuyer"
WORK: dict[str, tuple[str, parts.Work | None]] = {
    "approve": (DECIDE, _approve),
    "review_again": (DECIDE, _review_again),
    "hold": (DECIDE, _hold),
    "cancel": (DECIDE, _cancel),
    "split": (DECIDE, _split),
    "undo": (DECIDE, _undo),
    "accept_edit": (DECIDE, _accept_edit),
    "reject_edit": (DECIDE, _reject_edit),
    "address": (DECIDE, _address),
    "note": (NOTE, _note),
    "mark": (DECIDE, _mark),
    "priority": (DECIDE, _priority),
    "release_presale": (DECIDE, _release_presale),
    "list_buyer": (LIST_BUYERS, _list_buyer),
    "ship": (SHIP, _ship),
    "void": (SHIP, _void),
}
