"""Where returns go: rules by shop, country and region; the address stands at the warehouse they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from inventory.access import visible
from inventory.admin.shared import SharedSettingsAdmin
from inventory.models import Shop, Warehouse
from orders.fulfil.routing import policies
from orders.models import ReturnRule

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[ReturnRule]
else:
    ModelForm = forms.ModelForm


class ReturnRuleForm(ModelForm):
    """Countries that exist; one rule for each shop and place."""

    class Meta:
        model = ReturnRule
        fields = ["shop", "country", "region", "warehouse", "active"]

    def clean_country(self) -> str:
        """Empty, or one that exists."""
        code = self.cleaned_data["country"].strip().upper()
        if code and code not in policies.known_countries():
            raise ValidationError(_now("There is no country %s.") % code[:10])
        return str(code)

    def clean(self) -> dict[str, Any]:
        """A region needs its country; the same place is not sent to two warehouses."""
        data = super().clean() or {}
        if data.get("region") and not data.get("country") and "country" not in self.errors:
            self.add_error("country", _("A region needs its country."))
        if data.get("active") and not self.errors:
            same = ReturnRule.objects.filter(
                active=True, shop=data.get("shop"), country=data["country"], region=data["region"]
            )
            if same.exclude(pk=self.instance.pk).exists():
                raise ValidationError(_("There is a rule for this shop and place already: change that one."))
        return data


@admin.register(ReturnRule)
class ReturnRuleAdmin(SharedSettingsAdmin):
    """The narrowest rule counts: a shop's own before one for all, a region before a country."""

    form = ReturnRuleForm
    empty_note = _("None yet: goods go back to the warehouse they came from. Add where returns of a country go.")
    list_display = ("where_from", "shop_shown", "warehouse", "address_shown", "active", "updated_by")
    list_display_links = ("where_from",)
    list_filter = ("active",)
    list_select_related = ("shop", "warehouse__return_place")
    ordering = ("-id",)
    readonly_fields = ("address_link",)
    fieldsets = (
        (_("Goods of"), {"fields": ("shop", ("country", "region"), "active")}),
        (_("Go back to"), {"fields": ("warehouse", "address_link")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReturnRule]:
        return visible(request.user, super().get_queryset(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only shops and warehouses the person sees."""
        if db_field.name == "shop":
            kwargs["queryset"] = visible(request.user, Shop.objects.order_by("name"))
        elif db_field.name == "warehouse":
            kwargs["queryset"] = visible(request.user, Warehouse.objects.filter(active=True, read_only=False))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description=_("sent back from"))
    def where_from(self, row: ReturnRule) -> str:
        """Country and region."""
        return " · ".join(part for part in (row.country, row.region) if part) or _now("anywhere")

    @admin.display(description=_("shop"))
    def shop_shown(self, row: ReturnRule) -> str:
        """The shop, or all."""
        return row.shop.name if row.shop else _now("All shops")

    @admin.display(description=_("return address"))
    def address_shown(self, row: ReturnRule) -> str:
        """In one line, as it stands at the warehouse."""
        place = getattr(row.warehouse, "return_place", None)
        return place.in_one_line if place is not None else ""

    @admin.display(description=_("return address"))
    def address_link(self, row: ReturnRule) -> str:
        """The warehouse's address, and the way to where it is written."""
        place = getattr(row.warehouse, "return_place", None) if row.warehouse_id else None
        if place is None:
            query = f"?warehouse={row.warehouse_id}" if row.warehouse_id else ""
            text = _now("None yet: write it under “Places that take returns”.")
            return format_html('<a href="{}{}">{}</a>', reverse("admin:orders_returnplace_add"), query, text)
        url = reverse("admin:orders_returnplace_change", args=[place.pk])
        return format_html('<a href="{}">{}</a>', url, place.in_one_line or _now("None yet: write it here."))

    def save_model(self, request: HttpRequest, obj: ReturnRule, form: Any, change: bool) -> None:
        obj.updated_at, obj.updated_by = clock.now(), audit.current_actor().name[:150]
        super().save_model(request, obj, form, change)
        before = {name: str(form.initial.get(name)) for name in form.changed_data} if change else {}
        after = {name: str(form.cleaned_data.get(name)) for name in form.changed_data}
        audit.record(action="return_rule.change", target=obj, before=before, after=after)
