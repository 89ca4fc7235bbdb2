"""Forgotten reservations: how old, whose, what they lock up; released or kept, each row with its outcome."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminTextInputWidget

from backoffice import audit, references
from backoffice.adminkit import Outcome, report_outcomes
from backoffice.errors import YikuError
from backoffice.models import User
from inventory import ghosts, readable
from inventory.access import visible
from inventory.admin.filters import WarehouseFilter
from inventory.admin.stock import BUCKET_LABELS, ReferencedList
from inventory.models import GhostReservation

RELEASE = "inventory.release_ghostreservation"
LABELS = {"shipped": "danger", "cancelled": "danger", "gone": "danger", "old": "warning"}
MOST = 500


class WhyFilter(admin.SimpleListFilter):
    """Why it is forgotten; those that somebody keeps are asked for."""

    title, parameter_name = _("why"), "why"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*ghosts.WHY.items(), ("kept", _("Kept on purpose"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found, kept, asked = ghosts.all_of_them(), ghosts.kept_today(), self.value()
        if asked == "kept":
            return queryset.filter(pk__in=kept)
        return queryset.filter(pk__in=[pk for pk, why in found.items() if pk not in kept and asked in (None, why)])


@admin.register(GhostReservation)
class GhostReservationAdmin(ReferencedList):
    """Open reservations that nobody may need any more."""

    empty_note = _("None: what is reserved or ordered is needed by an open order and not old.")
    list_display = ("reference_shown", "why_shown", "sku_shown", "place", "bucket_label", "held", "age", "kept_shown")
    list_display_links = None
    list_filter = (WarehouseFilter, WhyFilter)
    actions = ("release_chosen", "keep_chosen")
    ordering = ("updated_at", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(quantity__gt=0).select_related("kept", "sku", "warehouse")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.list_display, "locked") if readable.sees_cost(request) else self.list_display

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(keep)
        return [path("keep/", view, name="inventory_ghostreservation_keep"), *super().get_urls()]

    def has_release_permission(self, request: HttpRequest) -> bool:
        """Who may release and keep."""
        return request.user.has_perm(RELEASE)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Say of one page at once why each is there and what it locks up."""
        shown = super().get_changelist_instance(request)
        rows = list(shown.result_list)
        why, money = ghosts.why(rows), ghosts.money_locked(rows)
        for row in rows:
            row.why, row.money = why.get(row.pk, ""), money[row.pk]
        shown.result_list = rows
        return shown

    @admin.action(description=_("Release the chosen ones"), permissions=["release"])
    def release_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Give the goods back, row by row: each is looked at again, a refusal stops none of the others."""
        actor = audit.user_actor(cast(User, request.user)).name
        done = [_released(row, actor) for row in queryset.select_related("sku").order_by("pk")[:MOST]]
        report_outcomes(request, done, _now("%(count)d released: the goods are free again."))

    @admin.action(description=_("Keep the chosen ones…"), permissions=["release"])
    def keep_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Ask until when and why."""
        ids = ",".join(str(pk) for pk in queryset.order_by("pk").values_list("pk", flat=True)[:MOST])
        return HttpResponseRedirect(reverse("admin:inventory_ghostreservation_keep") + f"?ids={ids}")

    @display(description=_("why"), label=LABELS)
    def why_shown(self, row: Any) -> tuple[str, str]:
        """The reason as a badge."""
        return row.why, str(ghosts.WHY.get(row.why, readable.NONE))

    @display(description=_("kind"), label=BUCKET_LABELS)
    def bucket_label(self, row: Any) -> tuple[int, str]:
        """Ordered or reserved."""
        return row.bucket, row.get_bucket_display()

    @admin.display(description=_("pieces held"))
    def held(self, row: Any) -> str:
        """Pieces."""
        return readable.pieces(row.quantity)

    @admin.display(description=_("age"))
    def age(self, row: Any) -> str:
        """Since it was last touched."""
        return timesince(row.updated_at)

    @admin.display(description=_("kept"))
    def kept_shown(self, row: Any) -> str:
        """Until when and why."""
        kept = getattr(row, "kept", None)
        return readable.NONE if kept is None else f"{kept.until:%Y-%m-%d} · {kept.reason}"

    @admin.display(description=_("money locked"))
    def locked(self, row: Any) -> str:
        """What the goods are worth."""
        return readable.money(row.money)


def _released(row: GhostReservation, actor: str) -> Outcome:
    label = f"{row.sku} · {row.reference}"
    try:
        ghosts.release(reservation_id=row.pk, actor=actor)
    except YikuError as refusal:
        return Outcome(label, str(refusal))
    return Outcome(label)


class KeepForm(forms.Form):
    """Until when, and why."""

    until = forms.DateField(label=_("kept until"), widget=UnfoldAdminDateWidget())
    reason = forms.CharField(label=_("why"), max_length=300, widget=UnfoldAdminTextInputWidget())


def keep(request: HttpRequest) -> HttpResponse:
    """Keep some reservations until a day, with the reason; each row is answered."""
    if not request.user.has_perm(RELEASE):
        raise PermissionDenied
    ids = [int(one) for one in request.GET.get("ids", "").split(",") if one.isdecimal() and len(one) < 18][:MOST]
    rows = visible(cast(User, request.user), GhostReservation.objects.filter(pk__in=ids, quantity__gt=0))
    chosen = list(rows.select_related("sku", "warehouse").order_by("pk"))
    form = KeepForm(request.POST) if request.method == "POST" else KeepForm()
    if form.is_valid() and chosen:
        actor = audit.user_actor(cast(User, request.user)).name
        done = [_kept(row, form.cleaned_data, actor) for row in chosen]
        if any(one.ok for one in done):
            report_outcomes(request, done, _now("%(count)d kept."))
            return HttpResponseRedirect(reverse("admin:inventory_ghostreservation_changelist"))
        form.add_error(None, done[0].problem)
    named = references.describe(request, [row.reference for row in chosen])
    context = {
        **admin.site.each_context(request),
        "title": _("Keep reservations"),
        "opts": GhostReservation._meta,
        "form": form,
        "rows": [(row, named[row.reference]) for row in chosen],
        "button_text": _("Keep them"),
    }
    return TemplateResponse(request, "admin/inventory/audit/keep.html", context)


def _kept(row: GhostReservation, said: dict[str, Any], actor: str) -> Outcome:
    label = f"{row.sku} · {row.reference}"
    try:
        ghosts.keep(reservation_id=row.pk, until=said["until"], reason=said["reason"].replace("\0", ""), actor=actor)
    except YikuError as refusal:
        return Outcome(label, str(refusal))
    return Outcome(label)
