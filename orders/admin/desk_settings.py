"""The built-in checks: on or off, whose they are, and their words and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from backoffice import audit, clock
from backoffice.adminkit import YikuModelAdmin
from orders.desk import checks, sentences
from orders.models import CheckSetting

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[CheckSetting]
else:
    ModelForm = forms.ModelForm

FIGURES = {
    "hours": (_("hours"), 0.5, 24 * 60),
    "most": (_("pieces at most"), 1, 1_000_000),
    "points": (_("points from which it is held"), 10, 100),
    "value": (_("a high amount, in base currency"), 1, 10_000_000),
    "percent": (_("percent off at most"), 1, 99),
}


class CheckForm(ModelForm):
    """One input per parameter of the check, never raw JSON."""

    class Meta:
        model = CheckSetting
        fields = ["enabled", "department"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        defaults = checks.CHECKS[self.instance.code].params if self.instance.code in checks.CHECKS else {}
        for name, default in defaults.items():
            self.fields[f"param_{name}"] = _field(name, self.instance.params.get(name, default))

    def clean_enabled(self) -> bool:
        """Without some checks an order could be approved that cannot be shipped."""
        enabled: bool = self.cleaned_data["enabled"]
        if not enabled and self.instance.code in checks.ALWAYS:
            raise forms.ValidationError(_now("This check cannot be switched off; it may change hands."))
        return enabled

    def params(self) -> dict[str, Any]:
        """The parameters as the check reads them."""
        found: dict[str, Any] = {}
        for name, value in self.cleaned_data.items():
            if name.startswith("param_"):
                words = isinstance(self.fields[name], forms.CharField)  # a choice is none
                found[name[6:]] = [word.strip() for word in value.splitlines() if word.strip()] if words else value
        return found


WORDS = {"domains": _("domains of throw-away e-mail addresses")}
SWITCHES = {
    "below_cost": _("also hold what goes below its cost"),
    "automatic": _("give out what comes by itself, without a click"),
}
CHOICES: dict[str, tuple[Any, tuple[tuple[str, Any], ...]]] = {
    "first": (
        _("who is served first when goods come"),
        (
            ("ordered", _("who ordered first")),
            ("value", _("the order of the highest value")),
            ("priority", _("the highest priority, then who ordered first")),
        ),
    ),
    "mixed": (
        _("presale goods together with goods in stock"),
        (("hold", _("all wait for the presale goods")), ("split", _("what is in stock leaves at once"))),
    ),
}


def _field(name: str, value: Any) -> forms.Field:
    if isinstance(value, list):
        help_text = _("One word or phrase a line.")
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 12})
        return forms.CharField(
            label=WORDS.get(name, _("words")),
            initial="\n".join(value),
            widget=widget,
            required=False,
            max_length=20_000,
            help_text=help_text,
        )
    if name in CHOICES:
        label, choices = CHOICES[name]
        return forms.ChoiceField(label=label, initial=value, choices=choices, widget=UnfoldAdminSelectWidget())
    if isinstance(value, bool):
        return forms.BooleanField(label=SWITCHES.get(name, _("required")), initial=value, required=False)
    label, least, most = FIGURES.get(name, (name, 0, 1_000_000))
    return forms.FloatField(
        label=label, initial=value, min_value=least, max_value=most, widget=UnfoldAdminTextInputWidget()
    )


@admin.register(CheckSetting)
class CheckSettingAdmin(YikuModelAdmin):
    """The checks every order passes."""

    form = CheckForm
    list_display = ("title", "enabled_label", "department", "updated_at", "updated_by")
    list_display_links = ("title",)
    ordering = ("code",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The checks are what the code has."""
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        names = list(CheckForm(instance=obj).fields) if obj else ["enabled", "department"]
        return [(sentences.hold_title(obj.code) if obj else None, {"fields": names})]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["fields"] = ["enabled", "department"]  # the parameters add themselves
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: CheckSetting, form: Any, change: bool) -> None:
        before = CheckSetting.objects.values("enabled", "department", "params").get(pk=obj.pk)
        obj.params = {**obj.params, **form.params()}
        obj.updated_at, obj.updated_by = clock.now(), request.user.get_username()
        super().save_model(request, obj, form, change)
        after = {"enabled": obj.enabled, "department": obj.department, "params": obj.params}
        audit.record(action="check.change", target=obj, before=before, after=after, summary=obj.code)

    @admin.display(description=_("check"))
    def title(self, row: CheckSetting) -> str:
        """The check in words."""
        return sentences.hold_title(row.code)

    @display(description=_("on"), boolean=True)
    def enabled_label(self, row: CheckSetting) -> bool:
        """On or off."""
        return row.enabled
