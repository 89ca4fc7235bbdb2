"""Settings of purchasing: how demand is counted, limits of orders, days that do not count."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from backoffice.adminkit import OneRowAdmin
from backoffice.roles import ROLES, role_label
from inventory.models import Warehouse
from orders.admin.supply import kit
from orders.models import PromotionDays, PurchaseLimit, PurchaseSetting


@admin.register(PurchaseSetting)
class PurchaseSettingAdmin(OneRowAdmin, kit.AuditedAdmin):
    """One row for the house."""

    fields = (
        ("scope", "warehouse"), ("service_level", "history_days", "review_days"), "tolerance",
        ("prefix", "next_number"),
    )  # fmt: skip

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
