"""The page where the owner makes and revokes API keys; the token is shown once, in the message after saving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from backoffice import clock
from backoffice.adminkit import Outcome, YikuModelAdmin, report_outcomes
from backoffice.api import keys
from backoffice.models import ApiKey

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[ApiKey]
else:
    ModelForm = forms.ModelForm

extra_inlines: list[Any] = []  # what the floors above add to the page: which shops and warehouses a key sees


class KeyForm(ModelForm):
    """Name, scopes, end, limit; the rest is made."""

    scopes = forms.MultipleChoiceField(
        label=_lazy("Scopes"), choices=list(keys.SCOPES.items()), widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = ApiKey
        fields = ["name", "scopes", "expires_at", "per_minute"]

    def clean_expires_at(self) -> Any:
        """An end in the past makes a dead key."""
        moment = self.cleaned_data["expires_at"]
        if moment is not None and moment <= clock.now():
            raise forms.ValidationError(_("This time is in the past: the key would be dead at once."))
        return moment


@admin.register(ApiKey)
class ApiKeyAdmin(YikuModelAdmin):
    """Keys of integrations. What a key may do is fixed when it is made; to change it, make another and revoke this."""

    form = KeyForm
    list_display = ("name", "prefix", "scope_names", "state", "last_used_at", "expires_at")
    ordering = ("-id",)
    actions = ("revoke",)

    def get_inlines(self, request: HttpRequest, obj: ApiKey | None) -> list[Any]:
        return list(extra_inlines)

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        if obj is None:
            return []
        return ["name", "scope_names", "prefix", "created_at", "created_by", "expires_at", "revoked_at", "last_used_at"]

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        if obj is None:
            return ["name", "scopes", "expires_at", "per_minute"]
        return [*self.get_readonly_fields(request, obj), "per_minute"]

    def get_form(self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            ApiKey.objects.filter(pk=obj.pk).update(per_minute=obj.per_minute)
            return
        made, token = keys.create(
            name=obj.name,
            scopes=form.cleaned_data["scopes"],
            expires_at=obj.expires_at,
            by=request.user if request.user.is_authenticated else None,
            per_minute=obj.per_minute,
        )
        obj.__dict__.update({name: value for name, value in made.__dict__.items() if name != "_state"})
        obj._state.adding = False
        self._show(request, token)

    def _show(self, request: HttpRequest, token: str) -> None:
        sentence = _("Copy the key now, it is not shown again:")
        messages.warning(request, format_html('{} <code class="select-all break-all">{}</code>', sentence, token))

    @admin.display(description=_lazy("Scopes"))
    def scope_names(self, key: ApiKey) -> str:
        """The scopes in words."""
        return ", ".join(str(keys.SCOPES.get(scope, scope)) for scope in key.scopes)

    @display(description=_lazy("State"), label={"live": "success", "expired": "warning", "revoked": "danger"})
    def state(self, key: ApiKey) -> tuple[str, str]:
        """Live, expired or revoked."""
        if key.revoked_at is not None:
            return "revoked", _("Revoked")
        if key.expires_at is not None and key.expires_at <= clock.now():
            return "expired", _("Expired")
        return "live", _("Live")

    @admin.action(description=_lazy("Revoke at once"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Kill the keys; the next request with one is refused."""
        outcomes = [Outcome(key.name, "" if keys.revoke(key=key) else _("It was revoked before.")) for key in queryset]
        report_outcomes(request, outcomes, _("%(count)d keys revoked."))
