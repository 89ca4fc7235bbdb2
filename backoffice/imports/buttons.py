"""The buttons of a list that comes in and goes out by file."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from backoffice.imports import pages
from backoffice.imports.kinds import import_kind_of, kind_of


class ByFile:
    """Put before the model admin: name `file_kind`, and the two buttons in `actions_list`."""

    file_kind: ClassVar[str] = ""

    def has_import_file_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may bring the list in."""
        return import_kind_of(self.file_kind).may_import(request.user)

    def has_export_file_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may take the list out."""
        return kind_of(self.file_kind).may_see(request.user)

    @action(description=_("Import"), url_path="import-file", icon="upload", permissions=["import_file"])
    def import_file(self, request: HttpRequest) -> HttpResponse:
        """To the page that takes the file."""
        return HttpResponseRedirect(reverse("import_start", args=[self.file_kind]))

    @action(description=_("Export"), url_path="export-file", icon="download", permissions=["export_file"])
    def export_file(self, request: HttpRequest) -> HttpResponseBase:
        """The list as a workbook that comes in again."""
        return pages.export(request, kind=self.file_kind)
