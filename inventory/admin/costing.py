"""How goods are valued, changed as of now with a preview; and what stock was worth at a date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from backoffice.adminkit import OneRowAdmin, refuse
from backoffice.errors import YikuError
from backoffice.models import User
from inventory.admin import costing_value
from inventory.costing import method
from inventory.models import CostSetting

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[CostSetting]
else:
    ModelForm = forms.ModelForm

CHANGE = "inventory.change_costmethod"


class CostSettingForm(ModelForm):
    """A method that cannot be chosen any more is a form error, before anything is saved."""

    def clean_method(self) -> str:
        """Refuse another method while goods are worth something."""
        chosen, there = str(self.cleaned_data["method"]), method.standing()
        if chosen != there.setting.method and not there.free:
            raise forms.ValidationError(str(method.refused("worth", value=f"{there.value:.2f}")))
        return chosen


@admin.register(CostSetting)
class CostSettingAdmin(OneRowAdmin):
    """The method and the policy of late costs; the stock value hangs below the same address."""

    form = CostSettingForm
    fields = ("method", "late")
    actions_detail = ("as_of_now",)
    change_form_template = "admin/inventory/costing/settings.html"

    def get_urls(self) -> list[Any]:
        views = (
            ("as-of-now/", as_of_now, "now"),
            ("value/", costing_value.page, "value"),
            ("value.xlsx", costing_value.out, "value_xlsx"),
        )
        own = [
            path(where, self.admin_site.admin_view(view), name=f"inventory_costsetting_{name}")
            for where, view, name in views
        ]
        return [*own, *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "standing": method.standing()}
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: CostSetting, form: Any, change: bool) -> None:
        method.choose(method=obj.method, late=obj.late, user=cast(User, request.user))

    @action(description=_("Change the method as of now"), url_path="method", icon="swap_horiz", permissions=["deed"])
    def as_of_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the page that shows what it would do."""
        return HttpResponseRedirect(reverse("admin:inventory_costsetting_now"))

    def has_deed_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """The owner."""
        return request.user.has_perm(CHANGE)


def as_of_now(request: HttpRequest) -> HttpResponse:
    """Show what a change of method does, and do it after a click."""
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    there = method.standing()
    if request.method == "POST":
        turn = request.POST.get("turn", "")
        try:
            seen = int(turn) if turn.isdecimal() and len(turn) < 9 else -1
            chosen = request.POST.get("method", "")
            made = method.change_now(
                method=chosen if chosen in method.Method.values else there.other, turn=seen,
                user=cast(User, request.user),
            )  # fmt: skip
        except YikuError as refusal:
            refuse(request, refusal)
        else:
            messages.success(request, _now("Goods are valued by “%(method)s” from now on.") % {"method": made})
        return HttpResponseRedirect(reverse("admin:inventory_costsetting_changelist"))
    context = {
        **admin.site.each_context(request), "opts": CostSetting._meta, "title": _("Change the method as of now"),
        "standing": there, "other": method.Method(there.other),
    }  # fmt: skip
    return TemplateResponse(request, "admin/inventory/costing/now.html", context)
