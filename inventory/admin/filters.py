"""Filters of the stock lists: only the places this person sees, and the questions people ask of stock."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.models import User
from inventory.access import visible
from inventory.levels import level
from inventory.models import Shop, Warehouse

Rows = QuerySet[Any]


class OwnFilter(admin.SimpleListFilter):
    """One of the rows that the person may see."""

    model: type[Model]
    path = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = visible(cast(User, request.user), self.model._default_manager.all())
        return [(str(row.pk), str(row)) for row in rows]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        value = self.value()
        return (
            queryset.filter(**{self.path: int(value)}) if value and value.isdecimal() and len(value) < 18 else queryset
        )


class WarehouseFilter(OwnFilter):
    """By warehouse."""

    title, parameter_name, model, path = _("warehouse"), "warehouse", Warehouse, "warehouse_id"


class ShopFilter(OwnFilter):
    """By shop."""

    title, parameter_name, model, path = _("shop"), "shop", Shop, "shop_id"


class LevelFilter(admin.SimpleListFilter):
    """How much is there."""

    title = _("stock")
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("low", _("Low stock")),
            ("out", _("Nothing free")),
            ("short", _("More wanted than there is")),
            ("some", _("On hand")),
        ]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        return level(queryset, self.value())


class CurrentFilter(admin.SimpleListFilter):
    """Rows that hold now, or those that held once."""

    title = _("validity")
    parameter_name = "valid"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("history", _("History")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Any:
        yield from (
            {**one, "display": _("In force")} if i == 0 else one for i, one in enumerate(super().choices(changelist))
        )

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        value = self.value()
        if value == "all":
            return queryset
        return queryset.filter(valid_to__isnull=value != "history")
