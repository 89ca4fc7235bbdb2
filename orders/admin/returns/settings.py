"""Settings of returns: reasons, rules of the shops, places that take returns, limits of money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from backoffice import audit
from backoffice.adminkit import YikuModelAdmin
from backoffice.roles import ROLES, role_label
from inventory.access import visible
from inventory.models import Shop, Warehouse
from orders.models import RefundLimit, ReturnPlace, ReturnPolicy, ReturnReason

if TYPE_CHECKING:
    LimitForm = forms.ModelForm[RefundLimit]
else:
    LimitForm = forms.ModelForm


class AuditedAdmin(YikuModelAdmin):
    """What was changed, by whom, stands in the audit trail."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        after = {name: str(form.cleaned_data.get(name)) for name in form.changed_data}
        audit.record(action="return.setting", target=obj, request=request, summary=str(obj), after=after)


@admin.register(ReturnReason)
class ReturnReasonAdmin(AuditedAdmin):
    """The reasons a clerk chooses from; one that was used is no longer offered instead of deleted."""

    list_display = ("name", "name_en", "place", "active")
    list_filter = ("active",)
    fields = ("name", "name_en", "place", "active")
    ordering = ("place", "id")
    empty_note = _("No reasons yet: add what your buyers say.")


@admin.register(ReturnPolicy)
class ReturnPolicyAdmin(AuditedAdmin):
    """How each shop takes goods back; a shop without a row waits fourteen days and inspects nothing by itself."""

    list_display = ("shop", "inspect", "days")
    list_select_related = ("shop",)
    fields = ("shop", "inspect", "days")
    ordering = ("id",)
    empty_note = _("No shop has rules of its own: returns are awaited for fourteen days.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReturnPolicy]:
        return visible(request.user, super().get_queryset(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "shop":
            kwargs["queryset"] = visible(request.user, Shop.objects.order_by("code"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(ReturnPlace)
class ReturnPlaceAdmin(AuditedAdmin):
    """The address on the slip, and the shelf beside it for what is not sold."""

    list_display = ("warehouse", "takes_returns", "city", "country", "quarantine")
    list_select_related = ("warehouse", "quarantine")
    ordering = ("id",)
    fieldsets = (
        (None, {"fields": ("warehouse", "takes_returns", "quarantine")}),
        (
            _("Address for returns"),
            {"fields": (("recipient", "phone"), "line1", "line2", ("postcode", "city"), ("region", "country"), "note")},
        ),
    )
    empty_note = _("No addresses yet: without one the slip cannot say where to send the parcel.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReturnPlace]:
        return visible(request.user, super().get_queryset(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        own = visible(request.user, Warehouse.objects.order_by("code"))
        if db_field.name == "warehouse":
            kwargs["queryset"] = own.filter(read_only=False)
        if db_field.name == "quarantine":  # a shelf no shop sells from
            kwargs["queryset"] = own.filter(read_only=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class RefundLimitForm(LimitForm):
    """A role is chosen, never typed."""

    role = forms.ChoiceField(label=_("role"), choices=list(ROLES.items()), widget=UnfoldAdminSelectWidget)

    class Meta:
        model = RefundLimit
        fields = ["role", "amount"]


@admin.register(RefundLimit)
class RefundLimitAdmin(AuditedAdmin):
    """Up to how much a role gives back alone."""

    form = RefundLimitForm
    deletable = True
    list_display = ("role_shown", "amount")
    ordering = ("id",)
    fields = ("role", "amount")
    empty_note = _("No limits: everybody but owner, operations manager and bookkeeper needs approval for any amount.")

    @admin.display(description=_("role"))
    def role_shown(self, row: RefundLimit) -> str:
        """In words."""
        return role_label(row.role)
