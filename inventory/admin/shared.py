"""Settings of one shop or of all: one for all shops is read by everybody and changed by who sees all of them."""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.adminkit import YikuModelAdmin
from backoffice.models import User
from inventory.access import may_change, sight, visible
from inventory.models import Shop, Warehouse

FOR_ALL = _("Choose one of your shops: what is for all shops is set by who sees all of them.")


def sees_all_shops(request: HttpRequest) -> bool:
    """True when nothing of any shop is hidden from this person."""
    return sight(cast(User, request.user)).shops is None


class SharedSettingsAdmin(YikuModelAdmin):
    """The base of settings whose row may be for all shops: nobody changes one that reaches beyond what they see."""

    def reaches(self, request: HttpRequest, obj: Any) -> bool:
        """True when this person sees everything the row is for."""
        return may_change(cast(User, request.user), obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or self.reaches(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or self.reaches(request, obj))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        field = made.base_fields.get("shop")
        if field is not None and not sees_all_shops(request):
            field.required, field.error_messages = True, {**field.error_messages, "required": FOR_ALL}
        return made

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only shops and warehouses the person sees, whatever a form sends."""
        if db_field.related_model in (Shop, Warehouse) and "queryset" not in kwargs:
            kwargs["queryset"] = visible(cast(User, request.user), db_field.related_model.objects.all())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not self.reaches(request, obj):
            raise PermissionDenied
        super().save_model(request, obj, form, change)
