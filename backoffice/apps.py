"""The backoffice app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BackofficeConfig(AppConfig):
    """Register what backoffice brings to the house."""

    name = "backoffice"
    verbose_name = _("The ground")
