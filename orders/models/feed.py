"""The place of each order in the feed of changes."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order


class OrderFeed(models.Model):
    """The newest number of an order in the feed, given after commit by one publisher (orders.feed)."""

    order = models.OneToOneField(Order, models.CASCADE, related_name="feed", primary_key=True)
    sequence = models.BigIntegerField(_("sequence"), unique=True)
    seen = models.DateTimeField(_("change seen"), db_index=True)  # the order's updated_at that this number stands for

    class Meta:
        verbose_name = _("order in the feed")
        verbose_name_plural = _("orders in the feed")

    def __str__(self) -> str:
        return f"{self.sequence}: {self.order_id}"
