"""Roles and rights in the reader's own words, for the forms of people and groups."""

from __future__ import annotations

from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.roles import role_label

# Django keeps the names of its four rights as English text in the database.
VERBS = {
    "view": _("Can view %(what)s"),
    "add": _("Can add %(what)s"),
    "change": _("Can change %(what)s"),
    "delete": _("Can delete %(what)s"),
}


def permission_label(permission: Permission) -> str:
    """Return `app | what it allows`; an app's own rights are named in its models, where they are marked as texts."""
    content = permission.content_type
    known = apps.app_configs.get(content.app_label)
    app = known.verbose_name if known else content.app_label
    verb = VERBS.get(permission.codename.partition("_")[0])
    model = content.model_class()
    if verb and model and permission.codename.partition("_")[2] == content.model:
        return f"{app} | {str(verb) % {'what': model._meta.verbose_name}}"
    return f"{app} | {gettext(permission.name)}"


class RoleFilter(admin.RelatedFieldListFilter):
    """The roles in words."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        return [(pk, role_label(str(name))) for pk, name in super().field_choices(field, request, model_admin)]


class RolesField(forms.ModelMultipleChoiceField):
    """The roles in words, to tick."""

    def label_from_instance(self, obj: Any) -> str:
        return role_label(obj.name)


class PermissionsField(forms.ModelMultipleChoiceField):
    """The single rights in words."""

    def label_from_instance(self, obj: Any) -> str:
        return permission_label(obj)
