"""The warehouses a form offers: those its user sees; a single one is chosen already, and none says what to do."""

from __future__ import annotations

from typing import cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.models import User
from inventory.access import visible
from inventory.models import Warehouse

NONE_YET = _("No warehouses yet: add one first.")


def offer(form: forms.Form, user: User, rows: QuerySet[Warehouse], *names: str) -> None:
    """Let the fields named choose among those rows that the user sees."""
    seen = visible(user, rows)
    found = list(seen.values_list("pk", flat=True)[:2])
    for name in names:
        field = cast(forms.ModelChoiceField, form.fields[name])
        field.queryset = seen
        if not found:
            field.empty_label = str(NONE_YET)
        elif len(found) == len(names) == 1:
            form.initial.setdefault(name, found[0])
