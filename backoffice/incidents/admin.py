"""The incident desk in the admin."""

from __future__ import annotations

from django.contrib import admin

from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from backoffice.models import Incident


@admin.register(Incident)
class IncidentAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Every trouble, the most urgent first."""

    ordering = ("due_at", "id")
