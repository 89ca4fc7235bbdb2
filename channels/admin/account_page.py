"""The page of one account: health, switches, work, what is held back, places — and what each button does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backoffice.errors import YikuError
from channels import accounts, budget, due, listings, naming, pull, wording
from channels.admin import kit
from channels.connectors.base import Capability, ConnectorError
from channels.models import (
    Account,
    DueWork,
    ErrorState,
    JobState,
    Listing,
    LocationLink,
    OrderNotice,
    PollRun,
    PushBrake,
    PushJob,
    RemoteLocation,
    SyncError,
)
from channels.push import brake, jobs
from channels.registry import connector_class
from channels.webhooks import subscriptions
from inventory.models import ShopWarehouse, Warehouse

RECENT = 8
MOST_HELD = 100


def show(site: AdminSite, request: HttpRequest, account: Account) -> HttpResponse:
    """Render the page."""
    able = connector_class(account.platform).capabilities
    page = kit.context(
        site,
        request,
        account.name,
        account=account,
        platform=connector_class(account.platform).label,
        opts=Account._meta,
        original=account,
        can={one.value: one in able for one in Capability},
        health=_health(account),
        counts=_counts(account),
        brakes=_brakes(account),
        errors=_errors(request, account),
        runs=_visits(account),
        places=_places(account),
        warehouses=_free_warehouses(account),
        hook_url=subscriptions.callback_url(account) if Capability.WEBHOOKS in able else "",
        may={
            name: kit.may(request, name)
            for name in ("change_account", "set_credential", "switch_writes", "sync_account", "decide_brake")
        },
    )
    return TemplateResponse(request, "admin/channels/account.html", page)


def _health(account: Account) -> dict[str, Any]:
    poll, late = getattr(account, "poll", None), pull.behind(account)
    closed = budget.closed_until(account.pk)
    return {
        "behind": None if late is None else kit.span(late),
        "late": late is not None and late.total_seconds() > max(4 * account.poll_seconds, 120),
        "last_ok": kit.age(poll.last_ok_at) if poll else "–",
        "covered": poll.covered_until if poll else None,
        "walking": bool(poll and poll.walking),
        "closed_until": closed,
        "closed_why": wording.sentence(account.budget.last_code) if closed else "",
        "state_why": wording.sentence(account.state_code),
        "held_why": wording.sentence(account.writes_held_because),
        "missing": account.missing_permissions,
        "skew": account.clock_skew if account.clock_skew and abs(account.clock_skew) > 5 else 0,
        "failing": [
            (wording.VISITS.get(row.kind, row.kind), wording.sentence(row.code))
            for row in DueWork.objects.filter(account=account, failures__gte=3)
        ],
    }


def _counts(account: Account) -> dict[str, int]:
    states = dict(PushJob.objects.filter(account=account).values_list("state").annotate(count=Count("pk")).order_by())
    listed = Listing.objects.filter(account=account).exclude(status="deleted")
    return {
        "listings": listed.count(),
        "unmatched": listed.exclude(matches__isnull=False, matches__valid_to__isnull=True).count(),
        "idle": states.get(JobState.IDLE, 0),
        "due": states.get(JobState.DUE, 0) + states.get(JobState.SENDING, 0) + states.get(JobState.UNKNOWN, 0),
        "parked": states.get(JobState.PARKED, 0),
        "notices": OrderNotice.objects.filter(account=account).exclude(state="done").count(),
        "errors": SyncError.objects.filter(account=account, state=ErrorState.OPEN).count(),
    }


def _brakes(account: Account) -> list[dict[str, Any]]:
    return [
        {
            "brake": one,
            "count": PushJob.objects.filter(brake=one, state=JobState.PARKED).count(),
            "jobs": PushJob.objects.select_related("listing", "location").filter(brake=one, state=JobState.PARKED)[
                :MOST_HELD
            ],
        }
        for one in PushBrake.objects.filter(account=account, state="waiting")
    ]


def _errors(request: HttpRequest, account: Account) -> list[dict[str, Any]]:
    rows = SyncError.objects.select_related("account").filter(account=account, state=ErrorState.OPEN)[:RECENT]
    about = naming.subjects(request, rows)
    return [{"error": row, "words": wording.explained(row), "about": about[row.pk]} for row in rows]


def _visits(account: Account) -> list[dict[str, Any]]:
    return [
        {"run": row, "kind": wording.VISITS.get(row.kind, row.kind), "outcome": wording.outcome(row.outcome),
         "why": wording.sentence(row.code)}
        for row in PollRun.objects.filter(account=account).order_by("-pk")[:RECENT]
    ]  # fmt: skip


def _places(account: Account) -> list[dict[str, Any]]:
    links: dict[int, list[LocationLink]] = {}
    for one in LocationLink.objects.select_related("warehouse").filter(account=account, valid_to__isnull=True):
        links.setdefault(one.location_id, []).append(one)
    rows = RemoteLocation.objects.filter(account=account).exclude(external_id="").order_by("name")
    return [{"place": row, "links": links.get(row.pk, [])} for row in rows]


def _free_warehouses(account: Account) -> list[Warehouse]:
    taken = LocationLink.objects.filter(account=account, valid_to__isnull=True).values("warehouse_id")
    mine = ShopWarehouse.objects.filter(shop_id=account.shop_id, valid_to__isnull=True).values("warehouse_id")
    return list(Warehouse.objects.filter(pk__in=mine).exclude(pk__in=taken))


# --- buttons ---------------------------------------------------------------------------------------------------------


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button says, if its permission is there; every outcome is told."""
    kit.demand(request, "view_account")
    account = kit.get(request, Account.objects.select_related("shop", "credential"), pk)
    permission, work = WORK.get(request.POST.get("do", ""), ("", None))
    if work is None:
        raise Http404
    if not kit.may(request, permission):
        raise PermissionDenied
    try:
        messages.success(request, work(request, account))
    except ConnectorError as error:
        words = wording.wording(error.code)
        messages.error(request, f"{words.what} {words.advice}")
    except YikuError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(kit.url("account_change", account.pk))


