"""Which shops send together, and how own orders and quotes are numbered."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.adminkit import YikuModelAdmin
from inventory.access import sight, visible
from inventory.admin.shared import SharedSettingsAdmin
from inventory.models import Shop
from orders.models import MergeCircle, NumberRange


@admin.register(MergeCircle)
class MergeCircleAdmin(SharedSettingsAdmin):
    """Circles of shops whose orders may go in one parcel."""

    empty_note = _(
        "Orders of one shop can always be sent together. Name shops here whose orders may share a parcel too."
    )
    list_display = ("name", "shops_shown", "active", "updated_at", "updated_by")
    fields = ("name", "shops", "active")
    autocomplete_fields = ("shops",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MergeCircle]:
        return super().get_queryset(request).prefetch_related("shops")

    def reaches(self, request: HttpRequest, obj: MergeCircle) -> bool:
        """Whoever sees some shops only changes circles of those shops alone."""
        seen = sight(request.user).shops
        return seen is None or obj.pk is None or set(obj.shops.values_list("pk", flat=True)) <= seen

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only shops the person sees."""
        if db_field.name == "shops":
            kwargs["queryset"] = visible(request.user, Shop.objects.all())
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description=_("shops"))
    def shops_shown(self, row: MergeCircle) -> str:
        """By name."""
        return ", ".join(shop.name for shop in row.shops.all())

    def save_model(self, request: HttpRequest, obj: MergeCircle, form: Any, change: bool) -> None:
        obj.updated_at, obj.updated_by = clock.now(), request.user.get_username()
        super().save_model(request, obj, form, change)
        shops = sorted(shop.code for shop in form.cleaned_data.get("shops", ()))
        audit.record(action="merge_circle.change", target=obj, after={"shops": shops, "active": obj.active})


@admin.register(NumberRange)
class NumberRangeAdmin(YikuModelAdmin):
    """A range begins by itself with the first order or quote; here it is given another form."""

    empty_note = _(
        "The first order or quote of a shop begins its numbers by itself; here they can be begun differently."
    )
    list_display = ("shown", "shop", "of", "digits")
    list_filter = ("of",)
    list_select_related = ("shop",)
    fields = ("shop", "of", "prefix", "next", "digits")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[NumberRange]:
        return visible(request.user, super().get_queryset(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("shop", "of") if obj is not None else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only shops the person sees."""
        if db_field.name == "shop":
            kwargs["queryset"] = visible(request.user, Shop.objects.all())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description=_("next number"))
    def shown(self, row: NumberRange) -> str:
        """As it will be given."""
        return str(row)

    def save_model(self, request: HttpRequest, obj: NumberRange, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit.record(action="number_range.change", target=obj, after={"prefix": obj.prefix, "next": obj.next})
