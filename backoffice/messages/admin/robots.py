"""Group robots: addresses and secrets are written, never shown."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminPasswordWidget

from backoffice import audit
from backoffice.adminkit import YikuModelAdmin
from backoffice.departments import Department
from backoffice.messages import queueing, robots
from backoffice.models import Robot

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Robot]
else:
    ModelForm = forms.ModelForm


class RobotForm(ModelForm):
    """The address must be the platform's own: a robot is no way to call anything else."""

    new_url = forms.CharField(
        label=_("webhook address"), max_length=500, required=False,
        widget=UnfoldAdminPasswordWidget(render_value=False), help_text=_("Empty leaves the present one."),
    )  # fmt: skip
    new_secret = forms.CharField(
        label=_("signing secret"), max_length=200, required=False,
        widget=UnfoldAdminPasswordWidget(render_value=False),
        help_text=_("DingTalk and Feishu sign when it is set. Empty leaves the present one."),
    )  # fmt: skip
    departments = forms.MultipleChoiceField(
        label=_("departments"), choices=Department.choices, required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget, help_text=_("Without any, it is told everything."),
    )  # fmt: skip

    class Meta:
        model = Robot
        fields = ["name", "kind", "departments", "active"]

    def clean(self) -> dict[str, Any]:
        """An address is needed once, at the host its platform has."""
        data = super().clean() or {}
        url = str(data.get("new_url") or "")
        if not url and self.instance.pk is None:
            self.add_error("new_url", _now("Paste the address that the group chat shows for its robot."))
        if url and data.get("kind"):
            parts = urlsplit(url)
            if parts.scheme != "https" or parts.hostname != robots.HOSTS[data["kind"]]:
                self.add_error("new_url", _now("The address begins with https://%s/.") % robots.HOSTS[data["kind"]])
        return data


@admin.register(Robot)
class RobotAdmin(YikuModelAdmin):
    """Where group chats are told."""

    form = RobotForm
    deletable = True
    list_display = ("name", "kind", "told", "active")
    list_display_links = ("name",)
    ordering = ("id",)
    fields = ("name", "kind", "new_url", "new_secret", "departments", "active")
    empty_note = _("No robot yet. Add the webhook of a group chat in WeCom, DingTalk or Feishu.")
    actions = ("say_hello",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Robot]:
        return super().get_queryset(request).defer("url", "secret")

    def save_model(self, request: HttpRequest, obj: Robot, form: Any, change: bool) -> None:
        for name in ("url", "secret"):
            if form.cleaned_data.get(f"new_{name}"):
                setattr(obj, name, form.cleaned_data[f"new_{name}"])
        super().save_model(request, obj, form, change)
        after = {"name": obj.name, "kind": obj.kind, "departments": obj.departments, "active": obj.active}
        audit.record(action="robot.change" if change else "robot.add", target=obj, after=after, summary=obj.name)

    @admin.display(description=_("told about"))
    def told(self, row: Robot) -> str:
        """Its departments."""
        named = dict(Department.choices)
        return ", ".join(str(named.get(one, one)) for one in row.departments) or _now("everything")

    @action(description=_("Send a test"), permissions=["change"])
    def say_hello(self, request: HttpRequest, queryset: QuerySet[Robot]) -> None:
        """Let it say one line."""
        for robot in queryset:
            queueing.queue(
                channel=robots.CHANNEL, to=str(robot.pk), subject="", body=_now("Yiku can write here."),
                reference=f"backoffice.robot:{robot.pk}", actor=audit.current_actor().name,
                key=f"robot:{robot.pk}:test:{uuid.uuid4().hex}", staff=True,
            )  # fmt: skip
        messages.success(request, _now("On its way; see “Messages sent” for what became of it."))
