"""Causes, and the working time of the house."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import TYPE_CHECKING, Any

import holidays
from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from backoffice import audit, clock
from backoffice.adminkit import OneRowAdmin, YikuModelAdmin
from backoffice.incidents import causes, kinds
from backoffice.incidents.admin.rule_pages import kind_choices
from backoffice.models import IncidentCause, MessageTemplate, WorkTime

if TYPE_CHECKING:
    CauseBase = forms.ModelForm[IncidentCause]
    TimeBase = forms.ModelForm[WorkTime]
else:
    CauseBase = TimeBase = forms.ModelForm


class CauseForm(CauseBase):
    """Kinds by name; a cause of our own needs one."""

    class Meta:
        model = IncidentCause
        fields = ["kind", "name", "place", "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            self.fields["kind"] = forms.ChoiceField(
                label=_("kind"), choices=kind_choices(), required=False, widget=UnfoldAdminSelectWidget
            )
        if "name" in self.fields and self.instance.code:
            built_in = causes.BUILT_IN.get((self.instance.kind, self.instance.code), "")
            self.fields["name"].help_text = _now("Empty: “%s”, in the reader's language.") % built_in

    def clean_name(self) -> str:
        """Whoever adds a cause names it."""
        name: str = self.cleaned_data["name"].strip()
        if not name and not self.instance.code:
            raise forms.ValidationError(_now("Name the cause."))
        return name


@admin.register(IncidentCause)
class IncidentCauseAdmin(YikuModelAdmin):
    """Why things go wrong; retired, never deleted."""

    form = CauseForm
    list_display = ("title", "kind_shown", "place", "active")
    list_display_links = ("title",)
    list_filter = ("active",)
    ordering = ("place", "id")
    fields = ("kind", "name", "place", "active")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("kind",) if obj and obj.code else ()

    def save_model(self, request: HttpRequest, obj: IncidentCause, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        after = {"kind": obj.kind, "name": obj.name, "active": obj.active}
        audit.record(action="incident.cause", target=obj, after=after, summary=causes.name_of(obj))

    @admin.display(description=_("cause"))
    def title(self, row: IncidentCause) -> str:
        """In words."""
        return causes.name_of(row)

    @admin.display(description=_("kind"))
    def kind_shown(self, row: IncidentCause) -> str:
        """For which kind."""
        return kinds.title_of(row.kind) if row.kind else _now("every kind")


def _countries() -> list[tuple[str, Any]]:
    known = sorted(holidays.list_supported_countries(include_aliases=False))
    return [("", _("none")), *((code, code) for code in known)]


def _dates(text: str) -> list[str]:
    """Read one ISO date a line. Raises ValidationError."""
    found = []
    for line in text.split():
        try:
            found.append(dt.date.fromisoformat(line).isoformat())
        except ValueError:
            raise forms.ValidationError(_now("“%s” is not a date such as 2026-10-10.") % line[:20]) from None
    return sorted(set(found))[:400]


class Clock(UnfoldAdminTextInputWidget):
    """A time of the day in the browser's own field, without Django's remarks about zones."""

    input_type = "time"

    def format_value(self, value: Any) -> Any:
        return value.strftime("%H:%M") if isinstance(value, dt.time) else value


class WorkTimeForm(TimeBase):
    """Days to tick, hours, holidays; one date a line for what the calendar does not know."""

    days = forms.MultipleChoiceField(
        label=_("working days"), choices=list(WEEKDAYS.items()), required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )  # fmt: skip
    starts = forms.TimeField(label=_("work begins"), widget=Clock)
    ends = forms.TimeField(label=_("work ends"), widget=Clock)
    quiet_from = forms.TimeField(label=_("no messages to customers from"), widget=Clock, required=False)
    quiet_to = forms.TimeField(label=_("until"), widget=Clock, required=False)
    time_zone = forms.ChoiceField(
        label=_("time zone"), widget=UnfoldAdminSelectWidget,
        choices=[(name, name) for name in sorted(zoneinfo.available_timezones()) if "/" in name or name == "UTC"],
    )  # fmt: skip
    holidays = forms.ChoiceField(
        label=_("holidays of"), choices=_countries, required=False, widget=UnfoldAdminSelectWidget,
        help_text=_("Country code. China's worked weekends are known too."),
    )  # fmt: skip
    days_off = forms.CharField(
        label=_("further days off"), required=False, max_length=6000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}), help_text=_("One date a line, such as 2026-10-10."),
    )  # fmt: skip
    days_on = forms.CharField(
        label=_("worked all the same"), required=False, max_length=6000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}), help_text=_("One date a line, such as 2026-10-10."),
    )  # fmt: skip
    quiet_channels = forms.MultipleChoiceField(
        label=_("on these channels"), choices=MessageTemplate.Channel.choices, required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("A message queued in these hours waits until they are over."),
    )  # fmt: skip

    class Meta:
        model = WorkTime
        fields = [
            "days", "starts", "ends", "time_zone", "holidays", "days_off", "days_on", "reopen_days", "quiet_from",
            "quiet_to", "quiet_channels",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("days_off", "days_on"):
            self.initial[name] = "\n".join(getattr(self.instance, name))

    def clean_days(self) -> list[int]:
        """As numbers."""
        return sorted(int(day) for day in self.cleaned_data["days"])

    def clean_days_off(self) -> list[str]:
        """As dates."""
        return _dates(self.cleaned_data["days_off"])

    def clean_days_on(self) -> list[str]:
        """As dates."""
        return _dates(self.cleaned_data["days_on"])

    def clean(self) -> dict[str, Any]:
        """A day ends after it began; a house without days never has a clock that runs."""
        data = super().clean() or {}
        starts, ends = data.get("starts"), data.get("ends")
        if starts and ends and starts >= ends:
            self.add_error("ends", _now("Work ends after it begins."))
        if not data.get("days"):
            self.add_error("days", _now("Choose at least one day."))
        return data


@admin.register(WorkTime)
class WorkTimeAdmin(OneRowAdmin):
    """One row: the list is its page."""

    form = WorkTimeForm
    fieldsets = (
        (
            _("Working time"),
            {"fields": ("days", ("starts", "ends"), ("time_zone", "holidays"), ("days_off", "days_on"))},
        ),
        (_("Incidents"), {"fields": ("reopen_days",)}),
        (_("Quiet hours of customers"), {"fields": (("quiet_from", "quiet_to"), "quiet_channels")}),
    )

    def save_model(self, request: HttpRequest, obj: WorkTime, form: Any, change: bool) -> None:
        names = list(WorkTimeForm.Meta.fields)
        before = WorkTime.objects.filter(pk=obj.pk).values(*names).first() or {}
        obj.updated_at, obj.updated_by = clock.now(), request.user.get_username()
        super().save_model(request, obj, form, change)
        after = {name: getattr(obj, name) for name in names}
        audit.record(action="work_time.change", target=obj, before=_texts(before), after=_texts(after))


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, list | int) else str(value) for name, value in values.items()}
