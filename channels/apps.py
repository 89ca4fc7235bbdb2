"""The channels app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChannelsConfig(AppConfig):
    """Register what channels brings to the house."""

    name = "channels"
    verbose_name = _("Shops")
