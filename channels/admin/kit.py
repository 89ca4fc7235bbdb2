"""What the shops' pages share: whose rows, who acts, badges, ages, and buttons that are always POST."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar, cast

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from backoffice import audit, clock
from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from backoffice.models import User
from channels import wording
from channels.models import Account
from inventory.access import visible

Row = TypeVar("Row", bound=Model)
PREFIX = "channels"


def own(request: HttpRequest, queryset: QuerySet[Row]) -> QuerySet[Row]:
    """Return the rows of the shops that whoever asks may see."""
    return visible(cast(User, request.user), queryset)


def actor() -> str:
    """Return who acts, for the audit trail."""
    return audit.current_actor().name


def may(request: HttpRequest, permission: str) -> bool:
    """Tell whether the person has a right of channels."""
    return request.user.has_perm(f"channels.{permission}")


def demand(request: HttpRequest, permission: str) -> None:
    """Refuse whoever lacks a right of channels."""
    if not may(request, permission):
        raise PermissionDenied


def get(request: HttpRequest, queryset: QuerySet[Row], pk: Any) -> Row:
    """Return one row of the shops this person may see; anything else does not exist."""
    found = own(request, queryset).filter(pk=pk).first() if str(pk).isdecimal() and len(str(pk)) < 18 else None
    if found is None:
        raise Http404
    return found


def url(name: str, *args: Any) -> str:
    """Return the address of a page of channels: `url("account_change", 3)`."""
    return reverse(f"admin:{PREFIX}_{name}", args=args)


def link(text: Any, address: str) -> str:
    """Return a link."""
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', address, text)


def age(moment: dt.datetime | None) -> str:
    """Return how long ago: `8 s`, `5 min`, `3 h`, `2 d`; a dash for never."""
    return "–" if moment is None else span(clock.now() - moment)


def span(delta: dt.timedelta) -> str:
    """Return a span of time in one unit."""
    seconds = max(int(delta.total_seconds()), 0)
    if seconds < 60:
        return _now("%d s") % seconds
    if seconds < 3600:
        return _now("%d min") % (seconds // 60)
    if seconds < 48 * 3600:
        return _now("%d h") % (seconds // 3600)
    return _now("%d d") % (seconds // 86400)


def moment_of(text: str) -> dt.datetime | None:
    """Read a moment of the reader's own clock; nonsense and the future are now (None)."""
    try:
        found = parse_datetime(text[:40])
        aware = timezone.make_aware(found) if found is not None and timezone.is_naive(found) else found
        return aware if aware is not None and aware < clock.now() else None
    except (ValueError, OverflowError):
        return None


def context(site: AdminSite, request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
    """Return what every page of ours needs."""
    return {**site.each_context(request), "title": title, **more}


OUTCOME_LABELS = {"ok": "success", "failed": "danger", "put_off": "warning", "lost": "warning"}


class AccountFilter(admin.SimpleListFilter):
    """Only accounts of shops this person may see."""

    title = _("shop account")
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The accounts by name."""
        return [(str(account.pk), account.name) for account in own(request, Account.objects.all())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the chosen account."""
        value = self.value()
        return queryset.filter(account_id=int(value)) if value and value.isdecimal() and len(value) < 18 else queryset


class ShopsAdmin(YikuModelAdmin):
    """A list of rows that belong to shops."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return own(request, super().get_queryset(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows are made by the work itself."""
        return False


class ShopsLog(ReadOnlyMixin, ShopsAdmin):
    """A log of what happened with the shops: looked at, never written."""


class RunColumns:
    """What a visit and a comparison tell alike: who started it, how it ended, why."""

    @admin.display(description=_("started by"))
    def trigger_shown(self, run: Any) -> Any:
        """The clock, a call of the platform, a person."""
        return wording.TRIGGERS.get(run.trigger, run.trigger)

    @display(description=_("outcome"), label=OUTCOME_LABELS)
    def outcome_shown(self, run: Any) -> tuple[str, Any]:
        """How it ended."""
        return run.outcome, wording.outcome(run.outcome)

    @admin.display(description=_("reason"))
    def reason(self, run: Any) -> str:
        """Why it did not go through."""
        return wording.sentence(run.code)
