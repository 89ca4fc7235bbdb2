"""Settings of purchasing: how demand is counted, limits of orders, days that do not count."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from backoffice.roles import ROLES, role_label
from inventory.models import Warehouse
from orders.admin.supply import kit
from orders.models import PromotionDays, PurchaseLimit, PurchaseSetting


@admin.register(PurchaseSetting)
class PurchaseSettingAdmin(kit.AuditedAdmin):
    """One row for the house."""

    list_display = ("__str__", "scope", "service_level", "history_days", "review_days", "tolerance")
    fields = (
        ("scope", "warehouse"), ("service_level", "history_days", "review_days"), "tolerance",
        ("prefix", "next_number"),
    )  # fmt: skip
    ordering = ("id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Straight to the one row."""
        if not self.has_view_or_change_permission(request):
            return super().changelist_view(request, extra_context)
        if request.GET:
            raise DisallowedModelAdminLookup("Nothing can be asked of one row.")
        return HttpResponseRedirect(reverse("admin:orders_purchasesetting_change", args=[1]))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> PurchaseSetting | None:
        """The row, or what holds while nobody has saved it: a look makes none."""
        found = super().get_object(request, object_id, from_field)
        return found or (PurchaseSetting(pk=1) if object_id == "1" else None)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "warehouse":
            kwargs["queryset"] = Warehouse.objects.filter(active=True, read_only=False)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(PurchaseLimit)
class PurchaseLimitAdmin(kit.AuditedAdmin):
    """Up to how much a role or one person orders alone."""

    deletable = True
    list_display = ("whose", "amount")
    list_select_related = ("person",)
    fields = ("role", "person", "amount")
    ordering = ("id",)
    empty_note = _("No limits: whoever may not approve waits for approval of any amount.")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A role is chosen, never typed."""
        if db_field.name == "role":
            choices = [("", "—"), *ROLES.items()]
            return forms.ChoiceField(
                label=db_field.verbose_name, choices=choices, required=False, widget=UnfoldAdminSelectWidget
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description=_("role or person"))
    def whose(self, row: PurchaseLimit) -> str:
        """In words."""
        return role_label(row.role) if row.role else str(row.person)


@admin.register(PromotionDays)
class PromotionDaysAdmin(kit.AuditedAdmin):
    """Days whose demand says nothing about usual days."""

    deletable = True
    list_display = ("name", "first", "last", "sku")
    list_select_related = ("sku",)
    autocomplete_fields = ("sku",)
    fields = ("name", ("first", "last"), "sku")
    ordering = ("-id",)
    empty_note = _("No promotion days. Mark those of a sale, so that its demand is not taken for the usual one.")
