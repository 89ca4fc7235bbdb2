"""Wave templates and how each warehouse packs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from backoffice import audit
from backoffice.adminkit import YikuModelAdmin
from backoffice.models import User
from inventory.access import visible
from inventory.admin.filters import WarehouseFilter
from inventory.models import Warehouse
from orders.desk.rules import words
from orders.models import PackingSetting, WaveTemplate

if TYPE_CHECKING:
    TemplateModelForm = forms.ModelForm[WaveTemplate]
else:
    TemplateModelForm = forms.ModelForm


class OwnWarehouses(YikuModelAdmin):
    """Rows of the warehouses that this person sees; what is changed is recorded."""

    list_filter: Any = (WarehouseFilter,)
    list_select_related: Any = ("warehouse",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only warehouses the person sees."""
        if db_field.name == "warehouse":
            kwargs["queryset"] = visible(cast(User, request.user), Warehouse.objects.filter(active=True))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if hasattr(obj, "created_by"):
            obj.created_by = obj.created_by or request.user.get_username()
        super().save_model(request, obj, form, change)
        after = {name: str(form.cleaned_data.get(name)) for name in form.changed_data}
        audit.record(action="master.change" if change else "master.add", target=obj, after=after, summary=str(obj))


class TemplateForm(TemplateModelForm):
    """Countries by their codes, several at once."""

    countries = forms.CharField(
        label=_("countries"), max_length=1000, required=False, widget=UnfoldAdminTextInputWidget(),
        help_text=_("Two-letter codes, separated by commas: US, GB, JP. Empty: all."),
    )  # fmt: skip

    # Django's own picker warns of the browser's clock; this is the warehouse's.
    before = forms.TimeField(
        label=_("ordered before"), required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "time"}),
        help_text=_("Cut-off on the warehouse's clock, such as 14:00."),
    )  # fmt: skip

    class Meta:
        model = WaveTemplate
        fields = [
            "name", "warehouse", "lines", "delivery", "countries", "before", "least_priority", "most", "mode", "auto",
            "every_minutes",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["countries"] = ", ".join(self.instance.countries or [])
        if self.instance.before:
            self.initial["before"] = self.instance.before.strftime("%H:%M")

    def clean_countries(self) -> list[str]:
        """Countries that exist."""
        typed = self.cleaned_data["countries"].upper().replace("，", ",").replace("、", ",")
        found = sorted({one.strip() for one in typed.split(",") if one.strip()})
        known = {code for code, _name in words.countries("en")}
        unknown = [one for one in found if one not in known]
        if unknown:
            raise ValidationError(_now("There is no country %s.") % ", ".join(unknown)[:60])
        return found


@admin.register(WaveTemplate)
class WaveTemplateAdmin(OwnWarehouses):
    """Which orders go into a wave together."""

    form = TemplateForm
    empty_note = _("None yet. Save the conditions of waves you make every day, such as express orders before 14:00.")
    list_display = ("name", "warehouse", "lines", "delivery", "most", "mode", "auto", "created_by")
    list_filter = (WarehouseFilter, "auto")
    deletable = True
    fieldsets = (
        (None, {"fields": (("name", "warehouse"), ("mode", "most"))}),
        (
            _("Which orders"),
            {"fields": (("lines", "least_priority"), ("delivery", "countries"), "before")},
        ),
        (_("On a schedule"), {"fields": (("auto", "every_minutes"),)}),
    )


@admin.register(PackingSetting)
class PackingSettingAdmin(OwnWarehouses):
    """Scale, packaging, and how soon parcels leave."""

    empty_note = _("None yet: every warehouse packs by the usual values. Add a row to weigh parcels more exactly.")
    list_display = ("warehouse", "weigh", "packaging_g", "tolerance_g", "tolerance_percent", "handover_hours")
    list_display_links = ("warehouse",)
    fields = ("warehouse", "weigh", "packaging_g", ("tolerance_g", "tolerance_percent"), "handover_hours")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("warehouse",) if obj else ()