def _test(request: HttpRequest, account: Account) -> str:
    found = accounts.test_connection(account=account, actor=kit.actor())
    for warning in found.warnings:
        messages.warning(request, warning)
    if found.identity.missing_permissions:
        missing = ", ".join(found.identity.missing_permissions)
        messages.warning(request, _("These permissions are missing: %s.") % missing)
    if found.skew and abs(found.skew) > 30:
        messages.warning(request, _("The platform's clock differs from ours by %d seconds.") % found.skew)
    return _("Connected with “%(name)s” (%(id)s).") % {"name": found.identity.name, "id": found.identity.external_id}


def _sync(request: HttpRequest, account: Account) -> str:
    pull.sync_now(account.pk)
    return _("The orders are read within seconds.")


def _listings(request: HttpRequest, account: Account) -> str:
    due.ensure(account)
    due.soon(account.pk, due.LISTINGS)
    return _("The listings are read within seconds.")


def _drift(request: HttpRequest, account: Account) -> str:
    due.ensure(account)
    due.soon(account.pk, due.DRIFT)
    return _("The figures are compared within seconds.")


def _hooks(request: HttpRequest, account: Account) -> str:
    due.ensure(account)
    due.soon(account.pk, due.HOOKS)
    return _("The webhooks are checked within seconds.")


def _publish(request: HttpRequest, account: Account) -> str:
    count = jobs.touch_account(account.pk, cause="person")
    return _("%(count)d figures are worked out again.") % {"count": count}


def _writes_on(request: HttpRequest, account: Account) -> str:
    if request.POST.get("sure") != "yes":
        raise YikuError("not_sure", _("Tick the box first: our figures will replace the shop's."))
    accounts.switch_writes(account=account, on=True, actor=kit.actor())
    return _("Writing is on: every figure is looked at now.")


def _writes_off(request: HttpRequest, account: Account) -> str:
    accounts.switch_writes(account=account, on=False, actor=kit.actor())
    return _("Writing is off. Figures are worked out and logged, nothing is sent.")


def _pause(request: HttpRequest, account: Account) -> str:
    accounts.pause(account=account, actor=kit.actor())
    return _("Paused: nothing is read or written.")


def _resume(request: HttpRequest, account: Account) -> str:
    accounts.resume(account=account, actor=kit.actor())
    return _("Resumed.")


def _decide(request: HttpRequest, account: Account, *, approve: bool) -> str:
    pk = request.POST.get("brake", "")
    waiting = PushBrake.objects.filter(account=account, pk=pk if pk.isdecimal() and len(pk) < 18 else 0).first()
    if waiting is None:
        raise Http404
    count = brake.decide(brake=waiting, approve=approve, actor=kit.actor())
    done = _("%(count)d listings go to zero now.") if approve else _("%(count)d listings are kept back.")
    return done % {"count": count}


def _approve(request: HttpRequest, account: Account) -> str:
    return _decide(request, account, approve=True)


def _deny(request: HttpRequest, account: Account) -> str:
    return _decide(request, account, approve=False)


def _link(request: HttpRequest, account: Account) -> str:
    place, warehouse = request.POST.get("location", ""), request.POST.get("warehouse", "")
    location = RemoteLocation.objects.filter(account=account, pk=place if place.isdecimal() else 0).first()
    allowed = {one.pk for one in _free_warehouses(account)}
    if location is None or not warehouse.isdecimal() or int(warehouse) not in allowed:
        raise YikuError("bad_link", _("Choose a location and a warehouse that is free."))
    listings.link(location=location, warehouse_id=int(warehouse), actor=kit.actor())
    return _("Linked: the location shows this warehouse's stock now.")


def _unlink(request: HttpRequest, account: Account) -> str:
    pk = request.POST.get("link", "")
    standing = LocationLink.objects.filter(
        account=account, pk=pk if pk.isdecimal() else 0, valid_to__isnull=True
    ).first()
    if standing is None:
        raise YikuError("bad_link", _("This link was ended already."))
    listings.unlink(link=standing, actor=kit.actor())
    return _("The link is ended.")


Work = Callable[[HttpRequest, Account], str]
WORK: dict[str, tuple[str, Work]] = {
    "test": ("sync_account", _test),
    "sync": ("sync_account", _sync),
    "listings": ("sync_account", _listings),
    "drift": ("sync_account", _drift),
    "hooks": ("sync_account", _hooks),
    "publish": ("sync_account", _publish),
    "writes_on": ("switch_writes", _writes_on),
    "writes_off": ("switch_writes", _writes_off),
    "pause": ("change_account", _pause),
    "resume": ("change_account", _resume),
    "approve": ("decide_brake", _approve),
    "deny": ("decide_brake", _deny),
    "link": ("change_account", _link),
    "unlink": ("change_account", _unlink),
}
