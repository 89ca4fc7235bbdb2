"""Routing policies, built without code: what counts in which order, who sends where, which shops; and a page to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from backoffice import actors, audit
from inventory.access import sight, visible
from inventory.admin.shared import SharedSettingsAdmin, sees_all_shops
from inventory.models import Shop
from orders.admin.routing import trying
from orders.fulfil.routing import policies
from orders.fulfil.routing.planning import CRITERIA
from orders.models import RoutedShop, RoutingPolicy

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[RoutingPolicy]
else:
    ModelForm = forms.ModelForm

MODES = (("only", _("sends only to")), ("never", _("never sends to")))
MOST_SHOWN = 20


class CriteriaWidget(forms.Widget):
    """All criteria in a row: the ticked ones count, from the top down; arrows move them."""

    template_name = "admin/orders/routing/criteria.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        chosen = [one for one in value or () if one.get("by") in CRITERIA]
        steps = {one["by"]: one.get("step", "") for one in chosen}
        order = [*dict.fromkeys(one["by"] for one in chosen), *(by for by in CRITERIA if by not in steps)]
        rows = [
            {"by": by, "label": policies.LABELS[by], "on": by in steps, "step": steps.get(by, ""),
             "unit": policies.STEPS.get(by, "")}
            for by in order
        ]  # fmt: skip
        return {"name": name, "rows": rows}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, str]]:
        return [{"by": by, "step": data.get(f"{name}_step_{by}", "")} for by in data.getlist(name)]


class RowWidget(forms.Widget):
    """Warehouses in a row: the ticked ones are preferred, from the top down."""

    template_name = "admin/orders/routing/preferred.html"
    choices: Sequence[tuple[int, str]] = ()

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        labels = dict(self.choices)
        chosen = [one for one in map(_number, value or ()) if one in labels]
        order = [*chosen, *(pk for pk in labels if pk not in chosen)]
        return {"name": name, "rows": [{"pk": pk, "label": labels[pk], "on": pk in chosen} for pk in order]}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        found: list[str] = data.getlist(name)
        return found


class ListsWidget(forms.Widget):
    """Rows of: a warehouse, only or never, places."""

    template_name = "admin/orders/routing/lists.html"
    choices: Sequence[tuple[int, str]] = ()

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        rows = [{**one, "places": _joined(one.get("places", ""))} for one in value or ()]
        spare = [{"warehouse": None, "mode": "only", "places": ""}]
        return {"name": name, "rows": [*rows, *spare], "choices": self.choices, "modes": MODES}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, Any]]:
        columns = [data.getlist(f"{name}_{part}") for part in ("warehouse", "mode", "places")]
        rows = [
            {"warehouse": _number(site) or None, "mode": mode, "places": places}
            for site, mode, places in zip(*columns, strict=False)
        ]
        return [row for row in rows if row["places"].strip() or row["warehouse"]]


def _joined(places: Any) -> str:
    return places if isinstance(places, str) else ", ".join(places)


def _number(text: Any) -> int:
    plain = str(text)
    return int(plain) if plain.isdecimal() and len(plain) < 18 else 0


class PolicyForm(ModelForm):
    """Everything is checked here before it is kept."""

    shops = forms.ModelMultipleChoiceField(
        label=_("shops"), queryset=Shop.objects.none(), required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_("A shop goes by one policy of its own at most."),
    )  # fmt: skip
    criteria = forms.Field(
        label=_("what counts, in this order"), required=False, widget=CriteriaWidget(),
        help_text=_("The first that tells two ways apart decides. Figures that differ by less than a step are alike."),
    )  # fmt: skip
    priority = forms.Field(
        label=_("preferred warehouses"), required=False, widget=RowWidget(),
        help_text=_("For the criterion of the preferred warehouses. The others follow in the order of the shop."),
    )  # fmt: skip
    lists = forms.Field(
        label=_("who sends where"), required=False, widget=ListsWidget(),
        help_text=_("Nothing goes past these. Places: US (a country), CN-广东 (a region), FR:20 (postcodes that begin "
                    "so), * (anywhere), with commas between them."),
    )  # fmt: skip

    class Meta:
        model = RoutingPolicy
        fields = ["name", "active", "general", "split_lines", "unknown_weight_g"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = [(one.pk, str(one)) for one in policies.sendable_warehouses()]
        self.sites = {pk for pk, _name in rows}
        self.fields["priority"].widget.choices = rows
        self.fields["lists"].widget.choices = rows
        for name in ("criteria", "priority", "lists"):
            self.initial[name] = getattr(self.instance, name)
        if not self.instance.criteria:
            self.initial["criteria"] = [{"by": "complete"}, {"by": "nearest"}]
        if self.instance.pk:
            self.initial["shops"] = list(self.instance.shops.values_list("shop_id", flat=True))

    def clean_criteria(self) -> Any:
        """At least one, each once."""
        return _refused(lambda: policies.checked_criteria(self.cleaned_data["criteria"]))

    def clean_priority(self) -> list[int]:
        """Warehouses that goods can be sent from, each once."""
        chosen = dict.fromkeys(_number(one) for one in self.cleaned_data["priority"])
        return [pk for pk in chosen if pk in self.sites]

    def clean_lists(self) -> Any:
        """Each row with a place that exists."""
        return _refused(lambda: policies.checked_lists(self.cleaned_data["lists"], self.sites))

    def clean_shops(self) -> Any:
        """A shop has one policy of its own."""
        chosen = self.cleaned_data["shops"]
        rows = RoutedShop.objects.filter(shop__in=chosen).exclude(policy=self.instance.pk)
        taken = rows.select_related("shop", "policy").first()
        if taken is not None:
            raise ValidationError(policies.shop_taken(taken))
        return chosen

    def clean_general(self) -> bool:
        """One for all others."""
        general = bool(self.cleaned_data["general"])
        other = RoutingPolicy.objects.filter(general=True).exclude(pk=self.instance.pk).first()
        if general and other is not None:
            raise ValidationError(_now("“%s” is the policy for all other shops already.") % other.name)
        return general

    def clean(self) -> dict[str, Any]:
        """Put what the rows say into the policy."""
        data = super().clean() or {}
        for name in ("criteria", "priority", "lists"):
            if name in data:
                setattr(self.instance, name, data[name])
        return data


def _refused(check: Any) -> Any:
    try:
        return check()
    except policies.PolicyError as error:
        raise ValidationError(str(error)) from None


@admin.register(RoutingPolicy)
class RoutingPolicyAdmin(SharedSettingsAdmin):
    """Which policy there is for whom."""

    form = PolicyForm
    empty_note = _(
        "None yet: goods are taken in the order of each shop's warehouses. Add a policy to let distance, cost or the "
        "number of parcels decide."
    )
    list_display = ("name", "for_whom", "says", "active", "updated_at", "updated_by")
    list_filter = ("active",)
    ordering = ("name",)
    sortable_by = ("name",)
    readonly_fields = ("history",)
    fieldsets = (
        (None, {"fields": (("name", "active"), "general", "shops")}),
        (_("How warehouses are chosen"), {"fields": ("criteria", "priority", "split_lines", "unknown_weight_g")}),
        (_("Where they may send"), {"fields": ("lists",)}),
        (_("Versions"), {"fields": ("history",)}),
    )
    actions_list = ("try_it",)

    class Media:
        css = {"all": ("orders/desk.css", "orders/routing.css")}
        js = ("orders/routing.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[RoutingPolicy]:
        return super().get_queryset(request).prefetch_related("shops__shop")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may only read sees in words what the builder holds."""
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        terms = ("for_whom", "says", "lists_shown", "split_lines", "unknown_weight_g")
        return [(None, {"fields": (("name", "active"), *terms)}), (_("Versions"), {"fields": ("history",)})]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        if "shops" in made.base_fields:
            made.base_fields["shops"].queryset = visible(request.user, Shop.objects.order_by("name"))
        return made

    def get_urls(self) -> list[Any]:
        own = path("try/", self.admin_site.admin_view(trying.page), name="orders_routingpolicy_try")
        return [own, *super().get_urls()]

    @action(description=_("Try it"), icon="experiment", permissions=["view"])
    def try_it(self, request: HttpRequest) -> HttpResponse:
        """To the page that plans without keeping anything."""
        return HttpResponseRedirect(reverse("admin:orders_routingpolicy_try"))

    def reaches(self, request: HttpRequest, obj: RoutingPolicy) -> bool:
        """Whoever sees some shops only changes the policies of those shops alone."""
        seen = sight(request.user).shops
        if seen is None:
            return True
        whose = obj.shops.values_list("shop_id", flat=True) if obj.pk else ()
        return not obj.general and set(whose) <= seen

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_readonly_fields(request, obj) if sees_all_shops(request) else ("general", "history")

    def save_model(self, request: HttpRequest, obj: RoutingPolicy, form: Any, change: bool) -> None:
        if not self.reaches(request, obj):
            raise PermissionDenied
        policies.save(policy=obj, shops=list(form.cleaned_data["shops"]), actor=audit.current_actor().name)

    @admin.display(description=_("for"))
    def for_whom(self, row: RoutingPolicy) -> str:
        """Its shops."""
        names = [one.shop.name for one in row.shops.all()]
        return ", ".join([*names, *([_now("all other shops")] if row.general else [])]) or "–"

    @admin.display(description=_("what counts"))
    def says(self, row: RoutingPolicy) -> str:
        """The criteria in their order."""
        return " → ".join(str(policies.LABELS[one["by"]]) for one in row.criteria if one["by"] in policies.LABELS)

    @admin.display(description=_("who sends where"))
    def lists_shown(self, row: RoutingPolicy) -> str:
        """Each warehouse with its places."""
        names, modes = {one.pk: str(one) for one in policies.sendable_warehouses()}, dict(MODES)
        lines = [
            (names.get(one.get("warehouse"), "–"), modes.get(one["mode"], ""), _joined(one["places"]))
            for one in row.lists
        ]
        return format_html_join("", "<div>{} {} {}</div>", lines) if lines else "–"

    @admin.display(description=_("who changed what"))
    def history(self, row: RoutingPolicy) -> str:
        """Who changed what, the newest first."""
        if row.pk is None:
            return "–"
        rows = list(row.versions.all()[: MOST_SHOWN + 1])
        lines = [
            (date_format(timezone.localtime(one.at), "SHORT_DATETIME_FORMAT"), actors.named(one.by),
             _changed(one.content, before.content if before else None))
            for one, before in zip(rows, [*rows[1:], None], strict=True)
        ][:MOST_SHOWN]  # fmt: skip
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{} {}: {}</li>", lines))


def _changed(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    if before is None:
        return _now("made")
    names = {**FIELD_NAMES, **{field.name: field.verbose_name for field in RoutingPolicy._meta.fields}}
    return ", ".join(str(names.get(key, key)) for key in now if now[key] != before.get(key)) or _now("nothing")


FIELD_NAMES = {"shops": _("shops")}
