"""The shops on the home page: is every account read and written in time, and what waits for a person."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice import clock
from backoffice.home import Figure, HomeCard
from channels import pull
from channels.admin import kit
from channels.connectors.base import Capability
from channels.models import Account, AccountState, DriftFinding, JobState, Listing, ListingStatus, PushJob, SyncError
from channels.registry import can

LATE = dt.timedelta(minutes=5)
SLOW = dt.timedelta(minutes=3)


def health_card(request: HttpRequest) -> HomeCard | None:
    """Return one line per account that is called: how far behind, or why it stands still."""
    accounts = kit.own(request, Account.objects.select_related("poll", "budget").order_by("name"))
    called = [account for account in accounts if can(account, Capability.PULL_ORDERS)]
    if not called:
        return None
    late = [account for account in called if _is_late(account)]
    return HomeCard(
        title=_("Shops in step"),
        icon="sync",
        figures=[_line(account) for account in called],
        url=kit.url("account_changelist"),
        as_of=clock.now(),
        complete=not late,
        note=_("Behind: %s") % ", ".join(account.name for account in late) if late else "",
    )


def _is_late(account: Account) -> bool:
    late = pull.behind(account)
    return account.state != AccountState.ACTIVE or late is None or late > LATE


def _line(account: Account) -> Figure:
    url, late = kit.url("account_change", account.pk), pull.behind(account)
    if account.state == AccountState.REFUSED:
        return Figure(account.name, _("log-in refused"), url, "bad")
    if account.state == AccountState.PAUSED:
        return Figure(account.name, _("paused"), url, "warn")
    if account.writes_held_at:
        return Figure(account.name, _("writing held"), url, "bad")
    if late is None:
        return Figure(account.name, _("never read"), url, "warn")
    note = "" if account.write_enabled else _("writing off")
    if late > LATE:
        return Figure(account.name, _("%s behind") % kit.span(late), url, "bad", note)
    return Figure(account.name, _("in step"), url, "good", note)


def exceptions_card(request: HttpRequest) -> HomeCard | None:
    """Return what waits for a person: errors, unmatched listings, parked figures, drift, held batches."""
    now = clock.now()
    jobs = kit.own(request, PushJob.objects.all()).aggregate(
        parked=Count("pk", filter=Q(state=JobState.PARKED) & ~Q(code="brake")),
        brake=Count("pk", filter=Q(state=JobState.PARKED, code="brake")),
        slow=Count("pk", filter=Q(state=JobState.DUE, due_since__lt=now - SLOW)),
    )
    standing = Q(matches__isnull=False, matches__valid_to__isnull=True)
    unmatched = kit.own(request, Listing.objects.exclude(status=ListingStatus.DELETED).exclude(standing)).count()
    errors = kit.own(request, SyncError.objects.filter(state="open")).count()
    drift = kit.own(request, DriftFinding.objects.filter(state="open")).count()
    lines = [
        (_("Error queue"), errors, kit.url("syncerror_changelist") + "?state__exact=open", "bad"),
        (_("Zeros held by the brake"), jobs["brake"], kit.url("pushjob_changelist") + "?state__exact=parked", "bad"),
        (_("Listings without SKU"), unmatched, kit.url("listing_changelist") + "?match=none", "warn"),
        (
            _("Figures that need a person"),
            jobs["parked"],
            kit.url("pushjob_changelist") + "?state__exact=parked",
            "warn",
        ),
        (_("Figures waiting for minutes"), jobs["slow"], kit.url("pushjob_changelist") + "?state__exact=due", "warn"),
        (_("Drift"), drift, kit.url("driftfinding_changelist") + "?state__exact=open", "warn"),
    ]
    return HomeCard(
        title=_("Shop exceptions"),
        icon="error",
        figures=[Figure(label, f"{count:,}", url, tone) for label, count, url, tone in lines if count],
        url=kit.url("syncerror_changelist") + "?state__exact=open",
        empty=_("Nothing waits for a person."),
        as_of=now,
    )
