"""What the page of a late play shows, in a constant number of questions."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from decimal import Decimal
from typing import Any, cast

from django.db.models import Count, F, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice import audit, clock, masking
from backoffice.incidents import causes
from backoffice.messages import MessageTemplate
from backoffice.models import AuditEntry, User
from finance.admin.figures import money
from inventory.access import sight, visible
from inventory.models import Warehouse
from orders.admin import buyers
from orders.admin.wording import pieces, short_age
from orders.late import compensations, due, messages, plays, sources, standing
from orders.late.errors import SENTENCES
from orders.models import Compensation, CompensationPreset, CouponCode, LatePlay, Order, PlayOrder, SupplyDraft

SHOWN = 300
PUT_OFF = dt.timedelta(days=5)
RUN, CONFIRM = "orders.run_lateplay", "orders.confirm_supplydraft"


@dataclasses.dataclass(slots=True)
class Member:
    """An order of the play as the table shows it."""

    row: PlayOrder
    order: Order
    standing: standing.Standing
    open: bool
    stage: str
    late: str
    soon: str
    value: str
    buyer: str
    cause: str
    given: list[Compensation]
    message: Any


def of(request: HttpRequest, play: LatePlay) -> dict[str, Any]:
    """Return everything the template needs."""
    seen = sight(request.user)
    members = _members(request, play)
    goods = _goods(play, seen, members)
    running = play.state == LatePlay.State.OPEN
    return {
        "play": play,
        "running": running,
        "may_run": request.user.has_perm(RUN) and running,
        "may_record": request.user.has_perm(RUN),
        "may_confirm": request.user.has_perm(CONFIRM),
        "may_decide": request.user.has_perm(compensations.APPROVE),
        "who": plays.named(play.started_by),
        "members": members,
        "open_members": sum(one.open for one in members),
        "hidden": max(play.orders.count() - len(members), 0),
        "value": money(sum((one.order.base_total or Decimal(0) for one in members if one.open), Decimal(0))),
        "causes": [(one.pk, causes.name_of(one)) for one in causes.for_kind("late")],
        "once": uuid.uuid4().hex,
        **goods,
        **_offers(request, members),
        **_letters(request, play, members),
        "timeline": _timeline(play),
    }


def _members(request: HttpRequest, play: LatePlay) -> list[Member]:
    """The orders this person sees, the dearest first."""
    rows = visible(request.user, PlayOrder.objects.filter(play=play)).select_related(
        "order__shop", "order__contact", "cause"
    )
    found = list(rows.order_by(F("order__base_total").desc(nulls_last=True), "order__due_at", "pk")[:SHOWN])
    orders = [one.order for one in found]
    where = standing.of(orders, sight(request.user))
    given: dict[int, list[Compensation]] = {}
    for one in play.compensations.filter(order__in=orders).select_related("preset").order_by("pk"):
        given.setdefault(one.order_id, []).append(one)
    told = {one.order_id: one for one in play.messages.filter(order__in=orders).select_related("message")}
    masked = buyers.may_see(request)
    return [
        _member(one, where[one.order_id], given.get(one.order_id, []), told.get(one.order_id), masked) for one in found
    ]


def _member(row: PlayOrder, where: standing.Standing, given: list[Compensation], message: Any, masked: bool) -> Member:
    order, contact = row.order, getattr(row.order, "contact", None)
    moment, now = due.shown(order.due_at), clock.now()
    late = moment is not None and moment < now
    running = order.state in due.CLOCKED
    return Member(
        row=row,
        order=order,
        standing=where,
        open=running,
        stage=str(standing.STAGES[where.stage]) if running else str(order.get_state_display()),
        late=short_age(now - moment) if moment and late and running else "",
        soon=short_age(moment - now) if moment and not late and running else "",
        value=money(order.base_total) if order.base_total is not None else money(order.total, order.currency),
        buyer=masking.name(contact.buyer_name) if contact and masked else "",
        cause=causes.name_of(row.cause) if row.cause else "",
        given=given,
        message=message,
    )


def _goods(play: LatePlay, seen: Any, members: list[Member]) -> dict[str, Any]:
    """Where goods lie and come from, and a sensible first draft."""
    drafts = play.drafts.select_related("sku", "origin", "destination", "purchase").order_by("pk")
    found: dict[str, Any] = {"drafts": [one for one in drafts if _seen(one, seen)], "places": [], "arrivals": []}
    if play.sku_id is None:
        return found
    places = sources.places_of(play.sku_id, seen)
    missing = sum((one.wanted for one in places), Decimal(0))
    owed = [one for one in places if one.wanted > 0 and not one.read_only]
    giving = [one for one in places if one.free > 0 and not one.read_only]
    to = max(owed, key=lambda one: one.wanted, default=None)
    origin = next((one for one in giving if to is None or one.warehouse_id != to.warehouse_id), None)
    short = -to.free if to is not None and to.free < 0 else Decimal(0)
    wanted = min(short, origin.free) if origin is not None and short > 0 else short
    kept = Warehouse.objects.filter(active=True, read_only=False).order_by("name")
    return {
        **found,
        "places": [_place(one) for one in places],
        "arrivals": sources.arrivals_of(play.sku_id, seen),
        "missing": pieces(missing),
        "giving": giving,
        "kept": [one for one in kept if seen.warehouses is None or one.pk in seen.warehouses],
        "origin": origin.warehouse_id if origin else None,
        "to": to.warehouse_id if to else None,
        "wanted": pieces(wanted) if wanted > 0 else "",
        "lacking": pieces(short) if short > 0 else "",
    }


def _seen(draft: SupplyDraft, seen: Any) -> bool:
    """Whether a draft names a warehouse that the person sees, or none, as on the list of supplies."""
    named = {one for one in (draft.origin_id, draft.destination_id) if one is not None}
    return seen.warehouses is None or not named or bool(named & seen.warehouses)


def _place(one: sources.Place) -> dict[str, Any]:
    return {
        "name": one.name, "on_hand": pieces(one.on_hand), "reserved": pieces(one.reserved),
        "wanted": pieces(one.wanted), "free": pieces(one.free), "none": one.free <= 0,
        "kept_by_others": one.read_only, "sells": one.sells,
    }  # fmt: skip


def _offers(request: HttpRequest, members: list[Member]) -> dict[str, Any]:
    limit = compensations.limit_of(cast(User, request.user))
    presets = CompensationPreset.objects.filter(active=True).select_related("sku")
    free = _codes_left()
    offers = []
    for one in presets:
        cost = sum((_cost(one, member.order) for member in members if member.open), Decimal(0))
        left = free.get(one.pk, 0) if one.kind == "coupon" and not one.fixed_code else None
        offers.append({"preset": one, "cost": money(cost), "left": left})
    return {"offers": offers, "limit": None if limit is None else money(limit), "asked": _asked(members)}


def _cost(preset: CompensationPreset, order: Order) -> Decimal:
    """About what it would cost, without asking the database for each order."""
    if preset.kind in ("coupon", "gift"):
        return preset.amount
    if order.base_total is None or not order.total:
        return Decimal(0)
    rate = order.base_total / order.total
    if preset.kind == "shipping":
        return order.shipping_total * rate
    return min(order.base_total * preset.percent / 100 if preset.percent else preset.amount, order.base_total)


def _codes_left() -> dict[int, int]:
    rows = CouponCode.objects.filter(given_to__isnull=True).order_by().values("preset")
    return {row["preset"]: row["left"] for row in rows.annotate(left=Count("pk"))}


def _asked(members: list[Member]) -> list[Compensation]:
    return [one for member in members for one in member.given if one.state == Compensation.State.ASKED]


def _letters(request: HttpRequest, play: LatePlay, members: list[Member]) -> dict[str, Any]:
    """The templates, and how the first three messages would read."""
    texts = messages.templates()
    wanted = request.GET.get("template", "")
    chosen = next((one for one in texts if one.code == wanted), texts[0] if texts else None)
    if play.new_date is None:
        play.new_date = timezone.localtime(clock.now() + PUT_OFF).date()  # a proposal: kept when it is sent
    found: dict[str, Any] = {"texts": texts, "text": chosen, "batch": None}
    if chosen is not None and play.state == LatePlay.State.OPEN:
        ids = [one.order.pk for one in members if one.open]
        batch = messages.batch(
            play=play, template=chosen, order_ids=ids, clear=False
        )  # uncovering is recorded; a preview is not
        found |= {
            "batch": batch,
            "channel": MessageTemplate.Channel(chosen.channel).label,
            "left_out": left_out(batch),
        }
    return found


def left_out(batch: messages.Batch) -> list[str]:
    """Say how many get no message, and why."""
    return [_("%(count)d: %(why)s") % {"count": many, "why": SENTENCES[code]} for code, many in batch.left_out.items()]


def _timeline(play: LatePlay) -> list[dict[str, Any]]:
    names = {
        "late_play.begin": _("Begun"),
        "late_play.pause": _("Sale paused"),
        "late_play.resume": _("Sale resumed"),
        "late_play.cause": _("Cause recorded"),
        "late_play.message": _("Buyers written to"),
        "late_play.close": _("Closed"),
    }
    own = Q(target=audit.target_text(play))
    rows = AuditEntry.objects.filter(own).order_by("-id")[:30]
    return [
        {"at": one.at, "what": names.get(one.action, one.action), "more": one.summary, "who": plays.named(one.actor)}
        for one in rows
    ]
