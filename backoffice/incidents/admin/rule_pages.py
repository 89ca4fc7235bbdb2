"""Assignment rules: who gets which incident, the first that fits; a line to try them on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from backoffice import audit, clock, workhours
from backoffice.adminkit import TabularInline, YikuModelAdmin
from backoffice.departments import Department
from backoffice.incidents import kinds, rules
from backoffice.incidents.admin import views, wording
from backoffice.incidents.sight import places
from backoffice.models import IncidentRule, IncidentStep, User
from backoffice.models.incidents import Severity

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[IncidentRule]
else:
    ModelForm = forms.ModelForm
SAVED = (
    "name", "place", "active", "kind", "shop_id", "warehouse_id", "severity", "words", "department", "person_id",
    "set_severity", "acknowledge_minutes", "resolve_hours", "round_the_clock",
)  # fmt: skip
WHY = {
    "kind": _("another kind"),
    "shop": _("another shop"),
    "warehouse": _("another warehouse"),
    "severity": _("not severe enough"),
    "words": _("none of the words"),
}


def kind_choices() -> list[tuple[str, Any]]:
    """Return the kinds to choose from."""
    return [("", _("every kind")), *((one.code, one.title) for one in kinds.registered().values())]


def _number(value: Any) -> int | None:
    return int(value) if value else None


class RuleForm(ModelForm):
    """Shops and warehouses by name; a rule must do something."""

    class Meta:
        model = IncidentRule
        fields = [
            "name", "place", "active", "kind", "shop_id", "warehouse_id", "severity", "words", "department", "person",
            "set_severity", "acknowledge_minutes", "resolve_hours", "round_the_clock",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" not in self.fields:
            return  # only looked at
        named = places()
        select = UnfoldAdminSelectWidget
        self.fields["kind"] = forms.ChoiceField(label=_("kind"), choices=kind_choices(), required=False, widget=select)
        for name, label, rows in (
            ("shop_id", _("shop"), named.shops),
            ("warehouse_id", _("warehouse"), named.warehouses),
        ):
            choices = [("", _("all of them")), *((str(pk), text) for pk, text in rows.items())]
            self.fields[name] = forms.TypedChoiceField(
                label=label, choices=choices, required=False, coerce=_number, empty_value=None, widget=select
            )

    def clean(self) -> dict[str, Any]:
        """A rule gives the incident to somebody, or changes its clocks or severity."""
        data = super().clean() or {}
        given = ("department", "person", "set_severity", "acknowledge_minutes", "resolve_hours", "round_the_clock")
        if not any(data.get(name) for name in given):
            raise forms.ValidationError(_now("Say what the rule changes: whose it is, how severe, or by when."))
        if "\0" in str(data.get("words", "")):
            raise forms.ValidationError(_now("The text holds a character that cannot be stored."))
        return data


class StepInline(TabularInline):
    """The levels of escalation."""

    model = IncidentStep
    extra = 0
    max_num = 5
    fields = ("level", "department", "person")
    verbose_name_plural = _("Told when a clock is missed, level by level (without any: operations, then the owner)")


@admin.register(IncidentRule)
class IncidentRuleAdmin(YikuModelAdmin):
    """The first rule that fits assigns the incident."""

    form = RuleForm
    inlines = (StepInline,)
    deletable = True
    list_before_template = "admin/incidents/rules_head.html"
    empty_note = _("No rules yet: every incident goes to the department of its kind.")
    list_display = ("place", "name", "active", "when", "then")
    list_display_links = ("name",)
    ordering = ("place", "id")
    list_select_related = ("person",)
    fieldsets = (
        (None, {"fields": (("name", "place", "active"),)}),
        (_("When all of this holds"), {"fields": (("kind", "severity"), ("shop_id", "warehouse_id"), "words")}),
        (
            _("Then"),
            {
                "fields": (
                    ("department", "person", "set_severity"),
                    ("acknowledge_minutes", "resolve_hours", "round_the_clock"),
                )
            },
        ),
    )

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.try_it)
        return [path("try/", page, name="backoffice_incidentrule_try"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        self.places = places()
        return super().changelist_view(request, extra_context)

    def save_model(self, request: HttpRequest, obj: IncidentRule, form: Any, change: bool) -> None:
        before = IncidentRule.objects.filter(pk=obj.pk).values(*SAVED).first() or {}
        super().save_model(request, obj, form, change)
        after = {name: getattr(obj, name) for name in SAVED}
        audit.record(action="incident.rule", target=obj, before=before, after=after, summary=obj.name)

    def delete_model(self, request: HttpRequest, obj: IncidentRule) -> None:
        audit.record(action="incident.rule_deleted", target=obj, summary=obj.name)
        super().delete_model(request, obj)

    @admin.display(description=_("when"))
    def when(self, rule: IncidentRule) -> str:
        """The conditions in words."""
        found = [
            kinds.title_of(rule.kind) if rule.kind else _now("every kind"),
            self.places.shops.get(rule.shop_id or 0, ""),
            self.places.warehouses.get(rule.warehouse_id or 0, ""),
            _now("at least %s") % rule.get_severity_display() if rule.severity else "",
            " / ".join(word for word in rule.words.split("\n") if word.strip())[:60],
        ]
        return " · ".join(part for part in found if part)

    @admin.display(description=_("then"))
    def then(self, rule: IncidentRule) -> str:
        """What it does."""
        person = rule.person.get_username() if rule.person else ""
        minutes = _now("in hand within %d min") % rule.acknowledge_minutes if rule.acknowledge_minutes else ""
        hours = _now("resolved within %d h") % rule.resolve_hours if rule.resolve_hours else ""
        found = [wording.department(rule.department), person, rule.get_set_severity_display(), minutes, hours]
        return " · ".join(str(part) for part in found if part)

    def try_it(self, request: HttpRequest) -> HttpResponse:
        """Show which rule would take a made-up incident, and why the others would not."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request), "title": _now("Try the rules"), "opts": self.opts,
            "kinds": kind_choices()[1:], "severities": Severity.choices, "shops": views.shops(request.user),
            "warehouses": views.warehouses(request.user), "sent": request.GET,
            "result": _tried(request) if request.GET.get("kind") else None,
        }  # fmt: skip
        return TemplateResponse(request, "admin/incidents/try.html", context)


def _tried(request: HttpRequest) -> dict[str, Any]:
    ask = request.GET
    facts = rules.Facts(
        kind=ask.get("kind", "")[:40],
        shop_id=_of(ask.get("shop", "")),
        warehouse_id=_of(ask.get("warehouse", "")),
        severity=ask.get("severity", "") if ask.get("severity") in Severity.values else Severity.NORMAL.value,
        data={"text": ask.get("text", "")[:1000]},
    )
    standing = rules.active_rules()
    given = rules.assign(facts, standing)
    take, end = given.clocks(workhours.current(), clock.now())
    person = User.objects.filter(pk=given.person_id).first() if given.person_id else None
    return {
        "rules": [(rule, WHY.get(rules.misfit(rule, facts), ""), rule.pk == given.rule_id) for rule in standing],
        "none": given.rule_id is None,
        "department": dict(Department.choices).get(given.department, given.department),
        "person": person,
        "severity": dict(Severity.choices)[given.severity],
        "take": take,
        "end": end,
    }


def _of(value: str) -> int | None:
    return int(value) if value.isdecimal() and len(value) < 18 else None
