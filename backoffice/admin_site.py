"""The site of the admin: unfold's, without the work that none of our pages shows."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite

from backoffice import site


class YikuAdminSite(UnfoldAdminSite):
    """The one site; apps register with `django.contrib.admin` as ever."""

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Return the list of all models when somebody looks at it: our sidebar (backoffice.site) stands in its place.

        Django makes it for every page, which took a sixth of the time of an order's page.
        """
        return SimpleLazyObject(lambda: super(YikuAdminSite, self).get_app_list(request, app_label))

    def get_sidebar_list(self, request: HttpRequest) -> Any:
        """Return our sections when the sidebar is drawn (unfold/helpers/app_list.html): a popup or a paper has none."""
        return SimpleLazyObject(lambda: site.navigation(request))


class YikuAdminConfig(AdminConfig):
    """Named in INSTALLED_APPS."""

    default = False
    default_site = "backoffice.admin_site.YikuAdminSite"
